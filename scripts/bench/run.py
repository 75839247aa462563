"""Measure everything, print one table, and write it to ``docs/benchmarks.md``.

    python scripts/bench/run.py [--quick] [--only NAME ...]

Every bench runs in a process of its own and is ended when its time is over. ``--quick`` is a smoke
run with small numbers: it writes nothing. ``--only`` measures some benches and leaves the others'
sections of the document as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rich.console import Console
from rich.table import Table

from scripts.bench.measuring import ROOT, Row, absent, markdown

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PACKAGES = (
    "py-evm",
    "web3",
    "SQLAlchemy",
    "msgspec",
    "coincurve",
    "fastapi",
    "duckdb",
    "datafusion",
    "pyarrow",
)
HEAD = """# Benchmarks

Written by `make bench`; the budgets are promises of the design, the figures are what one run on the
machine below gave. `missed` says so where a budget was not met. They are no timed tests: a busy machine
gives other figures, and ratios between two rows say more than either.
"""


@dataclass(frozen=True)
class Bench:
    """A bench: its file in ``scripts/bench``, its heading, the seconds it may take."""

    name: str
    title: str
    seconds: int


BENCHES = (
    Bench("gas", "Gas a statement", 120),
    Bench("embedded_chain", "The embedded chain", 150),
    Bench("outbox", "From signed to verified", 150),
    Bench("indexing", "Indexing and verifying 200,000 statements from anvil", 480),
    Bench("merkle", "Tree, canonical JSON, proof files", 120),
    Bench("http_latency", "Proofs at a million leaves", 240),
    Bench("catalogue_import", "Import of seven real catalogues", 420),
    Bench("quality", "Quality rules", 900),
    Bench("records", "Records: commit, prove, compare", 900),
    Bench("lineage_ingest", "Lineage events over HTTP", 420),
    Bench("startup", "Starting", 180),
)


def measure(bench: Bench, *, quick: bool) -> list[Row]:
    """The rows of a bench; where it fails or takes too long, one row that says so."""
    command = [sys.executable, str(Path(__file__).parent / f"{bench.name}.py"), "--json"]
    try:
        done = subprocess.run(
            command + ["--quick"] * quick,
            stdout=subprocess.PIPE,
            timeout=bench.seconds,
            check=False,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    except subprocess.TimeoutExpired:
        return [absent(bench.title, f"it took more than {bench.seconds} s")]
    if done.returncode:
        return [absent(bench.title, f"the bench ended with exit code {done.returncode}")]
    return [Row(**row) for row in json.loads(done.stdout)]


def machine() -> str:
    """The machine and the versions that the figures belong to, as a Markdown list."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text("utf-8"), re.MULTILINE)
        cpu = models[0] if models else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    moment, load = datetime.now(UTC), os.getloadavg()[0]
    system = f"{platform.system()} {platform.release()}"
    lines = [
        f"- measured: {moment:%Y-%m-%d %H:%M} UTC; load before: {load:.1f}",
        f"- machine: {os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {system}",
        f"- Python {platform.python_version()}, {versions}",
        f"- anvil: {anvil_version()}",
    ]
    return "\n".join(lines)


def anvil_version() -> str:
    """What the anvil of npm says of itself."""
    from tests.chain_nodes import anvil_binary  # noqa: PLC0415 - pytest comes with it

    found = anvil_binary()
    if found is None:
        return "not installed"
    said = subprocess.run([str(found), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()[0].removeprefix("anvil ").removeprefix("Version: ")


def show(results: dict[str, list[Row]]) -> None:
    """One table for the terminal."""
    table = Table(title="GovLedger benchmarks")
    for column in ("what", "measured", "budget", "", "conditions"):
        table.add_column(column, justify="right" if column in ("measured", "budget") else "left")
    for bench in BENCHES:
        if bench.name in results:
            table.add_section()
            table.add_row(f"[bold]{bench.title}")
            for row in results[bench.name]:
                colour = {"missed": "red", "met": "green"}.get(row.verdict, "none")
                verdict = f"[{colour}]{row.verdict}"
                table.add_row(f"  {row.what}", row.figure, row.budget, verdict, row.note)
    Console().print(table)


def write(results: dict[str, list[Row]], conditions: str) -> None:
    """The document, with sections kept that were not measured this time."""
    kept = sections(DOCUMENT.read_text("utf-8")) if DOCUMENT.exists() else {}
    parts = [HEAD]
    for bench in BENCHES:
        if bench.name in results:
            parts.append(f"## {bench.title}\n\n{conditions}\n\n{markdown(results[bench.name])}\n")
        elif bench.title in kept:
            parts.append(f"## {bench.title}\n{kept[bench.title]}")
    DOCUMENT.write_text("\n".join(parts), "utf-8")


def sections(text: str) -> dict[str, str]:
    """Heading -> what stands below it, of a document that :func:`write` wrote."""
    found = re.split(r"^## (.+)$\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def main() -> int:
    """Measure, print, write; exit code 1 where a bench failed."""
    parser = argparse.ArgumentParser(description="Measure everything.")
    parser.add_argument("--quick", action="store_true", help="a smoke run; nothing is written")
    parser.add_argument("--only", nargs="+", choices=[bench.name for bench in BENCHES])
    given = parser.parse_args()
    results: dict[str, list[Row]] = {}
    started, conditions = time.monotonic(), machine()
    for bench in BENCHES:
        if given.only is None or bench.name in given.only:
            print(f"{bench.title} …", file=sys.stderr, flush=True)
            results[bench.name] = measure(bench, quick=given.quick)
    show(results)
    print(f"measured in {time.monotonic() - started:.0f} s", file=sys.stderr)
    if not given.quick:
        write(results, conditions)
    return int(any("the bench ended" in row.note for rows in results.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
