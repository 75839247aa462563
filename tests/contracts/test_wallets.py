"""Keys that are contracts: wallets of several owners sign by ERC-1271."""

from __future__ import annotations

import pytest
from eth_account.signers.local import LocalAccount

from ledger.codes import Role
from ledger.statements import (
    EXEMPTION,
    FILING,
    OBLIGATION,
    ORGANISATION,
    Batch,
    SignedBatch,
    Value,
    text_hash,
)
from tests.contracts.conftest import Refused
from tests.contracts.duties import exemption, obligation
from tests.contracts.world import (
    DEADLINE,
    DISTRICT,
    WATER,
    World,
    account,
    filing,
    organisation,
    sign,
)
from tests.contracts.world import test_artifact as artifact

STEWARD = account("water steward")
OWNERS = sorted(
    (account(f"owner {number}") for number in range(3)), key=lambda owner: owner.address.lower()
)


def batch_of(values: dict[str, Value]) -> Batch:
    return Batch(FILING, WATER, DEADLINE, (values,), (b"{}",))


def draft() -> Batch:
    return batch_of(filing("307001/000001", state=1))


@pytest.fixture
def wallet(world: World) -> str:
    """Two of three owners sign."""
    addresses = [owner.address for owner in OWNERS]
    return world.evm.deploy(artifact("Wallet"), addresses, 2).address


def signed_by(world: World, batch: Batch, wallet: str, owners: list[LocalAccount]) -> SignedBatch:
    digest = batch.digest(world.domain(batch.struct))
    return SignedBatch(batch, wallet, b"".join(sign(owner, digest) for owner in owners))


@pytest.mark.parametrize("owners", [OWNERS[:2], OWNERS[1:], [OWNERS[0], OWNERS[2]]])
def test_two_of_three_owners_speak_as_steward(
    world: World, wallet: str, owners: list[LocalAccount]
) -> None:
    world.grant(wallet, WATER, Role.STEWARD)
    world.send(signed_by(world, draft(), wallet, owners))
    assert "0x" + world.statements[-1].signer.hex() == wallet.lower()
    assert len(world.authorisations[-1].signature) == 2 * 65


@pytest.mark.parametrize(
    "owners",
    [[], OWNERS[:1], OWNERS, OWNERS[1::-1], [OWNERS[0], OWNERS[0]]],
    ids=["none", "one", "three", "wrong order", "one twice"],
)
def test_other_numbers_of_owners_do_not(
    world: World, refused: Refused, wallet: str, owners: list[LocalAccount]
) -> None:
    world.grant(wallet, WATER, Role.STEWARD)
    batch = draft()
    with refused("BadSignature", wallet, batch.digest(world.domain(FILING))):
        world.send(signed_by(world, batch, wallet, owners))


def test_a_wallet_may_be_an_authority(world: World, refused: Refused, wallet: str) -> None:
    batch = Batch(ORGANISATION, DISTRICT, DEADLINE, (organisation("TMP-1"),), (b"{}",))
    with refused("RoleMissing", wallet, text_hash(DISTRICT), int(Role.AUTHORITY)):
        world.send(signed_by(world, batch, wallet, OWNERS[:2]))
    world.grant(wallet, DISTRICT, Role.AUTHORITY)
    world.send(signed_by(world, batch, wallet, OWNERS[:2]))
    assert world.head("organisation", text_hash("TMP-1"))[0] == 1


def test_a_wallet_may_impose_obligations_and_exempt_from_them(
    world: World, refused: Refused, wallet: str
) -> None:
    world.grant(wallet, DISTRICT, Role.AUTHORITY)
    chain = (obligation("duty/1"), obligation("system/1", 2, "duty/1"))
    imposed = Batch(OBLIGATION, DISTRICT, DEADLINE, chain, (b"{}", b"{}"))
    with refused("BadSignature", wallet, imposed.digest(world.domain(OBLIGATION))):
        world.send(signed_by(world, imposed, wallet, OWNERS[:1]))
    world.send(signed_by(world, imposed, wallet, OWNERS[:2]))
    granted = Batch(EXEMPTION, DISTRICT, DEADLINE, (exemption("ex/1", "duty/1"),), (b"{}",))
    world.send(signed_by(world, granted, wallet, OWNERS[1:]))
    assert "0x" + world.statements[-1].signer.hex() == wallet.lower()
    assert world.head("obligation.exemption", text_hash("ex/1"))[0] == 1


def test_a_wallet_may_be_a_head(world: World, wallet: str) -> None:
    world.grant(wallet, WATER, Role.HEAD)
    batch = batch_of(filing("307001/000001"))
    digest = batch.digest(world.domain(FILING))
    cosignature = b"".join(sign(owner, digest) for owner in OWNERS[:2])
    world.send(SignedBatch(batch, STEWARD.address, sign(STEWARD, digest), wallet, cosignature))
    assert world.authorisations[-1].cosignature == cosignature


def test_a_contract_that_is_no_wallet_signs_nothing(world: World, refused: Refused) -> None:
    contract = world.log.address
    world.grant(contract, WATER, Role.STEWARD)
    batch = draft()
    with refused("BadSignature", contract, batch.digest(world.domain(FILING))):
        world.send(SignedBatch(batch, contract, sign(STEWARD, bytes(32))))
