"""Filling the audit's working tables (审计计算): each step one statement of SQL over sets, whatever their size.

The SQL stands in ``*.sql`` beside this module, in the part of the language that SQLite and PostgreSQL share.
Everything is temporary and of one connection; it goes when the block ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from sqlalchemy import Connection, text

from ledger.audits import tables
from ledger.audits.columns import count_items, find_dropped_columns
from ledger.audits.inputs import create_views, drop_views
from ledger.audits.periods import Periods, known
from ledger.audits.policy import Policy
from ledger.audits.scope import Scope
from ledger.codes import ExemptionScope
from ledger.days import day_number
from ledger.lineage.findings.usage import used
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.statements import LogIdentity
from ledger.store.bulk import insert_rows

Progress = Callable[[int, int], None]
"""Called with how many steps are done, and of how many."""
FILES = (
    "entries",
    "units",
    "supply",
    "clocks",
    "items",
    "verdicts",
    "gaps",
    "sources",
    "datasets",
)
_FINDINGS = "findings"
_ITEMS = "items"
"""Where names are compared one by one, between two files."""
_CHUNK = 5_000
_FILLED = re.compile(r"INSERT INTO (\w+)")
_LARGE = frozenset(table.name for table in tables.TABLES if table.info["large"])


@dataclass(frozen=True, slots=True)
class Question:
    """What is audited: the log at ``size`` on ``day``, which is the day of its last leaf in China."""

    size: int
    day: date
    begun: date
    """The day of the log's first leaf, before which nothing was recorded."""
    window_leaf: int
    """The first leaf that was recorded within the policy's window."""
    scope: Scope
    policy: Policy
    log: LogIdentity
    """The log that the audit is of: the mirror's, or one that it carries on."""
    journal: AnchoredCheckpoint | None = None
    """Up to where a lineage journal counts too, None: it does not."""


@contextmanager
def worked_out(
    connection: Connection, question: Question, progress: Progress | None = None
) -> Iterator[Connection]:
    """The working tables, filled; only this connection sees them, and only while the block runs.

    After an error the connection's transaction is to be rolled back.
    """
    _prepare(connection)
    create_views(connection, question.size)
    tables.create(connection)
    _fill(connection, question, progress)
    yield connection
    # Where the block was left by an error, the transaction ends with it and takes the tables along.
    for table in tables.TABLES:
        table.drop(connection, checkfirst=False)
    drop_views(connection)


def parameters(question: Question) -> dict[str, Any]:
    """What the SQL's parameters stand for."""
    periods = Periods(question.day, question.policy)
    scope = question.scope
    return {
        "size": question.size,
        "day": day_number(question.day),
        "first_day": day_number(periods.first_day),
        "window": day_number(periods.window_start),
        "library": scope.library.value if scope.library else "",
        "strangers": int(scope.organisation is None and scope.level is None),
        "window_leaf": question.window_leaf,
        "full_since": day_number(question.day - timedelta(days=question.policy.full_count_days)),
        "calendar_known": int(known(question.day)),
        "timeliness_pass": question.policy.timeliness_pass,
        "quality_pass": question.policy.quality_pass,
        "mount_days": question.policy.mount,
        "improve_days": question.policy.improve,
        "publish_days": question.policy.clocks.publish,
        "update_days": question.policy.clocks.catalogue_update,
        "deliver_days": question.policy.clocks.deliver,
        "correct_days": question.policy.clocks.correct,
    }


@cache
def steps(name: str) -> tuple[str, ...]:
    """The statements of ``name.sql``, in order, without comments."""
    source = resources.files("ledger.audits").joinpath(f"{name}.sql").read_text("utf-8")
    bare = "\n".join(line for line in source.splitlines() if not line.startswith("--"))
    return tuple(one.strip() for one in bare.split(";\n") if one.strip())


def run(connection: Connection, statement: str, question: Question) -> None:
    """One step, with the parameters that it names."""
    prepared = text(statement)
    told = parameters(question)
    names = prepared._bindparams  # noqa: SLF001 - the only list of them
    connection.execute(prepared, {name: told[name] for name in names})


def _fill(connection: Connection, question: Question, progress: Progress | None) -> None:
    every = [step for name in FILES for step in (steps(name) if name != _ITEMS else (_ITEMS,))]
    _fill_calendar(connection, question)
    _fill_organisations(connection, question.scope)
    _fill_differences(connection)
    _fill_used(connection, question)
    for number, step in enumerate(every):
        if step == _ITEMS:
            count_items(connection)
        else:
            run(connection, step, question)
            _measure(connection, step)
        if progress is not None:
            progress(number + 1, len(every))


def _measure(connection: Connection, step: str) -> None:
    """Tell PostgreSQL what a step filled a large table with.

    Nobody else does for a temporary table; it would take thousands of rows for one, and look through all of another
    table for each.
    """
    found = _FILLED.match(step)
    if found and connection.dialect.name == "postgresql" and found[1] in _LARGE:
        connection.exec_driver_sql(f"ANALYZE {found[1]}")


def find(connection: Connection, question: Question) -> None:
    """Fill in the findings, which no metric and no gap needs: only whoever asks for them waits for them."""
    for step in steps(_FINDINGS):
        run(connection, step, question)
    find_dropped_columns(connection)


def _fill_calendar(connection: Connection, question: Question) -> None:
    periods = Periods(question.day, question.policy)
    calendar = list(periods.calendar_rows(question.begun))
    insert_rows(connection, tables.CALENDAR, calendar)
    days = {row.ordinal: row.day for row in reversed(calendar)}
    days.pop(0, None)
    insert_rows(connection, tables.DATE, [(row.day, row.epoch, row.ordinal) for row in calendar])
    insert_rows(connection, tables.WORKDAY, sorted(days.items()))
    insert_rows(connection, tables.CYCLE, periods.cycle_rows())
    insert_rows(
        connection,
        tables.DAY,
        [
            (row.cycle * 100_000_000 + row.day, row.before, row.upto, row.late)
            for row in periods.day_rows()
        ],
    )
    insert_rows(connection, tables.BIT, [(int(bit),) for bit in ExemptionScope])


def _fill_organisations(connection: Connection, scope: Scope) -> None:
    asked = text("SELECT code, hash, level, parent, leaf FROM audit_in_organisation")
    rows = sorted(connection.execute(asked).all(), key=lambda row: str(row.code).encode())
    # The competent department (主管部门) is the root: it registered everybody else.
    root = min((row.leaf for row in rows if row.parent is None), default=None)
    insert_rows(
        connection,
        tables.ORGANISATION,
        [
            (
                number,
                row.code,
                bytes(row.hash),
                int(scope.covers(row.code, row.level)),
                int(row.leaf == root),
            )
            for number, row in enumerate(rows, 1)
        ],
    )


def _fill_differences(connection: Connection) -> None:
    """What collectors counted, out of the JSON that they wrote it in."""
    asked = text("SELECT leaf, differences FROM audit_in_received WHERE differences IS NOT NULL")
    found = connection.execute(asked, execution_options={"yield_per": _CHUNK})
    for some in found.partitions(_CHUNK):
        rows = []
        for row in some:
            told = json.loads(row.differences)
            names = ("missing", "extra", "changed", "duplicate_keys", "null_keys")
            rows.append((row.leaf, *(int(told.get(name, 0)) for name in names)))
        insert_rows(connection, tables.DIFFERENCE, rows)


def _fill_used(connection: Connection, question: Question) -> None:
    """Data sets that steps, and jobs where the journal counts, read or write."""
    journal = question.journal.size if question.journal else None
    rows = [
        (
            one.namespace,
            one.name,
            one.entry,
            int(one.noise),
            one.leaf,
            one.position,
            one.organisation,
        )
        for one in used(connection, question.size, journal)
    ]
    insert_rows(connection, tables.USED, rows)


def _prepare(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # Working tables may grow beyond the cache: then they go to a file, and memory stays bounded.
        connection.exec_driver_sql("PRAGMA temp.cache_size = -131072")
        return
    connection.exec_driver_sql("SET LOCAL work_mem = '128MB'")
    connection.exec_driver_sql("SET LOCAL jit = off")
    # What is read piece by piece is read to its end: a plan that begins soonest would take longest.
    connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")
