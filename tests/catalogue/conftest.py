"""A log in a few lines: batches in, statements and rows out, without chain or signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from ledger.canonical import parse_canonical
from ledger.catalogue.entry import Entry
from ledger.catalogue.projection import PROJECTION
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.codes import EntryState
from ledger.mirror.projections import Decoded
from ledger.mirror.tables import statement
from ledger.statements import Batch, Statement, sha256, subject_of, text_hash
from ledger.store.engine import open_database, writing

OWNER = "11310118MB2F300123"
AUTHORITY = "TMP-DATA-BUREAU"
FAR = 4_000_000_000
FIRST_TIME = 1_780_000_000


def decoded_of(one: Statement, batch: Batch) -> Decoded:
    body = parse_canonical(one.body) if one.body else {}
    return Decoded(one, batch.struct, batch.struct.decode(one.payload), body)


def statements_of(batch: Batch, first: int) -> list[Statement]:
    """What a chain would record of ``batch`` from leaf ``first`` on."""
    organisation = text_hash(batch.organisation)
    payloads = batch.payloads()
    return [
        Statement(
            index=first + place,
            kind=batch.struct.kind,
            subject=subject_of(batch.struct, values, organisation),
            version=int(values["version"]),
            org=organisation,
            signer=bytes(19) + b"\x01",
            authorisation=sha256(payloads[0]),
            recorded_at=FIRST_TIME + first,
            payload=payload,
            body_digest=sha256(body),
            body=body,
        )
        for place, (values, payload, body) in enumerate(
            zip(batch.full_values(), payloads, batch.bodies, strict=True)
        )
    ]


@dataclass
class TinyLog:
    """The statement table and the catalogue's projection, fed directly."""

    engine: Engine
    taken: list[Decoded] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.taken)

    def append(self, batch: Batch) -> list[Statement]:
        """Record a batch: rows of ``statement``, flags for malformed ones, projected rows."""
        fresh = statements_of(batch, self.size)
        decoded = [decoded_of(one, batch) for one in fresh]
        self.taken += decoded
        good = []
        for one in decoded:
            why = PROJECTION.malformed(one)
            if why is None:
                good.append(one)
            else:
                self.flags[one.statement.index] = why
        with writing(self.engine) as connection:
            connection.execute(insert(statement), [row_of(one) for one in fresh])
            PROJECTION.apply(connection, good)
        return fresh

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table of the projection, in a fixed order."""
        with self.engine.connect() as connection:
            return {
                table.name: [
                    dict(row)
                    for row in connection.execute(
                        select(table).order_by(*table.primary_key.columns)
                    ).mappings()
                ]
                for table in PROJECTION.tables
            }

    def cut(self, size: int) -> None:
        """Take back all that leaves from ``size`` on did, as a rollback does."""
        with writing(self.engine) as connection:
            for table in PROJECTION.tables:
                connection.execute(delete(table).where(table.c.leaf_from >= size))
                connection.execute(
                    update(table).where(table.c.leaf_until >= size).values(leaf_until=None)
                )
            connection.execute(delete(statement).where(statement.c.index_ >= size))
        del self.taken[size:]


def row_of(one: Statement) -> dict[str, Any]:
    """A row of the mirror's ``statement`` table."""
    return {
        "index_": one.index,
        **{name: getattr(one, name) for name in Statement.__struct_fields__ if name != "index"},
    }


@pytest.fixture
def make_log(tmp_path: Path) -> Iterator[Callable[[], TinyLog]]:
    """Makes as many empty logs as a test asks for."""
    engines: list[Engine] = []

    def make() -> TinyLog:
        engine = open_database(f"sqlite:///{tmp_path / f'mirror{len(engines)}.db'}", "mirror")
        engines.append(engine)
        return TinyLog(engine)

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def log(make_log: Callable[[], TinyLog]) -> TinyLog:
    return make_log()


@pytest.fixture
def mirror(log: TinyLog) -> Iterator[Connection]:
    """A connection that reads; use it after the statements are in."""
    with log.engine.connect() as connection:
        yield connection


def whole_entry(code: str = "307015/000001", **changes: Any) -> dict[str, Any]:
    """An entry that lacks nothing and has no mistake;
    ``changes`` replace or (None) remove fields.
    """
    entry: dict[str, Any] = {
        "code": code,
        "name": "户籍人口基本信息",
        "provider": OWNER,
        "provider_name": "青浦区公安分局",
        "abstract": "本区户籍人口的基本登记信息",
        "formats": [{"category": "database", "type": "mysql"}],
        "items": [
            {"name": "姓名", "data_type": "char", "length": 50, "grade": 2},
            {"name": "登记日期", "data_type": "date", "grade": 1},
        ],
        "share_type": "conditional",
        "share_scope": "承担人口管理职责的部门",
        "share_purpose": "人口管理",
        "share_modes": ["api"],
        "use_conditions": "限履行职责使用",
        "open_type": "not_open",
        "update_cycle": "daily",
        "library": "comprehensive",
        "level": "district",
        "origin": "district_supplement",
        "secrecy_assessment": {"done": True},
        "personal_information_assessment": {"done": True},
    }
    entry.update(changes)
    return {name: value for name, value in entry.items() if value is not None}


def file_one(
    log: TinyLog,
    document: dict[str, Any],
    version: int = 1,
    state: EntryState = EntryState.SUBMITTED,
) -> list[Statement]:
    entry = Entry.parse(document)
    made = filing(entry.provider, [Revision(entry, version, state)], FAR)
    return log.append(made.batch)


def decide_one(log: TinyLog, code: str, version: int, state: EntryState, *reasons: str) -> None:
    log.append(decision(AUTHORITY, [Verdict(code, version, state, reasons)], FAR))
