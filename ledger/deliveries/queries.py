"""Questions about resources, manifests and deliveries (归集), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
The selects of :mod:`ledger.deliveries.selects` are for audits, which join them with others'.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, select

from ledger.days import day_number
from ledger.deliveries.answers import (
    Act,
    Delivery,
    Manifest,
    Resource,
    delivery_of,
    manifest_of,
    resource_of,
)
from ledger.deliveries.models import DELIVERIES, MANIFESTS, RESOURCES
from ledger.deliveries.selects import (
    complete as is_complete,
)
from ledger.deliveries.selects import (
    deliveries_at,
    manifests_at,
    resources_at,
    seen,
    with_manifest,
)
from ledger.mirror import queries as mirror
from ledger.organisations import queries as organisations
from ledger.organisations.queries import Name
from ledger.statements import DELIVERY, MANIFEST, WORD, subject_of, text_hash
from ledger.store.ranged import held

__all__ = [
    "Act",
    "Delivery",
    "Manifest",
    "Resource",
    "deliveries",
    "deliveries_at",
    "delivery",
    "fingerprints",
    "first_with",
    "history",
    "last_root",
    "leaves_with_bodies",
    "manifest",
    "manifest_at",
    "manifest_subject",
    "manifest_versions",
    "manifests",
    "manifests_at",
    "resource",
    "resources",
    "resources_at",
]

_CHUNK = 500


def resources(
    connection: Connection,
    *,
    entry: str | None = None,
    type: str | None = None,  # noqa: A002 - the column's name
    status: str | None = None,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Resource]:
    """Resources that match everything given, by code; the next page comes ``after`` the last code."""
    table = RESOURCES
    wanted: list[ColumnElement[bool]] = [held(table, as_of)]
    for column, value in ((table.c.entry, entry), (table.c.type, type), (table.c.status, status)):
        if value is not None:
            wanted.append(column == value)
    if after is not None:
        wanted.append(table.c.code > after)
    question = select(table).where(*wanted).order_by(table.c.code).limit(limit)
    rows = connection.execute(question).all()
    names = _names(connection, rows, as_of)
    return [resource_of(row, names) for row in rows]


def resource(connection: Connection, code: str, as_of: int | None = None) -> Resource | None:
    """The resource with this code, None where there is none."""
    rows = connection.execute(
        select(RESOURCES).where(RESOURCES.c.code == code, held(RESOURCES, as_of))
    ).all()
    names = _names(connection, rows, as_of)
    return resource_of(rows[0], names) if rows else None


def manifests(
    connection: Connection,
    *,
    entry: str | None = None,
    organisation: str | None = None,
    period: date | None = None,
    mode: str | None = None,
    superseded: bool = False,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Manifest]:
    """Manifests that match everything given, the newest statement first.

    ``organisation`` is the code of who signed, ``period`` a day within the manifest's period. Only the
    newest version of each entry and period, unless ``superseded`` ones are wanted too. The next page
    comes ``before`` the last one's ``leaf_from``.
    """
    table = MANIFESTS
    wanted = [seen(table, as_of, superseded=superseded)]
    wanted += _asked(table, entry, period, before)
    if organisation is not None:
        wanted.append(table.c.organisation == text_hash(organisation))
    if mode is not None:
        wanted.append(table.c.mode == mode)
    question = select(table).where(*wanted).order_by(table.c.leaf_from.desc()).limit(limit)
    rows = connection.execute(question).all()
    names = _names(connection, rows, as_of)
    return [manifest_of(row, names) for row in rows]


def manifest(
    connection: Connection,
    entry: str,
    start: date,
    end: date,
    *,
    version: int | None = None,
    as_of: int | None = None,
) -> Manifest | None:
    """The manifest of an entry and period: its newest version, or the one asked for."""
    table = MANIFESTS
    wanted = [
        table.c.subject == manifest_subject(entry, start, end),
        seen(table, as_of, superseded=version is not None),
    ]
    if version is not None:
        wanted.append(table.c.version == version)
    return _only_manifest(connection, wanted, as_of)


def manifest_at(connection: Connection, leaf: int, as_of: int | None = None) -> Manifest | None:
    """The manifest that was recorded as this leaf, None where another statement was."""
    wanted = [MANIFESTS.c.leaf_from == leaf, seen(MANIFESTS, as_of, superseded=True)]
    return _only_manifest(connection, wanted, as_of)


def _only_manifest(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], as_of: int | None
) -> Manifest | None:
    rows = connection.execute(select(MANIFESTS).where(*wanted)).all()
    names = _names(connection, rows, as_of)
    return manifest_of(rows[0], names) if rows else None


def fingerprints(connection: Connection, leaf: int) -> tuple[int, ...]:
    """The 256 bucket fingerprints of the manifest that was recorded as this leaf.

    Raises :class:`~ledger.mirror.queries.MirrorQueryError` where the mirror has no such leaf, and
    :class:`KeyError` where it is no manifest.
    """
    body = json.loads(mirror.statement_at(connection, leaf).body)
    return tuple(int(one, 16) for one in body["buckets"])


def deliveries(
    connection: Connection,
    *,
    entry: str | None = None,
    collector: str | None = None,
    period: date | None = None,
    complete: bool | None = None,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Delivery]:
    """Every delivery that matches everything given, the newest first.

    ``collector`` is an organisation's code, ``period`` a day within the delivery's period. The next
    page comes ``before`` the last one's ``leaf_from``.
    """
    wanted = _asked(DELIVERIES, entry, period, before)
    if collector is not None:
        wanted.append(DELIVERIES.c.organisation == text_hash(collector))
    if complete is not None:
        wanted.append(is_complete() if complete else ~is_complete())
    question = with_manifest(as_of).where(*wanted)
    rows = connection.execute(question.order_by(DELIVERIES.c.leaf_from.desc()).limit(limit)).all()
    names = _names(connection, rows, as_of)
    return [delivery_of(row, names) for row in rows]


def delivery(
    connection: Connection, entry: str, number: int | None = None, as_of: int | None = None
) -> Delivery | None:
    """Delivery ``number`` (1..) of an entry, or its newest one; None where there is none."""
    wanted = DELIVERIES.c.entry == entry
    if number is not None:
        wanted = and_(wanted, DELIVERIES.c.version == number)
    newest_first = with_manifest(as_of).where(wanted).order_by(DELIVERIES.c.leaf_from.desc())
    rows = connection.execute(newest_first.limit(1)).all()
    names = _names(connection, rows, as_of)
    return delivery_of(rows[0], names) if rows else None


def first_with(connection: Connection, entry: str, content: bytes) -> Delivery | None:
    """The entry's first delivery of the rows with this tag, None where there is none."""
    wanted = and_(DELIVERIES.c.entry == entry, DELIVERIES.c.content == content)
    rows = connection.execute(
        with_manifest(None).where(wanted).order_by(DELIVERIES.c.leaf_from).limit(1)
    ).all()
    names = _names(connection, rows, None)
    return delivery_of(rows[0], names) if rows else None


def history(connection: Connection, entry: str, as_of: int | None = None) -> list[Act]:
    """Everything that was ever said about an entry's data, the first thing first."""
    acts: list[Act] = []
    every = [
        connection.execute(
            select(table).where(table.c.entry == entry, seen(table, as_of, superseded=True))
        ).all()
        for table in (RESOURCES, MANIFESTS)
    ]
    delivered = connection.execute(with_manifest(as_of).where(DELIVERIES.c.entry == entry)).all()
    names = _names(connection, [*every[0], *every[1], *delivered], as_of)
    acts += [Act(resource=resource_of(row, names)) for row in every[0]]
    acts += [Act(manifest=manifest_of(row, names)) for row in every[1]]
    acts += [Act(delivery=delivery_of(row, names)) for row in delivered]
    return sorted(acts, key=lambda act: act.leaf)


def manifest_subject(entry: str, start: date, end: date) -> bytes:
    """The subject of an entry's manifests for a period."""
    values: dict[str, int | str | bytes] = {
        "entry": entry,
        "periodStart": day_number(start),
        "periodEnd": day_number(end),
    }
    return subject_of(MANIFEST, values, b"")


def leaves_with_bodies(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    """Where the manifests and deliveries with these bodies stand in the log, by the body's SHA-256."""
    asked = sorted(set(digests))
    found: dict[bytes, int] = {}
    for table in (MANIFESTS, DELIVERIES):
        for start in range(0, len(asked), _CHUNK):
            some = table.c.body_digest.in_(asked[start : start + _CHUNK])
            rows = connection.execute(select(table.c.body_digest, table.c.leaf_from).where(some))
            found |= {bytes(row.body_digest): row.leaf_from for row in rows}
    return found


def manifest_versions(connection: Connection, entry: str, start: date, end: date) -> int:
    """How many versions of an entry's manifest for a period are on the ledger, those without a row too."""
    newest = mirror.newest_about(connection, MANIFEST.kind, manifest_subject(entry, start, end))
    return newest.version if newest else 0


def last_root(connection: Connection, entry: str) -> tuple[int, bytes | None]:
    """Number and root of an entry's newest delivery, (0, None) before the first.

    From what was signed, so that a statement whose body cannot be projected counts as well.
    """
    newest = mirror.newest_about(connection, DELIVERY.kind, text_hash(entry))
    if newest is None:
        return 0, None
    root = DELIVERY.decode(mirror.statement_at(connection, newest.leaf).payload)["root"]
    if not isinstance(root, bytes) or len(root) != WORD:
        raise TypeError(f"the root of leaf {newest.leaf} is no digest")
    return newest.version, root


def _asked(
    table: Table, entry: str | None, period: date | None, before: int | None
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if entry is not None:
        wanted.append(table.c.entry == entry)
    if period is not None:
        wanted.append(table.c.period_start <= day_number(period))
        wanted.append(table.c.period_end >= day_number(period))
    if before is not None:
        wanted.append(table.c.leaf_from < before)
    return wanted


def _names(
    connection: Connection, rows: Sequence[Row[Any]], as_of: int | None
) -> dict[bytes, Name]:
    return organisations.names(connection, {bytes(row.organisation) for row in rows}, as_of)
