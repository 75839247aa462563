"""The catalogue that skips signature checks: its lies look like truth to everyone who trusts it."""

from __future__ import annotations

from ledger.statements import FILING, Batch, SignedBatch, text_hash
from tests.contracts.world import (
    DEADLINE,
    WATER,
    account,
    deploy,
    filing,
    settle,
)
from tests.contracts.world import test_artifact as artifact


def test_it_records_what_nobody_signed() -> None:
    world = deploy(catalogue=artifact("UncheckedCatalogue"))
    settle(world)
    batch = Batch(FILING, WATER, DEADLINE, (filing("307001/000001"),), (b"{}",))
    steward, head = account("water steward"), account("water head")
    world.send(SignedBatch(batch, steward.address, bytes(65), head.address, b"nothing"))
    assert world.head(FILING.kind, text_hash("307001/000001"))[0] == 1
    assert world.statements[-1].authorisation == batch.digest(world.domain(FILING))
    assert world.authorisations[-1].signature == bytes(65)


def test_its_code_is_not_taken_for_the_real_one() -> None:
    world = deploy(catalogue=artifact("UncheckedCatalogue"))
    code = world.evm.code(world.registries["Catalogue"].address)
    real = deploy().registries["Catalogue"].artifact
    assert artifact("UncheckedCatalogue").matches(code)
    assert not real.matches(code)
