"""Verification: what is altered is found and named, whoever altered it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    delete,
    insert,
    select,
    update,
)

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.lineage.models import FOLDED
from ledger.mirror import Mirror, tables
from ledger.mirror.verification.report import Report
from ledger.store.engine import open_database, writing
from ledger.store.tables import MirrorTable
from tests.mirror.world import District
from tests.simulator import SimulatedChain

DERIVED = [table for projection in PROJECTIONS for table in projection.tables]
ALTERED = 4
"""About how many rows of a table are altered, a column at a time."""
COVERED = {table.name: table for table in (*tables.CORE, *DERIVED)}


def altered_value(value: Any, column_type: Any) -> Any:
    """Another value that the column can hold."""
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\1"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("x" if value[-1:] != "x" else "y")
    kinds = {Boolean: True, Integer: 1, LargeBinary: b"\1"}
    return next((new for kind, new in kinds.items() if isinstance(column_type, kind)), "altered")


@pytest.fixture(scope="module")
def world() -> District:
    return District(SimulatedChain(District.genesis, rulebooks=RULEBOOKS)).found().live()


def mirror_of(district: District, url: str) -> Mirror:
    sim = district.sim
    mirror = Mirror(open_database(url, "mirror"), sim, sim.origin, PROJECTIONS, RULEBOOKS)
    mirror.catch_up()
    return mirror


@pytest.fixture(scope="module")
def kept(world: District, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A mirror that tests alter and put back."""
    place = tmp_path_factory.mktemp("kept") / "mirror.db"
    mirror = mirror_of(world, f"sqlite:///{place}")
    yield mirror
    mirror.engine.dispose()


def reflected(engine: Engine, name: str) -> Table:
    """The table as the database has it, so that nothing converts what a test writes."""
    return Table(name, MetaData(), autoload_with=engine)


def assert_clean(report: Report) -> None:
    assert list(report.findings) == []
    assert report.ok
    assert report.complete, report.unchecked


def test_an_untouched_mirror_verifies_on_both_databases(world: District, database_url: str) -> None:
    mirror = mirror_of(world, database_url)
    report = mirror.verify()
    assert_clean(report)
    assert report.counts["leaves"] == report.counts["chain_leaves"] == world.sim.size
    assert report.counts["signatures"] > 10
    assert report.counts["heads"] > 8
    assert set(report.counts) >= {"rules", "rows", "tiles", "blocks"}
    assert list(report.lines("zh"))[-1] == "✓ 所核验的均相符"
    assert list(report.lines("en"))[-1] == "✓ everything that was checked holds"
    mirror.engine.dispose()


def test_every_table_of_the_mirror_has_rows_to_alter(kept: Mirror) -> None:
    with kept.engine.connect() as conn:
        filled = {
            table.name
            for table in (*tables.CORE, *DERIVED)
            if conn.execute(select(table).limit(1)).first() is not None
        }
    # What follows from a journal has a verification of its own: it is folded again. Who leads says nothing of
    # the log. An index of our own begins with a longer log: test_own_index.py.
    aside = {table.name for table in FOLDED} | {"leader", "catalogue_gram"}
    assert filled == set(MirrorTable.metadata.tables) - aside


@pytest.mark.parametrize("name", COVERED)
def test_altering_any_column_of_any_row_is_found(kept: Mirror, name: str) -> None:
    table = reflected(kept.engine, name)
    with kept.engine.connect() as conn:
        rows = conn.execute(select(table)).mappings().all()
    # Some of a long table are enough here: that every row is looked at is shown by taking each away.
    few = rows[:: max(1, len(rows) // ALTERED)]
    for column, row in product([each.name for each in COVERED[name].columns], few):
        before = dict(row)
        after = before | {column: altered_value(row[column], table.c[column].type)}
        key = [table.c[each.name] == before[each.name] for each in table.primary_key]
        if not replace_row(kept.engine, table, key, after):
            continue
        try:
            report = kept.verify()
        finally:
            restore(kept.engine, table, key, before, after)
        assert not report.ok, f"{name}.{column} of {before}"
        if (name, column) != ("cursor", "size"):
            # A cursor that claims more than there is looks like statements that are missing.
            assert name in {finding.table for finding in report.findings}, (column, report.findings)
    assert_clean(kept.verify())


@pytest.mark.parametrize("name", sorted(MirrorTable.metadata.tables))
def test_taking_away_any_row_is_found(kept: Mirror, name: str) -> None:
    table = reflected(kept.engine, name)
    with kept.engine.connect() as conn:
        rows = conn.execute(select(table)).mappings().all()
    for row in rows:
        key = [table.c[each.name] == row[each.name] for each in table.primary_key]
        with writing(kept.engine) as conn:
            conn.execute(delete(table).where(*key))
        try:
            report = kept.verify()
        finally:
            with writing(kept.engine) as conn:
                conn.execute(insert(table), [dict(row)])
        if name == "block" and not holds_statements(kept.engine, row["number"]):
            # A block without statements is kept only as a trail; it may go (but for the newest).
            continue
        assert not report.ok, dict(row)
    assert_clean(kept.verify())


def holds_statements(engine: Engine, number: int) -> bool:
    vouched = tables.authorisation
    with engine.connect() as conn:
        return (
            conn.execute(select(vouched).where(vouched.c.block_number == number)).first()
            is not None
        )


def replace_row(engine: Engine, table: Table, key: list[Any], after: dict[str, Any]) -> bool:
    """Put ``after`` in the place of a row; False where the new key is taken by another row."""
    taken = [table.c[each.name] == after[each.name] for each in table.primary_key]
    with writing(engine) as conn:
        if (
            conn.execute(select(table).where(*taken)).first()
            and not conn.execute(select(table).where(*taken, *key)).first()
        ):
            return False
        conn.execute(update(table).where(*key).values(after))
    return True


def restore(
    engine: Engine, table: Table, key: list[Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    now = [table.c[each.name] == after[each.name] for each in table.primary_key]
    with writing(engine) as conn:
        conn.execute(update(table).where(*now).values(before))
        assert conn.execute(select(table).where(*key)).mappings().all() == [before]
