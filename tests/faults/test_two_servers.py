"""Two servers on one PostgreSQL: one leads, the other takes over, and nothing is sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree

import pytest
import sqlalchemy

from ledger.chain.deployment import Deployment
from ledger.office import Office
from ledger.settings import load_settings
from ledger.store.engine import open_database, writing
from ledger.store.leading import Lead, LostLeadError, leader_of
from tests.faults.fire import (
    PASSPHRASE,
    Node,
    Server,
    firing,
    found,
)

DEPARTMENTS = 3


@pytest.fixture
def databases(make_database: Callable[[], str]) -> dict[str, str]:
    """Settings that name an empty mirror and an empty desk in PostgreSQL."""
    return {"mirror_url": make_database(), "desk_url": make_database()}


@contextmanager
def two_servers(
    place: Path, databases: dict[str, str]
) -> Iterator[tuple[Deployment, Node, list[Server]]]:
    """A node, a ledger on it, and two data directories that share its databases; nobody serves yet."""
    node = Node(place)
    with firing([node]):
        first, second = place / "one", place / "two"
        placed = found({"data_dir": first, "rpc_url": node.url, **databases}, DEPARTMENTS)
        written = {"rpc_url": node.url, **databases}
        (first / "config.toml").write_text(
            "".join(f'{name} = "{value}"\n' for name, value in written.items()), "utf-8"
        )
        copytree(first, second)
        yield placed, node, [Server(first), Server(second)]


def test_one_that_was_thought_dead_can_neither_send_nor_write(
    tmp_path: Path, databases: dict[str, str]
) -> None:
    """Its session is gone, another leads, and it goes on where it was: what it writes is refused."""
    with two_servers(tmp_path, databases) as (_, _, servers):
        offices = [
            Office(load_settings({"passphrase": PASSPHRASE}, {}, one.data_dir)) for one in servers
        ]
        with offices[0] as old, offices[1] as new:
            with old.duty() as leads:
                assert leads
                assert old.rota.follows()
                with new.duty() as too:
                    assert not too
                term = old.rota.on_duty().term or 0
                for engine in (old.desk_engine, old.mirror_engine):
                    end_sessions_that_lead(engine)
                with new.duty() as now_leads:
                    assert now_leads
                    assert new.rota.follows()
                    assert new.rota.on_duty().term == term + 1
                    for lead, engine in (
                        (old.rota.sending, old.desk_engine),
                        (old.rota.following, old.mirror_engine),
                    ):
                        assert lead is not None
                        with (
                            pytest.raises(LostLeadError, match="another process leads"),
                            writing(engine) as connection,
                        ):
                            lead.fence(connection)
                    # it notices by itself as well
                    assert not old.rota.sends()
                    assert not old.rota.follows()
            new.work()


def end_sessions_that_lead(engine: sqlalchemy.Engine) -> None:
    """What the network does to a session, and a database that starts anew."""
    with engine.connect() as connection:
        ended = connection.exec_driver_sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_database d "
            "ON d.oid = database WHERE locktype = 'advisory' AND d.datname = current_database()"
        ).scalar_one()
    assert ended == 1


def test_a_new_term_waits_for_what_the_old_one_is_about_to_commit(
    make_database: Callable[[], str],
) -> None:
    engine = open_database(make_database(), "desk")
    old, new = Lead(engine, "desk"), Lead(engine, "desk")
    assert old.hold()
    assert not new.hold()
    begun, taken = threading.Event(), threading.Event()

    def take_over() -> None:
        begun.set()
        assert new.hold()
        taken.set()

    thread = threading.Thread(target=take_over)
    with writing(engine) as connection:
        old.fence(connection)
        end_sessions_that_lead(engine)
        thread.start()
        assert begun.wait(10)
        assert not taken.wait(0.3)
    thread.join(30)
    assert taken.is_set()
    told = leader_of(engine, "desk")
    assert told is not None
    assert (told.term, new.term) == (2, 2)
    for lead in (old, new):
        lead.release()
    engine.dispose()


def test_who_leads_is_told_to_others_for_as_long_as_somebody_does(
    make_database: Callable[[], str],
) -> None:
    engine = open_database(make_database(), "mirror")
    lead, looks_on = Lead(engine, "mirror", lambda: "http://127.0.0.1:1"), Lead(engine, "mirror")
    assert looks_on.leader() is None
    assert lead.hold()
    told = looks_on.leader()
    assert told is not None
    assert (told.term, told.url) == (1, "http://127.0.0.1:1")
    lead.release()
    assert looks_on.leader() is None
    engine.dispose()
