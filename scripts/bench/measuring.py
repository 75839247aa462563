"""What every measurement here is given as: rows of one table, with the budget beside the figure.

A bench is a module with ``TITLE`` and ``rows(quick) -> list[Row]`` that ends in ``bench_main(TITLE, rows)``: run by
itself it prints its table, and with ``--json`` what ``run.py`` reads. ``run.py`` runs those of
:mod:`scripts.bench.benches`, each in a process of its own. Rows are made by :func:`at_least`, :func:`at_most` (a
budget of 0: none is set), :func:`plain` and :func:`absent`, when the figure is there: each notes the machine's load.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
Verdict = Literal["met", "missed", ""]


class NotHereError(Exception):
    """Something that the measurement needs is not on this machine; the text says what."""


@dataclass(frozen=True)
class Row:
    """One line: what was measured, the figure as a person reads it, and the budget if one is set.

    ``value`` and ``unit`` are the same figure as a number, None where it is more than one. ``load`` is the machine's
    load average of the last minute when the row was made, ``peak`` the memory of the process that was measured, in MiB
    at its largest. ``note`` says under which conditions; for what could not be measured ``figure`` is "–" and
    the note says why.
    """

    what: str
    figure: str
    budget: str = ""
    verdict: Verdict = ""
    note: str = ""
    value: float | None = None
    unit: str = ""
    load: float | None = None
    peak: float | None = None


def _row(
    what: str, figure: str, note: str, *, peak: float | None, value: float | None, unit: str
) -> Row:
    load = round(os.getloadavg()[0], 1)
    whole = None if peak is None else round(peak, 1)
    return Row(what, figure, note=note, value=value, unit=unit, load=load, peak=whole)


def plain(what: str, figure: str, note: str = "", *, peak: float | None = None) -> Row:
    """A figure without a budget, as text."""
    return _row(what, figure, note, peak=peak, value=None, unit="")


def at_least(
    what: str,
    value: float,
    unit: str,
    budget: float = 0,
    note: str = "",
    *,
    peak: float | None = None,
) -> Row:
    """A rate, which must not be below ``budget`` (0: none is set); ``peak`` in MiB."""
    row = _row(what, f"{number(value)} {unit}", note, peak=peak, value=value, unit=unit)
    if not budget:
        return row
    return replace(row, budget=f"≥ {budget:,g}", verdict="met" if value >= budget else "missed")


def at_most(
    what: str,
    value: float,
    unit: str,
    budget: float = 0,
    note: str = "",
    *,
    peak: float | None = None,
) -> Row:
    """A cost or a time, which must not be above ``budget`` (0: none is set); ``peak`` in MiB."""
    row = _row(what, f"{number(value)} {unit}", note, peak=peak, value=value, unit=unit)
    if not budget:
        return row
    return replace(row, budget=f"≤ {budget:,g}", verdict="met" if value <= budget else "missed")


def absent(what: str, why: str) -> Row:
    """What could not be measured here."""
    return Row(what, "–", note=f"not measured: {why}")


def number(value: float) -> str:
    """Three significant digits, and thousands set apart."""
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004


def timed(act: Callable[[], object]) -> float:
    """Seconds that ``act`` takes by the clock on the wall."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def fastest_of(times: Sequence[float]) -> str:
    """How long several runs took, of which the fastest counts: a machine's other tenants slow it down by the minute."""
    return f"the fastest of {', '.join(number(each) for each in times)} s"


def percentile(times: Sequence[float], per_cent: int) -> float:
    """The time below which ``per_cent`` of the others lie."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)]


def real_data() -> Path:
    """The real inputs beside the repository; raises :class:`NotHereError`."""
    place = Path(os.environ.get("GOVLEDGER_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not place.is_dir():
        raise NotHereError(f"real inputs are not at {place} (set GOVLEDGER_TEST_DATA)")
    return place


def tell(text: str) -> None:
    """Progress, for whoever waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def markdown(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table; load and peak memory have columns only where a row tells them."""
    found = list(rows)
    loads, peaks = any(row.load is not None for row in found), any(row.peak for row in found)
    head = ["what", "measured", "budget", "", *["load"] * loads, *["peak"] * peaks, "conditions"]
    lines = ["| " + " | ".join(head) + " |"]
    rulers = {"measured": "---:", "budget": "---:", "load": "---:", "peak": "---:"}
    lines.append("|" + "|".join(rulers.get(name, "---") for name in head) + "|")
    for row in found:
        cells = [row.what, row.figure, row.budget, row.verdict]
        cells += ["" if row.load is None else f"{row.load:.1f}"] * loads
        cells += ["" if row.peak is None else f"{row.peak:,.0f} MiB"] * peaks
        cells.append(row.note)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def bench_main(
    title: str,
    rows: Callable[[bool], list[Row]],
    short: Callable[[], list[Row]] | None = None,
) -> None:
    """The command line of one bench: ``--quick`` to see that it runs, ``--json`` for ``run.py``, and ``--short`` for
    a run of a minute or two where the bench has one: its figures are judged.
    """
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument(
        "--quick", action="store_true", help="see that it runs; its figures are not judged"
    )
    if short is not None:
        parser.add_argument("--short", action="store_true", help="a run of a minute or two")
    parser.add_argument("--json", action="store_true", help="rows as JSON on standard output")
    given = parser.parse_args()
    try:
        found = short() if short is not None and given.short else rows(given.quick)
    except NotHereError as problem:
        found = [absent(title, str(problem))]
    if given.quick:
        found = [replace(row, budget="", verdict="") for row in found]
    if given.json:
        print(json.dumps([asdict(row) for row in found], ensure_ascii=False))
    else:
        print(markdown(found))
