"""``python -m tests.faults SEED …``: run seeds of the fault simulator and tell what happened in each.

``python -m tests.faults --from A --count N`` runs many and lists those that fail.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.faults.simulation.run import Failed, Run, play, workshop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, help="seeds to tell in detail")
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    given = parser.parse_args()
    failed = []
    with workshop() as place:
        for seed in given.seeds:
            run = Run(place, seed, told=True)
            problem = None
            try:
                play(run)
            except Failed as found:
                problem = found
                failed.append(seed)
            print(f"seed {seed}", *run.machine.trace, sep="\n")  # noqa: T201
            print(problem or "  all as it must be")  # noqa: T201
        begun = time.perf_counter()
        for seed in range(given.first, given.first + given.count):
            try:
                play(Run(place, seed))
            except Failed as found:
                failed.append(seed)
                print(found, flush=True)  # noqa: T201
        if given.count:
            print(f"{given.count} seeds, {time.perf_counter() - begun:.1f} s, failed: {failed}")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
