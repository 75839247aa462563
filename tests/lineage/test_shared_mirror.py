"""Servers that share a mirror do not undo each other's edges: the mirror stays with one journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.lineage import queries
from ledger.lineage.edges import OtherJournal
from ledger.lineage.keeper import LineageKeeper
from ledger.store.engine import open_database
from tests.lineage.events import encoded, run_event

LOG = "0x" + "ab" * 20


def test_a_shared_mirror_stays_with_the_journal_that_it_began_with(
    tmp_path: Path, postgresql_url: str
) -> None:
    engine = open_database(postgresql_url, "mirror")
    first, second, copy = (
        LineageKeeper(tmp_path / name, engine, LOG, shared=True) for name in ("a", "b", "a")
    )
    try:
        assert first.elsewhere() is None
        first.append([encoded(run_event(1))], door="api", organisation="")
        first.edges.catch_up()
        # whoever has no journal, or another, sends events elsewhere; a second door to the same one does not
        assert second.elsewhere() == first.journal.origin
        assert copy.elsewhere() is None
        second.append([encoded(run_event(2))], door="api", organisation="")
        with pytest.raises(OtherJournal, match=first.journal.origin):
            second.edges.catch_up()
        with engine.connect() as connection:
            assert queries.counts(connection).runs == 1
        # on purpose it goes over to another journal
        second.edges.rebuild()
        assert second.edges.folded() == 1
    finally:
        for keeper in (first, second, copy):
            keeper.close()
        engine.dispose()
