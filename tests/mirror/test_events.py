"""Events as rows: every byte that is taken over is checked or ends up in a row, in every statement of a batch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.chain.interface import RawLog
from ledger.mirror.errors import MismatchError
from ledger.mirror.events import LogRows, decode
from ledger.statements import Statement
from tests.mirror.world import District
from tests.simulator import RECORDED, SimulatedChain, statement_of

BATCH = 3
"""Leaves 3 to 5 of the district are three keys, granted under one signature."""


@pytest.fixture(scope="module")
def sim() -> SimulatedChain:
    return District(SimulatedChain(District.genesis)).found().sim


@pytest.fixture(scope="module")
def events(sim: SimulatedChain) -> list[RawLog]:
    """One authorisation and the three statements under it."""
    return list(sim.chain[-1].logs[-BATCH - 1 :])


def taken(sim: SimulatedChain, events: list[RawLog]) -> LogRows:
    return decode(events, sim.origin.log, sim.size - BATCH)


def test_rows_are_what_an_independent_decoder_reads(
    sim: SimulatedChain, events: list[RawLog]
) -> None:
    rows = taken(sim, events)
    told = [statement_of(event) for event in events if event.topics[0] == RECORDED]
    assert [Statement(*row) for row in rows.statements] == told
    assert rows.leaf_hashes == [each.leaf_hash(sim.origin.log) for each in told]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_byte_of_a_batch_is_passed_over(
    sim: SimulatedChain, events: list[RawLog], data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, BATCH))
    event = events[number]
    place = data.draw(st.integers(0, len(event.data) - 1))
    changed = bytearray(event.data)
    changed[place] ^= data.draw(st.integers(1, 255))
    other = structs.replace(event, data=bytes(changed))
    before = taken(sim, events)
    try:
        after = taken(sim, [*events[:number], other, *events[number + 1 :]])
    except MismatchError as error:
        after, refused = before, error.leaf
    else:
        refused = None
    assert refused in (None, sim.size - BATCH + number - 1)
    if refused is None and after.leaf_hashes == before.leaf_hashes:
        # Only what pads payload and body to whole words is in no row.
        assert after.statements == before.statements
        body = len(statement_of(event).body)
        payload = len(statement_of(event).payload)
        padding = [*range(288 + payload, 288 + payload + -payload % 32)]
        assert place in [*padding, *range(len(event.data) - -body % 32, len(event.data))]
