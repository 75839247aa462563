"""Rows of a CSV or XLSX file (表格读取), one at a time, as text, with the line they stand in.

CSV: UTF-8 (with or without byte order mark), UTF-16 with one, else GB 18030, which covers GBK; the
whole file must decode. XLSX: values of one sheet, dates as ISO 8601, whole numbers without a point.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
_BLOCK = 1 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What reading a damaged XLSX file raises: it is an archive of XML documents that name one another."""


class TableError(ValueError):
    """A file that cannot be read as a table; the text says where and what to do."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its line in the file (the first of several), and its cells by the header's names.

    ``surplus`` counts cells that have no header; a row that is short has empty cells.
    """

    line: int
    cells: dict[str, str]
    surplus: int = 0


def read_rows(path: Path, *, sheet: str | None = None) -> Iterator[TableRow]:
    """The rows of a file below its header line; rows that are wholly empty are left out.

    Raises :class:`TableError` for a file that is missing, too large, of another kind, not text, or
    without a usable header.
    """
    if not path.is_file():
        raise TableError(f"there is no file {path}")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise TableError(f"{path.name} has {size} bytes, at most {MAX_FILE_BYTES} are read")
    kind = path.suffix.lower()
    if kind == ".csv":
        lines = _csv_lines(path)
    elif kind == ".xlsx":
        lines = _xlsx_lines(path, sheet)
    else:
        raise TableError(f"{path.name}: only .csv and .xlsx are read; save it as one of them")
    return _rows(path.name, lines)


def _rows(name: str, lines: Iterator[tuple[int, list[str]]]) -> Iterator[TableRow]:
    first = next(lines, None)
    if first is None:
        raise TableError(f"{name} is empty")
    header = _header(name, first[1])
    count = 0
    for line, cells in lines:
        if not any(cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise TableError(f"{name} has more than {MAX_ROWS} rows; split it")
        surplus = sum(1 for cell in cells[len(header) :] if cell)
        padded = cells + [""] * (len(header) - len(cells))
        yield TableRow(line, dict(zip(header, padded, strict=False)), surplus)


def _header(name: str, cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise TableError(f"{name}: the first line is empty; it must name the columns")
    if len(header) > MAX_COLUMNS:
        raise TableError(f"{name} has {len(header)} columns, at most {MAX_COLUMNS} are read")
    for place, column in enumerate(header):
        if column in header[:place]:
            raise TableError(f"{name}: two columns are called {column!r}; rename one")
    return header


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        try:
            for cells in reader:
                yield line, [cell.strip() for cell in cells]
                line = reader.line_num + 1
        except csv.Error as error:
            raise TableError(f"{path.name}, line {line}: {error}; check the quotes") from error


def detect_encoding(path: Path) -> str:
    """How a text file is encoded: ``utf-8-sig``, ``utf-16`` or ``gb18030``; reads all of it.

    Raises :class:`TableError` where it is none of them.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        if _decodes(path, encoding):
            return encoding
    raise TableError(f"{path.name} is neither UTF-8 nor GBK text; save it as CSV UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _xlsx_lines(path: Path, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    import openpyxl  # noqa: PLC0415 - a fifth of a second, for this kind of file only
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    damage = (InvalidFileException, *_DAMAGE)
    _check_archive(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except damage as error:
        raise _unreadable(path, error) from error
    try:
        rows = _sheet(path, book, sheet).iter_rows(values_only=True, max_col=MAX_COLUMNS + 1)
        for line, cells in enumerate(rows, start=1):
            texts = [_cell_text(cell) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            yield line, texts
    except TableError:
        raise
    except damage as error:
        raise _unreadable(path, error) from error
    finally:
        book.close()


def _sheet(path: Path, book: Workbook, name: str | None) -> Worksheet:
    if name is None:
        return book.worksheets[0]
    if name not in book.sheetnames:
        raise TableError(f"{path.name} has no sheet {name!r}: {', '.join(book.sheetnames)}")
    return book[name]


def _unreadable(path: Path, error: Exception) -> TableError:
    return TableError(
        f"{path.name} is not a readable XLSX file ({error}); open it in a spreadsheet program and "
        "save it again"
    )


def _check_archive(path: Path) -> None:
    """Refuse an archive that would unpack to more than the memory we are willing to spend."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise _unreadable(path, error) from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise TableError(
            f"{path.name} unpacks to {unpacked} bytes, at most {MAX_UNPACKED_BYTES} are read"
        )


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    return str(value).strip()
