"""Resources, manifests and deliveries: who says what, what must exist, and what carries on from what."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.codes import Role
from ledger.deliveries.rules import EMPTY_ROOT, DeliveryWord, ManifestWord, ResourceWord
from ledger.statements import (
    DELIVERY,
    FILING,
    MANIFEST,
    RESOURCE,
    Value,
    kind_word,
    sha256,
    subject_of,
    text_hash,
)
from tests.contracts.conftest import Prepared, Refused
from tests.contracts.duties import delivery, manifest, resource
from tests.contracts.world import DISTRICT, ROADS, WATER, World, account, equip, filing

ENTRY, OF_ROADS, NOWHERE = "307001/000001", "101002/000007", "307001/000009"
STEWARD, COLLECTOR = account("water steward"), account("collector")
WATER_NUMBER = 2
LAST_DAY = 29991231
MOST = 2**256 - 1
FIRST, SECOND = sha256(b"first"), sha256(b"second")


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def mount(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(RESOURCE, rows, how.pop("signer", STEWARD), how.pop("organisation", WATER), **how)


def sign_manifest(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(MANIFEST, rows, how.pop("signer", STEWARD), how.pop("organisation", WATER), **how)


def deliver(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(DELIVERY, rows, how.pop("signer", COLLECTOR), **how)


def period(start: int = 20250101, end: int = 20250331) -> bytes:
    values: dict[str, Value] = {"entry": ENTRY, "periodStart": start, "periodEnd": end}
    return subject_of(MANIFEST, values, bytes(32))


def three_editions(world: World) -> None:
    equip(world)
    world.say(FILING, filing(ENTRY, state=1), STEWARD, WATER)
    world.say(FILING, filing(ENTRY, 2, state=1), STEWARD, WATER)
    world.say(FILING, filing(OF_ROADS, state=1), account("roads steward"), ROADS)


@pytest.fixture
def entries(prepared: Prepared) -> World:
    """An entry of each department, that of the water office with two editions, and a collector."""
    return prepared(three_editions)


# Resources


def test_a_resource_leaves_owner_status_type_and_entry_in_the_head(entries: World) -> None:
    mount(entries, resource("r/1", ENTRY, type=3))
    live = ResourceWord(WATER_NUMBER, 1, 3, text_hash(ENTRY)[:8])
    assert entries.head(RESOURCE.kind, text_hash("r/1")) == (1, live.pack())
    mount(entries, resource("r/1", ENTRY, type=3, version=2, status=2))
    closed = live._replace(status=2)
    assert entries.head(RESOURCE.kind, text_hash("r/1")) == (2, closed.pack())
    assert ResourceWord.unpack(closed.pack()) == closed
    mount(entries, resource("r/1", ENTRY, type=3, version=3))


def test_the_owner_of_the_entry_mounts(entries: World, refused: Refused) -> None:
    with refused("NotOwner", text_hash(OF_ROADS), text_hash(WATER)):
        mount(entries, resource("r/1", OF_ROADS))
    with refused("UnknownEntry", text_hash(NOWHERE)):
        mount(entries, resource("r/1", NOWHERE))
    head = account("water head")
    with refused("RoleMissing", head.address, text_hash(WATER), int(Role.STEWARD)):
        mount(entries, resource("r/1", ENTRY), signer=head)


def test_a_resource_stays_on_its_entry_and_of_its_type(entries: World, refused: Refused) -> None:
    entries.say(FILING, filing("307001/000002", state=1), STEWARD, WATER)
    mount(entries, resource("r/1", ENTRY))
    with refused("MemberFixed", text_hash("r/1"), member("entry")):
        mount(entries, resource("r/1", "307001/000002", version=2))
    with refused("MemberFixed", text_hash("r/1"), member("type")):
        mount(entries, resource("r/1", ENTRY, version=2, type=2))


@pytest.mark.parametrize(
    ("name", "value", "most"), [("type", 0, 3), ("type", 4, 3), ("status", 0, 1), ("status", 2, 1)]
)
def test_members_of_a_resource_have_ranges(
    entries: World, refused: Refused, name: str, value: int, most: int
) -> None:
    with refused("OutOfRange", member(name), value, most):
        mount(entries, resource("r/1", ENTRY) | {name: value})
    with refused("StaleVersion", kind_word(RESOURCE.kind), text_hash("r/1"), 2, 1):
        mount(entries, resource("r/1", ENTRY, version=2))


# Manifests


def test_a_manifest_leaves_rows_and_half_its_root_in_the_head(entries: World) -> None:
    sign_manifest(entries, manifest(ENTRY, rows=2**64 - 1, root=FIRST))
    left = ManifestWord(2**64 - 1, FIRST[:16])
    assert entries.head(MANIFEST.kind, period()) == (1, left.pack())
    assert ManifestWord.unpack(left.pack()) == left


def test_another_period_is_another_subject(entries: World, refused: Refused) -> None:
    days: dict[str, Value] = {"periodStart": 20250401, "periodEnd": 20250630}
    sign_manifest(entries, manifest(ENTRY), manifest(ENTRY, **days))
    sign_manifest(entries, manifest(ENTRY, version=2))
    assert entries.head(MANIFEST.kind, period())[0] == 2
    assert entries.head(MANIFEST.kind, period(20250401, 20250630))[0] == 1
    with refused("StaleVersion", kind_word(MANIFEST.kind), period(), 2, 3):
        sign_manifest(entries, manifest(ENTRY, version=2))


def test_the_owner_of_the_entry_signs_what_it_holds(entries: World, refused: Refused) -> None:
    with refused("NotOwner", text_hash(OF_ROADS), text_hash(WATER)):
        sign_manifest(entries, manifest(OF_ROADS))
    with refused("UnknownEntry", text_hash(NOWHERE)):
        sign_manifest(entries, manifest(NOWHERE))
    with refused("RoleMissing", COLLECTOR.address, text_hash(DISTRICT), int(Role.STEWARD)):
        sign_manifest(entries, manifest(ENTRY), signer=COLLECTOR, organisation=DISTRICT)


def test_fingerprints_are_named(entries: World, refused: Refused) -> None:
    for rows, root in ((1, FIRST), (0, EMPTY_ROOT)):
        with refused("OutOfRange", member("buckets"), 0, MOST):
            sign_manifest(entries, manifest(ENTRY, rows=rows, root=root, buckets=bytes(32)))


# What manifests and deliveries have in common


@pytest.fixture(params=[MANIFEST.name, DELIVERY.name])
def said(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """How a manifest is made and said, and how a delivery is."""
    return (manifest, sign_manifest) if request.param == MANIFEST.name else (delivery, deliver)


@pytest.mark.parametrize("edition", [0, 3, 0xFFFFFFFF])
def test_data_follow_an_edition_that_exists(
    entries: World, refused: Refused, said: tuple[Any, Any], edition: int
) -> None:
    make, say = said
    with refused("UnknownEdition", text_hash(ENTRY), edition, 2):
        say(entries, make(ENTRY, edition=edition))
    say(entries, make(ENTRY, edition=2))


@pytest.mark.parametrize(
    ("start", "end", "name", "value", "most"),
    [
        (20250229, 20250331, "periodStart", 20250229, LAST_DAY),
        (20250101, 20250431, "periodEnd", 20250431, LAST_DAY),
        (20250401, 20250331, "periodStart", 20250401, 20250331),
    ],
)
def test_a_period_is_made_of_days(
    entries: World,
    refused: Refused,
    *,
    said: tuple[Any, Any],
    start: int,
    end: int,
    name: str,
    value: int,
    most: int,
) -> None:
    make, say = said
    with refused("OutOfRange", member(name), value, most):
        say(entries, make(ENTRY, periodStart=start, periodEnd=end))


def test_modes_are_full_and_increment(
    entries: World, refused: Refused, said: tuple[Any, Any]
) -> None:
    make, say = said
    for mode in (0, 3):
        with refused("OutOfRange", member("mode"), mode, 2):
            say(entries, make(ENTRY, mode=mode))


def test_no_rows_have_the_empty_root_and_rows_never(
    entries: World, refused: Refused, said: tuple[Any, Any]
) -> None:
    make, say = said
    for rows, root in ((0, FIRST), (0, bytes(32)), (1, EMPTY_ROOT), (1, bytes(32))):
        with refused("WrongRoot", text_hash(ENTRY), rows, root):
            say(entries, make(ENTRY, rows=rows, root=root))
    with refused("OutOfRange", member("schema"), 0, MOST):
        say(entries, make(ENTRY, rows=1, schema=bytes(32)))
    say(entries, make(ENTRY, rows=0, root=EMPTY_ROOT, schema=bytes(32)))


# Deliveries


def test_a_delivery_leaves_half_its_root_its_last_day_and_the_manifest_in_the_head(
    entries: World,
) -> None:
    sign_manifest(entries, manifest(ENTRY))
    deliver(entries, delivery(ENTRY, manifest=1, root=FIRST))
    left = DeliveryWord(FIRST[:16], 20250331, 1)
    assert entries.head(DELIVERY.kind, text_hash(ENTRY)) == (1, left.pack())
    assert DeliveryWord.unpack(left.pack()) == left


def test_each_delivery_names_the_root_of_the_one_before(entries: World, refused: Refused) -> None:
    with refused("WrongPredecessor", text_hash(ENTRY), FIRST[:16], bytes(16)):
        deliver(entries, delivery(ENTRY, predecessor=FIRST))
    deliver(entries, delivery(ENTRY, root=FIRST))
    for given in (bytes(32), SECOND):
        with refused("WrongPredecessor", text_hash(ENTRY), given[:16], FIRST[:16]):
            deliver(entries, delivery(ENTRY, version=2, predecessor=given))
    deliver(entries, delivery(ENTRY, version=2, predecessor=FIRST, root=SECOND))
    with refused("WrongPredecessor", text_hash(ENTRY), FIRST[:16], SECOND[:16]):
        deliver(entries, delivery(ENTRY, version=3, predecessor=FIRST, root=FIRST))


def test_the_first_delivery_follows_nothing_at_all(entries: World, refused: Refused) -> None:
    nearly = bytes(31) + b"\1"
    with refused("WrongPredecessor", text_hash(ENTRY), bytes(16), bytes(16)):
        deliver(entries, delivery(ENTRY, predecessor=nearly))


def test_a_delivery_after_an_empty_one_names_the_empty_root(entries: World) -> None:
    deliver(entries, delivery(ENTRY, rows=0, root=EMPTY_ROOT))
    deliver(entries, delivery(ENTRY, version=2, predecessor=EMPTY_ROOT))
    assert entries.head(DELIVERY.kind, text_hash(ENTRY))[0] == 2


def test_a_delivery_answers_a_manifest_that_was_signed_before(
    entries: World, refused: Refused
) -> None:
    with refused("UnknownManifest", text_hash(ENTRY), 1, 0):
        deliver(entries, delivery(ENTRY, manifest=1))
    sign_manifest(entries, manifest(ENTRY))
    sign_manifest(entries, manifest(ENTRY, version=2))
    for given in (3, 2**64 - 1):
        with refused("UnknownManifest", text_hash(ENTRY), given, 2):
            deliver(entries, delivery(ENTRY, manifest=given))
    with refused("UnknownManifest", text_hash(ENTRY), 1, 0):
        deliver(entries, delivery(ENTRY, manifest=1, periodEnd=20250330))
    deliver(entries, delivery(ENTRY, manifest=2, root=FIRST))
    deliver(entries, delivery(ENTRY, version=2, manifest=1, predecessor=FIRST))


def test_a_collector_of_any_organisation_receives(entries: World, refused: Refused) -> None:
    with refused("RoleMissing", STEWARD.address, text_hash(WATER), int(Role.COLLECTOR)):
        deliver(entries, delivery(ENTRY), signer=STEWARD, organisation=WATER)
    key = account("roads collector")
    entries.grant(key, ROADS, Role.COLLECTOR)
    deliver(entries, delivery(ENTRY, root=FIRST), signer=key, organisation=ROADS)
    deliver(entries, delivery(ENTRY, version=2, predecessor=FIRST))


def test_a_delivery_is_of_an_entry_and_comes_in_turn(entries: World, refused: Refused) -> None:
    with refused("UnknownEntry", text_hash(NOWHERE)):
        deliver(entries, delivery(NOWHERE))
    kind = kind_word(DELIVERY.kind)
    with refused("StaleVersion", kind, text_hash(ENTRY), 2, 1):
        deliver(entries, delivery(ENTRY), delivery(ENTRY, version=2))
    deliver(entries, delivery(ENTRY), delivery(OF_ROADS))
    with refused("StaleVersion", kind, text_hash(ENTRY), 1, 2):
        deliver(entries, delivery(ENTRY))
