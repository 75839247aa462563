"""Questions about organisations (机构) and keys (密钥), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
Lists come in the order of codes and addresses, whatever the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from eth_utils.address import to_checksum_address
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, bindparam, select

from ledger.codes import KeyStatus, Level, OrganisationStatus, Role
from ledger.organisations.models import KEYS, ORGANISATIONS
from ledger.organisations.roles import role_names
from ledger.store.ranged import held

_CHUNK = 500
_NAMES = select(*(ORGANISATIONS.c[name] for name in ("org_hash", "code", "name", "name_en"))).where(
    ORGANISATIONS.c.org_hash.in_(bindparam("hashes", expanding=True))
)
_NAMES_NOW = _NAMES.where(held(ORGANISATIONS, None))


class Organisation(msgspec.Struct, frozen=True):
    """An organisation as one statement left it, in force from ``leaf_from`` to ``leaf_until``."""

    code: str
    name: str
    name_en: str | None
    parent: str | None
    level: str
    status: str
    region: str | None
    aliases: tuple[str, ...]
    uscc: str
    evidence: str | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None

    @property
    def active(self) -> bool:
        return bool(self.status == OrganisationStatus.ACTIVE.value)


class Key(msgspec.Struct, frozen=True):
    """A key as one statement left it; ``role_mask`` is what stands on the chain."""

    address: str
    organisation: str
    roles: tuple[str, ...]
    role_mask: int
    status: str
    label: str | None
    reason: str | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None

    @property
    def active(self) -> bool:
        return bool(self.status == KeyStatus.ACTIVE.value)


class Holder(msgspec.Struct, frozen=True):
    """Whose a key is: ``may_sign`` is false for a revoked key or a dissolved organisation."""

    key: Key
    organisation: Organisation | None
    may_sign: bool


class Name(msgspec.Struct, frozen=True):
    """What people call the organisation behind a hash."""

    code: str
    name: str
    name_en: str | None


class Branch(msgspec.Struct, frozen=True):
    """An organisation and those under it."""

    organisation: Organisation
    children: tuple[Branch, ...]


def organisations(
    connection: Connection,
    *,
    q: str | None = None,
    level: Level | None = None,
    parent: str | None = None,
    status: OrganisationStatus | None = None,
    uscc: str | None = None,
    as_of: int | None = None,
) -> list[Organisation]:
    """Organisations that match everything given, by code.

    ``q`` is looked for in code, names and aliases, ignoring case; ``parent`` is a code, ``""`` for
    those without one; ``uscc="missing"`` finds those whose USCC is still to be filled in.
    """
    table = ORGANISATIONS
    wanted: list[ColumnElement[bool]] = []
    if q and q.strip():
        wanted.append(table.c.haystack.contains(q.strip().casefold(), autoescape=True))
    if level is not None:
        wanted.append(table.c.level == level.value)
    if parent is not None:
        wanted.append(table.c.parent == parent if parent else table.c.parent.is_(None))
    if status is not None:
        wanted.append(table.c.status == status.value)
    if uscc is not None:
        wanted.append(table.c.uscc == uscc)
    return sorted(
        (_organisation(row) for row in _held(connection, table, wanted, as_of)),
        key=lambda found: found.code,
    )


def organisations_at(size: int | None) -> Select[Any]:
    """Every organisation at a log size, dissolved ones too, for others to join.

    Columns: leaf, code, hash (Keccak-256 of the code), parent, level, status, name, name_en.
    """
    table = ORGANISATIONS
    return select(
        table.c.leaf_from.label("leaf"),
        table.c.code,
        table.c.org_hash.label("hash"),
        table.c.parent,
        table.c.level,
        table.c.status,
        table.c.name,
        table.c.name_en,
    ).where(held(table, size))


def organisation(
    connection: Connection, code: str, as_of: int | None = None
) -> Organisation | None:
    """The organisation with this code, None where there is none."""
    rows = _held(connection, ORGANISATIONS, [ORGANISATIONS.c.code == code], as_of)
    return _organisation(rows[0]) if rows else None


def organisation_history(
    connection: Connection, code: str, as_of: int | None = None
) -> list[Organisation]:
    """Every version of an organisation, the first one first."""
    rows = _all(connection, ORGANISATIONS, ORGANISATIONS.c.code == code, as_of)
    return [_organisation(row) for row in rows]


def tree(connection: Connection, as_of: int | None = None) -> list[Branch]:
    """Organisations under their parents; one whose parent is not projected stands at the top."""
    every = organisations(connection, as_of=as_of)
    known = {found.code for found in every}
    below: dict[str | None, list[Organisation]] = {}
    for found in every:
        below.setdefault(found.parent if found.parent in known else None, []).append(found)
    return [_branch(top, below, frozenset()) for top in _tops(every, below)]


def keys(
    connection: Connection,
    *,
    organisation: str | None = None,
    status: KeyStatus | None = None,
    role: Role | None = None,
    as_of: int | None = None,
) -> list[Key]:
    """Keys that match everything given, by organisation and address."""
    wanted: list[ColumnElement[bool]] = []
    if organisation is not None:
        wanted.append(KEYS.c.organisation == organisation)
    if status is not None:
        wanted.append(KEYS.c.status == status.value)
    if role is not None:
        wanted.append(KEYS.c.roles.bitwise_and(int(role)) != 0)
    return sorted(
        (_key(row) for row in _held(connection, KEYS, wanted, as_of)),
        key=lambda found: (found.organisation, found.address),
    )


def key_history(connection: Connection, address: str, as_of: int | None = None) -> list[Key]:
    """Every version of a key, the grant first."""
    wanted = KEYS.c.address == to_checksum_address(address)
    return [_key(row) for row in _all(connection, KEYS, wanted, as_of)]


def holder(connection: Connection, address: str, as_of: int | None = None) -> Holder | None:
    """Whose key this is and what it may sign, None for a key that no statement is about.

    The genesis authority's key is one of those until its first key statement; the deployment names
    it. ``as_of`` an index answers for the statement at that index.
    """
    rows = _held(connection, KEYS, [KEYS.c.address == to_checksum_address(address)], as_of)
    if not rows:
        return None
    found = _key(rows[0])
    of = organisation(connection, found.organisation, as_of)
    return Holder(found, of, may_sign=found.active and of is not None and of.active)


def names(
    connection: Connection, hashes: Iterable[bytes], as_of: int | None = None
) -> dict[bytes, Name]:
    """Code and name behind each organisation hash of statements; unknown ones are left out."""
    asked = _NAMES_NOW if as_of is None else _NAMES.where(held(ORGANISATIONS, as_of))
    some = sorted(set(hashes))
    found: dict[bytes, Name] = {}
    for start in range(0, len(some), _CHUNK):
        rows = connection.execute(asked, {"hashes": some[start : start + _CHUNK]})
        found.update({bytes(row.org_hash): Name(row.code, row.name, row.name_en) for row in rows})
    return found


def _held(
    connection: Connection, table: Table, wanted: Sequence[ColumnElement[bool]], as_of: int | None
) -> Sequence[Row[Any]]:
    return connection.execute(select(table).where(*wanted, held(table, as_of))).all()


def _all(
    connection: Connection, table: Table, wanted: ColumnElement[bool], as_of: int | None
) -> Sequence[Row[Any]]:
    question = select(table).where(wanted).order_by(table.c.leaf_from)
    if as_of is not None:
        question = question.where(table.c.leaf_from < as_of)
    return connection.execute(question).all()


def _tops(
    every: Sequence[Organisation], below: dict[str | None, list[Organisation]]
) -> list[Organisation]:
    """Where branches begin; a circle of parents begins at its lowest code, so nobody is lost."""
    tops = list(below.get(None, []))
    reached: set[str] = set()

    def reach(start: Organisation) -> None:
        waiting = [start]
        while waiting:
            found = waiting.pop()
            if found.code not in reached:
                reached.add(found.code)
                waiting += below.get(found.code, [])

    for top in tops:
        reach(top)
    for found in every:
        if found.code not in reached:
            tops.append(found)
            reach(found)
    return tops


def _branch(
    top: Organisation, below: dict[str | None, list[Organisation]], above: frozenset[str]
) -> Branch:
    line = above | {top.code}
    return Branch(
        top,
        tuple(
            _branch(child, below, line)
            for child in below.get(top.code, [])
            if child.code not in line
        ),
    )


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        parent=row.parent,
        level=row.level,
        status=row.status,
        region=row.region,
        aliases=tuple(json.loads(row.aliases)),
        uscc=row.uscc,
        evidence=row.evidence,
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _key(row: Row[Any]) -> Key:
    return Key(
        address=row.address,
        organisation=row.organisation,
        roles=role_names(row.roles),
        role_mask=row.roles,
        status=row.status,
        label=row.label,
        reason=row.reason,
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )
