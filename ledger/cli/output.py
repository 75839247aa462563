"""What a person or a machine reads: tables, JSON, errors, progress; and the exit codes.

Chinese and English stand side by side where a line is read by both; ``--json`` writes one JSON document to
standard output, UTF-8, and everything else goes to standard error.
"""

from __future__ import annotations

import enum
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


KIB = 1024


class Exit(enum.IntEnum):
    """Exit codes of ``govledger``."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    NOT_PROVEN = 5
    UNAVAILABLE = 6


class Problem(Exception):
    """A refusal for the person at the keyboard: what is wrong, and what to do about it."""

    def __init__(self, what: str, hint: str = "", code: Exit = Exit.REFUSED) -> None:
        super().__init__(what)
        self.hint = hint
        self.code = code


def counted(count: int, one: str) -> str:
    """A count with its English noun, which is given for one: ``1 entry``, ``2 entries``, ``0 deputy keys``."""
    if count == 1:
        return f"1 {one}"
    if one.endswith("y") and one[-2] not in "aeiou":
        return f"{count} {one[:-1]}ies"
    return f"{count} {one}{'es' if one.endswith('ch') else 's'}"


def in_bytes(size: int) -> str:
    """A size for people: ``812 bytes``, ``47.6 MiB``."""
    if size < KIB:
        return say(f"{size} 字节", counted(size, "byte"))
    power = min(4, (size.bit_length() - 1) // 10)
    return f"{size / KIB**power:.1f} {' KMGT'[power]}iB"


def language() -> str:
    """``zh`` or ``en``: ``GOVLEDGER_LANGUAGE`` first, then the locale."""
    told = (
        os.environ.get("GOVLEDGER_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG")
    )
    return "zh" if (told or "").lower().startswith("zh") else "en"


def say(zh: str, en: str) -> str:
    """The text in the reader's language."""
    return zh if language() == "zh" else en


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    raise TypeError(f"no JSON form for {type(value).__name__}")


def as_json(value: object, indent: int | None = 2) -> str:
    """``value`` as JSON text: bytes as 0x-hex, Chinese as itself, keys in the order given."""
    return json.dumps(
        msgspec.to_builtins(value, builtin_types=(bytes,), enc_hook=_plain),
        ensure_ascii=False,
        indent=indent,
        default=_plain,
    )


def print_json(value: object) -> None:
    sys.stdout.write(as_json(value) + "\n")


def write_whole(place: Path, parts: Iterable[bytes]) -> int:
    """Write a file whole or not at all; returns how many parts. What stood there stays on any error.

    Raises :class:`OSError` that names ``place``.
    """
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    written = 0
    try:
        try:
            with draft.open("wb") as stream:
                for part in parts:
                    stream.write(part)
                    written += 1
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(place)) from error
    return written


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[str] = (),
    fold: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """One readable table.

    Columns named in ``right`` are aligned to the right (numbers). Where the table is wider than the
    screen, columns named in ``spare`` are left out, the last first; then those named in ``fold`` are
    broken into lines, and only then all.
    """
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [
        max([cell_len(column), *(cell_len(line) for row in texts for line in row[at].split("\n"))])
        for at, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    for name in reversed(spare):
        if _width(widths[at] for at in kept) > out.width:
            kept.remove(columns.index(name))
    fits = _width(min(widths[at], NARROW if columns[at] in fold else widths[at]) for at in kept)
    table = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for at in kept:
        table.add_column(
            columns[at],
            justify="right" if columns[at] in right else "left",
            overflow="fold",
            no_wrap=fits <= out.width and columns[at] not in fold,
        )
    for row in texts:
        table.add_row(*(escape(row[at]) for at in kept))
    out.print(table)


NARROW = 10
"""The least width, in cells, to which a column that may be folded is folded before all others are."""


def _width(widths: Iterable[int]) -> int:
    """The width of a table with columns of these widths: two cells stand between each two."""
    listed = list(widths)
    return sum(listed) + 2 * (len(listed) - 1)


def print_fields(title: str, rows: Iterable[tuple[str, Any]]) -> None:
    """Name and value, one a line; empty values are left out."""
    if title:
        out.print(title, style="bold", markup=False)
    shown = [(name, str(value)) for name, value in rows if value not in (None, "", [], ())]
    widest = max((cell_len(name) for name, _ in shown), default=0)
    for name, value in shown:
        gap = " " * (widest - cell_len(name) + 2)
        first, *rest = value.split("\n")
        out.print(f"[dim]{escape(name)}[/]{gap}{escape(first)}")
        for line in rest:
            out.print(" " * (widest + 2) + line, markup=False)


def print_problem(what: str, hint: str = "") -> None:
    """An error as every command shows it."""
    err.print("[bold red]✗[/]", end=" ")
    err.print(what, markup=False)
    if hint:
        err.print("  →", end=" ")
        err.print(hint, markup=False)


class Bar:
    """A progress bar on standard error; silent where nobody watches."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def __call__(self, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` (None: as before)."""
        if total is None:
            self._progress.update(self._task, completed=done)
        else:
            self._progress.update(self._task, completed=done, total=total)


@contextmanager
def progress_bar(text: str, total: int | None = None) -> Iterator[Bar]:
    """Shows a bar while the block runs; anything that may take over two seconds uses it."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=False,
        disable=not err.is_terminal,
    ) as progress:
        yield Bar(progress, progress.add_task(text, total=total))
