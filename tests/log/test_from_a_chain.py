"""Proofs of statements that real contracts recorded: from chain to mirror to file, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Connection, Engine

from ledger.chain.artifacts import decode
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.embedded.chain import EmbeddedChain
from ledger.codes import Role
from ledger.log import ProveError, Status, build_consistency, build_proof, render, verify_proof
from ledger.log.confirm import confirm_on_chain
from ledger.log.document import bundle_digest, load
from ledger.mirror.mirror import Mirror
from ledger.mirror.origin import Origin
from ledger.mirror.queries import MirrorQueryError, checkpoint
from ledger.statements import KEY, SignedBatch, address_bytes
from ledger.store.engine import open_database
from tests.chain import district

PAYER: LocalAccount = Account.from_key(keccak(text="whoever pays"))
OWNERS = sorted(
    (Account.from_key(keccak(text=f"owner {name}")) for name in "abc"),
    key=lambda account: account.address.lower(),
)
WALLET_CODE = Path(__file__).resolve().parents[1] / "contracts" / "artifacts" / "Wallet.json"
STEWARD_LEAF, WALLET_LEAF, LAST = 4, 6, 7


@dataclass
class Ledger:
    """A deployed log with eight leaves, and a mirror of it."""

    chain: EmbeddedChain
    deployment: Deployment
    mirror: Mirror
    engine: Engine
    wallet: str

    def send(self, to: bytes | None, data: bytes) -> None:
        chain = self.chain
        transaction: dict[str, Any] = {
            "chainId": chain.chain_id,
            "nonce": chain.nonce(address_bytes(PAYER.address)),
            "gas": chain.estimate_gas(address_bytes(PAYER.address), to, data) * 2,
            "value": 0,
            "data": data,
            **chain.fees(),
        }
        if to is not None:
            transaction["to"] = to_checksum_address(to)
        sent = chain.send_raw(bytes(PAYER.sign_transaction(transaction).raw_transaction))
        outcome = chain.outcome(sent)
        assert outcome is not None
        assert outcome.succeeded

    def say(self, signed: SignedBatch) -> None:
        signature, arguments = signed.method_arguments()
        kinds = signature.removeprefix(signed.batch.struct.method)[1:-1]
        rows, mandate = kinds.split("[],")
        data = keccak(text=signature)[:4] + encode([rows + "[]", mandate], arguments)
        registry = self.deployment.registries[signed.batch.struct.contract]
        self.send(address_bytes(registry), data)

    def by_wallet(self, *codes: str) -> SignedBatch:
        """Drafts signed by two of three owners of the contract account."""
        batch = district.filing(self.deployment, *codes).batch
        digest = batch.digest(self.deployment.domain(batch.struct.contract))
        two = [bytes(each.unsafe_sign_hash(digest).signature) for each in OWNERS[:2]]
        return SignedBatch(batch, self.wallet, b"".join(two))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    place = tmp_path_factory.mktemp("ledger")
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    with EmbeddedChain.open(place / "chain.db", 26476, create=True) as chain:
        genesis = district.GENESIS.address
        deployment = deploy(chain, PAYER, genesis, genesis, admin_delay=0)
        origin = Origin(
            deployment.identity,
            address_bytes(genesis),
            deployment.deploy_block,
            bytes.fromhex(deployment.deploy_block_hash.removeprefix("0x")),
        )
        made = Ledger(chain, deployment, Mirror(engine, chain, origin), engine, "")
        made.say(district.root_organisation(deployment))
        made.say(district.keys(deployment))
        nonce = chain.nonce(address_bytes(PAYER.address))
        code = bytes.fromhex(
            decode(WALLET_CODE.read_bytes(), WALLET_CODE.name).bytecode.removeprefix("0x")
        )
        owners = [each.address for each in OWNERS]
        made.send(None, code + encode(["address[]", "uint256"], [owners, 2]))
        made.wallet = to_checksum_address(
            keccak(_rlp_of_creation(address_bytes(PAYER.address), nonce))[12:]
        )
        granted = {
            "key": made.wallet,
            "version": 1,
            "holder": district.ROOT_CODE,
            "roles": int(Role.STEWARD),
            "status": 1,
        }
        batch = district.batch_of(KEY, district.ROOT_CODE, [granted])
        made.say(district.sign(deployment, batch, district.GENESIS))
        made.say(district.filing(deployment, "307015/000001", "307015/000002"))
        made.say(made.by_wallet("307015/000003", "307015/000004"))
        made.mirror.catch_up()
        yield made
    engine.dispose()


def _rlp_of_creation(sender: bytes, nonce: int) -> bytes:
    """RLP of (sender, nonce), for nonces of 1 to 127."""
    assert 0 < nonce < 128
    return b"\xd6\x94" + sender + bytes([nonce])


@pytest.fixture
def conn(ledger: Ledger) -> Iterator[Connection]:
    with ledger.engine.connect() as connection:
        yield connection


def altered(document: dict[str, Any], **members: dict[str, Any]) -> Any:
    """The document with members of its parts replaced and bound anew, as :func:`load` gives it."""
    copy = json.loads(json.dumps(document))
    for part, values in members.items():
        if isinstance(values, dict):
            copy[part].update(values)
        else:
            copy[part] = values
    copy["bundle_digest"] = bundle_digest(copy)
    return load(render(copy))


def test_every_leaf_that_the_contract_recorded_is_proven(ledger: Ledger, conn: Connection) -> None:
    contract_root = ledger.chain.call(ledger.deployment.log_address, keccak(text="root()")[:4])
    for index in range(LAST + 1):
        document = build_proof(conn, index)
        verdict = verify_proof(render(document), contract_root, LAST + 1)
        assert verdict.ok, verdict.failure
        assert verdict.authorship_proven == (index < WALLET_LEAF)
        assert document["genesis_authority"] == district.GENESIS.address.lower()
        for size in range(index + 1, LAST + 1):
            root = checkpoint(conn, size).root
            assert verify_proof(build_proof(conn, index, size), root, size).ok


def test_growth_between_any_two_sizes_is_proven(conn: Connection) -> None:
    for new in range(1, LAST + 2):
        for old in range(1, new + 1):
            document = build_consistency(conn, old, new)
            assert verify_proof(document, checkpoint(conn, old).root, old).ok
            assert document["old"] == msgspec.to_builtins(checkpoint(conn, old))


def test_a_chain_confirms_what_the_file_states(ledger: Ledger, conn: Connection) -> None:
    verdict = confirm_on_chain(load(render(build_proof(conn, STEWARD_LEAF))), ledger.chain)
    assert verdict.ok, verdict.failure
    assert verdict.root_compared
    assert [step.status for step in verdict.steps] == [Status.PROVEN] * 4
    assert all(not step.zh.isascii() for step in verdict.steps)


def test_a_contract_account_is_asked_for_its_signature(ledger: Ledger, conn: Connection) -> None:
    document = build_proof(conn, WALLET_LEAF)
    assert document["mandate"]["signer_kind"] == "contract"
    verdict = confirm_on_chain(load(render(document)), ledger.chain)
    assert verdict.ok, verdict.failure
    assert verdict.authorship_proven
    assert f"contract account {ledger.wallet.lower()}, accepts" in verdict.steps[-1].en


def test_a_forged_signature_of_a_contract_account_is_refused_by_the_account(
    ledger: Ledger, conn: Connection
) -> None:
    document = build_proof(conn, WALLET_LEAF)
    for signature in ("0x", "0x" + "01" * 130):
        proof = altered(document, mandate={"signature": signature})
        assert verify_proof(msgspec.to_builtins(proof)).ok
        verdict = confirm_on_chain(proof, ledger.chain)
        assert verdict.failure is not None
        assert "is no contract account that accepts this signature" in verdict.failure.en


def test_a_key_passed_off_as_a_contract_account_is_refused(
    ledger: Ledger, conn: Connection
) -> None:
    forged = {"signer_kind": "contract", "signature": "0x00"}
    proof = altered(build_proof(conn, STEWARD_LEAF), mandate=forged)
    verdict = confirm_on_chain(proof, ledger.chain)
    assert verdict.failure is not None
    assert district.STEWARD.address.lower() in verdict.failure.en


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"genesis_authority": "0x" + "01" * 20}, "the genesis authority is 0x0101"),
        ({"checkpoint": {"block_hash": "0x" + "01" * 32}}, "The file says the hash of block"),
        ({"checkpoint": {"timestamp": 1}}, "The file says the time of block"),
        ({"checkpoint": {"block_number": 10_000}}, "could not answer"),
        ({"recorded": {"block_hash": "0x" + "01" * 32}}, "The file says the hash of block"),
        ({"mandate": {"registry": "0x" + "01" * 20}}, "does not write to the log"),
        ({"recorded": {"transaction_hash": "0x" + "01" * 32}}, "no successful transaction"),
    ],
)
def test_a_chain_contradicts_what_was_made_up(
    ledger: Ledger, conn: Connection, members: dict[str, Any], reason: str
) -> None:
    verdict = confirm_on_chain(altered(build_proof(conn, 0), **members), ledger.chain)
    assert verdict.failure is not None
    assert reason in verdict.failure.en
    assert not verdict.failure.zh.isascii()


def test_another_log_or_chain_is_told_apart(
    ledger: Ledger, conn: Connection, tmp_path: Path
) -> None:
    document = build_proof(conn, STEWARD_LEAF)
    elsewhere = altered(document)
    elsewhere = msgspec.structs.replace(
        elsewhere, checkpoint=msgspec.structs.replace(elsewhere.checkpoint, log="0x" + "01" * 20)
    )
    verdict = confirm_on_chain(elsewhere, ledger.chain)
    assert verdict.failure is not None
    assert "There is no log at 0x0101" in verdict.failure.en
    with EmbeddedChain.open(tmp_path / "other.db", 4711, create=True) as other:
        verdict = confirm_on_chain(load(render(document)), other)
    assert verdict.failure is not None
    assert "The file says chain id 26476, the chain says 4711" in verdict.failure.en


def test_a_size_within_a_block_cannot_be_compared_and_the_verdict_says_so(
    ledger: Ledger, conn: Connection
) -> None:
    verdict = confirm_on_chain(load(render(build_proof(conn, 0, STEWARD_LEAF + 1))), ledger.chain)
    assert verdict.ok, verdict.failure
    assert not verdict.root_compared
    assert f"Ask for a proof at size {STEWARD_LEAF + 2}" in verdict.steps[0].en


def test_growth_is_confirmed_at_both_ends(ledger: Ledger, conn: Connection) -> None:
    verdict = confirm_on_chain(load(render(build_consistency(conn, 4))), ledger.chain)
    assert verdict.ok, verdict.failure
    assert [step.status for step in verdict.steps] == [Status.PROVEN] * 3


def test_what_the_mirror_does_not_hold_is_refused(conn: Connection) -> None:
    with pytest.raises(MirrorQueryError, match="no leaf 8: it holds leaves 0 to 7"):
        build_proof(conn, LAST + 1)
    with pytest.raises(MirrorQueryError, match="8 leaves, not 9"):
        build_proof(conn, 0, LAST + 2)
    with pytest.raises(ProveError, match="statement 5 is not yet in the log at size 5"):
        build_proof(conn, 5, 5)
    with pytest.raises(MirrorQueryError, match="8 leaves, not 9"):
        build_consistency(conn, 1, LAST + 2)
    with pytest.raises(ProveError, match="from size 0"):
        build_consistency(conn, 0)
