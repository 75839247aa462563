"""The compiled contracts as the package carries them."""

from __future__ import annotations

import pytest

from ledger.chain.artifacts import NAMES, ArtifactError, decode, load
from ledger.statements import FILING, ORGANISATION
from tests.contracts.evm import Evm, signature_of
from tests.contracts.world import RECORDED, WATER, account, deploy, filing, settle


@pytest.mark.parametrize("name", NAMES)
def test_every_contract_that_a_deployment_needs_is_in_the_package(name: str) -> None:
    artifact = load(name)
    assert artifact.contract_name == name
    assert len(artifact.deployed_bytecode) // 2 - 1 <= 24_576, "EIP-170 forbids longer code"


def test_an_unknown_contract_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArtifactError, match="AccessManager, "):
        load("Registry")


def test_a_damaged_artifact_is_refused_by_name() -> None:
    with pytest.raises(ArtifactError, match=r"Some\.json is no compiled contract"):
        decode(b'{"abi":', "Some.json")


@pytest.mark.parametrize("struct", RECORDED, ids=lambda struct: struct.name)
def test_each_statement_type_has_the_method_that_its_registry_offers(struct) -> None:
    functions = {
        signature_of(item) for item in load(struct.contract).abi if item["type"] == "function"
    }
    mandate = "(bytes32,uint64,address,bytes,address,bytes)"
    assert f"{struct.method}({struct.calldata_type}[],{mandate})" in functions


def test_deployed_code_is_told_from_other_code_whatever_the_constructor_got() -> None:
    world = deploy(Evm())
    code = world.evm.code(world.registries["Catalogue"].address)
    assert load("Catalogue").matches(code)
    assert not load("Quality").matches(code)
    assert not load("Catalogue").matches(code[:-1])
    assert not load("Catalogue").matches(bytes([code[0] ^ 1]) + code[1:])


def test_a_fresh_deployment_takes_a_district_and_a_filing() -> None:
    world = deploy()
    settle(world)
    world.say(
        FILING,
        filing("307001/000001"),
        account("water steward"),
        WATER,
        cosigner=account("water head"),
    )
    assert world.log.read("size") == len(world.statements) == 10
    assert world.statements[0].kind == ORGANISATION.kind
