"""The log itself: what it tells, what it keeps, and who may write to it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak

from ledger.merkle import root_of
from ledger.statements import (
    DECISION,
    FILING,
    KEY,
    authorisation_digest,
    key_subject,
    kind_word,
    sha256,
    text_hash,
)
from tests.contracts.conftest import Refused
from tests.contracts.evm import START, type_of
from tests.contracts.world import (
    ADMIN,
    ADMIN_DELAY,
    DISTRICT,
    WATER,
    World,
    account,
    decision,
    filing,
)

KIND = kind_word("test.kind")
WRITER = bytes.fromhex("00000000000000000000000000000000000000c1")
STRANGER = bytes.fromhex("00000000000000000000000000000000000000c2")
WEEK = 7 * 24 * 3600


def hexed(address: bytes) -> str:
    return "0x" + address.hex()


def record(subject: int, version: int, state: int = 0, body: bytes = b"{}") -> tuple[Any, ...]:
    return subject.to_bytes(32, "big"), version, state, b"payload", body


def after_the_delay(world: World, method: str, kind: bytes, registry: str) -> None:
    """An administrator's act: announced, waited for, carried out."""
    data = world.log.data(method, kind, registry)
    world.manager.write("schedule", world.log.address, data, 0, sender=ADMIN)
    world.evm.at(world.evm.time + ADMIN_DELAY)
    world.manager.write("execute", world.log.address, data, sender=ADMIN)


@pytest.fixture
def open_log(empty: World) -> World:
    """A log that takes statements of a kind of its own from a plain account."""
    after_the_delay(empty, "admit", KIND, hexed(WRITER))
    return empty


def record_many(world: World, *items: tuple[Any, ...], sender: bytes = WRITER) -> Any:
    return world.log.write(
        "recordMany", KIND, bytes(32), bytes(32), hexed(WRITER), list(items), sender=sender
    )


def test_an_empty_log_has_the_root_of_the_empty_tree(empty: World) -> None:
    assert empty.log.read("size") == 0
    assert empty.log.read("root") == hashlib.sha256(b"").digest()
    assert empty.head("organisation", text_hash(DISTRICT)) == (0, 0)


def test_events_alone_rebuild_the_tree(world: World) -> None:
    steward, head = account("water steward"), account("water head")
    rows = [filing(f"307001/{n:06d}") for n in range(5)]
    world.say(FILING, rows, steward, WATER, cosigner=head, bodies=[b"%d" % n for n in range(5)])
    world.say(DECISION, decision("307001/000003", 2, 4), account("publisher"))
    assert [statement.index for statement in world.statements] == list(range(15))
    leaves = [statement.leaf_hash(world.identity) for statement in world.statements]
    assert world.log.read("root") == root_of(leaves)
    assert world.log.read("size") == 15


def test_a_statement_tells_who_said_what_and_when(world: World) -> None:
    world.evm.at(START + 77)
    body = '{"名称":"水"}'.encode()
    values = filing("307001/000001")
    done = world.say(
        FILING,
        values,
        account("water steward"),
        WATER,
        cosigner=account("water head"),
        bodies=[body],
    )
    statement, authorisation = world.statements[-1], world.authorisations[-1]
    assert statement.kind == "catalogue.entry"
    assert statement.subject == text_hash("307001/000001")
    assert statement.version == 1
    assert statement.org == authorisation.organisation == text_hash(WATER)
    assert hexed(statement.signer) == account("water steward").address.lower()
    assert statement.recorded_at == START + 77
    assert statement.body == body
    assert statement.body_digest == sha256(body)
    assert statement.payload == FILING.encode({**values, "bodyDigest": sha256(body)})
    assert statement.authorisation == authorisation.digest
    assert authorisation.digest == authorisation_digest(
        FILING,
        [statement.payload],
        text_hash(WATER),
        authorisation.deadline,
        world.domain(FILING).separator(),
    )
    assert hexed(authorisation.registry) == world.registries["Catalogue"].address.lower()
    assert hexed(authorisation.cosigner) == account("water head").address.lower()
    assert (authorisation.first_index, authorisation.count) == (statement.index, 1)
    assert [event.name for event in done.events] == ["Authorised", "Recorded"]


def test_one_batch_is_authorised_once_and_before_its_statements(world: World) -> None:
    rows = [filing(f"307001/{n:06d}", state=1) for n in range(3)]
    done = world.say(FILING, rows, account("water steward"), WATER)
    assert [event.name for event in done.events] == ["Authorised"] + ["Recorded"] * 3
    assert {event.address for event in done.events} == {bytes.fromhex(world.log.address[2:])}
    assert (world.authorisations[-1].first_index, world.authorisations[-1].count) == (9, 3)
    assert done.output == (9).to_bytes(32, "big")


def test_heads_keep_the_last_version_and_the_state(open_log: World) -> None:
    largest = (1 << 192) - 1
    record_many(open_log, record(1, 1, 5), record(2, 1, largest))
    open_log.log.write(
        "record", KIND, bytes(32), bytes(32), hexed(WRITER), record(1, 2, 6), sender=WRITER
    )
    subjects = [number.to_bytes(32, "big") for number in (1, 2, 3)]
    words = open_log.log.read("headsMany", KIND, subjects)
    assert list(words) == [2 << 192 | 6, 1 << 192 | largest, 0]
    assert open_log.log.read("heads", KIND, subjects[1]) == (1, largest)
    assert open_log.log.read("heads", kind_word("other"), subjects[1]) == (0, 0)


def test_a_subject_may_go_on_within_a_batch(open_log: World) -> None:
    done = record_many(open_log, record(1, 1), record(1, 2, 9))
    assert [values["version"] for values in done.named("Recorded")] == [1, 2]
    assert open_log.log.read("heads", KIND, (1).to_bytes(32, "big")) == (2, 9)


@pytest.mark.parametrize(("given", "expected"), [(0, 1), (2, 1), (1 << 63, 1)])
def test_a_first_version_other_than_1_is_stale(
    open_log: World, refused: Refused, given: int, expected: int
) -> None:
    with refused("StaleVersion", KIND, (1).to_bytes(32, "big"), given, expected):
        record_many(open_log, record(1, given))


@pytest.mark.parametrize("given", [1, 2, 4])
def test_a_later_version_must_be_the_next(open_log: World, refused: Refused, given: int) -> None:
    record_many(open_log, record(1, 1), record(1, 2))
    with refused("StaleVersion", KIND, (1).to_bytes(32, "big"), given, 3):
        record_many(open_log, record(1, given))
    record_many(open_log, record(1, 3))


def test_a_batch_with_one_stale_statement_leaves_nothing(open_log: World, refused: Refused) -> None:
    before = open_log.log.read("root")
    with refused("StaleVersion", KIND, (2).to_bytes(32, "big"), 7, 1):
        record_many(open_log, record(1, 1), record(2, 7))
    assert open_log.log.read("root") == before
    assert open_log.log.read("size") == 0
    assert open_log.log.read("heads", KIND, (1).to_bytes(32, "big")) == (0, 0)


def test_an_empty_batch_is_refused(open_log: World, refused: Refused) -> None:
    with refused("EmptyBatch"):
        record_many(open_log)


@pytest.mark.parametrize("method", ["record", "recordMany", "authorise"])
def test_who_is_not_admitted_writes_nothing(open_log: World, refused: Refused, method: str) -> None:
    mandate = (bytes(32), 0, hexed(STRANGER), b"", hexed(bytes(20)), b"")
    arguments: dict[str, list[Any]] = {
        "record": [KIND, bytes(32), bytes(32), hexed(STRANGER), record(1, 1)],
        "recordMany": [KIND, bytes(32), bytes(32), hexed(STRANGER), [record(1, 1)]],
        "authorise": [KIND, bytes(32), 1, mandate],
    }
    with refused("NotAdmitted", KIND, hexed(STRANGER)):
        open_log.log.write(method, *arguments[method], sender=STRANGER)
    open_log.log.write(method, *arguments[method], sender=WRITER)


def test_admission_is_for_one_kind(world: World, refused: Refused) -> None:
    catalogue = world.registries["Catalogue"].address
    assert world.log.read("admitted", kind_word(FILING.kind), catalogue) is True
    assert world.log.read("admitted", kind_word(KEY.kind), catalogue) is False
    sender = bytes.fromhex(catalogue[2:])
    item = (key_subject(WRITER), 1, 0, b"", b"")
    with refused("NotAdmitted", kind_word(KEY.kind), catalogue):
        world.log.write(
            "record",
            kind_word(KEY.kind),
            bytes(32),
            bytes(32),
            hexed(WRITER),
            item,
            sender=sender,
        )


def test_a_retired_registry_writes_no_more_and_stays_readable(
    world: World, refused: Refused
) -> None:
    steward, head = account("water steward"), account("water head")
    world.say(FILING, filing("307001/000001"), steward, WATER, cosigner=head)
    before = world.head(FILING.kind, text_hash("307001/000001"))
    root = world.log.read("root")
    catalogue = world.registries["Catalogue"]
    after_the_delay(world, "retire", kind_word(FILING.kind), catalogue.address)
    with refused("NotAdmitted", kind_word(FILING.kind), catalogue.address):
        world.say(
            FILING,
            filing("307001/000002"),
            steward,
            WATER,
            cosigner=head,
            deadline=world.evm.time + 60,
        )
    assert world.head(FILING.kind, text_hash("307001/000001")) == before
    assert world.log.read("root") == root
    assert catalogue.read("eip712Domain")[1] == "GovLedger Catalogue"


def test_a_successor_goes_on_where_the_retired_registry_stopped(world: World) -> None:
    steward, head = account("water steward"), account("water head")
    world.say(FILING, filing("307001/000001"), steward, WATER, cosigner=head)
    old = world.registries["Catalogue"]
    after_the_delay(world, "retire", kind_word(FILING.kind), old.address)
    successor = world.evm.deploy(old.artifact, world.log.address)
    after_the_delay(world, "admit", kind_word(FILING.kind), successor.address)
    world.registries["Catalogue"] = successor
    try:
        deadline = world.evm.time + 60
        again = filing("307001/000001", version=2)
        world.say(FILING, again, steward, WATER, cosigner=head, deadline=deadline)
    finally:
        world.registries["Catalogue"] = old
    assert world.head(FILING.kind, text_hash("307001/000001"))[0] == 2


@pytest.mark.parametrize("method", ["admit", "retire"])
def test_a_stranger_admits_and_retires_nobody(empty: World, refused: Refused, method: str) -> None:
    with refused("AccessManagedUnauthorized", hexed(STRANGER)):
        empty.log.write(method, KIND, hexed(WRITER), sender=STRANGER)


@pytest.mark.parametrize("method", ["admit", "retire"])
def test_the_administrator_must_announce_and_wait(
    empty: World, refused: Refused, method: str
) -> None:
    registry = empty.registries["Catalogue"].address
    kind = KIND if method == "admit" else kind_word(FILING.kind)
    data = empty.log.data(method, kind, registry)
    operation = keccak(
        encode(["address", "address", "bytes"], [hexed(ADMIN), empty.log.address, data])
    )
    with refused("AccessManagerNotScheduled", operation):
        empty.log.write(method, kind, registry, sender=ADMIN)
    empty.manager.write("schedule", empty.log.address, data, 0, sender=ADMIN)
    empty.evm.at(START + ADMIN_DELAY - 1)
    with refused("AccessManagerNotReady", operation):
        empty.manager.write("execute", empty.log.address, data, sender=ADMIN)
    empty.evm.at(START + ADMIN_DELAY)
    done = empty.manager.write("execute", empty.log.address, data, sender=ADMIN)
    event = {"admit": "Admitted", "retire": "Retired"}[method]
    assert done.named(event) == [{"kind": kind, "registry": registry.lower()}]
    with refused("AccessManagerNotScheduled", operation):
        empty.manager.write("execute", empty.log.address, data, sender=ADMIN)


def test_an_announcement_runs_out(empty: World, refused: Refused) -> None:
    data = empty.log.data("admit", KIND, hexed(WRITER))
    operation = keccak(
        encode(["address", "address", "bytes"], [hexed(ADMIN), empty.log.address, data])
    )
    empty.manager.write("schedule", empty.log.address, data, 0, sender=ADMIN)
    empty.evm.at(START + ADMIN_DELAY + WEEK)
    with refused("AccessManagerExpired", operation):
        empty.manager.write("execute", empty.log.address, data, sender=ADMIN)


def test_admitting_twice_and_retiring_a_stranger_are_refused(
    open_log: World, refused: Refused
) -> None:
    with refused("AlreadyAdmitted", KIND, hexed(WRITER)):
        after_the_delay(open_log, "admit", KIND, hexed(WRITER))
    with refused("NotAdmitted", KIND, hexed(STRANGER)):
        after_the_delay(open_log, "retire", KIND, hexed(STRANGER))


def test_the_log_and_its_registries_name_the_genesis_authority(empty: World) -> None:
    expected = empty.genesis.address.lower()
    assert empty.log.read("genesisAuthority") == expected
    for registry in empty.registries.values():
        assert registry.read("genesisAuthority") == expected
        assert registry.read("log") == empty.log.address.lower()


def test_the_two_events_have_the_members_that_readers_rely_on(world: World) -> None:
    events = {item["name"]: item for item in world.log.artifact.abi if item["type"] == "event"}
    indexed = {
        name: [part["name"] for part in item["inputs"] if part["indexed"]]
        for name, item in events.items()
    }
    assert indexed["Recorded"] == ["index", "kind", "subject"]
    assert indexed["Authorised"] == ["authorisation", "registry", "signer"]
    assert [(part["name"], type_of(part)) for part in events["Recorded"]["inputs"][3:]] == [
        ("version", "uint64"),
        ("org", "bytes32"),
        ("signer", "address"),
        ("authorisation", "bytes32"),
        ("recordedAt", "uint64"),
        ("payload", "bytes"),
        ("bodyDigest", "bytes32"),
        ("body", "bytes"),
    ]
