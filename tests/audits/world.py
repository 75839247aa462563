"""A small district in the mirror, without chain or signatures, whose clock the test sets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Engine, Table, insert

from ledger.audits.audit import Audit, audited
from ledger.capabilities import PROJECTIONS
from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.codes import EntryState
from ledger.days import CHINA_TIME
from ledger.deliveries.bodies import BUCKETS, schema_digest
from ledger.deliveries.statements import DeliveryDraft, ManifestDraft, ResourceDraft
from ledger.deliveries.statements import deliver as deliver_batch
from ledger.deliveries.statements import manifest as manifest_batch
from ledger.deliveries.statements import mount as mount_batch
from ledger.merkle import Frontier
from ledger.mirror import tables
from ledger.mirror.applying import _write_tiles
from ledger.obligations.statements import (
    BindingDraft,
    ExemptionDraft,
    ObligationDraft,
    bind,
    exempt,
    oblige,
)
from ledger.organisations.statements import OrganisationDraft, register
from ledger.quality.statements import ScoreDraft, score
from ledger.statements import Batch, LogIdentity, Statement
from ledger.store.engine import writing
from tests.catalogue.conftest import whole_entry
from tests.organisations.scribe import FAR, Scribe, recorded

DATA = "TMP-DATA"
WATER = "TMP-WATER"
ROADS = "TMP-ROADS"
PARKS = "TMP-PARKS"
NAMES = {DATA: "数据局", WATER: "水务局", ROADS: "交通委", PARKS: "绿化市容局"}
DUTY, SYSTEM, TABLE = "QP-1", "QP-1-S1", "QP-1-S1-T1"
ENTRY = "307015/000001"
EMPTY_ROOT = hashlib.sha256(b"").hexdigest()
LOG = LogIdentity(1, b"\1" * 20)
SCHEMA = {
    "columns": [{"name": "编号", "type": "string"}, {"name": "面积", "type": "decimal(2)"}],
    "key": ["编号"],
}


def root_of(content: object) -> str:
    """A root for rows that are called so."""
    return hashlib.sha256(f"rows {content}".encode()).hexdigest()


@dataclass
class World:
    """What people say, and when: ``at`` is the day on which the next statement is recorded, at noon."""

    scribe: Scribe
    at: date = date(2026, 1, 5)
    versions: dict[object, int] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)

    @property
    def size(self) -> int:
        return self.scribe.size

    def on(self, month: int, day: int, year: int = 2026) -> World:
        """Whatever is said next is recorded on this day."""
        self.at = date(year, month, day)
        return self

    def say(self, batch: Batch) -> int:
        """Record a batch; returns its first leaf."""
        first = self.size
        noon = datetime(self.at.year, self.at.month, self.at.day, 12, tzinfo=CHINA_TIME)
        fresh: list[Statement] = [
            structs.replace(one, recorded_at=int(noon.timestamp()))
            for one in recorded(batch, first)
        ]
        self.scribe.take(fresh)
        self._follow(batch, fresh)
        return first

    def _follow(self, batch: Batch, fresh: Sequence[Statement]) -> None:
        """What the mirror keeps beside statements and rows: tree, cursor, block and authorisation."""
        runs = self.frontier.extend([one.leaf_hash(LOG) for one in fresh])
        seal = {"number": self.size, "hash": b"\3" * 32}
        rows: list[tuple[Table, dict[str, Any]]] = [
            (
                tables.cursor,
                {
                    "id": 1,
                    "chain_id": LOG.chain_id,
                    "log": LOG.address,
                    "size": self.size,
                    "root": self.frontier.root(),
                    "block_number": seal["number"],
                    "block_hash": seal["hash"],
                },
            ),
            (
                tables.block,
                seal
                | {
                    "parent_hash": b"\4" * 32,
                    "timestamp": fresh[-1].recorded_at,
                    "size": self.size,
                },
            ),
            (
                tables.authorisation,
                {
                    "first_index": fresh[0].index,
                    "count": len(fresh),
                    "digest": fresh[0].authorisation,
                    "registry": b"\5" * 20,
                    "organisation": fresh[0].org,
                    "signer": fresh[0].signer,
                    "signature": b"\6" * 65,
                    "cosigner": bytes(20),
                    "cosignature": b"",
                    "deadline": batch.deadline,
                    "block_number": seal["number"],
                    "transaction_hash": b"\7" * 32,
                },
            ),
        ]
        with writing(self.scribe.engine) as connection:
            connection.execute(tables.cursor.delete())
            for table, row in rows:
                connection.execute(insert(table), row)
            _write_tiles(connection, runs)
            for index, reason in self.scribe.flags.items():
                if index >= fresh[0].index:
                    row = {"index_": index, "source": fresh[0].kind, "reason": reason}
                    connection.execute(insert(tables.flag), row)

    def version(self, subject: object) -> int:
        self.versions[subject] = self.versions.get(subject, 0) + 1
        return self.versions[subject]

    def organisations(self, *codes: str) -> None:
        drafts = [
            OrganisationDraft.model_validate(
                {
                    "code": code,
                    "name": NAMES.get(code, f"单位 {code}"),
                    "parent": None if code == DATA else DATA,
                    "level": "town" if code.startswith("TMP-TOWN") else "district",
                }
            )
            for code in codes
        ]
        self.say(register(drafts, speaker=DATA, deadline=FAR))

    def oblige(self, code: str, kind: str, parent: str | None = None, **more: Any) -> int:
        draft = ObligationDraft.model_validate(
            {
                "code": code,
                "name": f"事项 {code}",
                "type": kind,
                "parent": parent,
                "responsible": WATER,
                "legal_basis": ["上海市数据条例 第二十八条"],
                "valid_from": "2026-01-01",
                "version": self.version(code),
                **more,
            }
        )
        return self.say(oblige([draft], speaker=DATA, deadline=FAR))

    def chain(self, **more: Any) -> None:
        """A duty, its system, and one table of it."""
        self.oblige(DUTY, "duty", **more)
        self.oblige(SYSTEM, "system", DUTY, **more)
        self.oblige(TABLE, "table", SYSTEM, **more)

    def file(self, code: str = ENTRY, owner: str = WATER, **changes: Any) -> int:
        """Submit an entry."""
        changes.setdefault("name", f"名录 {code}")
        entry = Entry.parse(whole_entry(code, provider=owner, **changes))
        made = filing(owner, [Revision(entry, self.version(code), EntryState.SUBMITTED)], FAR)
        return self.say(made.batch)

    def decide(self, state: EntryState, code: str = ENTRY) -> int:
        reasons = () if state is EntryState.PUBLISHED else ("理由",)
        return self.say(decision(DATA, [Verdict(code, self.version(code), state, reasons)], FAR))

    def publish(self, code: str = ENTRY, owner: str = WATER, **changes: Any) -> int:
        """File an entry and publish it the same day."""
        self.file(code, owner, **changes)
        return self.decide(EntryState.PUBLISHED, code)

    def bind(
        self, obligation: str = TABLE, entry: str = ENTRY, by: str = WATER, **more: Any
    ) -> int:
        draft = BindingDraft.model_validate(
            {
                "obligation": obligation,
                "entry": entry,
                "version": self.version((obligation, "binding")),
                **more,
            }
        )
        return self.say(bind([draft], speaker=by, deadline=FAR))

    def mount(self, entry: str = ENTRY, by: str = WATER, **more: Any) -> int:
        code = more.pop("code", f"R-{entry}")
        draft = ResourceDraft.model_validate(
            {
                "code": code,
                "entry": entry,
                "type": "table",
                "name": "资源",
                "version": self.version(("resource", code)),
                **more,
            }
        )
        return self.say(mount_batch([draft], speaker=by, deadline=FAR))

    def manifest(
        self,
        start: str,
        end: str,
        rows: int = 3,
        entry: str = ENTRY,
        *,
        content: object = None,
        by: str = WATER,
        **more: Any,
    ) -> int:
        draft = ManifestDraft.model_validate(
            {
                "entry": entry,
                "edition": 1,
                "period_start": start,
                "period_end": end,
                "rows": rows,
                "schema": SCHEMA,
                "key": ["编号"],
                "root": root_of(content or (entry, end)) if rows else EMPTY_ROOT,
                "buckets": ["0" * 16] * BUCKETS,
                "version": self.version((entry, start, end)),
                **more,
            }
        )
        return self.say(manifest_batch([draft], speaker=by, deadline=FAR))

    def deliver(
        self,
        start: str,
        end: str,
        rows: int = 3,
        entry: str = ENTRY,
        *,
        content: object = None,
        by: str = DATA,
        **more: Any,
    ) -> int:
        """The collector's word; ``content`` names the rows, which are the manifest's unless given."""
        root = root_of(content or (entry, end)) if rows else EMPTY_ROOT
        number = self.version(("delivery", entry))
        draft = DeliveryDraft.model_validate(
            {
                "entry": entry,
                "edition": 1,
                "period_start": start,
                "period_end": end,
                "rows": rows,
                "schema": schema_digest(SCHEMA).hex(),
                "root": root,
                "content": hashlib.sha256(f"tag {content or (entry, end)}".encode()).hexdigest(),
                "manifest": self.versions.get((entry, start, end), 0),
                "complete": True,
                "predecessor": self.roots.get(entry),
                "version": number,
                **more,
            }
        )
        self.roots[entry] = root
        return self.say(deliver_batch([draft], speaker=by, deadline=FAR))

    def supply(self, start: str, end: str, rows: int = 3, entry: str = ENTRY, **more: Any) -> None:
        """Manifest and complete delivery of a period."""
        self.manifest(start, end, rows, entry, **more)
        self.deliver(start, end, rows, entry, **more)

    def score(self, total: int, entry: str = ENTRY, by: str = DATA, **more: Any) -> int:
        period = more.pop("period", ("2026-01-01", "2026-03-31"))
        draft = ScoreDraft.model_validate(
            {
                "entry": entry,
                "edition": 1,
                "period_start": period[0],
                "period_end": period[1],
                "scores": {"accuracy": total},
                "rule_set": "ab" * 32,
                "version": self.version((entry, "score", by, period)),
                **more,
            }
        )
        return self.say(score([draft], speaker=by, deadline=FAR))

    def exempt(
        self,
        target: str,
        *scopes: str,
        kind: str = "obligation",
        by: str = DATA,
        code: str = "EX-1",
        **more: Any,
    ) -> int:
        draft = ExemptionDraft.model_validate(
            {
                "code": code,
                "target": target,
                "target_type": kind,
                "scope": list(scopes),
                "law": "某法 第十条",
                "valid_from": "2026-01-01",
                "expires": "2026-12-31",
                "version": self.version(("exemption", code)),
                **more,
            }
        )
        return self.say(exempt([draft], speaker=by, deadline=FAR))

    def wait(self, month: int, day: int, year: int = 2026) -> World:
        """Something that concerns nobody is said on this day, so that the log is of this day."""
        self.on(month, day, year)
        self.organisations(f"TMP-TOWN-{self.size}")
        return self

    @contextmanager
    def audit(self, size: int | None = None, **options: Any) -> Iterator[Audit]:
        with (
            self.scribe.engine.connect() as connection,
            audited(connection, size, **options) as found,
        ):
            yield found

    def states(self, obligation: str = TABLE, **options: Any) -> dict[str, Any]:
        """The line of a table in an audit of everything."""
        with self.audit(**options) as found:
            (line,) = [row for row in found.tables() if row.code == obligation]
            return dict(line._asdict())

    def gap(self, obligation: str = TABLE, **options: Any) -> tuple[int, str, int, int] | None:
        """Rung, reason, since and due of an obligation's gap; None where its ladder is whole."""
        with self.audit(**options) as found:
            rows = [row for row in found.gaps() if row.code == obligation]
        return (rows[0].rung, rows[0].reason, rows[0].since, rows[0].due) if rows else None


def new_world(engine: Engine, codes: Sequence[str] = (DATA, WATER, ROADS, PARKS)) -> World:
    """Four organisations and nothing else."""
    world = World(Scribe(engine, list(PROJECTIONS)))
    world.organisations(*codes)
    return world
