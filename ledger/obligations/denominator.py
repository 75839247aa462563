"""What the rates of collection are rates of (应归清单, the denominator), and everything that ever moved it.

An obligation is *owed* on a day on which it is in force and if data come from it. For each purpose
(:data:`~ledger.obligations.counting.FREED_BY`) it counts unless an exemption that holds on that day frees it: its
own, or one of the entry that is bound to it, and neither approved by the organisation that is responsible. Every
exemption names what it frees; none passes on to what follows from it. The day of a log size is that of its last
leaf (:func:`ledger.mirror.moments.day_at`), so an exemption that has run out stops counting without anybody's
doing.

:func:`changes_between` plays the statements between two sizes one by one, and the days that pass between them:
what the single changes add up to is the difference of the two denominators, by organisation, type and library.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import date

import msgspec
from sqlalchemy import Connection, RowMapping, Table, select

from ledger.days import china_day
from ledger.mirror import flags, moments
from ledger.obligations.counting import FREED_BY, PURPOSES, Change, Counts, Effect, Group, Play
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBLIGATIONS
from ledger.obligations.projection import PROJECTION
from ledger.statements import BINDING, EXEMPTION, OBLIGATION
from ledger.store.ranged import held

__all__ = [
    "FREED_BY",
    "PURPOSES",
    "Change",
    "Changes",
    "Counts",
    "Effect",
    "Group",
    "Unread",
    "changes_between",
    "denominators_at",
]

TOLD_EVERY = 1000
"""Changes between two words of progress."""
_TABLES = (OBLIGATIONS, BINDINGS, EXEMPTIONS)
_KINDS = frozenset({OBLIGATION.kind, BINDING.kind, EXEMPTION.kind})


class Unread(msgspec.Struct, frozen=True):
    """A statement that contradicts itself: it is on the ledger, and moved no denominator."""

    leaf: int
    kind: str
    organisation: str
    signer: str
    reason: str


class Changes(msgspec.Struct, frozen=True):
    """All that moved the denominators between two log sizes, in the order in which it did."""

    from_size: int
    to_size: int
    from_day: date | None
    to_day: date | None
    before: dict[str, int]
    after: dict[str, int]
    changes: tuple[Change, ...]
    unread: tuple[Unread, ...]


def denominators_at(connection: Connection, size: int) -> Counts:
    """The denominators at a log size, on that size's day; groups without any are left out.

    Raises :class:`~ledger.mirror.queries.MirrorQueryError` where the mirror is not that far.
    """
    return _standing_at(connection, size).counts()


def changes_between(
    connection: Connection,
    first: int,
    last: int,
    *,
    progress: Callable[[int], None] | None = None,
) -> Changes:
    """All that came, went or changed from log size ``first`` to ``last``.

    ``progress`` is told, now and then, how many of the leaves between them are done.

    Raises :class:`ValueError` where ``first`` is after ``last``, and
    :class:`~ledger.mirror.queries.MirrorQueryError` where the mirror is not that far.
    """
    if first > last:
        raise ValueError(f"size {first} comes after size {last}: give the earlier one first")
    end_day = moments.day_at(connection, last)
    play = _standing_at(connection, first)
    start_day, before = play.day, play.totals()
    changes: list[Change] = []
    for table, row in _rows_between(connection, first, last):
        changes += play.pass_to(china_day(row["recorded_at"]))
        changes.append(play.take(table, row))
        if progress is not None and len(changes) % TOLD_EVERY == 0:
            progress(row["leaf_from"] - first)
    if end_day is not None:
        changes += play.pass_to(end_day)
    return Changes(
        from_size=first,
        to_size=last,
        from_day=start_day,
        to_day=end_day,
        before=before,
        after=play.totals(),
        changes=tuple(changes),
        unread=tuple(_unread(connection, first, last)),
    )


def _standing_at(connection: Connection, size: int) -> Play:
    play = Play(moments.day_at(connection, size))
    if size:
        for table in _TABLES:
            for row in connection.execute(select(table).where(held(table, size))).mappings():
                play.put(table, row)
    return play


def _rows_between(
    connection: Connection, first: int, last: int
) -> Iterator[tuple[Table, RowMapping]]:
    def rows(table: Table) -> Iterator[tuple[int, Table, RowMapping]]:
        asked = select(table).where(table.c.leaf_from >= first, table.c.leaf_from < last)
        for row in connection.execute(asked.order_by(table.c.leaf_from)).mappings():
            yield row["leaf_from"], table, row

    # One leaf makes one row, so that no two tables compete for a place.
    for _, table, row in heapq.merge(*map(rows, _TABLES), key=lambda one: one[0]):
        yield table, row


def _unread(connection: Connection, first: int, last: int) -> Iterator[Unread]:
    for flag, statement in flags.flagged(connection, _KINDS, first, last):
        if flag.source in (PROJECTION.name, "statement"):
            yield Unread(
                leaf=flag.index,
                kind=statement.kind,
                organisation="0x" + statement.org.hex(),
                signer="0x" + statement.signer.hex(),
                reason=flag.reason,
            )
