"""Questions about anchored audit reports (审计报告), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select

from ledger.audits.models import REPORTS
from ledger.organisations import queries as organisations
from ledger.organisations.queries import Name
from ledger.store.ranged import held


class Report(msgspec.Struct, frozen=True):
    """An anchored report as one statement left it. Digests are lower-case hex; ``rate`` in basis points."""

    code: str
    type: str
    scope: dict[str, str]
    size: int
    root: str
    numerator: int
    denominator: int
    report: str
    metric: str | None
    rate: int | None
    policy: str | None
    note: str | None
    organisation: Name | None
    organisation_hash: str
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


def reports(
    connection: Connection,
    *,
    type: str | None = None,  # noqa: A002 - the column's name
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Report]:
    """The newest version of every report, the newest statement first; pages go ``before`` a leaf."""
    wanted: list[ColumnElement[bool]] = [held(REPORTS, as_of)]
    if type is not None:
        wanted.append(REPORTS.c.type == type)
    if before is not None:
        wanted.append(REPORTS.c.leaf_from < before)
    return _asked(connection, wanted, as_of, limit)


def with_digest(connection: Connection, digest: str, *, as_of: int | None = None) -> list[Report]:
    """Every statement ever made, or before ``as_of``, about the report with these bytes, newest first."""
    wanted: list[ColumnElement[bool]] = [REPORTS.c.report == bytes.fromhex(digest)]
    if as_of is not None:
        wanted.append(REPORTS.c.leaf_from < as_of)
    return _asked(connection, wanted, as_of, None)


def versions(connection: Connection, code: str, *, as_of: int | None = None) -> list[Report]:
    """Every version of the report with this code, the newest first; none where it is unknown."""
    wanted: list[ColumnElement[bool]] = [REPORTS.c.code == code]
    if as_of is not None:
        wanted.append(REPORTS.c.leaf_from < as_of)
    return _asked(connection, wanted, as_of, None)


def digest_of_bytes(report: bytes) -> str:
    """The digest under which a report's bytes are anchored: SHA-256, lower-case hex."""
    return hashlib.sha256(report).hexdigest()


def _asked(
    connection: Connection,
    wanted: list[ColumnElement[bool]],
    as_of: int | None,
    limit: int | None,
) -> list[Report]:
    question = select(REPORTS).where(*wanted).order_by(REPORTS.c.leaf_from.desc()).limit(limit)
    rows = connection.execute(question).all()
    names = organisations.names(connection, {bytes(row.organisation) for row in rows}, as_of)
    return [_report(row, names.get(bytes(row.organisation))) for row in rows]


def _report(row: Row[Any], organisation: Name | None) -> Report:
    return Report(
        code=row.code,
        type=row.type,
        scope=json.loads(row.scope),
        size=row.size,
        root=bytes(row.root).hex(),
        numerator=row.numerator,
        denominator=row.denominator,
        report=bytes(row.report).hex(),
        metric=row.metric,
        rate=row.rate,
        policy=None if row.policy is None else bytes(row.policy).hex(),
        note=row.note,
        organisation=organisation,
        organisation_hash="0x" + bytes(row.organisation).hex(),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )
