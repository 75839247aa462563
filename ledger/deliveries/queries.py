"""Questions about resources, manifests and deliveries (归集), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
The selects at the end are for audits, which join them with others' and count in the database.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    select,
    true,
    type_coerce,
)

from ledger.days import day_number, day_of
from ledger.deliveries.models import DELIVERIES, MANIFESTS, RESOURCES
from ledger.mirror import queries as mirror
from ledger.organisations import queries as organisations
from ledger.organisations.queries import Name
from ledger.statements import DELIVERY, MANIFEST, WORD, subject_of, text_hash
from ledger.store.ranged import held


class Resource(msgspec.Struct, frozen=True):
    """A resource as one statement left it, in force from ``leaf_from`` to ``leaf_until``."""

    code: str
    entry: str
    type: str
    status: str
    name: str
    location: str | None
    reasons: tuple[str, ...]
    organisation: Name | None
    organisation_hash: str
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Manifest(msgspec.Struct, frozen=True):
    """What a department said it holds of an entry for a period; digests as ``0x`` hex.

    ``schema_text`` is the canonical schema, None where the entry's text is not public.
    """

    entry: str
    edition: int
    period_start: date
    period_end: date
    mode: str
    rows: int
    schema: str
    root: str
    buckets: str
    key: tuple[str, ...]
    schema_text: str | None
    encoding: str
    secret_check: str | None
    resource: str | None
    note: str | None
    organisation: Name | None
    organisation_hash: str
    body_digest: str
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Delivery(msgspec.Struct, frozen=True):
    """What a collector received; ``complete`` is whether root, rows and schema equal the manifest's.

    ``claimed`` is what the collector says of that. ``repeats`` is the number of the entry's first
    delivery with the same rows by the collector's tag, None where this is the first.
    """

    entry: str
    number: int
    manifest: int
    manifest_leaf: int | None
    edition: int
    period_start: date
    period_end: date
    mode: str
    rows: int
    schema: str
    root: str
    content: str
    predecessor: str | None
    complete: bool
    claimed: bool
    differences: dict[str, int] | None
    repeats: int | None
    note: str | None
    organisation: Name | None
    organisation_hash: str
    body_digest: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Act(msgspec.Struct, frozen=True):
    """One thing that was said about an entry's data: exactly one of the three is there."""

    resource: Resource | None = None
    manifest: Manifest | None = None
    delivery: Delivery | None = None

    @property
    def leaf(self) -> int:
        found = self.resource or self.manifest or self.delivery
        return -1 if found is None else found.leaf_from


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
    return [_resource(row, names) for row in rows]


def resource(connection: Connection, code: str, as_of: int | None = None) -> Resource | None:
    """The resource with this code, None where there is none."""
    rows = connection.execute(
        select(RESOURCES).where(RESOURCES.c.code == code, held(RESOURCES, as_of))
    ).all()
    names = _names(connection, rows, as_of)
    return _resource(rows[0], names) if rows else None


def manifests(
    connection: Connection,
    *,
    entry: str | None = None,
    period: date | None = None,
    mode: str | None = None,
    superseded: bool = False,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Manifest]:
    """Manifests that match everything given, the newest statement first.

    ``period`` is a day within the manifest's period. Only the newest version of each entry and period,
    unless ``superseded`` ones are wanted too. The next page comes ``before`` the last one's
    ``leaf_from``.
    """
    table = MANIFESTS
    wanted = [_seen(table, as_of, superseded=superseded)]
    wanted += _asked(table, entry, period, before)
    if mode is not None:
        wanted.append(table.c.mode == mode)
    question = select(table).where(*wanted).order_by(table.c.leaf_from.desc()).limit(limit)
    rows = connection.execute(question).all()
    names = _names(connection, rows, as_of)
    return [_manifest(row, names) for row in rows]


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
        _seen(table, as_of, superseded=version is not None),
    ]
    if version is not None:
        wanted.append(table.c.version == version)
    return _only_manifest(connection, wanted, as_of)


def manifest_at(connection: Connection, leaf: int, as_of: int | None = None) -> Manifest | None:
    """The manifest that was recorded as this leaf, None where another statement was."""
    wanted = [MANIFESTS.c.leaf_from == leaf, _seen(MANIFESTS, as_of, superseded=True)]
    return _only_manifest(connection, wanted, as_of)


def _only_manifest(
    connection: Connection, wanted: Sequence[ColumnElement[bool]], as_of: int | None
) -> Manifest | None:
    rows = connection.execute(select(MANIFESTS).where(*wanted)).all()
    names = _names(connection, rows, as_of)
    return _manifest(rows[0], names) if rows else None


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
        wanted.append(_complete() if complete else ~_complete())
    question = _with_manifest(as_of).where(*wanted)
    rows = connection.execute(question.order_by(DELIVERIES.c.leaf_from.desc()).limit(limit)).all()
    names = _names(connection, rows, as_of)
    return [_delivery(row, names) for row in rows]


def delivery(
    connection: Connection, entry: str, number: int | None = None, as_of: int | None = None
) -> Delivery | None:
    """Delivery ``number`` (1..) of an entry, or its newest one; None where there is none."""
    wanted = DELIVERIES.c.entry == entry
    if number is not None:
        wanted = and_(wanted, DELIVERIES.c.version == number)
    newest_first = _with_manifest(as_of).where(wanted).order_by(DELIVERIES.c.leaf_from.desc())
    rows = connection.execute(newest_first.limit(1)).all()
    names = _names(connection, rows, as_of)
    return _delivery(rows[0], names) if rows else None


def history(connection: Connection, entry: str, as_of: int | None = None) -> list[Act]:
    """Everything that was ever said about an entry's data, the first thing first."""
    acts: list[Act] = []
    every = [
        connection.execute(
            select(table).where(table.c.entry == entry, _seen(table, as_of, superseded=True))
        ).all()
        for table in (RESOURCES, MANIFESTS)
    ]
    delivered = connection.execute(_with_manifest(as_of).where(DELIVERIES.c.entry == entry)).all()
    names = _names(connection, [*every[0], *every[1], *delivered], as_of)
    acts += [Act(resource=_resource(row, names)) for row in every[0]]
    acts += [Act(manifest=_manifest(row, names)) for row in every[1]]
    acts += [Act(delivery=_delivery(row, names)) for row in delivered]
    return sorted(acts, key=lambda act: act.leaf)


def manifest_subject(entry: str, start: date, end: date) -> bytes:
    """The subject of an entry's manifests for a period."""
    values: dict[str, int | str | bytes] = {
        "entry": entry,
        "periodStart": day_number(start),
        "periodEnd": day_number(end),
    }
    return subject_of(MANIFEST, values, b"")


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


# -- for audits ------------------------------------------------------------------------------------


def resources_at(size: int | None = None) -> Select[Any]:
    """Resources in force at log size ``size``.

    Columns: leaf, code, entry, type, status, name, organisation (hash), recorded_at.
    """
    table = RESOURCES
    return select(
        table.c.leaf_from.label("leaf"),
        table.c.code,
        table.c.entry,
        table.c.type,
        table.c.status,
        table.c.name,
        table.c.organisation,
        table.c.recorded_at,
    ).where(held(table, size))


def manifests_at(size: int | None = None) -> Select[Any]:
    """Every version of every manifest recorded before log size ``size``.

    Columns: leaf, leaf_until (null: newest at present), entry, version, edition, period_start and
    period_end (YYYYMMDD), mode, rows, schema, root (32 bytes each), schema_text, key_columns (JSON),
    resource, organisation (hash), recorded_at.
    """
    table = MANIFESTS
    return select(
        table.c.leaf_from.label("leaf"),
        table.c.leaf_until,
        table.c.entry,
        table.c.version,
        table.c.edition,
        table.c.period_start,
        table.c.period_end,
        table.c.mode,
        table.c.rows,
        table.c.row_schema.label("schema"),
        table.c.root,
        table.c.schema_text,
        table.c.key_columns,
        table.c.resource,
        table.c.organisation,
        table.c.recorded_at,
    ).where(_seen(table, size, superseded=True))


def deliveries_at(size: int | None = None) -> Select[Any]:
    """Every delivery recorded before log size ``size``, with the manifest that it names.

    Columns: leaf, entry, number, manifest (version, 0: none), edition, period_start, period_end, mode,
    rows, schema, root, content, predecessor, claimed, complete (by roots), differences (JSON),
    repeats (number of the first delivery with the same rows), manifest_leaf, manifest_rows,
    manifest_root, manifest_schema, manifest_recorded_at, organisation (hash), recorded_at.
    """
    table = DELIVERIES
    return _with_manifest(size).with_only_columns(
        table.c.leaf_from.label("leaf"),
        table.c.entry,
        table.c.version.label("number"),
        table.c.manifest,
        table.c.edition,
        table.c.period_start,
        table.c.period_end,
        table.c.mode,
        table.c.rows,
        table.c.row_schema.label("schema"),
        table.c.root,
        table.c.content,
        table.c.predecessor,
        table.c.claimed,
        table.c.differences,
        _complete().label("complete"),
        _repeats().label("repeats"),
        MANIFESTS.c.leaf_from.label("manifest_leaf"),
        MANIFESTS.c.rows.label("manifest_rows"),
        MANIFESTS.c.root.label("manifest_root"),
        MANIFESTS.c.row_schema.label("manifest_schema"),
        MANIFESTS.c.recorded_at.label("manifest_recorded_at"),
        table.c.organisation,
        table.c.recorded_at,
        maintain_column_froms=True,
    )


# -- parts of the questions ------------------------------------------------------------------------


def _seen(table: Table, as_of: int | None, *, superseded: bool) -> ColumnElement[bool]:
    """Rows that hold at ``as_of``, or with ``superseded`` all that were recorded before."""
    if not superseded:
        return held(table, as_of)
    return true() if as_of is None else table.c.leaf_from < as_of


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


def _with_manifest(as_of: int | None) -> Select[Any]:
    """Deliveries beside the manifests that they name. A manifest stands before what names it."""
    named = and_(
        MANIFESTS.c.entry == DELIVERIES.c.entry,
        MANIFESTS.c.period_end == DELIVERIES.c.period_end,
        MANIFESTS.c.period_start == DELIVERIES.c.period_start,
        MANIFESTS.c.version == DELIVERIES.c.manifest,
    )
    return (
        select(
            DELIVERIES,
            _complete().label("complete"),
            _repeats().label("repeats"),
            MANIFESTS.c.leaf_from.label("manifest_leaf"),
        )
        .select_from(DELIVERIES.outerjoin(MANIFESTS, named))
        .where(_seen(DELIVERIES, as_of, superseded=True))
    )


def _complete() -> ColumnElement[bool]:
    equal = and_(
        MANIFESTS.c.root == DELIVERIES.c.root,
        MANIFESTS.c.rows == DELIVERIES.c.rows,
        MANIFESTS.c.row_schema == DELIVERIES.c.row_schema,
        MANIFESTS.c.mode == DELIVERIES.c.mode,
    )
    return type_coerce(case((equal, true()), else_=false()), Boolean)


def _repeats() -> ColumnElement[int]:
    earlier = DELIVERIES.alias("earlier")
    return (
        select(func.min(earlier.c.version))
        .where(
            earlier.c.entry == DELIVERIES.c.entry,
            earlier.c.content == DELIVERIES.c.content,
            earlier.c.leaf_from < DELIVERIES.c.leaf_from,
        )
        .correlate(DELIVERIES)
        .scalar_subquery()
    )


def _names(
    connection: Connection, rows: Sequence[Row[Any]], as_of: int | None
) -> dict[bytes, Name]:
    return organisations.names(connection, {bytes(row.organisation) for row in rows}, as_of)


def _resource(row: Row[Any], names: dict[bytes, Name]) -> Resource:
    return Resource(
        code=row.code,
        entry=row.entry,
        type=row.type,
        status=row.status,
        name=row.name,
        location=row.location,
        reasons=tuple(json.loads(row.reasons)),
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _manifest(row: Row[Any], names: dict[bytes, Name]) -> Manifest:
    return Manifest(
        entry=row.entry,
        edition=row.edition,
        period_start=day_of(row.period_start),
        period_end=day_of(row.period_end),
        mode=row.mode,
        rows=row.rows,
        schema=_hex(row.row_schema),
        root=_hex(row.root),
        buckets=_hex(row.buckets),
        key=tuple(json.loads(row.key_columns)),
        schema_text=row.schema_text,
        encoding=row.encoding,
        secret_check=None if row.secret_check is None else _hex(row.secret_check),
        resource=row.resource,
        note=row.note,
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        body_digest=_hex(row.body_digest),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _delivery(row: Row[Any], names: dict[bytes, Name]) -> Delivery:
    return Delivery(
        entry=row.entry,
        number=row.version,
        manifest=row.manifest,
        manifest_leaf=row.manifest_leaf,
        edition=row.edition,
        period_start=day_of(row.period_start),
        period_end=day_of(row.period_end),
        mode=row.mode,
        rows=row.rows,
        schema=_hex(row.row_schema),
        root=_hex(row.root),
        content=_hex(row.content),
        predecessor=None if row.predecessor is None else _hex(row.predecessor),
        complete=row.complete,
        claimed=row.claimed,
        differences=None if row.differences is None else json.loads(row.differences),
        repeats=row.repeats,
        note=row.note,
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        body_digest=_hex(row.body_digest),
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _hex(data: bytes) -> str:
    return "0x" + bytes(data).hex()
