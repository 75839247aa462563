"""An audit's inputs, read by two threads: the same report, and what goes wrong comes out."""

from __future__ import annotations

from itertools import chain
from threading import active_count
from typing import Any

import pytest
from sqlalchemy import Connection, Select, func, select, text
from sqlalchemy.exc import OperationalError

from ledger.audits import reading, working
from ledger.audits.reading import Reading
from ledger.audits.report import report_bytes
from ledger.catalogue.models import ENTRIES
from ledger.mirror.tables import statement
from ledger.store.columns import Pieces
from ledger.store.engine import writing
from tests.audits.test_laws import OWNERS, Table, acts, grounds
from tests.audits.world import World


def tables_at_every_rung(world: World) -> None:
    """A table that got no further than each step."""
    grounds(world)
    for steps in range(8):
        for act in acts(world, steps, Table(OWNERS[0], steps, "short", 9_000)):
            act()


def report(world: World) -> bytes:
    with world.audit() as found:
        return b"".join(report_bytes(found))


def test_two_connections_read_what_one_does(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_at_every_rung(either_world)
    alone = report(either_world)
    used: list[Connection] = []
    beside = reading.beside

    def noted(connection: Connection) -> object:
        used.append(connection)
        return beside(connection)

    monkeypatch.setattr(reading, "_MANY", 1)
    monkeypatch.setattr(reading, "beside", noted)
    assert report(either_world) == alone
    assert used


def test_what_is_read_in_small_pieces_makes_the_same_report(
    either_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_at_every_rung(either_world)
    with writing(either_world.scribe.engine) as connection:
        # A statement that is gone: its piece is read row by row, and others are not.
        gone = select(func.min(ENTRIES.c.leaf_from)).scalar_subquery()
        connection.execute(statement.delete().where(statement.c.index_ == gone))
    whole = report(either_world)
    cut: list[int] = []

    def small(connection: Connection, asked: Select[Any], **manner: Any) -> Pieces:
        pieces = Pieces(connection, asked, **(manner | {"at_once": 3}))
        cut.append(len(pieces.ranges))
        return pieces

    monkeypatch.setattr(reading, "Pieces", small)
    monkeypatch.setattr(reading, "_AHEAD", 1)
    monkeypatch.setattr(reading, "_MANY", 1)
    assert report(either_world) == whole
    assert max(cut) > 2


def test_what_reading_raises_comes_out_and_no_thread_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_MANY", 1)
    before = active_count()
    asked = {
        "good": select(statement.c.index_.label("leaf")),
        "bad": select(text("nothing.there")).select_from(statement),
    }
    with (
        world.scribe.engine.connect() as connection,
        Reading(connection, asked, 10) as read,
        pytest.raises(OperationalError, match="nothing"),
    ):
        list(chain(read.pieces("good"), read.pieces("bad")))
    assert active_count() == before


def test_whoever_leaves_early_waits_for_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AHEAD", 1)
    before = active_count()
    asked = {name: select(statement.c.index_.label("leaf")) for name in ("first", "second")}
    with (
        world.scribe.engine.connect() as connection,
        Reading(connection, asked, 10) as read,
    ):
        next(read.pieces("first"))
    assert active_count() == before


def leaves() -> dict[str, Select[Any]]:
    return {name: select(statement.c.index_.label("leaf")) for name in ("first", "second")}


def test_a_question_is_answered_while_there_is_no_room_for_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_AHEAD", 1)
    found: list[int] = []

    def count(connection: Connection) -> None:
        found.append(connection.execute(select(func.count()).select_from(statement)).scalar_one())

    with world.scribe.engine.connect() as connection, Reading(connection, leaves(), 10) as read:
        for _ in range(2):
            read.ask(count).result(timeout=60)
        rows = sum(piece.num_rows for name in leaves() for piece in read.pieces(name))
        # and when everything is read
        read.ask(count).result(timeout=60)
    assert found == [rows // 2] * 3


def test_what_a_question_raises_comes_out_and_reading_goes_on(world: World) -> None:
    def wrong(connection: Connection) -> None:
        connection.execute(text("SELECT nothing"))

    with world.scribe.engine.connect() as connection, Reading(connection, leaves(), 10) as read:
        with pytest.raises(OperationalError, match="nothing"):
            read.ask(wrong).result(timeout=60)
        assert sum(piece.num_rows for piece in read.pieces("first"))


def test_nobody_waits_for_an_answer_once_reading_failed(world: World) -> None:
    asked = {"bad": select(text("nothing.there")).select_from(statement)}
    with world.scribe.engine.connect() as connection, Reading(connection, asked, 10) as read:
        with pytest.raises(OperationalError, match="nothing"):
            list(read.pieces("bad"))
        with pytest.raises(OperationalError, match="nothing"):
            read.ask(lambda _: None).result(timeout=60)


def test_what_counting_raises_comes_out_of_the_audit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_at_every_rung(world)
    before = active_count()

    def wrong(connection: Connection, **_: object) -> None:
        connection.execute(text("SELECT nothing"))

    monkeypatch.setattr(working, "count_items", wrong)
    with pytest.raises(OperationalError, match="nothing"):
        report(world)
    assert active_count() == before
