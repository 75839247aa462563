"""Write ``docs/statement-vectors.json``: every typed struct, signed and hashed, for other
implementations.

Run from the repository's root: ``python scripts/statement_vectors.py``. The outcome depends on
nothing but this file and the ledger's pure modules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils.crypto import keccak

from ledger.canonical import canonical_json
from ledger.merkle import root_of
from ledger.statements import (
    BINDING,
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    DELIVERY,
    EXEMPTION,
    FILING,
    KEY,
    MANIFEST,
    OBJECTION,
    OBLIGATION,
    OPENING,
    ORGANISATION,
    REPORT,
    RESOURCE,
    SCORE,
    STEP,
    Batch,
    Domain,
    LogIdentity,
    Statement,
    StructType,
    Value,
    address_bytes,
    sha256,
    subject_of,
    text_hash,
)

PLACE = Path(__file__).resolve().parents[1] / "docs" / "statement-vectors.json"
SIGNING_KEY = "0x" + "11" * 32
CHAIN_ID = 26476
LOG = "0x" + "10" * 20
REGISTRIES = {
    "Organisations": "0x" + "20" * 20,
    "Catalogue": "0x" + "30" * 20,
    "Quality": "0x" + "40" * 20,
    "Obligations": "0x" + "50" * 20,
    "Deliveries": "0x" + "60" * 20,
    "Audits": "0x" + "70" * 20,
    "Corrections": "0x" + "80" * 20,
    "Journals": "0x" + "90" * 20,
    "Lineage": "0x" + "a0" * 20,
    "Openings": "0x" + "b0" * 20,
}
SPEAKER = "TMP-VECTOR"
DEADLINE = 1_767_225_600
RECORDED_AT = 1_767_139_200
ENTRY = "307015/000001"
DUTY = "duty/1"
PERIOD: dict[str, Value] = {"periodStart": 20260101, "periodEnd": 20260331}

Bodied = tuple[dict[str, Value], bytes]

BATCHES: tuple[tuple[StructType, tuple[Bodied, ...]], ...] = (
    (
        ORGANISATION,
        (
            (
                {"code": SPEAKER, "version": 1, "parent": "", "level": 2, "status": 1},
                canonical_json({"code": SPEAKER, "name": "示例机构", "uscc": "missing"}),
            ),
        ),
    ),
    (
        KEY,
        (
            (
                {
                    "key": Account.from_key("0x" + "22" * 32).address,
                    "version": 1,
                    "holder": SPEAKER,
                    "roles": 3,
                    "status": 1,
                },
                canonical_json({"holder": SPEAKER, "label": "steward and head"}),
            ),
        ),
    ),
    (
        FILING,
        (
            (
                {
                    "code": ENTRY,
                    "version": 1,
                    "state": 2,
                    "shareType": 2,
                    "openType": 3,
                    "grade": 2,
                    "updateCycle": 4,
                    "library": 1,
                },
                canonical_json({"code": ENTRY, "name": "人口基础信息"}),
            ),
            (
                {
                    "code": "307015/000002",
                    "version": 1,
                    "state": 1,
                    "shareType": 0,
                    "openType": 0,
                    "grade": 0,
                    "updateCycle": 0,
                    "library": 0,
                },
                b"",
            ),
        ),
    ),
    (
        DECISION,
        (
            (
                {"code": ENTRY, "version": 2, "state": 4},
                canonical_json({"code": ENTRY, "decision": "published", "reasons": []}),
            ),
        ),
    ),
    (
        SCORE,
        (
            (
                {
                    "entry": ENTRY,
                    "version": 1,
                    "edition": 1,
                    "periodStart": 20260101,
                    "periodEnd": 20260131,
                    "assessed": 0b000111,
                    "normativity": 9800,
                    "completeness": 10000,
                    "accuracy": 8750,
                    "consistency": 0,
                    "timeliness": 0,
                    "accessibility": 0,
                    "total": 9517,
                    "coverage": 5000,
                    "ruleSet": sha256(b"rules"),
                    "dataRoot": bytes(32),
                },
                canonical_json({"edition": 1, "entry": ENTRY}),
            ),
        ),
    ),
    (
        OBLIGATION,
        (
            (
                {
                    "code": DUTY,
                    "version": 1,
                    "type": 1,
                    "parent": "",
                    "responsible": SPEAKER,
                    "status": 1,
                    "updateCycle": 4,
                    "library": 1,
                    "validFrom": 20260101,
                    "validUntil": 0,
                },
                canonical_json({"code": DUTY, "name": "人口登记", "type": "duty"}),
            ),
            (
                {
                    "code": "entry/1",
                    "version": 2,
                    "type": 4,
                    "parent": DUTY,
                    "responsible": SPEAKER,
                    "status": 2,
                    "updateCycle": 0,
                    "library": 0,
                    "validFrom": 20260101,
                    "validUntil": 20261231,
                },
                canonical_json({"code": "entry/1", "reasons": ["职责划转"]}),
            ),
        ),
    ),
    (
        BINDING,
        (
            (
                {"obligation": "entry/1", "version": 1, "entry": ENTRY, "status": 1},
                canonical_json({"entry": ENTRY, "obligation": "entry/1"}),
            ),
        ),
    ),
    (
        OBJECTION,
        (
            (
                {"obligation": DUTY, "version": 1, "state": 1},
                canonical_json({"obligation": DUTY, "reasons": ["不属于本单位职责"]}),
            ),
        ),
    ),
    (
        EXEMPTION,
        (
            (
                {
                    "code": "exemption/1",
                    "version": 1,
                    "target": DUTY,
                    "targetType": 1,
                    "scope": 0b10010,
                    "status": 1,
                    "validFrom": 20260101,
                    "expires": 20270101,
                },
                canonical_json({"code": "exemption/1", "scope": ["collect", "share"]}),
            ),
        ),
    ),
    (
        RESOURCE,
        (
            (
                {"code": "resource/1", "version": 1, "entry": ENTRY, "type": 1, "status": 1},
                canonical_json({"code": "resource/1", "entry": ENTRY, "name": "人口库表"}),
            ),
        ),
    ),
    (
        MANIFEST,
        (
            (
                {
                    "entry": ENTRY,
                    "version": 1,
                    "edition": 1,
                    **PERIOD,
                    "mode": 1,
                    "rows": 2**64 - 1,
                    "schema": sha256(b"schema"),
                    "root": sha256(b"root"),
                    "buckets": sha256(b"buckets"),
                },
                canonical_json({"entry": ENTRY, "rows": str(2**64 - 1)}),
            ),
        ),
    ),
    (
        DELIVERY,
        (
            (
                {
                    "entry": ENTRY,
                    "version": 2,
                    "manifest": 1,
                    "edition": 1,
                    **PERIOD,
                    "mode": 2,
                    "rows": 0,
                    "schema": sha256(b"schema"),
                    "root": sha256(b""),
                    "content": sha256(b"content"),
                    "predecessor": sha256(b"before"),
                },
                canonical_json({"complete": False, "entry": ENTRY}),
            ),
        ),
    ),
    (
        REPORT,
        (
            (
                {
                    "code": "report/1",
                    "version": 1,
                    "type": 1,
                    "scope": '{"library":"comprehensive"}',
                    "size": 9,
                    "root": sha256(b"log"),
                    "numerator": 3,
                    "denominator": 4,
                    "report": sha256(b"report"),
                },
                canonical_json({"code": "report/1", "metric": "duty_coverage"}),
            ),
        ),
    ),
    (
        CORRECTION,
        (
            (
                {"code": "correction/1", "version": 1, "state": 1, "type": 3, "entry": ENTRY},
                canonical_json({"code": "correction/1", "entry": ENTRY}),
            ),
        ),
    ),
    (
        CHECKPOINT,
        (
            (
                {"origin": "example.org/journal", "version": 1, "size": 7, "root": sha256(b"7")},
                canonical_json({"origin": "example.org/journal", "size": 7}),
            ),
        ),
    ),
    (
        DATASET_RULE,
        (
            (
                {"code": "rule/1", "version": 1, "holder": SPEAKER, "status": 1},
                canonical_json({"code": "rule/1", "holder": SPEAKER}),
            ),
        ),
    ),
    (
        STEP,
        (
            (
                {"code": "step/1", "version": 1, "status": 1},
                canonical_json({"code": "step/1", "name": "去标识化"}),
            ),
        ),
    ),
    (
        OPENING,
        (
            (
                {
                    "chainId": CHAIN_ID + 1,
                    "log": "0x" + "11" * 20,
                    "version": 1,
                    "genesis": sha256(b"genesis"),
                    "size": 7,
                    "root": sha256(b"7"),
                },
                canonical_json({"log": "0x" + "11" * 20, "size": 7}),
            ),
        ),
    ),
)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _shown(values: Mapping[str, Value]) -> dict[str, Any]:
    return {
        name: _hex(value) if isinstance(value, bytes) else value for name, value in values.items()
    }


def _types(struct: StructType) -> dict[str, str]:
    return {
        "struct": struct.name,
        "kind": struct.kind,
        "type": struct.encode_type(),
        "type_hash": _hex(struct.type_hash),
        "batch_type": struct.encode_batch_type(),
        "batch_type_hash": _hex(struct.batch_type_hash),
    }


def vectors() -> dict[str, Any]:
    """The content of the vectors' file, as JSON values."""
    account = Account.from_key(SIGNING_KEY)
    log = LogIdentity(CHAIN_ID, address_bytes(LOG))
    leaves: list[bytes] = []
    batches = []
    for struct, statements in BATCHES:
        domain = Domain(struct.contract, CHAIN_ID, REGISTRIES[struct.contract])
        batch = Batch(
            struct,
            SPEAKER,
            DEADLINE,
            tuple(values for values, _ in statements),
            tuple(body for _, body in statements),
        )
        digest = batch.digest(domain)
        rows = []
        for values, payload, body in zip(
            batch.full_values(), batch.payloads(), batch.bodies, strict=True
        ):
            version = values["version"]
            statement = Statement(
                index=len(leaves),
                kind=struct.kind,
                subject=subject_of(struct, values, text_hash(SPEAKER)),
                version=version if isinstance(version, int) else 0,
                org=text_hash(SPEAKER),
                signer=address_bytes(account.address),
                authorisation=digest,
                recorded_at=RECORDED_AT,
                payload=payload,
                body_digest=sha256(body),
                body=body,
            )
            leaves.append(statement.leaf_hash(log))
            rows.append(
                {
                    "values": _shown(values),
                    "body": body.decode("utf-8"),
                    "payload": _hex(payload),
                    "struct_hash": _hex(bytes(keccak(payload))),
                    "index": statement.index,
                    "subject": _hex(statement.subject),
                    "leaf_input": _hex(statement.leaf_input(log)),
                    "leaf_hash": _hex(leaves[-1]),
                }
            )
        batches.append(
            {
                **_types(struct),
                "domain": domain.as_dict(),
                "domain_separator": _hex(domain.separator()),
                "statements": rows,
                "authorisation": _hex(digest),
                "signature": _hex(bytes(account.unsafe_sign_hash(digest).signature)),
            }
        )
    return {
        "chain_id": CHAIN_ID,
        "log": LOG,
        "organisation": SPEAKER,
        "org": _hex(text_hash(SPEAKER)),
        "deadline": DEADLINE,
        "recorded_at": RECORDED_AT,
        "signing_key": SIGNING_KEY,
        "signer": account.address,
        "batches": batches,
        "root": _hex(root_of(leaves)),
    }


def render() -> str:
    """The exact text of the vectors' file."""
    return json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(render(), encoding="utf-8")
    print(f"wrote {PLACE.relative_to(Path.cwd())}")
