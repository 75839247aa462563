"""Measure everything, print one table, and keep it.

    python scripts/bench/run.py [PART ...] [--write] [--quick]

``--write`` puts what was measured into ``docs/benchmarks.json`` and renders ``docs/benchmarks.md`` from it; parts that
were not measured this time stay as they were. ``--quick`` is everything at reduced size, in ten minutes; the page
says so, and of benches that are then too small to say anything it keeps what it had. Every bench runs in a process
of its own and is ended when its time is over; one that fails replaces nothing. ``--render`` only renders the page
from what is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from scripts.bench import page
from scripts.bench.benches import BENCHES, QUICK, Bench
from scripts.bench.measuring import ROOT, Row


class BenchError(Exception):
    """A bench that gave nothing; the text says why."""


def measure(bench: Bench, *, quick: bool) -> page.Part:
    """What a bench gives; raises :class:`BenchError` where it fails or takes too long."""
    command = [sys.executable, str(Path(__file__).parent / f"{bench.name}.py"), "--json"]
    load = os.getloadavg()[0]
    try:
        done = subprocess.run(
            [*command, *(bench.short if quick else ())],
            stdout=subprocess.PIPE,
            timeout=bench.seconds,
            check=False,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{bench.name} took more than {bench.seconds} s") from error
    if done.returncode:
        raise BenchError(f"{bench.name} ended with exit code {done.returncode}")
    rows = [Row(**row) for row in json.loads(done.stdout)]
    return page.measured(bench, rows, load, short=quick and bool(bench.short))


def show(parts: dict[str, page.Part]) -> None:
    """One table for the terminal."""
    table = Table(title="GovLedger benchmarks")
    for column in ("what", "measured", "budget", "", "load", "conditions"):
        table.add_column(column, justify="right" if column in ("measured", "budget") else "left")
    for part in parts.values():
        table.add_section()
        table.add_row(f"[bold]{part.title}")
        for row in part.rows:
            colour = {"missed": "red", "met": "green"}.get(row.verdict, "none")
            load = "" if row.load is None else f"{row.load:.1f}"
            verdict = f"[{colour}]{row.verdict}"
            table.add_row(f"  {row.what}", row.figure, row.budget, verdict, load, row.note)
    Console().print(table)


def main() -> int:
    """Measure, print, keep; exit code 1 where a bench failed."""
    parser = argparse.ArgumentParser(description="Measure everything, or some parts.")
    names = [bench.name for bench in BENCHES]
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="reduced size: ten minutes in all")
    parser.add_argument("--write", action="store_true", help="keep what was measured")
    parser.add_argument("--render", action="store_true", help="render the page, measure nothing")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(names):
        parser.error(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    if given.render:
        page.write({})
        return 0
    parts: dict[str, page.Part] = {}
    failed = []
    started = time.monotonic()
    for bench in BENCHES:
        if not given.parts or bench.name in given.parts:
            print(f"{bench.title} …", file=sys.stderr, flush=True)
            try:
                parts[bench.name] = measure(bench, quick=given.quick)
            except BenchError as error:
                failed.append(str(error))
            else:
                if given.write and given.quick and bench.short == QUICK:
                    print("  (too small to be kept)", file=sys.stderr, flush=True)
                elif given.write:
                    page.write({bench.name: parts[bench.name]})
    show(parts)
    print(f"measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
    for problem in failed:
        print(f"not measured: {problem}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
