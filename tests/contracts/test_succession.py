"""A log that carries on another one: filled with its leaves, opened once, and bound by its rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from ledger.chain.artifacts import OPENINGS, load
from ledger.codes import Role
from ledger.merkle import root_of
from ledger.statements import FILING, KEY, OPENING, ORGANISATION, Batch, Value, kind_word
from tests.conformance.acts import Act
from tests.conformance.judge import Court
from tests.contracts.evm import RefusedError
from tests.contracts.succession import Successor, empty_successor, passages_of, succeed
from tests.contracts.world import (
    ADMIN,
    DISTRICT,
    ROADS,
    WATER,
    World,
    account,
    deploy,
    filing,
    organisation,
    settle,
)

CODE = "307001/000001"


@pytest.fixture(scope="module")
def old() -> World:
    world = deploy()
    settle(world)
    world.say(
        FILING,
        filing(CODE, state=1),
        account("water steward"),
        WATER,
        cosigner=account("water head"),
        bodies=['{"名称":"取水许可"}'.encode()],
    )
    return world


@pytest.fixture(scope="module")
def opened(old: World) -> Successor:
    return succeed(old)


@pytest.fixture(autouse=True)
def as_it_was(opened: Successor) -> Iterator[None]:
    """One EVM serves all tests of this file; each leaves it as it was."""
    before = opened.evm.snapshot()
    said, vouched = list(opened.statements), list(opened.authorisations)
    yield
    opened.evm.revert(before)
    opened.statements[:], opened.authorisations[:] = said, vouched


@pytest.fixture
def empty(old: World) -> Successor:
    return empty_successor(old)


@pytest.fixture
def concluded(old: World) -> Successor:
    return succeed(old, opened=False)


def revision(world: World, version: int = 2) -> None:
    world.say(
        FILING,
        filing(CODE, version=version),
        account("water steward"),
        WATER,
        cosigner=account("water head"),
    )


def test_the_tree_is_the_old_tree_and_the_heads_are_the_old_heads(
    old: World, empty: Successor
) -> None:
    done = empty.carry(passages_of(old))
    assert empty.log.read("size") == old.log.read("size")
    assert empty.log.read("root") == old.log.read("root")
    for one in old.statements:
        assert empty.head(one.kind, one.subject) == old.head(one.kind, one.subject)
    told = done.named("Recorded")
    assert [values["recordedAt"] for values in told] == [one.recorded_at for one in old.statements]
    assert [values["registry"].lower() for values in done.named("Authorised")] == [
        "0x" + one.registry.hex() for one in old.authorisations
    ]


def test_statements_go_on_where_they_were(old: World, opened: Successor) -> None:
    size = old.log.read("size")
    assert opened.statements[size].kind == OPENING.kind
    assert opened.log.read("size") == size + 1
    opened.register("11310000000000009Q")
    assert opened.head(ORGANISATION.kind, opened.statements[-1].subject)[1] & 0xFFFFFFFF == 4
    leaves = [one.leaf_hash(opened.identity.at(one.index)) for one in opened.statements]
    assert opened.log.read("root") == root_of(leaves)
    with pytest.raises(RefusedError, match="StaleVersion"):
        opened.say(
            FILING,
            filing(CODE),
            account("water steward"),
            WATER,
            cosigner=account("water head"),
        )


def test_a_signature_for_the_old_log_is_none_for_the_new_one(old: World, opened: Successor) -> None:
    values = (organisation("11310000000000009Q"),)
    batch = Batch(ORGANISATION, DISTRICT, old.evm.time + 60, values, (b"{}",))
    signed = old.signed(batch, old.genesis)
    with pytest.raises(RefusedError, match="BadSignature"):
        opened.send(signed)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda some: some[1:], "OutOfPlace"),
        (lambda some: [some[0], some[2]], "StaleVersion|None"),
        (lambda some: [some[0], some[0]], "StaleVersion"),
    ],
)
def test_what_is_out_of_place_is_refused(
    old: World, empty: Successor, change: Callable[..., list[object]], error: str
) -> None:
    some = change(passages_of(old))
    if "None" in error:
        # A batch left out shows in the root at the latest.
        empty.carry(some)  # type: ignore[arg-type]
        with pytest.raises(RefusedError, match="NotInherited"):
            empty.conclude(empty.predecessor.size, empty.predecessor.root)
        return
    with pytest.raises(RefusedError, match=error):
        empty.carry(some)  # type: ignore[arg-type]
    assert empty.log.read("size") == 0


def test_altered_history_is_never_concluded(old: World, empty: Successor) -> None:
    whole = passages_of(old)
    last = whole[-1]
    altered = structs.replace(last.statements[0], body=b'{"name":"another"}')
    empty.carry([*whole[:-1], replace(last, statements=(altered,))])
    assert empty.log.read("size") == empty.predecessor.size
    with pytest.raises(RefusedError, match="NotInherited"):
        empty.conclude(empty.predecessor.size, empty.predecessor.root)


def test_time_goes_forwards(old: World, empty: Successor) -> None:
    first, second, *rest = passages_of(old)
    past = tuple(structs.replace(one, recorded_at=1) for one in second.statements)
    with pytest.raises(RefusedError, match="OutOfTime"):
        empty.carry([first, replace(second, statements=past)])
    empty.carry([first, second, *rest])
    newest = old.statements[-1].recorded_at
    empty.evm.at(newest - 1)
    size, root = empty.predecessor.size, empty.predecessor.root
    with pytest.raises(RefusedError, match="OutOfTime"):
        empty.conclude(size, root)
    empty.evm.at(newest)
    empty.conclude(size, root)


def test_only_the_carrier_carries_and_only_until_the_end(old: World, empty: Successor) -> None:
    whole, stranger = passages_of(old), bytes(19) + b"\x77"
    with pytest.raises(RefusedError, match="NotCarrier"):
        empty.carry(whole, sender=stranger)
    empty.carry(whole)
    size, root = empty.predecessor.size, empty.predecessor.root
    with pytest.raises(RefusedError, match="NotCarrier"):
        empty.conclude(size, root, sender=stranger)
    empty.conclude(size, root)
    for again in (lambda: empty.carry(whole), lambda: empty.conclude(size, root)):
        with pytest.raises(RefusedError, match="AlreadyConcluded"):
            again()


def test_nothing_is_admitted_before_the_history_is_whole_and_opened(
    old: World, empty: Successor
) -> None:
    with pytest.raises(RefusedError, match="NotAdmitted"):
        empty.admit(OPENINGS)
    empty.carry(passages_of(old))
    with pytest.raises(RefusedError, match="NotAdmitted"):
        empty.admit(OPENINGS)
    empty.conclude(empty.predecessor.size, empty.predecessor.root)
    with pytest.raises(RefusedError, match="NotAdmitted"):
        empty.admit("Catalogue")
    empty.admit(OPENINGS)
    empty.statements += old.statements
    empty.authorisations += old.authorisations
    empty.open()
    empty.admit("Catalogue")
    revision(empty)


def act(signer: str = "publisher", organisation: str = DISTRICT, **row: Value) -> Act:
    return Act(OPENING, organisation, signer, None, ((row, 0, b"{}"),), 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"chainId": 1},
        {"log": "0x" + "77" * 20},
        {"genesis": bytes(32)},
        {"size": 9},
        {"root": b"\x01" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_opening_that_names_another_log_is_refused(
    concluded: Successor, changes: dict[str, Value]
) -> None:
    row = {name: value for name, value in concluded.opening().items() if name != "version"}
    verdict = Court.of(concluded).try_act(act(**(row | changes)))
    assert verdict.contract == "NotPredecessor"
    assert verdict.rulebook is not None


def test_only_an_authority_opens_and_only_once(concluded: Successor) -> None:
    court = Court.of(concluded)
    row = {name: value for name, value in concluded.opening().items() if name != "version"}
    for signer, speaker in (("assessor", DISTRICT), ("water steward", WATER), ("publisher", ROADS)):
        verdict = court.try_act(act(signer, speaker, **row))
        assert verdict.contract == "RoleMissing"
        assert verdict.rulebook is not None
    first = court.try_act(act(**row))
    assert (first.contract, first.rulebook) == (None, None)
    again = court.try_act(act(**row))
    assert again.contract == "NotPredecessor"
    assert again.rulebook is not None


def test_two_openings_in_one_batch_are_refused(concluded: Successor) -> None:
    row = {name: value for name, value in concluded.opening().items() if name != "version"}
    rows = ((row, 0, b"{}"), (row, 0, b"{}"))
    twice = Act(OPENING, DISTRICT, "publisher", None, rows, 0)
    verdict = Court.of(concluded).try_act(twice)
    assert verdict.contract is not None
    assert verdict.rulebook is not None


def test_a_log_can_move_twice(opened: Successor) -> None:
    revision(opened)
    opened.grant(account("late"), ROADS, Role.STEWARD)
    again = succeed(opened)
    assert len(again.earlier) == 2
    leaves = [one.leaf_hash(again.identity.at(one.index)) for one in again.statements]
    assert again.log.read("root") == root_of(leaves)
    assert again.head(KEY.kind, again.statements[-2].subject) == opened.head(
        KEY.kind, again.statements[-2].subject
    )


def test_a_sealed_log_takes_nothing_and_nobody_can_open_it_again(old: World) -> None:
    evm = old.evm
    seal = evm.deploy(load("Seal"), 99, "0x" + "11" * 20)
    manager = evm.deploy(load("AccessManager"), "0x" + ADMIN.hex())
    log = evm.deploy(load("GovernanceLog"), manager.address, old.genesis.address)
    log.write("admit", kind_word(FILING.kind), "0x" + "22" * 20, sender=ADMIN)
    log.write("retire", kind_word(FILING.kind), "0x" + "22" * 20, sender=ADMIN)
    manager.write("updateAuthority", log.address, seal.address, sender=ADMIN)
    assert log.read("authority") == seal.address.lower()
    with pytest.raises(RefusedError, match="AccessManagedUnauthorized"):
        log.write("admit", kind_word(FILING.kind), "0x" + "22" * 20, sender=ADMIN)
    with pytest.raises(RefusedError, match="AccessManagedUnauthorized"):
        manager.write("updateAuthority", log.address, manager.address, sender=ADMIN)
    with pytest.raises(RefusedError, match="AccessManagedUnauthorized"):
        log.write("setAuthority", manager.address, sender=ADMIN)
