"""``docs/benchmarks.json``, in which measurements are kept, and ``docs/benchmarks.md``, which is made of it alone.

The file is ``{"format", "parts": {name: part}}``. A part is what one bench measured in one run: ``title``, ``moment``,
``machine``, ``versions``, ``load`` (of the machine, before), ``peak`` (MiB of the bench's largest process), ``short``
(a run of reduced size), and ``rows`` as :class:`~scripts.bench.measuring.Row` has them. Figures are written by
runs; sentences that explain them stand in :mod:`scripts.bench.benches`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from scripts.bench.benches import BENCHES, FOREWORD, Bench
from scripts.bench.measuring import ROOT, Row, markdown

KEPT = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"
FORMAT = "govledger-benchmarks/1"
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


@dataclass(frozen=True)
class Part:
    """What one bench measured in one run, and on what."""

    title: str
    moment: str
    machine: str
    versions: str
    load: float | None
    peak: float | None
    short: bool
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, told: Mapping[str, object]) -> Part:
        """A part as :func:`write` wrote it; raises :class:`TypeError` for another shape."""
        rows = tuple(Row(**row) for row in told["rows"])  # type: ignore[attr-defined]
        return cls(**{**told, "rows": rows})  # type: ignore[arg-type]


def measured(bench: Bench, rows: Sequence[Row], load: float, *, short: bool) -> Part:
    """What ``bench`` gave on this machine just now; ``load`` is the machine's before it began."""
    peaks = [row.peak for row in rows if row.peak is not None]
    return Part(
        title=bench.title,
        moment=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        machine=machine(),
        versions=versions(),
        load=round(load, 1),
        peak=max(peaks, default=None),
        short=short,
        rows=tuple(rows),
    )


def kept(place: Path = KEPT) -> dict[str, Part]:
    """The parts of the file, none where there is no file yet."""
    if not place.exists():
        return {}
    told = json.loads(place.read_text("utf-8"))
    if told.get("format") != FORMAT:
        raise ValueError(f"{place} is not in the format {FORMAT}")
    return {name: Part.read(part) for name, part in told["parts"].items()}


def write(parts: Mapping[str, Part], place: Path = KEPT, page: Path = PAGE) -> None:
    """Put ``parts`` in the place of the same ones before, leave all others, and render the page."""
    merged = in_order({**kept(place), **parts})
    told = {"format": FORMAT, "parts": {name: asdict(part) for name, part in merged.items()}}
    place.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")
    page.write_text(render(merged), "utf-8")


def in_order(parts: Mapping[str, Part]) -> dict[str, Part]:
    """Parts in the order of the list of benches, those that are in no list at the end."""
    names = [bench.name for bench in BENCHES if bench.name in parts]
    return {name: parts[name] for name in [*names, *sorted(set(parts) - set(names))]}


def render(parts: Mapping[str, Part]) -> str:
    """The page that these parts make: a table of budgets that were missed, then every part."""
    about = {bench.name: bench.about for bench in BENCHES}
    written = [FOREWORD, _verdicts(parts.values())]
    for name, part in parts.items():
        words = about.get(name, "")
        written.append(f"## {part.title}\n")
        written += [f"{words}\n"] if words else []
        written += [f"{_conditions(part)}\n", f"{markdown(part.rows)}\n"]
    return "\n".join(written)


def _verdicts(parts: Iterable[Part]) -> str:
    rows = [(part, row) for part in parts for row in part.rows if row.verdict]
    missed = [(part, row) for part, row in rows if row.verdict == "missed"]
    lines = [f"Of {len(rows)} budgets {len(rows) - len(missed)} were met.", ""]
    if missed:
        lines += ["| missed | measured | budget |", "|---|---:|---:|"]
        lines += [
            f"| {part.title}: {row.what} | {row.figure} | {row.budget} |" for part, row in missed
        ]
        lines.append("")
    return "\n".join(lines)


def _conditions(part: Part) -> str:
    told = [f"- measured {part.moment}"]
    if part.short:
        told[0] += ", a short run of reduced size"
    if part.load is not None:
        told[0] += f"; load of the machine before: {part.load:.1f}"
    if part.peak is not None:
        told[0] += f"; largest process: {part.peak:,.0f} MiB"
    return "\n".join([*told, f"- {part.machine}", f"- {part.versions}"])


def machine() -> str:
    """Cores, processor, memory and system of this machine."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = re.findall(r"^model name\s*:\s*(.+)$", cpuinfo.read_text("utf-8"), re.MULTILINE)
        cpu = models[0] if models else cpu
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GiB, {system}"


def versions() -> str:
    """What the figures were measured with."""
    found = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {found}; anvil {anvil_version()}"


def anvil_version() -> str:
    """What the anvil of npm says of itself."""
    from tests.chain_nodes import anvil_binary  # noqa: PLC0415 - pytest comes with it

    found = anvil_binary()
    if found is None:
        return "not installed"
    said = subprocess.run([str(found), "--version"], capture_output=True, text=True, check=True)
    first = said.stdout.splitlines()[0].removeprefix("anvil ").removeprefix("Version: ")
    return first.partition("-")[0]
