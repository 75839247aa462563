"""A statement in words, for those who read a proof file."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger.canonical import CanonicalError, parse_json
from ledger.codes import (
    EXEMPTION_SCOPES,
    GRADES,
    ROLE_LABELS,
    BindingStatus,
    Code,
    EntryState,
    ExemptionStatus,
    ExemptionTarget,
    KeyStatus,
    Level,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    OpenType,
    OrganisationStatus,
    Role,
    ShareType,
    UpdateCycle,
)
from ledger.log.document import Bilingual, DecodedPart, Member, hex_of
from ledger.statements import MAX_BODY_BYTES, Statement, Value, struct_of, text_hash

_CODES: dict[tuple[str, str], type[Code]] = {
    ("Organisation", "level"): Level,
    ("Organisation", "status"): OrganisationStatus,
    ("Key", "status"): KeyStatus,
    ("Filing", "state"): EntryState,
    ("Filing", "shareType"): ShareType,
    ("Filing", "openType"): OpenType,
    ("Filing", "updateCycle"): UpdateCycle,
    ("Filing", "library"): Library,
    ("Decision", "state"): EntryState,
    ("Obligation", "type"): ObligationType,
    ("Obligation", "status"): ObligationStatus,
    ("Obligation", "updateCycle"): UpdateCycle,
    ("Obligation", "library"): Library,
    ("Binding", "status"): BindingStatus,
    ("Objection", "state"): ObjectionState,
    ("Exemption", "targetType"): ExemptionTarget,
    ("Exemption", "status"): ExemptionStatus,
}
_ACTS: dict[str, tuple[str, str]] = {
    "Organisation": ("organisation registered or amended", "机构登记或变更"),
    "Key": ("key granted, changed or revoked", "密钥授予、变更或吊销"),
    "Filing": ("catalogue entry filed", "目录条目报送"),
    "Decision": ("decision on a catalogue entry", "目录条目审核决定"),
    "Score": ("quality score", "质量评分"),
    "Obligation": ("obligation filed, amended or withdrawn", "归集义务登记、调整或取消"),
    "Binding": ("obligation bound to an entry, or released", "义务与目录绑定或解绑"),
    "Objection": ("objection to an obligation, or its answer", "对义务的异议或答复"),
    "Exemption": ("exemption granted or withdrawn", "豁免批准或取消"),
    "Opening": ("log opened that carries on another one", "接续另一日志，启用"),
}


def decoded(statement: Statement) -> DecodedPart:
    """The statement for human eyes; raises :class:`~ledger.statements.StatementError`.

    Text members are hashes in the payload; their text is shown where the body holds it.
    """
    struct = struct_of(statement.payload)
    texts = _texts(statement.body)
    members = tuple(
        _member(struct.name, name, kind, value, texts)
        for (name, kind), value in zip(
            struct.members, struct.decode(statement.payload).values(), strict=True
        )
    )
    when = utc(statement.recorded_at)
    en, zh = act_of(struct.name)
    subject = f"{members[0].name} {members[0].value}"
    return DecodedPart(
        struct=struct.name,
        summary=Bilingual(
            en=f"{en}: {subject}, version {statement.version}, recorded {when}",
            zh=f"{zh}：{subject}，第{statement.version}版，记录于{when}",
        ),
        recorded_at=when,
        members=members,
    )


def act_of(struct: str) -> tuple[str, str]:
    """What a statement of this struct does, in English and Chinese."""
    return _ACTS.get(struct, (struct, struct))


def utc(seconds: int) -> str:
    """Unix seconds as ``YYYY-MM-DDThh:mm:ssZ``; digits and ``s`` beyond the year 9999."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds}s"


def _texts(body: bytes) -> dict[bytes, str]:
    try:
        value = parse_json(body, MAX_BODY_BYTES)
    except CanonicalError:
        value = None
    found = [""]
    if isinstance(value, dict):
        found += [text for text in value.values() if isinstance(text, str)]
    return {text_hash(text): text for text in found}


def _member(struct: str, name: str, kind: str, value: Value, texts: dict[bytes, str]) -> Member:
    if isinstance(value, bytes):
        shown = texts.get(value, hex_of(value)) if kind == "string" else hex_of(value)
        return Member(name=name, value=shown, en="", zh="")
    if isinstance(value, str):
        return Member(name=name, value=value.lower(), en="", zh="")
    zh, en = _labels(struct, name, value)
    return Member(name=name, value=str(value), en=en, zh=zh)


def _labels(struct: str, name: str, value: int) -> tuple[str, str]:
    """Chinese and English label of a coded number, empty where there is none."""
    if (struct, name) == ("Filing", "grade"):
        return GRADES.get(value, ("", ""))
    if (struct, name) == ("Exemption", "scope"):
        freed = [labels for scope, labels in EXEMPTION_SCOPES.items() if value & scope]
        return "、".join(zh for zh, _ in freed), ", ".join(en for _, en in freed)
    if (struct, name) == ("Key", "roles"):
        held = [ROLE_LABELS[role] for role in Role if value & role]
        return "、".join(zh for zh, _ in held), "; ".join(en for _, en in held)
    codes = _CODES.get((struct, name))
    for member in codes or ():
        if member.number == value:
            return member.zh, member.en
    return "", ""
