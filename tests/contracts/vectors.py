"""The batches behind ``eip712_vectors.json``: two statements of each type, with Chinese bodies.

python -m tests.contracts.vectors    write the file anew, from what the contracts compute
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils import keccak, to_checksum_address

from ledger.codes import Role
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
    ORGANISATION,
    REPORT,
    RESOURCE,
    SCORE,
    STEP,
    Batch,
    StructType,
    Value,
    sha256,
)
from tests.contracts.duties import (
    binding,
    delivery,
    exemption,
    manifest,
    objection,
    obligation,
    report,
    resource,
)
from tests.contracts.evm import CHAIN_ID
from tests.contracts.world import (
    DEADLINE,
    DISTRICT,
    ROADS,
    WATER,
    World,
    account,
    checkpoint,
    correction,
    dataset_rule,
    decision,
    deploy,
    equip,
    filing,
    key_values,
    organisation,
    score,
    settle,
    step,
)

FILE = Path(__file__).with_name("eip712_vectors.json")
BODIES = ('{"name":"水质监测"}'.encode(), b"")
REASONS = ('{"reasons":["不属于本单位职责"]}'.encode(), b'{"reasons":["2"]}')
EXPLAINED = frozenset({CORRECTION, DATASET_RULE, OBJECTION, STEP})
"""Statements that the registries do not take without a body."""
ENTRIES = ("307001/000001", "307001/000002")
DUTY, TABLE, EXPECTED = "duty/1", "table/1", "expected/1"


def prepare(world: World) -> None:
    """Two submitted entries, three obligations, a manifest and a delivery, which others refer to."""
    equip(world)
    steward, cosigner = account("water steward"), account("water head")
    world.say(FILING, [filing(code) for code in ENTRIES], steward, WATER, cosigner=cosigner)
    chain = [obligation(DUTY), obligation(TABLE, 3, DUTY), obligation(EXPECTED, 4, TABLE)]
    world.say(OBLIGATION, chain, account("publisher"))
    period: dict[str, Value] = {"periodStart": 20241001, "periodEnd": 20241231}
    world.say(MANIFEST, manifest(ENTRIES[1], **period), steward, WATER)
    world.say(DELIVERY, delivery(ENTRIES[1], manifest=1, **period), account("collector"))


def cases(world: World) -> list[tuple[Batch, LocalAccount]]:
    """A batch of each type that a prepared world takes, and who signs it."""
    publisher = account("publisher")
    speakers: list[tuple[StructType, str, LocalAccount, list[dict[str, Value]]]] = [
        (
            ORGANISATION,
            DISTRICT,
            world.genesis,
            [organisation("TMP-一"), organisation("TMP-2", parent=WATER, level=3)],
        ),
        (
            KEY,
            DISTRICT,
            publisher,
            [
                key_values(account("new"), WATER, Role.STEWARD | Role.COLLECTOR),
                key_values(account("roads head"), "11310000000000003V", 2, version=2, status=2),
            ],
        ),
        (
            FILING,
            WATER,
            account("water steward"),
            [filing("目录/1", state=1), filing("目录/2", 1, 1)],
        ),
        (DECISION, DISTRICT, publisher, [decision(ENTRIES[0], 2, 3), decision(ENTRIES[1], 2, 4)]),
        (
            SCORE,
            DISTRICT,
            account("assessor"),
            [score(ENTRIES[0], dataRoot=keccak(text="data")), score(ENTRIES[1], coverage=1)],
        ),
        (
            OBLIGATION,
            DISTRICT,
            publisher,
            [obligation("系统/1", 2, DUTY, validUntil=20261231), obligation("表/1", 3, "系统/1")],
        ),
        (
            BINDING,
            WATER,
            account("water steward"),
            [binding(TABLE, ENTRIES[0]), binding(EXPECTED, ENTRIES[1])],
        ),
        (OBJECTION, WATER, account("water head"), [objection(DUTY), objection(TABLE)]),
        (
            EXEMPTION,
            DISTRICT,
            publisher,
            [exemption("豁免/1", DUTY), exemption("豁免/2", ENTRIES[0], 2, scope=31)],
        ),
        (
            RESOURCE,
            WATER,
            account("water steward"),
            [resource("资源/1", ENTRIES[0]), resource("资源/2", ENTRIES[0], type=3)],
        ),
        (
            MANIFEST,
            WATER,
            account("water steward"),
            [manifest(ENTRIES[0]), manifest(ENTRIES[1], mode=2, rows=2**64 - 1)],
        ),
        (
            DELIVERY,
            DISTRICT,
            account("collector"),
            [
                delivery(ENTRIES[0], rows=0, schema=bytes(32), root=sha256(b"")),
                delivery(ENTRIES[1], version=2, predecessor=sha256(b"root"), mode=2),
            ],
        ),
        (
            REPORT,
            DISTRICT,
            account("auditor"),
            [report("报告/1"), report("报告/2", scope='{"level":2}', type=2, numerator=0)],
        ),
        (
            CORRECTION,
            ROADS,
            account("roads steward"),
            [
                correction("JH-2025-1", entry=ENTRIES[0]),
                correction("校核/2", entry=ENTRIES[1], type=1),
            ],
        ),
        (
            CHECKPOINT,
            DISTRICT,
            publisher,
            [checkpoint("示例区/lineage"), checkpoint("example/use", size=2**64 - 1)],
        ),
        (
            DATASET_RULE,
            WATER,
            account("water steward"),
            [dataset_rule("规则/1", holder=WATER), dataset_rule("rule-2", holder=WATER)],
        ),
        (STEP, WATER, account("water steward"), [step("步骤/1"), step("step-2")]),
    ]
    return [
        (Batch(struct, code, DEADLINE, tuple(rows), _bodies(struct)), signer)
        for struct, code, signer, rows in speakers
    ]


def _bodies(struct: StructType) -> tuple[bytes, ...]:
    return REASONS if struct in EXPLAINED else BODIES


def vector(world: World, batch: Batch, signer: LocalAccount) -> dict[str, Any]:
    """What the contract computes for a batch, and everything that another implementation needs."""
    world.say(batch.struct, batch.values, signer, batch.organisation, bodies=batch.bodies)
    count = len(batch.bodies)
    domain = world.domain(batch.struct)
    return {
        "type": batch.struct.encode_batch_type(),
        "typeHash": "0x" + batch.struct.type_hash.hex(),
        "batchTypeHash": "0x" + batch.struct.batch_type_hash.hex(),
        "domain": {**domain.as_dict(), "chainId": CHAIN_ID},
        "message": batch.typed_data(domain)["message"],
        "bodies": [body.decode() for body in batch.bodies],
        "payloads": ["0x" + item.payload.hex() for item in world.statements[-count:]],
        "signer": to_checksum_address(signer.address),
        "digest": "0x" + world.authorisations[-1].digest.hex(),
    }


def all_vectors() -> dict[str, Any]:
    """Every vector, from freshly deployed contracts."""
    world = deploy()
    settle(world)
    prepare(world)
    return {batch.struct.name: vector(world, batch, signer) for batch, signer in cases(world)}


if __name__ == "__main__":
    text = json.dumps(all_vectors(), indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n", encoding="utf-8")
