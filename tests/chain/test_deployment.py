"""Deploying a log, remembering where it is, and refusing a chain that is not the one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment, DeploymentError, load_deployment
from ledger.chain.interface import CallReverted
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.statements import STRUCTS, address_bytes, kind_word, sha256
from tests.chain import district
from tests.chain.conftest import new_log
from tests.chain.proxy import calls, proxy_for
from tests.chain_nodes import anvil_node, funded, hardhat_node, rpc


def word(chain: JsonRpcChain, to: str, method: str, *words: bytes) -> bytes:
    return chain.call(address_bytes(to), keccak(text=method)[:4] + b"".join(words))


def padded(address: str) -> bytes:
    return address_bytes(address).rjust(32, b"\0")


def test_a_new_log_is_empty_and_every_registry_is_admitted(
    chain: JsonRpcChain, deployment: Deployment
) -> None:
    assert word(chain, deployment.log, "size()") == bytes(32)
    assert word(chain, deployment.log, "root()") == sha256(b"")
    authority = word(chain, deployment.log, "genesisAuthority()")
    assert authority[12:] == address_bytes(district.GENESIS.address)
    recorded = [struct for struct in STRUCTS if struct.contract in artifacts.REGISTRIES]
    assert {struct.contract for struct in recorded} == set(artifacts.REGISTRIES)
    for struct in recorded:
        registry = padded(deployment.registries[struct.contract])
        asked = word(
            chain, deployment.log, "admitted(bytes32,address)", kind_word(struct.kind), registry
        )
        assert int.from_bytes(asked, "big") == 1
    deployment.verify_code(chain)


def test_domains_and_identity_are_those_of_the_contracts(
    chain: JsonRpcChain, deployment: Deployment
) -> None:
    assert deployment.identity.chain_id == chain.chain_id
    assert deployment.identity.address == address_bytes(deployment.log)
    for name, address in deployment.registries.items():
        told = word(chain, address, "eip712Domain()")
        assert f"GovLedger {name}".encode() in told
        domain = deployment.domain(name)
        assert (domain.name, domain.registry) == (f"GovLedger {name}", address)
    with pytest.raises(DeploymentError, match="no registry Nothing; it has Audits"):
        deployment.domain("Nothing")


def test_the_deployer_has_no_say_afterwards_and_the_administrator_waits(
    chain: JsonRpcChain,
) -> None:
    admin = district.HEAD.address
    deployment = deploy(chain, funded(), district.GENESIS.address, admin, admin_delay=3600)
    kind, registry = kind_word("something"), padded(funded().address)
    admit = keccak(text="admit(bytes32,address)")[:4] + kind + registry
    for account in (funded().address, admin):
        with pytest.raises(CallReverted):
            chain.estimate_gas(address_bytes(account), address_bytes(deployment.log), admit)
    role = word(
        chain, deployment.access_manager, "hasRole(uint64,address)", bytes(32), padded(admin)
    )
    assert (int.from_bytes(role[:32], "big"), int.from_bytes(role[32:], "big")) == (1, 3600)


def test_an_administrator_who_is_the_deployer_keeps_the_role(chain: JsonRpcChain) -> None:
    admin = funded().address
    deployment = deploy(chain, funded(), district.GENESIS.address, admin, admin_delay=60)
    role = word(
        chain, deployment.access_manager, "hasRole(uint64,address)", bytes(32), padded(admin)
    )
    assert (int.from_bytes(role[:32], "big"), int.from_bytes(role[32:], "big")) == (1, 60)


def test_what_was_saved_comes_back(deployment: Deployment, tmp_path: Path) -> None:
    deployment.save(tmp_path / "new")
    assert load_deployment(tmp_path / "new") == deployment
    deployment.save(tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["deployment.json"]


def test_a_second_log_does_not_overwrite_the_first(deployment: Deployment, tmp_path: Path) -> None:
    deployment.save(tmp_path)
    other = msgspec.structs.replace(deployment, log="0x" + "11" * 20)
    with pytest.raises(DeploymentError, match="another log already"):
        other.save(tmp_path)
    assert load_deployment(tmp_path) == deployment


def test_a_missing_or_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="govledger init"):
        load_deployment(tmp_path)
    (tmp_path / "deployment.json").write_text('{"chain_id": "seven"}')
    with pytest.raises(DeploymentError, match=r"damaged.*backup"):
        load_deployment(tmp_path)


def test_a_chain_with_another_id_is_refused(deployment: Deployment) -> None:
    with (
        anvil_node(chain_id=7) as url,
        JsonRpcChain(url) as other,
        pytest.raises(DeploymentError, match=r"knows chain 31337.*is chain 7.*rpc_url"),
    ):
        deployment.check(other)


def test_a_chain_that_was_started_anew_is_refused(deployment: Deployment) -> None:
    with anvil_node() as url, JsonRpcChain(url) as other:
        with pytest.raises(DeploymentError, match="ends before block"):
            deployment.check(other)
        rpc(url, "anvil_mine", hex(deployment.deploy_block + 1))
        with pytest.raises(DeploymentError, match="started anew or rewritten"):
            deployment.check(other)


def test_code_that_is_missing_or_another_is_named(
    chain: JsonRpcChain, deployment: Deployment
) -> None:
    moved = msgspec.structs.replace(
        deployment, registries={**deployment.registries, "Quality": district.HEAD.address}
    )
    with pytest.raises(DeploymentError, match="where Quality should be"):
        moved.verify_code(chain)
    swapped = msgspec.structs.replace(
        deployment,
        registries={**deployment.registries, "Quality": deployment.registries["Catalogue"]},
    )
    with pytest.raises(DeploymentError, match=r"contract Quality .* not the one"):
        swapped.verify_code(chain)


def test_one_altered_byte_of_code_is_noticed(anvil: str, deployment: Deployment) -> None:
    def altered(question: object, answer: dict[str, object]) -> dict[str, object]:
        if not calls(question, "eth_getCode"):
            return answer
        code = str(answer["result"])
        return {**answer, "result": code[:201] + ("0" if code[201] != "0" else "1") + code[202:]}

    with proxy_for(anvil) as proxy:
        proxy.after = altered
        with JsonRpcChain(proxy.url) as chain, pytest.raises(DeploymentError, match="not the one"):
            deployment.verify_code(chain)


def test_a_deployment_that_breaks_off_leaves_nothing_behind_and_can_be_begun_anew(
    anvil: str, tmp_path: Path
) -> None:
    with proxy_for(anvil) as proxy, JsonRpcChain(proxy.url, tries=1) as chain:

        def full(_: object) -> tuple[int, dict[str, str], bytes] | None:
            sent = proxy.asked.count("eth_sendRawTransaction")
            return (503, {}, b"") if sent > 3 else None

        proxy.before = full
        with pytest.raises(Exception, match="busy"):
            new_log(chain).save(tmp_path)
        assert list(tmp_path.iterdir()) == []
        proxy.before = lambda _: None
        new_log(chain).save(tmp_path)
        load_deployment(tmp_path).verify_code(chain)


def test_a_deployer_without_funds_is_told(chain: JsonRpcChain) -> None:
    poor = district.OUTSIDER
    with pytest.raises(Exception, match=r"(?i)funds"):
        deploy(chain, poor, poor.address, poor.address, 0, wait=2)


def test_a_log_can_be_deployed_on_hardhat() -> None:
    with hardhat_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        deployment.check(chain)
        deployment.verify_code(chain)


def test_every_artifact_can_be_deployed_under_the_code_size_limit() -> None:
    for name in artifacts.NAMES:
        assert len(bytes.fromhex(artifacts.load(name).deployed_bytecode[2:])) <= 24_576
