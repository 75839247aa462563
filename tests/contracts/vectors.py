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
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    FILING,
    KEY,
    ORGANISATION,
    SCORE,
    STEP,
    Batch,
    StructType,
    Value,
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
    filing,
    key_values,
    organisation,
    score,
    settle,
    step,
)

FILE = Path(__file__).with_name("eip712_vectors.json")
BODIES = ('{"name":"水质监测"}'.encode(), b"")
EXPLAINED = (BODIES[0], b'{"note":"two"}')
"""Bodies for the statements that the registries want explained."""
WITH_BODY = (CORRECTION, DATASET_RULE, STEP)
ENTRIES = ("307001/000001", "307001/000002")


def prepare(world: World) -> None:
    """Two submitted entries, which decisions and scores refer to."""
    rows = [filing(code) for code in ENTRIES]
    cosigner = account("water head")
    world.say(FILING, rows, account("water steward"), WATER, cosigner=cosigner)


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
        (
            Batch(
                struct, code, DEADLINE, tuple(rows), EXPLAINED if struct in WITH_BODY else BODIES
            ),
            signer,
        )
        for struct, code, signer, rows in speakers
    ]


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
