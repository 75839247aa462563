"""The mirror over the real contracts: what they emit is what the simulator emits, and verifies alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain import artifacts
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.embedded.chain import EmbeddedChain
from ledger.codes import Role
from ledger.mirror import Mirror, Origin, queries
from ledger.mirror.events import AUTHORISED, RECORDED
from ledger.statements import FILING, KEY, Batch, SignedBatch, address_bytes, kind_word
from ledger.store.engine import open_database
from tests.mirror.world import FAR, HEALTH, ROOT, District
from tests.simulator import Key, SimulatedChain, altered, statement_of

PAYER: LocalAccount = Account.from_key(keccak(text="whoever pays"))
OWNERS = sorted((Key.of(f"owner {name}") for name in "abc"), key=lambda key: key.address)
CODE = Path(__file__).resolve().parents[1] / "contracts" / "artifacts"


class RealChain:
    """Contracts on the embedded chain, with the simulator's way of saying things."""

    def __init__(self, chain: EmbeddedChain, deployment: Deployment) -> None:
        self.chain = chain
        self.deployment = deployment

    def domain(self, struct: Any) -> Any:
        return self.deployment.domain(struct.contract)

    def say(self, batch: Any, signer: Key, cosigner: Key | None = None) -> int:
        digest = batch.digest(self.domain(batch.struct))
        return self.record(
            SignedBatch(
                batch,
                signer.text,
                signer.sign(digest),
                cosigner.text if cosigner else None,
                cosigner.sign(digest) if cosigner else b"",
            )
        )

    def record(self, signed: SignedBatch, registry: bytes | None = None) -> int:
        first = self.size
        signature, arguments = signed.method_arguments()
        rows, mandate = signature.removeprefix(signed.batch.struct.method)[1:-1].split("[],")
        data = keccak(text=signature)[:4] + encode([rows + "[]", mandate], arguments)
        contract = signed.batch.struct.contract
        self.send(registry or address_bytes(self.deployment.registries[contract]), data)
        return first

    def mine(self, blocks: int) -> None:
        """The embedded chain makes a block only for a transaction."""

    @property
    def size(self) -> int:
        return int.from_bytes(
            self.chain.call(self.deployment.log_address, keccak(text="size()")[:4]), "big"
        )

    def send(self, to: bytes | None, data: bytes) -> None:
        chain = self.chain
        payer = address_bytes(PAYER.address)
        transaction: dict[str, Any] = {
            "chainId": chain.chain_id,
            "nonce": chain.nonce(payer),
            "gas": chain.estimate_gas(payer, to, data) * 2,
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

    def create(self, name: str, kinds: list[str], values: list[Any]) -> bytes:
        """Put a contract of the tests on the chain; returns its address."""
        from web3.utils import get_create_address  # noqa: PLC0415

        nonce = self.chain.nonce(address_bytes(PAYER.address))
        place = CODE / f"{name}.json"
        code = artifacts.decode(place.read_bytes(), place.name).bytecode.removeprefix("0x")
        self.send(None, bytes.fromhex(code) + encode(kinds, values))
        return address_bytes(get_create_address(PAYER.address, nonce))


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealChain]:
    with EmbeddedChain.open(tmp_path / "chain.db", 26476, create=True) as chain:
        deployment = deploy(chain, PAYER, District.genesis.text, PAYER.address, admin_delay=0)
        yield RealChain(chain, deployment)


@pytest.fixture
def mirror(real: RealChain, tmp_path: Path) -> Iterator[Mirror]:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Mirror(engine, real.chain, Origin.of(real.deployment), PROJECTIONS, RULEBOOKS)
    engine.dispose()


@pytest.fixture(scope="module")
def simulated() -> SimulatedChain:
    """The same district on the simulated chain."""
    return District(SimulatedChain(District.genesis, rulebooks=RULEBOOKS)).found().live().sim


def test_a_district_on_real_contracts_is_mirrored_and_verifies(
    real: RealChain, mirror: Mirror, simulated: SimulatedChain
) -> None:
    district: Any = District(real)  # type: ignore[arg-type]
    district.found().live()
    cursor = mirror.catch_up()
    assert cursor.size == real.size == simulated.size
    report = mirror.verify()
    assert report.findings == []
    assert report.ok
    assert report.complete
    assert report.counts["chain_leaves"] == simulated.size
    assert report.counts["heads"] == len(simulated.heads.slots)


def test_the_contracts_emit_what_the_simulator_emits_byte_for_byte(
    real: RealChain, mirror: Mirror, simulated: SimulatedChain
) -> None:
    district: Any = District(real)  # type: ignore[arg-type]
    district.found().live()
    mirror.catch_up()
    events = real.chain.logs(
        real.deployment.log_address, real.deployment.deploy_block, real.chain.head().number
    )
    recorded = [event for event in events if event.topics[0] == RECORDED]
    authorised = [event for event in events if event.topics[0] == AUTHORISED]
    said = [event.topics[0] for block in simulated.chain for event in block.logs]
    assert (len(recorded), len(authorised)) == (said.count(RECORDED), said.count(AUTHORISED))
    with mirror.engine.connect() as conn:
        for event in recorded:
            assert altered(event) == event
            statement = statement_of(event)
            assert queries.statement_at(conn, statement.index) == statement
        for event in authorised:
            members = decode(
                ["bytes32", "bytes", "address", "bytes", "uint64", "uint64", "uint64"], event.data
            )
            found = queries.authorisation_of(conn, members[5])
            assert found.digest == event.topics[1]
            assert found.registry == event.topics[2][12:]
            assert found.signer == event.topics[3][12:]
            assert members == (
                found.organisation,
                found.signature,
                "0x" + found.cosigner.hex(),
                found.cosignature,
                found.deadline,
                found.first_index,
                found.count,
            )


def test_a_wallet_of_several_owners_verifies_with_the_chain(
    real: RealChain, mirror: Mirror
) -> None:
    district: Any = District(real)  # type: ignore[arg-type]
    district.found()
    owners = [owner.text for owner in OWNERS]
    wallet = real.create("Wallet", ["address[]", "uint256"], [owners, 2])
    granted = {
        "key": to_checksum_address(wallet),
        "version": 1,
        "holder": HEALTH,
        "roles": int(Role.STEWARD),
        "status": 1,
    }
    real.say(Batch(KEY, ROOT, FAR, (granted,), (b'{"holder":"TMP-HEALTH"}',)), district.genesis)
    batch = district.filing("beds")
    digest = batch.digest(real.domain(FILING))
    two = b"".join(owner.sign(digest) for owner in OWNERS[:2])
    leaf = real.record(SignedBatch(batch, to_checksum_address(wallet), two))
    mirror.catch_up()
    report = mirror.verify()
    assert report.findings == []
    assert report.complete
    assert report.counts["contract_signatures"] == 1
    offline = mirror.verify(use_chain=False)
    assert offline.ok
    assert any(f"leaves {leaf} to {leaf}" in note.en for note in offline.unchecked)


def test_an_operator_whose_registry_skips_the_signature_check_is_caught(
    real: RealChain, mirror: Mirror
) -> None:
    district: Any = District(real)  # type: ignore[arg-type]
    district.found()
    district.file("beds")
    unchecked = real.create("UncheckedCatalogue", ["address"], [real.deployment.log])
    admit = keccak(text="admit(bytes32,address)")[:4]
    real.send(
        real.deployment.log_address,
        admit + encode(["bytes32", "address"], [kind_word(FILING.kind), "0x" + unchecked.hex()]),
    )
    batch = district.filing("forged")
    leaf = real.record(SignedBatch(batch, district.steward.text, bytes(65)), unchecked)
    mirror.catch_up()
    report = mirror.verify()
    assert "signature" in report.totals
    assert report.first_leaf == leaf
    with mirror.engine.connect() as conn:
        assert queries.statement_at(conn, leaf).signer == district.steward.address
