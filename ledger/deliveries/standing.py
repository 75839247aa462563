"""Deliveries of many entries at once: the newest, the newest at a moment, and those that somebody names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select, union_all

from ledger.deliveries.answers import Delivery, delivery_of
from ledger.deliveries.models import DELIVERIES
from ledger.deliveries.selects import seen, with_manifest
from ledger.organisations import queries as organisations
from ledger.store.ranged import held

_CHUNK = 200
_One = TypeVar("_One")


def newest(
    connection: Connection, entries: Collection[str], as_of: int | None = None
) -> dict[str, Delivery]:
    """The newest delivery of each entry; those without one are left out."""
    found: dict[str, Delivery] = {}
    for some in _chunks(sorted(entries)):
        wanted = and_(DELIVERIES.c.entry.in_(some), held(DELIVERIES, as_of))
        found |= {one.entry: one for one in _asked(connection, wanted, as_of)}
    return found


def newest_at(
    connection: Connection, moments: Collection[tuple[str, int]], as_of: int | None = None
) -> dict[tuple[str, int], Delivery]:
    """The newest delivery of an entry that was on the ledger at a time (Unix seconds), for each such pair."""
    table = DELIVERIES.c
    leaves: dict[tuple[str, int], int] = {}
    for some in _chunks(sorted(moments)):
        # One select a pair, each of which the primary key answers from its end.
        asked = union_all(
            *(
                select(literal(place).label("place"), func.max(table.leaf_from)).where(
                    table.entry == entry,
                    table.recorded_at <= at,
                    seen(DELIVERIES, as_of, superseded=True),
                )
                for place, (entry, at) in enumerate(some)
            )
        )
        for place, leaf in connection.execute(asked):
            if leaf is not None:
                leaves[some[place]] = leaf
    known = {one.leaf_from: one for one in _at(connection, set(leaves.values()), as_of)}
    return {pair: known[leaf] for pair, leaf in leaves.items()}


def numbered(
    connection: Connection, names: Collection[tuple[str, int]], as_of: int | None = None
) -> dict[tuple[str, int], Delivery]:
    """Deliveries by entry and number."""
    table = DELIVERIES.c
    found: dict[tuple[str, int], Delivery] = {}
    for some in _chunks(sorted(names)):
        wanted = or_(
            *(and_(table.entry == entry, table.version == number) for entry, number in some)
        )
        found |= {(one.entry, one.number): one for one in _asked(connection, wanted, as_of)}
    return found


def with_roots(
    connection: Connection, names: Collection[tuple[str, bytes]], as_of: int | None = None
) -> dict[tuple[str, bytes], Delivery]:
    """Deliveries by entry and root of their rows; of several with the same rows the first."""
    table = DELIVERIES.c
    found: dict[tuple[str, bytes], Delivery] = {}
    for some in _chunks(sorted(names)):
        wanted = or_(*(and_(table.entry == entry, table.root == root) for entry, root in some))
        for one in _asked(connection, wanted, as_of):
            found.setdefault((one.entry, bytes.fromhex(one.root.removeprefix("0x"))), one)
    return found


def _at(connection: Connection, leaves: Collection[int], as_of: int | None) -> Iterable[Delivery]:
    for some in _chunks(sorted(leaves)):
        yield from _asked(connection, DELIVERIES.c.leaf_from.in_(some), as_of)


def _asked(
    connection: Connection, wanted: ColumnElement[bool], as_of: int | None
) -> list[Delivery]:
    """Deliveries that match, the first one first."""
    rows = connection.execute(
        with_manifest(as_of).where(wanted).order_by(DELIVERIES.c.leaf_from)
    ).all()
    names = organisations.names(connection, {bytes(row.organisation) for row in rows}, as_of)
    return [delivery_of(row, names) for row in rows]


def _chunks(items: Sequence[_One]) -> Iterable[list[_One]]:
    waiting = iter(items)
    while some := list(islice(waiting, _CHUNK)):
        yield some
