"""``python -m tests.faults SEED …``: run seeds of the fault simulator and tell what happened in each.

``python -m tests.faults --from A --count N`` runs many, lists those that fail, and counts the runs that met each kind
of fault. ``--long`` plays longer runs, as the regressions were.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.faults.simulation.kinds import KINDS, kinds_in
from tests.faults.simulation.run import LONG, SHORT, Failed, Run, play, workshop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help="seeds to tell in detail")
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--long", action="store_true", help="longer runs: 9 steps on average")
    given = parser.parse_args()
    pace = LONG if given.long else SHORT
    failed = []
    met: Counter[str] = Counter()
    with workshop() as place:
        for seed in given.seeds:
            run = Run(place, seed, told=True, pace=pace)
            problem = None
            try:
                play(run)
            except Failed as found:
                problem = found
                failed.append(seed)
            print(f"seed {seed}", *run.machine.trace, sep="\n")  # noqa: T201
            print(problem or "  all as it must be")  # noqa: T201
        begun, worked = time.perf_counter(), time.process_time()
        for seed in range(given.first, given.first + given.count):
            run = Run(place, seed, pace=pace)
            try:
                play(run)
            except Failed as found:
                failed.append(seed)
                print(found, flush=True)  # noqa: T201
            met.update(kinds_in(run.machine.trace))
        if given.count:
            spent, work = time.perf_counter() - begun, time.process_time() - worked
            took = f"{spent:.1f} s, {work:.1f} s of a processor"
            print(f"{given.count} seeds, {took}, failed: {failed}")  # noqa: T201
            print("met in", ", ".join(f"{met[kind]} {kind}" for kind in KINDS))  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
