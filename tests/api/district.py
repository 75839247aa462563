"""A small office on an embedded chain: a district, three organisations, their keys, some entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from ledger.audits.audit import audited
from ledger.audits.report import digest_of, measures, report_bytes, report_head
from ledger.audits.statements import ReportDraft, publish
from ledger.audits.verifying import headline
from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.keystore import DEMO_WORK_FACTOR, Keystore
from ledger.codes import EntryState, KeyStatus, Level
from ledger.corrections.statements import FiledDraft, HandledDraft, steps
from ledger.deliveries.statements import deliver, manifest, mount
from ledger.lineage.statements import (
    CheckpointDraft,
    RuleDraft,
    StepDraft,
    anchor,
    attribute,
    declare,
)
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
from ledger.office import Office
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.quality.statements import RuleOutcome, ScoreDraft, score
from ledger.settings import load_settings
from ledger.statements import Batch, SignedBatch
from tests.deliveries import drafts

ROOT = "TMP-DISTRICT"
BUREAU = "TMP-DATA-BUREAU"
SCHOOLS = "TMP-SCHOOLS"
HEALTH = "TMP-HEALTH"
PASSPHRASE = "test office"
SECRET_WORDS = "重点人员名册"
"""Stands in the text of the restricted entry, and must never be told by the API."""
CORRECTION = "JH-1"
"""The code of a correction request."""
ENTRIES = 7
OTHER_REPORT = "5a" * 32
"""The digest of an anchored report that does not follow from the log."""
TABLE = "EDU-1-S1-T1"
"""The obligation that an entry answers."""
EXEMPTION = "EX-1"
RULE, STEP = "R-1", "S-1"
"""A rule and a declared step of lineage."""
DARK = ("postgres://edu:5432", "dm.licences_by_street")
"""A data set that a step writes, and no entry covers."""
MANIFEST_LEAF = 29
SCORE_LEAF = 25
"""Where the one manifest stands in the log."""


def account(name: str) -> LocalAccount:
    """The same key for the same name, always."""
    key: LocalAccount = Account.from_key(keccak(text=f"api test key {name}"))
    return key


def entry_document(code: str, name: str, provider: str, **changes: Any) -> dict[str, Any]:
    """A complete catalogue entry."""
    return {
        "code": code,
        "name": name,
        "provider": provider,
        "provider_name": "某某区单位",
        "abstract": f"{name}的基本情况",
        "formats": [{"category": "database", "type": "mysql"}],
        "items": [
            {"name": "姓名", "data_type": "char", "length": 64, "grade": 2},
            {"name": "许可日期", "data_type": "date", "grade": 1},
        ],
        "share_type": "unconditional",
        "share_modes": ["api"],
        "use_conditions": "用于履行职责",
        "open_type": "not_open",
        "update_cycle": "monthly",
        "library": "department",
        "level": "district",
        "origin": "district_supplement",
        "secrecy_assessment": {"done": True},
        "personal_information_assessment": {"done": True},
    } | changes


@dataclass
class District:
    """The office and the short ways to act in it."""

    office: Office

    def record(self, *batches: tuple[Batch, str, str | None]) -> list[str]:
        """Sign with the keys of these names, send, and wait until the mirror has verified it."""
        receipts = [
            self.office.outbox.submit(self.sign(batch, signer, cosigner)).id
            for batch, signer, cosigner in batches
        ]
        for receipt in self.office.settle(receipts):
            if receipt.error is not None:
                raise AssertionError(str(receipt.error))
        return receipts

    def sign(self, batch: Batch, signer: str, cosigner: str | None = None) -> SignedBatch:
        return self.office.sign(batch, account(signer), account(cosigner) if cosigner else None)

    def deadline(self) -> int:
        return self.office.deadline()

    def file(
        self,
        documents: Sequence[dict[str, Any]],
        *,
        speaker: str,
        versions: Iterable[int] | None = None,
        state: EntryState = EntryState.SUBMITTED,
    ) -> Batch:
        numbers = versions or [1] * len(documents)
        revisions = [
            Revision(Entry.parse(document), version, state)
            for document, version in zip(documents, numbers, strict=True)
        ]
        filed = filing(speaker, revisions, self.deadline())
        self.office.seal(filed.envelopes)
        return filed.batch


def open_office(place: Path) -> Office:
    """An office in ``place`` with contracts deployed on an embedded chain."""
    settings = load_settings(
        overrides={"data_dir": place, "passphrase": PASSPHRASE, "language": "zh"}, env={}
    )
    keys = Keystore(place / "keys", work_factor=DEMO_WORK_FACTOR)
    keys.add("sender", bytes(account("sender").key), PASSPHRASE)
    keys.vault_key(PASSPHRASE, create=True)
    chain = connect(settings, create=True)
    try:
        deployment = deploy(
            chain, account("sender"), account("genesis").address, account("admin").address, 86_400
        )
    finally:
        chain.close()
    deployment.save(place)
    return Office(settings)


OUTCOMES = tuple(
    RuleOutcome.model_validate(one)
    for one in (
        {"rule": "name-given", "indicator": "020100", "severity": "major", "state": "assessed",
         "evaluated": 200, "failing": 20},
        {"rule": "kind-listed", "indicator": "010500", "severity": "minor", "state": "not_assessable",
         "reason": "missing_reference"},
        {"rule": "phone-form", "indicator": "030200", "severity": "minor", "state": "assessed",
         "evaluated": 100, "failing": 50},
    )
)  # fmt: skip


def settle_district(office: Office) -> District:
    """Everything that the read tests look at, signed, sent and verified."""
    district = District(office)
    until = district.deadline()
    _organisations(district, until)
    _catalogue(district, until)
    scored = [
        ScoreDraft(
            entry=code,
            edition=1,
            period_start=date(2026, 4, 1),
            period_end=date(2026, 6, 30),
            scores={"completeness": 9000 + step, "accuracy": 8000},
            rule_set="ab" * 32,
            weights_digest="cd" * 32,
            result_digest="ef" * 32,
            profile="本区权重",
            grade="良",
            day=date(2026, 6, 30),
            rows=200,
            outcomes=OUTCOMES,
        )
        for step, code in enumerate(["301001/000001", "301001/000002", "301002/000001"])
    ]
    district.record((score(scored, speaker=BUREAU, deadline=until), "assessor", None))
    _deliveries(district, until)
    _obligations(district, until)
    _corrections(district, until)
    _audits(district, until)
    _lineage(district, until)
    return district


def _audits(district: District, until: int) -> None:
    """Two anchored reports: one as it follows from the log, and one that nobody can work out again."""
    grant = KeyDraft(
        address=account("auditor").address, holder=ROOT, roles=("auditor",), label="auditor"
    )
    district.record((set_keys([grant], speaker=ROOT, deadline=until), "genesis", None))
    district.office.work()
    with district.office.read() as connection, audited(connection) as audit:
        head, measure = report_head(audit), headline(measures(audit))
        honest = ReportDraft(
            code="AUDIT-1",
            size=head["size"],
            root=head["root"],
            numerator=measure["numerator"],
            denominator=measure["denominator"],
            report=digest_of(report_bytes(audit)),
            metric=measure["id"],
            policy=head["policy_digest"],
        )
    other = honest.model_copy(update={"code": "AUDIT-2", "report": OTHER_REPORT})
    for draft in (honest, other):
        batch = publish([draft], speaker=ROOT, deadline=until)
        district.record((batch, "auditor", None))


def _lineage(district: District, until: int) -> None:
    """Two rules, a declared step and the checkpoint of a journal elsewhere."""
    entry = "301001/000001"
    source = {"namespace": "postgres://edu:5432", "name": "ods.licences"}
    rules = [
        RuleDraft.model_validate(
            {
                "code": code,
                "holder": SCHOOLS,
                "entry": entry,
                "namespace": "postgres://edu*",
                "name": name,
                "system": "办学许可系统",
            }
        )
        for code, name in ((RULE, "ods.licences*"), ("R-2", "dw.licences"))
    ]
    step = StepDraft.model_validate(
        {
            "code": STEP,
            "name": "脱敏汇总",
            "name_en": "Summarise",
            "type": "derive",
            "inputs": [source],
            "outputs": [{"entry": entry}],
            "columns": [
                {
                    "output": {"entry": entry, "field": "姓名"},
                    "inputs": [source | {"field": "xm"}],
                    "masking": True,
                },
                {
                    "output": {"entry": entry},
                    "inputs": [source | {"field": "id"}],
                    "kind": "INDIRECT",
                },
            ],
            "deidentification": {"method": "掩码", "grade_before": 3, "grade_after": 2},
        }
    )
    loose = StepDraft.model_validate(
        {
            "code": "S-2",
            "name": "另存",
            "type": "derive",
            "inputs": [source],
            "outputs": [{"namespace": DARK[0], "name": DARK[1]}],
        }
    )
    anchored = CheckpointDraft(origin="elsewhere/lineage", size=7, root="ab" * 32)
    district.record(
        (attribute(rules, speaker=SCHOOLS, deadline=until), "schools steward", None),
        (declare([step, loose], speaker=SCHOOLS, deadline=until), "schools steward", None),
        (anchor([anchored], speaker=BUREAU, deadline=until), "collector", None),
    )


def _obligations(district: District, until: int) -> None:
    """A chain of duty that ends in a published entry, an objection, an exemption in force and one run out."""
    steps = [
        ("EDU-1", "duty", None),
        ("EDU-1-S1", "system", "EDU-1"),
        (TABLE, "table", "EDU-1-S1"),
        ("EDU-2", "duty", None),
    ]
    owed = [
        ObligationDraft.model_validate(
            {
                "code": code,
                "name": f"办学许可 {code}",
                "type": kind,
                "parent": parent,
                "responsible": SCHOOLS,
                "legal_basis": ["民办教育促进法 第十二条"],
                "library": "theme" if kind == "table" else None,
                "valid_from": "2026-01-01",
            }
        )
        for code, kind, parent in steps
    ]
    entry = "301001/000001"
    bound = BindingDraft(obligation=TABLE, entry=entry)
    raised = ObjectionDraft.model_validate(
        {"obligation": "EDU-2", "state": "raised", "reasons": ["职责已划转"]}
    )
    freed = [
        ExemptionDraft.model_validate(
            {
                "code": code,
                "target": target,
                "target_type": kind,
                "scope": scope,
                "law": "某法 第十条",
                "valid_from": "2020-01-01",
                "expires": expires,
            }
        )
        for code, target, kind, scope, expires in (
            (EXEMPTION, TABLE, "obligation", ["update"], "2999-12-31"),
            ("EX-2", entry, "entry", ["collect", "share"], "2020-12-31"),
        )
    ]
    district.record(
        (oblige(owed, speaker=BUREAU, deadline=until), "publisher", None),
        (bind([bound], speaker=SCHOOLS, deadline=until), "schools steward", None),
        (object_to([raised], speaker=SCHOOLS, deadline=until), "schools head", None),
        (exempt(freed, speaker=BUREAU, deadline=until), "publisher", None),
    )


def _corrections(district: District, until: int) -> None:
    """Two requests of the health commission about what the schools file, one of them answered."""
    common: dict[str, Any] = {"entry": "301001/000002", "type": "use"}
    filed = [
        FiledDraft.model_validate(
            {
                **common,
                "code": code,
                "title": "学籍人数不符",
                "description": "与体检人数相差较大",
                "reasons": ["inconsistent"],
                "attachments": [{"name": "比对表.xlsx", "sha256": "cd" * 32}],
            }
        )
        for code in (CORRECTION, "JH-2")
    ]
    answer = HandledDraft.model_validate(
        {**common, "code": CORRECTION, "version": 2, "outcome": "corrected", "answer": "已更正"}
    )
    district.record(
        (steps(filed, speaker=HEALTH, deadline=until), "health steward", None),
        (steps([answer], speaker=SCHOOLS, deadline=until), "schools steward", None),
    )


def _deliveries(district: District, until: int) -> None:
    """A resource, a manifest, and a delivery that is complete: all of the entry that is revised."""
    entry = "301001/000001"
    district.record(
        (
            mount([drafts.resource(code=entry, entry=entry)], speaker=SCHOOLS, deadline=until),
            "schools steward",
            None,
        ),
        (
            manifest([drafts.manifest(entry=entry)], speaker=SCHOOLS, deadline=until),
            "schools steward",
            None,
        ),
        (
            deliver([drafts.delivery(entry=entry)], speaker=BUREAU, deadline=until),
            "collector",
            None,
        ),
    )


def _organisations(district: District, until: int) -> None:
    root = OrganisationDraft(code=ROOT, name="某某区", name_en="A District", level=Level.DISTRICT)
    below = [
        OrganisationDraft(code=code, name=name, name_en=en, parent=ROOT, level=Level.DISTRICT)
        for code, name, en in (
            (BUREAU, "某某区数据局", "Data Bureau"),
            (SCHOOLS, "某某区教育局", "Education Bureau"),
            (HEALTH, "某某区卫生健康委员会", None),
        )
    ]
    grants = [
        KeyDraft(address=account(name).address, holder=holder, roles=(role,), label=name)
        for name, holder, role in (
            ("publisher", BUREAU, "authority"),
            ("assessor", BUREAU, "assessor"),
            ("collector", BUREAU, "collector"),
            ("schools steward", SCHOOLS, "steward"),
            ("schools head", SCHOOLS, "head"),
            ("schools old", SCHOOLS, "steward"),
            ("health steward", HEALTH, "steward"),
            ("health head", HEALTH, "head"),
        )
    ]
    retired = [
        KeyDraft(
            address=account("schools old").address,
            holder=SCHOOLS,
            roles=("steward",),
            status=KeyStatus.REVOKED,
            reason="岗位调整",
            version=2,
        )
    ]
    district.record(
        (register([root], speaker=ROOT, deadline=until), "genesis", None),
        (register(below, speaker=ROOT, deadline=until), "genesis", None),
        (set_keys(grants, speaker=ROOT, deadline=until), "genesis", None),
        (set_keys(retired, speaker=ROOT, deadline=until), "genesis", None),
    )


def _catalogue(district: District, until: int) -> None:
    schools = [
        entry_document("301001/000001", "民办学校许可", SCHOOLS, name_en="School permits"),
        entry_document("301001/000002", "学籍基本信息", SCHOOLS, library="theme"),
        entry_document("301001/000003", SECRET_WORDS, SCHOOLS, grade=4),
    ]
    health = [
        entry_document("301002/000001", "医疗机构执业许可", HEALTH, share_type="conditional")
        | {"share_scope": "全区各部门", "share_purpose": "行政审批"},
        entry_document("301002/000002", "疫苗接种点", HEALTH),
    ]
    drafts = [
        {"code": "301002/000003", "name": "待补充目录一", "provider": HEALTH},
        {"code": "301002/000004", "name": "待补充目录二", "provider": HEALTH},
    ]
    decided = [
        Verdict("301001/000001", 2, EntryState.PUBLISHED),
        Verdict("301001/000002", 2, EntryState.PUBLISHED),
        Verdict("301002/000001", 2, EntryState.PUBLISHED),
        Verdict("301002/000002", 2, EntryState.RETURNED, ("缺少数据来源说明",)),
    ]
    revised = entry_document(
        "301001/000001",
        "民办学校办学许可",
        SCHOOLS,
        name_en="School permits",
        update_cycle="weekly",
    )
    district.record(
        (district.file(schools, speaker=SCHOOLS), "schools steward", "schools head"),
        (district.file(health, speaker=HEALTH), "health steward", "health head"),
        (
            district.file(drafts, speaker=HEALTH, state=EntryState.DRAFT),
            "health steward",
            None,
        ),
        (decision(BUREAU, decided, until), "publisher", None),
        (
            district.file([revised], speaker=SCHOOLS, versions=[3]),
            "schools steward",
            "schools head",
        ),
    )
