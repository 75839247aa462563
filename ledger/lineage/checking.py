"""The tables that follow from the journal, held against a second fold of it (血缘表核验)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select

from ledger.journal.journal import Journal
from ledger.lineage.edges import Edges
from ledger.lineage.models import CURSORS, FOLDED
from ledger.mirror.side_by_side import Progress
from ledger.mirror.verification.report import Report
from ledger.store.engine import open_database

PIECE = 1_000
"""Rows fetched at a time, so that memory stays flat."""
KIND = "lineage"


def check_folded(
    engine: Engine, journal: Journal, report: Report, progress: Progress | None = None
) -> None:
    """Fold the journal afresh into a scratch database, and name every row that differs.

    Up to where the tables say that they are; what came since is for the next time. Nothing is changed.
    """
    with engine.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn.execution_options(isolation_level="REPEATABLE READ")
        with conn.begin():
            rows = conn.execute(select(CURSORS)).all()
            size = _size(rows, journal, report)
            if size is None:
                return
            with tempfile.TemporaryDirectory(prefix="govledger-fold-") as place:
                scratch = open_database(f"sqlite:///{Path(place) / 'fold.db'}", "mirror")
                try:
                    Edges(scratch, journal).fold_to(size)
                    with scratch.connect() as fresh:
                        for done, table in enumerate(FOLDED):
                            if progress is not None:
                                progress(done, len(FOLDED))
                            _compare(table, conn, fresh, report)
                finally:
                    scratch.dispose()
    report.count("journal_entries", size)


def _size(rows: Sequence[Any], journal: Journal, report: Report) -> int | None:
    """Up to where the tables were folded; None, with the reason told, where that is not this journal."""
    if not rows:
        return None
    row = rows[0]
    if len(rows) > 1 or row.origin != journal.origin or row.size > journal.size:
        report.add(
            KIND,
            f"血缘表来自 {row.origin} 的 {row.size} 条，本日志 {journal.origin} 有 {journal.size} 条",
            f"the tables of lineage follow from {row.size} entries of {row.origin}; the journal here is "
            f"{journal.origin} with {journal.size}",
            table=CURSORS.name,
        )
        return None
    if journal.root(row.size) != bytes(row.root):
        report.add(
            KIND,
            f"日志前 {row.size} 条与血缘表所依据的不同",
            f"the first {row.size} entries of the journal are not those that the tables follow from",
            table=CURSORS.name,
            column="root",
        )
        return None
    return int(row.size)


def _compare(table: Table, ours: Connection, fresh: Connection, report: Report) -> None:
    """Walk two sorted tables at once."""
    columns = [column.name for column in table.columns]
    key = [columns.index(column.name) for column in table.primary_key]
    here, there = _rows(table, ours), _rows(table, fresh)
    one, other = next(here, None), next(there, None)
    while one is not None or other is not None:
        left = None if one is None else tuple(one[at] for at in key)
        right = None if other is None else tuple(other[at] for at in key)
        if left == right:
            for name, a, b in zip(columns, one or (), other or (), strict=True):
                if a != b:
                    _differs(table, left or (), name, (a, b), report)
            one, other = next(here, None), next(there, None)
        elif right is None or (left is not None and left < right):
            _stray(table, left or (), report, missing=False)
            one = next(here, None)
        else:
            _stray(table, right, report, missing=True)
            other = next(there, None)
    total = fresh.execute(select(func.count()).select_from(table)).scalar_one()
    report.count("folded_rows", total)


def _rows(table: Table, conn: Connection) -> Iterator[tuple[Any, ...]]:
    asked = select(table).order_by(*table.primary_key.columns)
    result = conn.execution_options(yield_per=PIECE).execute(asked)
    for row in result:
        yield tuple(row)


def _differs(
    table: Table, key: Sequence[Any], column: str, values: tuple[Any, Any], report: Report
) -> None:
    a, b = values
    report.add(
        KIND,
        f"表 {table.name} 行 {key} 列 {column}：为 {a!r}，应为 {b!r}",
        f"table {table.name}, row {key}, column {column}: {a!r} is there, the journal makes {b!r}",
        table=table.name,
        column=column,
    )


def _stray(table: Table, key: Sequence[Any], report: Report, *, missing: bool) -> None:
    report.add(
        KIND,
        f"表 {table.name} {'缺少' if missing else '多出'}一行 {key}",
        f"table {table.name}: row {key} is "
        f"{'missing' if missing else 'there, and follows from no entry of the journal'}",
        table=table.name,
    )
