"""A report as a workbook for officials (XLSX): overview, organisations, a sheet for each metric, gaps, findings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.audits.audit import Audit
from ledger.audits.metrics import METRICS
from ledger.audits.sections import Cell, Section, Sections

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell as BookCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

MAX_ROWS = 1_048_576
"""Rows of a sheet, by the file format."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDEST = 60
_TITLE = 28
"""Most characters of a sheet's name, a number behind it aside."""


def write_workbook(audit: Audit, place: Path, language: str) -> None:
    """Write the report to ``place``, rows as they come; a list that a sheet cannot hold goes on in another."""
    from openpyxl import Workbook  # noqa: PLC0415 - it takes long to import

    told = Sections(audit, language)
    book = Workbook(write_only=True)
    parts = [told.overview(), told.metrics(), told.organisations()]
    parts += [told.metric(metric) for metric in METRICS]
    parts += [told.gaps(), told.findings(), told.clocks(), told.exemptions()]
    for part in parts:
        _write(book, part)
    book.save(place)


def _write(book: Workbook, part: Section) -> None:
    number, used = 1, 1
    sheet = _begin(book, part, number)
    for row in part.rows:
        if used == MAX_ROWS:
            number, used = number + 1, 1
            sheet = _begin(book, part, number)
        sheet.append([_cell(sheet, value) for value in row])
        used += 1


def _begin(book: Workbook, part: Section, number: int) -> WriteOnlyWorksheet:
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    sheet: Any = book.create_sheet(part.title[:_TITLE] + (f" {number}" if number > 1 else ""))
    sheet.freeze_panes = "A2"
    head = []
    for place, name in enumerate(part.columns, 1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = min(_WIDEST, 14 + 2 * len(name))
        cell = _text(sheet, name)
        cell.font = Font(bold=True)
        head.append(cell)
    sheet.append(head)
    begun: WriteOnlyWorksheet = sheet
    return begun


def _cell(sheet: WriteOnlyWorksheet, value: Cell) -> Cell | BookCell:
    return _text(sheet, value) if isinstance(value, str) else value


def _text(sheet: WriteOnlyWorksheet, value: str) -> BookCell:
    """Text as text: what begins with ``=`` is no formula; control characters have no place in the format."""
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    cell: BookCell = WriteOnlyCell(sheet, value=_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value))
    cell.data_type = "s"
    return cell
