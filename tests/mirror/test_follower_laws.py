"""Whatever a chain went through: a mirror that followed it all equals one that came at the end."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from ledger.mirror import Mirror, tables
from ledger.store.engine import open_database
from tests.mirror.world import NOTES, District, Notes, with_notes
from tests.simulator import SimulatedChain

COMPARED = (tables.statement, tables.authorisation, tables.tree_tile, tables.cursor, tables.flag)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)),
        st.tuples(st.just("malformed"), st.sampled_from("abcdef")),
        st.tuples(st.just("mine"), st.integers(1, 40)),
        st.tuples(st.just("fork"), st.integers(1, 12)),
        st.tuples(st.just("follow"), st.none()),
        st.tuples(st.just("span"), st.integers(1, 9)),
    ),
    max_size=25,
)


def rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table))), key=repr)
            for table in (*COMPARED, NOTES)
        }


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty mirror, to be copied: making one takes longer than all that is done with it here."""
    file = tmp_path_factory.mktemp("laws") / "empty.db"
    with_notes(open_database(f"sqlite:///{file}", "mirror")).dispose()
    return file


@settings(max_examples=40)
@given(script=steps)
def test_following_through_anything_equals_coming_at_the_end(
    empty: Path, script: list[tuple[str, object]]
) -> None:
    sim = SimulatedChain(District.genesis)
    district = District(sim).found()
    known = {len(sim.chain) - 1: dict(district.versions)}
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / f"{name}.db" for name in ("through", "end")]
        engines = [
            open_database(f"sqlite:///{shutil.copy(empty, file)}", "mirror") for file in files
        ]
        through, end = (Mirror(each, sim, sim.origin, [Notes()]) for each in engines)
        for number, (what, value) in enumerate(script):
            if what == "file":
                district.file(*value)
            elif what == "malformed":
                district.file(value, raw=b'{"code":"x"}')
            elif what == "mine":
                sim.mine(value)
            elif what == "span":
                sim.max_log_range = value
            elif what == "follow":
                through.catch_up()
            else:
                go_back(district, known, value, number)
            known[len(sim.chain) - 1] = dict(district.versions)
        # A chain that only became shorter says nothing yet: it is as if the node lagged behind.
        sim.mine(100)
        assert through.catch_up().root == sim.root
        end.catch_up()
        assert rows(engines[0]) == rows(engines[1])
        report = through.verify()
        assert report.ok, report.findings
        for engine in engines:
            engine.dispose()


def go_back(
    district: District, known: dict[int, dict[object, int]], blocks: int, number: int
) -> None:
    """Replace the newest blocks by others, as far as the district's founding."""
    target = max(min(known), len(district.sim.chain) - 1 - blocks)
    at = max(height for height in known if height <= target)
    district.sim.fork(at, b"fork %d" % number)
    district.versions = dict(known[at])
    for height in [height for height in known if height > at]:
        del known[height]
