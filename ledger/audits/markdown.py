"""A report as Markdown (文本报告): overview, metrics, organisations, gaps, findings, clocks, exemptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.audits.audit import Audit
from ledger.audits.sections import Cell, Section, Sections


def markdown(audit: Audit, language: str) -> Iterator[str]:
    """The report line by line, each with its line end. The lists of single metrics stand in the other formats."""
    told = Sections(audit, language)
    yield f"# {told.title}\n"
    parts = (
        told.overview(),
        told.metrics(),
        told.organisations(),
        told.gaps(),
        told.findings(),
        told.clocks(),
        told.exemptions(),
    )
    for part in parts:
        yield from _section(part, told.say("无", "none"))


def _section(part: Section, none: str) -> Iterator[str]:
    yield f"\n## {part.title}\n\n"
    empty = True
    for row in part.rows:
        if empty:
            yield _line(part.columns)
            yield "|" + "---|" * len(part.columns) + "\n"
            empty = False
        yield _line(row)
    if empty:
        yield f"{none}\n"


def _line(cells: Sequence[Cell]) -> str:
    shown = ("" if cell is None else str(cell) for cell in cells)
    return "| " + " | ".join(text.replace("|", "\\|").replace("\n", " ") for text in shown) + " |\n"
