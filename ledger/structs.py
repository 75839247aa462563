"""The statements' typed structs (类型化结构), and their subjects.

Member by member what is signed and recorded; :mod:`ledger.typed_data` says how it is encoded. Nothing here
reads files, the network or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eth_hash.auto import keccak

from ledger.typed_data import SPEAKER, WORD, StatementError, StructType, Value, address_bytes

ORGANISATION = StructType(
    name="Organisation",
    batch="OrganisationBatch",
    kind="organisation",
    contract="Organisations",
    method="register",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("parent", "string"),
        ("level", "uint8"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""An organisation (机构): registered or amended by an AUTHORITY; the root's parent is ""."""

KEY = StructType(
    name="Key",
    batch="KeyBatch",
    kind="organisation.key",
    contract="Organisations",
    method="setKeys",
    subject=("key",),
    members=(
        ("key", "address"),
        ("version", "uint64"),
        ("holder", "string"),
        ("roles", "uint16"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A key (密钥) of an organisation: granted, changed or revoked; rotation is a batch of two."""

FILING = StructType(
    name="Filing",
    batch="FilingBatch",
    kind="catalogue.entry",
    contract="Catalogue",
    method="file",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("state", "uint8"),
        ("shareType", "uint8"),
        ("openType", "uint8"),
        ("grade", "uint8"),
        ("updateCycle", "uint8"),
        ("library", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A catalogue entry (目录条目) filed by its owner, as draft or submitted for publication."""

DECISION = StructType(
    name="Decision",
    batch="DecisionBatch",
    kind="catalogue.entry",
    contract="Catalogue",
    method="decide",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("state", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""An AUTHORITY's decision on an entry (审核发布): its new state; the body gives reasons."""

SCORE = StructType(
    name="Score",
    batch="ScoreBatch",
    kind="quality.score",
    contract="Quality",
    method="score",
    subject=("entry", "periodStart", "periodEnd", SPEAKER),
    members=(
        ("entry", "string"),
        ("version", "uint64"),
        ("edition", "uint32"),
        ("periodStart", "uint32"),
        ("periodEnd", "uint32"),
        ("assessed", "uint8"),
        ("normativity", "uint16"),
        ("completeness", "uint16"),
        ("accuracy", "uint16"),
        ("consistency", "uint16"),
        ("timeliness", "uint16"),
        ("accessibility", "uint16"),
        ("total", "uint16"),
        ("coverage", "uint16"),
        ("ruleSet", "bytes32"),
        ("dataRoot", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A quality score (质量评分), DB31/T 1523-2024: basis points 0..10000; periods as YYYYMMDD.

``assessed`` has bit i set where dimension i (01 normativity .. 06 accessibility, from bit 0) was
assessed; a dimension that was not has the score 0 and says nothing.
"""

OBLIGATION = StructType(
    name="Obligation",
    batch="ObligationBatch",
    kind="obligation",
    contract="Obligations",
    method="oblige",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("type", "uint8"),
        ("parent", "string"),
        ("responsible", "string"),
        ("status", "uint8"),
        ("updateCycle", "uint8"),
        ("library", "uint8"),
        ("validFrom", "uint32"),
        ("validUntil", "uint32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""What must be collected (应归): duty, system, table or expected entry. Days as YYYYMMDD, 0: open."""

BINDING = StructType(
    name="Binding",
    batch="BindingBatch",
    kind="obligation.binding",
    contract="Obligations",
    method="bind",
    subject=("obligation",),
    members=(
        ("obligation", "string"),
        ("version", "uint64"),
        ("entry", "string"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""Which catalogue entry answers an obligation (职责与目录绑定), said by its responsible organisation."""

OBJECTION = StructType(
    name="Objection",
    batch="ObjectionBatch",
    kind="obligation.objection",
    contract="Obligations",
    method="object",
    subject=("obligation",),
    members=(
        ("obligation", "string"),
        ("version", "uint64"),
        ("state", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""An objection (异议) of the responsible organisation, and the authority's answer to it."""

EXEMPTION = StructType(
    name="Exemption",
    batch="ExemptionBatch",
    kind="obligation.exemption",
    contract="Obligations",
    method="exempt",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("target", "string"),
        ("targetType", "uint8"),
        ("scope", "uint8"),
        ("status", "uint8"),
        ("validFrom", "uint32"),
        ("expires", "uint32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""An exemption (豁免: 负面清单, 白名单) of an obligation or entry, from a day to a day, YYYYMMDD."""

RESOURCE = StructType(
    name="Resource",
    batch="ResourceBatch",
    kind="delivery.resource",
    contract="Deliveries",
    method="mount",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("entry", "string"),
        ("type", "uint8"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A resource (数据资源) that its owner mounts (挂接) on a catalogue entry."""

MANIFEST = StructType(
    name="Manifest",
    batch="ManifestBatch",
    kind="delivery.manifest",
    contract="Deliveries",
    method="manifest",
    subject=("entry", "periodStart", "periodEnd"),
    members=(
        ("entry", "string"),
        ("version", "uint64"),
        ("edition", "uint32"),
        ("periodStart", "uint32"),
        ("periodEnd", "uint32"),
        ("mode", "uint8"),
        ("rows", "uint64"),
        ("schema", "bytes32"),
        ("root", "bytes32"),
        ("buckets", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""What a department holds for a period (数据清单), signed before collection: counts, root, buckets."""

DELIVERY = StructType(
    name="Delivery",
    batch="DeliveryBatch",
    kind="delivery",
    contract="Deliveries",
    method="deliver",
    subject=("entry",),
    members=(
        ("entry", "string"),
        ("version", "uint64"),
        ("manifest", "uint64"),
        ("edition", "uint32"),
        ("periodStart", "uint32"),
        ("periodEnd", "uint32"),
        ("mode", "uint8"),
        ("rows", "uint64"),
        ("schema", "bytes32"),
        ("root", "bytes32"),
        ("content", "bytes32"),
        ("predecessor", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""What the collector received (归集交付), recomputed; ``manifest`` is 0 where none was signed before.

``predecessor`` is the root of the delivery before, ``content`` the collector's keyed tag of the rows:
equal tags mean equal rows.
"""

REPORT = StructType(
    name="Report",
    batch="ReportBatch",
    kind="audit.report",
    contract="Audits",
    method="report",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("type", "uint8"),
        ("scope", "string"),
        ("size", "uint64"),
        ("root", "bytes32"),
        ("numerator", "uint64"),
        ("denominator", "uint64"),
        ("report", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""An audit report (审计报告): its SHA-256, its scope, and the size and root that it was computed at."""

CORRECTION = StructType(
    name="Correction",
    batch="CorrectionBatch",
    kind="correction",
    contract="Corrections",
    method="correct",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("state", "uint8"),
        ("type", "uint8"),
        ("entry", "string"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A step of a correction request (校核纠错, 条例 Art. 26)."""

CHECKPOINT = StructType(
    name="Checkpoint",
    batch="CheckpointBatch",
    kind="journal.checkpoint",
    contract="Journals",
    method="checkpoint",
    subject=("origin",),
    members=(
        ("origin", "string"),
        ("version", "uint64"),
        ("size", "uint64"),
        ("root", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A journal's checkpoint (日志检查点): origin, size and RFC 9162 root."""

DATASET_RULE = StructType(
    name="DatasetRule",
    batch="DatasetRuleBatch",
    kind="lineage.rule",
    contract="Lineage",
    method="attribute",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("holder", "string"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""Which data sets belong to which catalogue entry (数据集归属规则), by namespace and name."""

STEP = StructType(
    name="Step",
    batch="StepBatch",
    kind="lineage.step",
    contract="Lineage",
    method="declare",
    members=(
        ("code", "string"),
        ("version", "uint64"),
        ("status", "uint8"),
        ("bodyDigest", "bytes32"),
    ),
)
"""A step of processing that a steward declares (加工步骤): inputs, outputs, de-identification."""

OPENING = StructType(
    name="Opening",
    batch="OpeningBatch",
    kind="log.opening",
    contract="Openings",
    method="open",
    subject=("chainId", "log"),
    members=(
        ("chainId", "uint256"),
        ("log", "address"),
        ("version", "uint64"),
        ("genesis", "bytes32"),
        ("size", "uint64"),
        ("root", "bytes32"),
        ("bodyDigest", "bytes32"),
    ),
)
"""Which log this one carries on (账本迁移启用声明): its identity, and size and root when it was sealed.

The first statement that a log makes itself after it was filled with the leaves of another one; its leaf
index is ``size``. ``genesis`` is the hash of block 0 of the other chain.
"""

STRUCTS: tuple[StructType, ...] = (
    ORGANISATION,
    KEY,
    FILING,
    DECISION,
    SCORE,
    OBLIGATION,
    BINDING,
    OBJECTION,
    EXEMPTION,
    RESOURCE,
    MANIFEST,
    DELIVERY,
    REPORT,
    CORRECTION,
    CHECKPOINT,
    DATASET_RULE,
    STEP,
    OPENING,
)
BY_NAME: dict[str, StructType] = {struct.name: struct for struct in STRUCTS}
BY_TYPE_HASH: dict[bytes, StructType] = {struct.type_hash: struct for struct in STRUCTS}


def struct_of(payload: bytes) -> StructType:
    """The struct type that a payload says it is; raises :class:`StatementError`."""
    struct = BY_TYPE_HASH.get(payload[:WORD])
    if struct is None:
        raise StatementError(f"unknown type hash 0x{payload[:WORD].hex()}")
    return struct


def key_subject(address: str | bytes) -> bytes:
    """The subject of a key: its address, left-padded to 32 bytes."""
    return address_bytes(address).rjust(WORD, b"\0")


def score_subject(entry: bytes, period_start: int, period_end: int, organisation: bytes) -> bytes:
    """The subject of a score: one per entry, period and assessing organisation (all hashes)."""
    return bytes(
        keccak(
            entry
            + period_start.to_bytes(WORD, "big")
            + period_end.to_bytes(WORD, "big")
            + organisation
        )
    )


def subject_of(struct: StructType, values: Mapping[str, Value], organisation: bytes) -> bytes:
    """The subject under which the log keeps a statement; ``organisation`` is the speaker's hash."""
    return struct.subject_of(values, organisation)


def same_struct(payloads: Sequence[bytes]) -> StructType:
    """The one struct type of a batch's payloads; raises :class:`StatementError` if they differ."""
    structs = {struct_of(payload).name for payload in payloads}
    if len(structs) != 1:
        raise StatementError(f"one batch, several struct types: {', '.join(sorted(structs))}")
    return struct_of(payloads[0])
