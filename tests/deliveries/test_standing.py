"""Deliveries of many entries at once: newest, newest at a time, and by the names that runs give them."""

from __future__ import annotations

from ledger.deliveries import standing
from tests.deliveries import drafts
from tests.deliveries.test_queries import tell
from tests.organisations.scribe import START, Scribe

ENTRY = drafts.ENTRY
FIRST, SECOND, THIRD = (START + 10 * leaf for leaf in (6, 7, 8))


def check(scribe: Scribe) -> None:
    tell(scribe)
    with scribe.engine.connect() as connection:
        newest = standing.newest(connection, {ENTRY, "none"})
        assert {code: one.number for code, one in newest.items()} == {ENTRY: 3}
        assert standing.newest(connection, {ENTRY}, as_of=8)[ENTRY].number == 2
        assert standing.newest(connection, {ENTRY}, as_of=6) == {}
        moments = {(ENTRY, at) for at in (FIRST - 1, FIRST, THIRD - 1, THIRD + 99)}
        found = standing.newest_at(connection, moments | {("none", THIRD)})
        assert {at: one.number for (_, at), one in found.items()} == {
            FIRST: 1,
            THIRD - 1: 2,
            THIRD + 99: 3,
        }
        early = standing.newest_at(connection, {(ENTRY, THIRD)}, as_of=7)
        assert early[ENTRY, THIRD].number == 1
        named = standing.numbered(connection, {(ENTRY, 2), (ENTRY, 9)})
        assert {key: one.leaf_from for key, one in named.items()} == {(ENTRY, 2): 7}
        root = bytes.fromhex(drafts.ROOT)
        rooted = standing.with_roots(connection, {(ENTRY, root), (ENTRY, bytes(32))})
        # Of several with the same rows the first.
        assert {key: one.number for key, one in rooted.items()} == {(ENTRY, root): 1}
        assert standing.newest_at(connection, set()) == {}


def test_deliveries_are_found_for_many_entries_at_once(scribe: Scribe) -> None:
    check(scribe)


def test_the_same_on_postgresql(postgresql_scribe: Scribe) -> None:
    check(postgresql_scribe)


def test_many_moments_are_asked_for_in_few_statements(scribe: Scribe) -> None:
    tell(scribe)
    moments = {(ENTRY, at) for at in range(FIRST, FIRST + 450)}
    with scribe.engine.connect() as connection:
        found = standing.newest_at(connection, moments)
    assert [found[ENTRY, at].number for at in (FIRST, SECOND, THIRD, FIRST + 449)] == [1, 2, 3, 3]
