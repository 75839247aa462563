"""A small district on a simulated chain, and a small projection of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table

from ledger.canonical import canonical_json
from ledger.codes import Role
from ledger.mirror.projections import Decoded
from ledger.statements import FILING, KEY, ORGANISATION, Batch, Value
from ledger.store.ranged import supersede
from tests.simulator import Key, SimulatedChain

FAR = 4_000_000_000
ROOT = "TMP-DATA-BUREAU"
HEALTH = "TMP-HEALTH"
SCHOOLS = "TMP-SCHOOLS"
DRAFT, SUBMITTED = 1, 2
ACTIVE, REVOKED = 1, 2

NOTES = Table(
    "test_note",
    MetaData(),
    Column("code", String(64), primary_key=True),
    Column("leaf_from", Integer, primary_key=True),
    Column("leaf_until", Integer, nullable=True),
    Column("version", Integer, nullable=False),
    Column("name", String(200), nullable=False),
)


@dataclass
class Notes:
    """What each entry was called, and since when."""

    name: str = "notes"
    version: int = 1
    kinds: frozenset[str] = frozenset({FILING.kind})
    tables: Sequence[Table] = (NOTES,)
    prefix: str = ""

    def malformed(self, decoded: Decoded) -> str | None:
        return None if "name" in decoded.body else "body/name: missing"

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        rows = [
            {
                "code": each.body["code"],
                "leaf_from": each.statement.index,
                "version": each.statement.version,
                "name": self.prefix + each.body["name"],
            }
            for each in statements
        ]
        supersede(connection, NOTES, ("code",), rows)


def with_notes(engine: Engine) -> Engine:
    """The database with the table of the small projection."""
    NOTES.metadata.create_all(engine)
    return engine


@dataclass
class District:
    """Departments and their keys; says things in their name."""

    sim: SimulatedChain
    versions: dict[object, int] = field(default_factory=dict)

    genesis = Key.of("genesis")
    steward = Key.of("health steward")
    head = Key.of("health head")
    teacher = Key.of("schools steward")

    def found(self) -> District:
        """The root organisation, two departments, three keys: leaves 0 to 5."""
        self.organisations(ROOT, (ROOT, "", 2))
        self.organisations(ROOT, (HEALTH, ROOT, 2), (SCHOOLS, ROOT, 2))
        self.keys(
            (self.steward, HEALTH, Role.STEWARD),
            (self.head, HEALTH, Role.HEAD),
            (self.teacher, SCHOOLS, Role.STEWARD),
        )
        return self

    def next_version(self, subject: object) -> int:
        self.versions[subject] = self.versions.get(subject, 0) + 1
        return self.versions[subject]

    def organisations(self, speaker: str, *rows: tuple[str, str, int]) -> int:
        values: list[dict[str, Value]] = []
        bodies = []
        for code, parent, level in rows:
            values.append(
                {
                    "code": code,
                    "version": self.next_version(code),
                    "parent": parent,
                    "level": level,
                    "status": 1,
                }
            )
            body = {"code": code, "name": f"机构 {code}", "uscc": "missing"}
            bodies.append(canonical_json(body | ({"parent": parent} if parent else {})))
        return self.sim.say(
            Batch(ORGANISATION, speaker, FAR, tuple(values), tuple(bodies)), self.genesis
        )

    def keys(self, *rows: tuple[Key, str, Role], status: int = ACTIVE) -> int:
        values: list[dict[str, Value]] = [
            {
                "key": key.text,
                "version": self.next_version(key),
                "holder": holder,
                "roles": int(role),
                "status": status,
            }
            for key, holder, role in rows
        ]
        bodies = [canonical_json({"holder": holder}) for _, holder, _ in rows]
        return self.sim.say(Batch(KEY, ROOT, FAR, tuple(values), tuple(bodies)), self.genesis)

    def filing(
        self,
        *names: str,
        organisation: str = HEALTH,
        body: dict[str, Any] | None = None,
        raw: bytes | None = None,
        deadline: int = FAR,
    ) -> Batch:
        """Drafts of entries by these names, each a new version of the entry that is called so."""
        values: list[dict[str, Value]] = []
        bodies = []
        for name in names:
            code = f"{organisation}/{name}"
            values.append(
                {
                    "code": code,
                    "version": self.next_version(code),
                    "state": DRAFT,
                    "shareType": 0,
                    "openType": 0,
                    "grade": 0,
                    "updateCycle": 0,
                    "library": 0,
                }
            )
            text = body or {"code": code, "name": f"数据 {name}", "provider": organisation}
            bodies.append(canonical_json(text) if raw is None else raw)
        return Batch(FILING, organisation, deadline, tuple(values), tuple(bodies))

    def file(self, *names: str, **options: Any) -> int:
        """File them, signed by the steward of the department."""
        batch = self.filing(*names, **options)
        signer = self.teacher if batch.organisation == SCHOOLS else self.steward
        return self.sim.say(batch, signer)
