"""Checkpoints of journals: they belong to whoever came first, and only grow."""

from __future__ import annotations

import pytest

from ledger.codes import Role
from ledger.lineage.rules import CheckpointWord
from ledger.statements import CHECKPOINT, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.world import DISTRICT, ROADS, World, account, checkpoint

ORIGIN = "govledger.example/lineage"
JOURNAL = text_hash(ORIGIN)
COLLECTOR = account("collector")


@pytest.fixture
def ready(world: World) -> World:
    world.grant(COLLECTOR, DISTRICT, Role.COLLECTOR)
    return world


def test_a_checkpoint_leaves_size_organisation_and_root_in_the_head(ready: World) -> None:
    root = bytes(range(32))
    ready.say(CHECKPOINT, checkpoint(ORIGIN, size=2**64 - 1, root=root), COLLECTOR)
    version, word = ready.head(CHECKPOINT.kind, JOURNAL)
    assert version == 1
    expected = CheckpointWord(2**64 - 1, 1, int.from_bytes(root[:12], "big"))
    assert CheckpointWord.unpack(word) == expected


def test_collectors_and_authorities_anchor(ready: World, refused: Refused) -> None:
    roles = Role.COLLECTOR | Role.AUTHORITY
    assessor = account("assessor")
    with refused("RoleMissing", assessor.address, text_hash(DISTRICT), int(roles)):
        ready.say(CHECKPOINT, checkpoint(ORIGIN), assessor)
    ready.say(CHECKPOINT, checkpoint(ORIGIN), COLLECTOR)
    ready.say(CHECKPOINT, checkpoint(ORIGIN, 2, 2), account("publisher"))


def test_a_journal_only_grows(ready: World, refused: Refused) -> None:
    with refused("NotGrown", JOURNAL, 0, 0):
        ready.say(CHECKPOINT, checkpoint(ORIGIN, size=0), COLLECTOR)
    ready.say(CHECKPOINT, checkpoint(ORIGIN, size=7), COLLECTOR)
    for size in (0, 6, 7):
        with refused("NotGrown", JOURNAL, size, 7):
            ready.say(CHECKPOINT, checkpoint(ORIGIN, 2, size), COLLECTOR)
    ready.say(CHECKPOINT, checkpoint(ORIGIN, 2, 8), COLLECTOR)


def test_a_journal_stays_with_whoever_anchored_it_first(ready: World, refused: Refused) -> None:
    other = account("roads collector")
    ready.grant(other, ROADS, Role.COLLECTOR)
    ready.say(CHECKPOINT, checkpoint(ORIGIN), COLLECTOR)
    with refused("NotOwner", JOURNAL, text_hash(ROADS)):
        ready.say(CHECKPOINT, checkpoint(ORIGIN, 2, 2), other, ROADS)
    ready.say(CHECKPOINT, checkpoint("roads/lineage"), other, ROADS)


def test_a_checkpoint_has_a_root(ready: World, refused: Refused) -> None:
    with refused("OutOfRange", b"root".ljust(32, b"\0"), 0, 2**256 - 1):
        ready.say(CHECKPOINT, checkpoint(ORIGIN, root=bytes(32)), COLLECTOR)
    ready.say(CHECKPOINT, checkpoint(ORIGIN, root=bytes(31) + b"\1"), COLLECTOR)


def test_versions_follow_one_another(ready: World, refused: Refused) -> None:
    with refused("StaleVersion", kind_word(CHECKPOINT.kind), JOURNAL, 2, 1):
        ready.say(CHECKPOINT, [checkpoint(ORIGIN), checkpoint(ORIGIN, 2, 2)], COLLECTOR)
