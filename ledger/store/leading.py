"""One leader among the processes that share a PostgreSQL database; the others wait to take over.

A leader holds an advisory lock in a session of its own, which the server takes away as soon as the session
ends: killed, cut off, or the server itself started anew. Whoever gets the lock begins a new *term*, a number in
the table ``leader``. Every transaction of a leader looks whether the term is still its own, with a lock on that
row (:meth:`Lead.fence`): one that was thought dead and goes on can then not write any more, and a new term
begins only when what the old one was about to commit is committed or gone.

The lock belongs to a session: do not put a pooler that shares sessions between transactions before it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlmodel import Field

from ledger.store.engine import Family
from ledger.store.errors import StoreError
from ledger.store.tables import DeskTable, MirrorTable
from ledger.store.types import BIG

LOCKS: dict[Family, int] = {"mirror": 26478, "desk": 26479}
"""First half of the advisory lock; the second tells schemas of one database apart."""
_ROW = 1
_KEEPALIVES = (
    # A machine that lost its power sends nothing: its session ends after about five seconds.
    "SET tcp_keepalives_idle = 2",
    "SET tcp_keepalives_interval = 1",
    "SET tcp_keepalives_count = 3",
    # A new term waits for what the old one is about to commit, but not for ever.
    "SET lock_timeout = '5s'",
)
_IS_HELD = text(
    "SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE locktype = 'advisory' AND granted AND datname = current_database() "
    "AND classid = :family AND objid = hashtext(current_schema())::oid"
)
_BEGIN_TERM = text(
    "INSERT INTO leader (number, term, holder, url, since) VALUES (1, 1, :holder, :url, :since) "
    "ON CONFLICT (number) DO UPDATE SET term = leader.term + 1, holder = :holder, url = :url, "
    "since = :since RETURNING term"
)

log = logging.getLogger(__name__)


class MirrorLeader(MirrorTable, table=True):
    """Who follows the log into this mirror: one row, see :class:`Leader`."""

    __tablename__ = "leader"

    number: int = Field(default=_ROW, primary_key=True)
    term: int = Field(sa_type=BIG)
    holder: str
    url: str
    since: int = Field(sa_type=BIG)


class DeskLeader(DeskTable, table=True):
    """Who sends what this desk's outbox holds: one row, see :class:`Leader`."""

    __tablename__ = "leader"

    number: int = Field(default=_ROW, primary_key=True)
    term: int = Field(sa_type=BIG)
    holder: str
    url: str
    since: int = Field(sa_type=BIG)


_TABLES = {
    "mirror": MirrorTable.metadata.tables["leader"],
    "desk": DeskTable.metadata.tables["leader"],
}


class LostLeadError(StoreError):
    """Another process leads by now: what was begun was not written."""


class Leader(msgspec.Struct, frozen=True):
    """Who leads, or led last: ``holder`` is machine and process, ``url`` its address ("" for a command).

    ``term`` counts how often the lead was taken; ``since`` in Unix milliseconds of the leader's machine.
    """

    term: int
    holder: str
    url: str
    since: int


def is_shared(url: str) -> bool:
    """Whether a database of this URL may be used by several machines, so that a leader is needed."""
    try:
        return bool(url) and make_url(url).get_backend_name() == "postgresql"
    except ArgumentError:
        return False


def this_process() -> str:
    """How this process is named in the row of the leader."""
    return f"{socket.gethostname()} pid {os.getpid()}"


class Lead:
    """The lead in one PostgreSQL database, held or not. Safe for several threads.

    ``url`` tells where this process can be reached, as far as it is known by then.
    """

    def __init__(self, engine: Engine, family: Family, url: Callable[[], str] = str) -> None:
        self._engine = engine
        self._family = family
        self._url = url
        self._mutex = threading.Lock()
        self._session: Connection | None = None
        self._term: int | None = None

    @property
    def term(self) -> int | None:
        """The term that this process began and has not lost, as far as it knows."""
        return self._term

    def hold(self) -> bool:
        """Whether this process leads now; takes the lead where nobody has it.

        Asks the server each time. Raises :class:`~ledger.store.errors.StoreError` where it cannot be asked:
        then nobody leads from here.
        """
        with self._mutex:
            if self._term is not None and self._lives():
                return True
            return self._campaign()

    def fence(self, conn: Connection) -> None:
        """To be called in every transaction that only the leader may commit.

        Raises :class:`LostLeadError` where another leads by now, or this process knows that it does not.
        """
        term = self._term
        table = _TABLES[self._family]
        found = conn.execute(
            select(table.c.term).where(table.c.number == _ROW).with_for_update(read=True)
        ).scalar_one_or_none()
        if term is None or found != term:
            with self._mutex:
                self._drop()
            raise LostLeadError(
                f"another process leads at this database (term {found}, here it was {term}): "
                "nothing was written; it goes on there"
            )

    def release(self) -> None:
        """Let another lead at once."""
        with self._mutex:
            self._drop()

    def leader(self) -> Leader | None:
        """Who leads now; None where nobody does."""
        with self._engine.connect() as conn:
            held = conn.execute(_IS_HELD, {"family": LOCKS[self._family]}).first()
        return None if held is None else leader_of(self._engine, self._family)

    def _lives(self) -> bool:
        """Whether the session that has the lock still stands."""
        if self._session is None:
            return False
        try:
            self._session.exec_driver_sql("SELECT 1")
        except (StoreError, SQLAlchemyError) as error:
            log.warning("the session that holds the lead has ended: %s", error)
            self._drop()
            return False
        return True

    def _campaign(self) -> bool:
        try:
            if self._session is None:
                session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                session.detach()
                self._session = session
                for setting in _KEEPALIVES:
                    session.exec_driver_sql(setting)
            won = self._session.execute(
                text("SELECT pg_try_advisory_lock(:family, hashtext(current_schema()))"),
                {"family": LOCKS[self._family]},
            ).scalar_one()
            if not won:
                return False
            values = {
                "holder": this_process(),
                "url": self._url(),
                "since": time.time_ns() // 1_000_000,
            }
            self._term = int(self._session.execute(_BEGIN_TERM, values).scalar_one())
        except (StoreError, SQLAlchemyError):
            self._drop()
            raise
        log.info("leading at the %s database, term %d", self._family, self._term)
        return True

    def _drop(self) -> None:
        self._term = None
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(StoreError, SQLAlchemyError):
                session.close()


def leader_of(engine: Engine, family: Family) -> Leader | None:
    """Who leads at a database, or led last; None where nobody ever did."""
    table = _TABLES[family]
    with engine.connect() as conn:
        row = conn.execute(select(table).where(table.c.number == _ROW)).one_or_none()
    return None if row is None else Leader(row.term, row.holder, row.url, row.since)
