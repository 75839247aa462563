"""What is signed: the same digest from Solidity, from this package, and from other people's tools."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from ledger.statements import BY_NAME, Batch, SignedBatch, StructType
from tests.contracts.conftest import Prepared
from tests.contracts.evm import CHAIN_ID
from tests.contracts.vectors import FILE, all_vectors, cases, prepare
from tests.contracts.world import RECORDED, World

ROOT = Path(__file__).resolve().parents[2]
CAST = ROOT / "node_modules" / ".bin" / "cast"
NAMES = [struct.name for struct in RECORDED]


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return vectors


@pytest.fixture
def ready(prepared: Prepared) -> World:
    """A district in which there is something to speak about."""
    return prepared(prepare)


def case(world: World, name: str) -> tuple[Batch, Any]:
    return next(item for item in cases(world) if item[0].struct.name == name)


def test_the_contracts_still_compute_the_golden_vectors(golden: dict[str, Any]) -> None:
    assert list(golden) == NAMES
    assert all_vectors() == golden


@pytest.mark.parametrize("name", NAMES)
def test_the_package_computes_what_the_contract_computes(
    ready: World, golden: dict[str, Any], name: str
) -> None:
    batch, _ = case(ready, name)
    struct, expected = BY_NAME[name], golden[name]
    assert "0x" + batch.digest(ready.domain(struct)).hex() == expected["digest"]
    assert ["0x" + payload.hex() for payload in batch.payloads()] == expected["payloads"]
    assert "0x" + keccak(text=expected["type"]).hex() == expected["batchTypeHash"]
    assert "0x" + struct.type_hash.hex() == expected["typeHash"]


@pytest.mark.parametrize("name", NAMES)
def test_another_implementation_of_eip712_agrees(
    ready: World, golden: dict[str, Any], name: str
) -> None:
    batch, _ = case(ready, name)
    message = encode_typed_data(full_message=batch.typed_data(ready.domain(batch.struct)))
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert "0x" + digest.hex() == golden[name]["digest"]


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_made_by_cast_is_accepted(ready: World, name: str) -> None:
    if not CAST.exists():
        pytest.skip("cast is not installed here: run `npm ci`")
    batch, signer = case(ready, name)
    typed_data = json.dumps(batch.typed_data(ready.domain(batch.struct)))
    run = subprocess.run(
        [
            str(CAST),
            "wallet",
            "sign",
            "--private-key",
            signer.key.to_0x_hex(),
            "--data",
            typed_data,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    signature = bytes.fromhex(run.stdout.strip().removeprefix("0x"))
    ready.send(SignedBatch(batch, signer.address, signature))
    assert ready.authorisations[-1].signature == signature
    assert ready.authorisations[-1].count == len(batch.bodies)


@pytest.mark.parametrize("struct", RECORDED, ids=lambda struct: struct.name)
def test_a_registry_tells_its_domain(world: World, struct: StructType) -> None:
    registry = world.registries[struct.contract]
    fields, name, version, chain_id, contract, salt, extensions = registry.read("eip712Domain")
    assert fields == b"\x0f", "ERC-5267: name, version, chainId and verifyingContract are used"
    assert (name, version, chain_id) == (f"GovLedger {struct.contract}", "1", CHAIN_ID)
    assert contract == registry.address.lower()
    assert (salt, list(extensions)) == (bytes(32), [])
