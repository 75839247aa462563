"""A small district on a simulated chain, and a small projection of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table

from ledger.audits.statements import ReportDraft, publish
from ledger.canonical import canonical_json
from ledger.codes import Role
from ledger.corrections.statements import FiledDraft, HandledDraft, steps
from ledger.deliveries.statements import deliver, manifest, mount
from ledger.journal.journal import Checkpoint
from ledger.lineage.statements import (
    CheckpointDraft,
    RuleDraft,
    StepDraft,
    anchor,
    attribute,
    declare,
)
from ledger.mirror.projections import Decoded
from ledger.obligations.statements import (
    BindingDraft,
    ExemptionDraft,
    ObjectionDraft,
    ObligationDraft,
    bind,
    exempt,
    object_to,
    oblige,
)
from ledger.statements import DECISION, FILING, KEY, ORGANISATION, SCORE, Batch, Value
from ledger.store.ranged import supersede
from tests.deliveries import drafts
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
    collector = Key.of("collector")
    auditor = Key.of("auditor")

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

    def submit(self, entry: str, **changes: Any) -> int:
        """A complete entry, filed for publication with the head's signature."""
        code = f"{HEALTH}/{entry}"
        typed: dict[str, Value] = {
            "code": code,
            "version": self.next_version(code),
            "state": SUBMITTED,
            "shareType": 2,
            "openType": 3,
            "grade": 2,
            "updateCycle": 4,
            "library": 4,
        }
        body = {
            "code": code,
            "name": f"数据 {entry}",
            "provider": HEALTH,
            "provider_name": "卫生健康委",
            "abstract": "床位数、开放床位数",
            "keywords": ["床位"],
            "share_type": "conditional",
            "share_scope": "区级部门",
            "share_purpose": "核对",
            "use_conditions": "依申请",
            "open_type": "not_open",
            "update_cycle": "monthly",
            "library": "department",
            "grade": 2,
            "items": [{"name": "床位数", "data_type": "numeric", "primary_key": True}],
        }
        batch = Batch(FILING, HEALTH, FAR, (typed,), (canonical_json(body | changes),))
        return self.sim.say(batch, self.steward, self.head)

    def restrict(self, name: str) -> int:
        """A restricted entry: only its envelope is published."""
        code = f"{HEALTH}/{name}"
        typed: dict[str, Value] = {
            "code": code,
            "version": self.next_version(code),
            "state": SUBMITTED,
            "shareType": 3,
            "openType": 3,
            "grade": 4,
            "updateCycle": 9,
            "library": 1,
        }
        body = {"code": code, "commitment": "ab" * 32, "provider": HEALTH, "restricted": True}
        batch = Batch(FILING, HEALTH, FAR, (typed,), (canonical_json(body),))
        return self.sim.say(batch, self.steward, self.head)

    def decide(self, name: str, state: int, decision: str, *reasons: str) -> int:
        code = f"{HEALTH}/{name}"
        typed: dict[str, Value] = {
            "code": code,
            "version": self.next_version(code),
            "state": state,
        }
        body: dict[str, Any] = {"code": code, "decision": decision}
        if reasons:
            body["reasons"] = list(reasons)
        batch = Batch(DECISION, ROOT, FAR, (typed,), (canonical_json(body),))
        return self.sim.say(batch, self.genesis)

    def score(self, name: str, total: int) -> int:
        """A self-assessment by the steward of the entry's owner."""
        code = f"{HEALTH}/{name}"
        typed: dict[str, Value] = {
            "entry": code,
            "version": self.next_version((code, "score")),
            "edition": 1,
            "periodStart": 20260101,
            "periodEnd": 20260331,
            "assessed": 3,
            "normativity": total,
            "completeness": total,
            "accuracy": 0,
            "consistency": 0,
            "timeliness": 0,
            "accessibility": 0,
            "total": total,
            "coverage": 5000,
            "ruleSet": b"\7" * 32,
            "dataRoot": b"\6" * 32,
        }
        body = {
            "entry": code,
            "edition": 1,
            "method": "抽查",
            "notes": "首次",
            "weights": [1500, 2500, 2500, 1500, 1500, 500],
            "outcomes": [
                {
                    "rule": "beds-given",
                    "indicator": "020100",
                    "severity": "major",
                    "state": "assessed",
                    "evaluated": 100,
                    "failing": 10,
                }
            ],
        }
        batch = Batch(SCORE, HEALTH, FAR, (typed,), (canonical_json(body),))
        return self.sim.say(batch, self.steward)

    def rule_lineage(self) -> None:
        """A rule, a declared step and a journal's checkpoint, each in two versions."""
        for version in (1, 2):
            rule = RuleDraft.model_validate(
                {
                    "code": "R-1",
                    "holder": HEALTH,
                    "entry": f"{HEALTH}/beds",
                    "namespace": "postgres://health:5432",
                    "name": "ods.beds*",
                    "system": "医院信息系统",
                    "note": f"第{version}版",
                    "version": version,
                }
            )
            source = {"namespace": "postgres://health:5432", "name": "ods.beds"}
            output = {"entry": f"{HEALTH}/beds"}
            step = StepDraft.model_validate(
                {
                    "code": "S-1",
                    "name": "汇总床位",
                    "name_en": "Count beds",
                    "type": "derive",
                    "inputs": [source],
                    "outputs": [output],
                    "columns": [
                        {
                            "output": output | {"field": "床位数"},
                            "inputs": [source | {"field": "id"}],
                            "subtype": "AGGREGATION",
                        }
                    ],
                    "deidentification": {"method": "汇总"},
                    "note": f"第{version}版",
                    "version": version,
                }
            )
            anchored = Checkpoint("ledger.test/lineage", 100 * version, bytes([version]) * 32)
            self.sim.say(attribute([rule], speaker=HEALTH, deadline=FAR), self.steward)
            self.sim.say(declare([step], speaker=HEALTH, deadline=FAR), self.steward)
            draft = CheckpointDraft.of(anchored, version)
            self.sim.say(anchor([draft], speaker=ROOT, deadline=FAR), self.genesis)

    def collect(self) -> None:
        """A resource that is closed again, a manifest signed twice, two deliveries."""
        self.keys((self.collector, ROOT, Role.COLLECTOR))
        entry = f"{HEALTH}/beds"
        for step, status in enumerate(("live", "closed"), start=1):
            resource = drafts.resource(
                entry=entry, status=status, location="床位库", reasons=["换库"], version=step
            )
            self.sim.say(mount([resource], speaker=HEALTH, deadline=FAR), self.steward)
            signed = drafts.manifest(
                entry=entry, version=step, secret="5e" * 32, resource="R-1", note="季报"
            )
            self.sim.say(manifest([signed], speaker=HEALTH, deadline=FAR), self.steward)
            arrived = drafts.delivery(
                entry=entry,
                version=step,
                manifest=step,
                predecessor=None if step == 1 else drafts.ROOT,
                complete=False,
                differences={"missing": 1},
                note="缺一行",
            )
            self.sim.say(deliver([arrived], speaker=ROOT, deadline=FAR), self.collector)

    def ask(self) -> None:
        """A correction request about beds, and its answer."""
        common: dict[str, Any] = {"code": "JH-1", "entry": f"{HEALTH}/beds", "type": "use"}
        filed = FiledDraft.model_validate(
            {
                **common,
                "title": "床位数不符",
                "description": "与年报不一致",
                "reasons": ["inconsistent"],
                "items": ["床位数"],
                "follows": "JH-0",
            }
        )
        answer = HandledDraft.model_validate(
            {**common, "version": 2, "outcome": "corrected", "answer": "已更正", "edition": 2}
        )
        self.sim.say(steps([filed], speaker=SCHOOLS, deadline=FAR), self.teacher)
        self.sim.say(steps([answer], speaker=HEALTH, deadline=FAR), self.steward)

    def report(self) -> None:
        """An audit report, and its second version."""
        self.keys((self.auditor, ROOT, Role.AUDITOR))
        for version in (1, 2):
            draft = ReportDraft.model_validate(
                {
                    "code": "AUDIT-1",
                    "version": version,
                    "scope": {"organisation": HEALTH},
                    "size": 5 + version,
                    "root": "5f" * 32,
                    "numerator": version,
                    "denominator": 3,
                    "report": f"a{version}" * 32,
                    "metric": "collection",
                    "policy": "b0" * 32,
                    "note": "季度审计",
                }
            )
            self.sim.say(publish([draft], speaker=ROOT, deadline=FAR), self.auditor)

    def owe(self) -> None:
        """A duty and its table, which an entry answers; an objection, and an exemption."""
        common: dict[str, Any] = {
            "name": "床位登记",
            "name_en": "Beds",
            "responsible": HEALTH,
            "legal_basis": ["条例 第十三条"],
            "update_cycle": "monthly",
            "library": "theme",
            "valid_from": "2026-01-01",
            "valid_until": "2030-12-31",
            "source": "清单:1",
            "note": "示例",
        }
        table = {"code": "D-1-T", "type": "table", "parent": "D-1"}
        owed = [
            ObligationDraft.model_validate(common | {"code": "D-1", "type": "duty"}),
            ObligationDraft.model_validate(common | table),
        ]
        bound = BindingDraft(obligation="D-1-T", entry=f"{HEALTH}/beds")
        raised = ObjectionDraft.model_validate(
            {"obligation": "D-1", "state": "raised", "reasons": ["职责已划转"]}
        )
        freed = ExemptionDraft.model_validate(
            {
                "code": "EX-1",
                "target": "D-1-T",
                "target_type": "obligation",
                "scope": ["update"],
                "law": "某法 第十条",
                "valid_from": "2026-01-01",
                "expires": "2026-12-31",
            }
        )
        self.sim.say(oblige(owed, speaker=ROOT, deadline=FAR), self.genesis)
        self.sim.say(bind([bound], speaker=HEALTH, deadline=FAR), self.steward)
        self.sim.say(object_to([raised], speaker=HEALTH, deadline=FAR), self.steward)
        self.sim.say(exempt([freed], speaker=ROOT, deadline=FAR), self.genesis)

    def live(self) -> District:
        """A little of everything: every table of every projection gets rows, some superseded."""
        self.submit("beds")
        self.file("staff", "drugs")
        self.decide("beds", 3, "returned", "缺少更新周期")
        self.submit("beds", name="床位")
        self.decide("beds", 4, "published")
        self.restrict("patients")
        self.score("beds", 9000)
        self.score("beds", 9100)
        self.file("odd", raw=b'{"code":"other","name":"n","provider":"p"}')
        self.rule_lineage()
        self.ask()
        self.owe()
        self.keys((self.head, HEALTH, Role.HEAD), status=REVOKED)
        self.collect()
        self.report()
        self.sim.mine(2)
        return self
