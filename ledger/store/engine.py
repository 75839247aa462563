"""Opening the two databases: the mirror of the log, and the desk of this office.

SQLite files run in WAL with a busy timeout and foreign keys; a desk also syncs at every commit, a
mirror need not, because the chain still has what a power cut takes. PostgreSQL is taken as it is.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError

from ledger.store.errors import (
    ForeignStoreError,
    NewerStoreError,
    StoreError,
    UnreachableStoreError,
    explain,
)

Family = Literal["mirror", "desk"]
FAMILIES: tuple[Family, ...] = ("mirror", "desk")
BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"
WRITES = {"govledger_writes": True}
CACHE_KIB = 65_536
CHANGES = "govledger_changes"
"""Where a connection of SQLite keeps how many rows it had ever written when it began to read."""
sqlite3.register_adapter(bytes, bytes.__bytes__)
sqlite3.register_adapter(type(None), {None: None}.get)
sqlite3.register_adapter(bool, {False: 0, True: 1}.get)
# The driver looks for an adapter of each value that is bytes, a boolean or nothing, by way of an exception where there
# is none: that takes longer than inserting it.
_ALEMBIC = threading.Lock()
"""Alembic keeps which migration it is at in its modules: two threads at once would write into each other's database."""


def open_database(url: str, family: Family, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """Open (and create, and bring up to date) a database of one family.

    ``url`` is an SQLAlchemy URL of SQLite or PostgreSQL, e.g.
    ``sqlite:////var/lib/govledger/mirror.db`` or ``postgresql://user@host/name``. Raises a
    :class:`~ledger.store.errors.StoreError` that says what to do: unreachable, locked, full,
    damaged, written by a newer program, or of the other family.
    """
    target = _checked(url)
    # Drivers take a password among the parameters too, so those are not shown.
    place = target.set(query={}).render_as_string(hide_password=True)
    arguments: dict[str, Any] = {}
    if target.get_backend_name() == "sqlite":
        # Threads of one process (server, follower) share the pool; each connection is used by one
        # at a time.
        arguments = {"timeout": busy_timeout_ms / 1000, "check_same_thread": False}
    else:
        # Whatever the environment says: what is sent as bytes is compared with what statements carry.
        arguments = {"client_encoding": "utf8"}
    # A server that was started anew has ended every connection of the pool.
    ping = target.get_backend_name() == "postgresql"
    engine = create_engine(target, connect_args=arguments, pool_pre_ping=ping)
    _explain_errors(engine, place, family)
    if target.get_backend_name() == "sqlite":
        _tune_sqlite(engine, family)
    try:
        _bring_up_to_date(engine, family, place)
    except BaseException:
        engine.dispose()
        raise
    return engine


def create_at(url: str, family: Family, revision: str) -> Engine | None:
    """A new database of one family at an earlier schema ``revision``; None where there are tables already.

    For rows that were kept from such a schema: :func:`open_database` brings it up to date afterwards. Raises
    :class:`~ledger.store.errors.StoreError`, :class:`NewerStoreError` for a revision that is not known here.
    """
    target = _checked(url)
    place = target.set(query={}).render_as_string(hide_password=True)
    _refuse_unknown(revision, family, revisions(family), place)
    engine = create_engine(target)
    _explain_errors(engine, place, family)
    try:
        with engine.begin() as connection:
            empty = not inspect(connection).get_table_names()
            if empty:
                _migrate(connection, family, revision)
    except BaseException:
        engine.dispose()
        raise
    if empty:
        return engine
    engine.dispose()
    return None


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that may write: committed at the end, rolled back on any error.

    On SQLite it takes the write lock at once (``BEGIN IMMEDIATE``), so that a reader never has to
    turn into a writer half-way and fail.
    """
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        yield connection


def revisions(family: Family) -> list[str]:
    """The schema revisions of a family that this program knows, oldest first.

    A revision's file is named for it (``mirror_0001.py``), and each family is one line without
    branches.
    """
    return sorted(file.stem for file in (MIGRATIONS / family).glob(f"{family}_*.py"))


def _checked(url: str) -> URL:
    try:
        target = make_url(url)
    except ArgumentError as error:
        raise UnreachableStoreError(
            "not a database URL: one looks like sqlite:////var/lib/mirror.db or "
            "postgresql://user@host/name"
        ) from error
    backend = target.get_backend_name()
    if backend == "postgresql":
        return target.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UnreachableStoreError(f"{backend} is not supported; use a sqlite or postgresql URL")
    if not target.database or target.database == ":memory:":
        raise UnreachableStoreError("a SQLite database needs a file: sqlite:///path/to/file.db")
    return target


def _explain_errors(engine: Engine, place: str, family: Family) -> None:
    @event.listens_for(engine, "handle_error")
    def handle(context: ExceptionContext) -> None:
        if context.is_pre_ping:
            return  # a connection that ended meanwhile is replaced, and nobody hears of it
        explained = explain(context.original_exception, place, family)
        if explained is not None:
            raise explained from context.original_exception


def _tune_sqlite(engine: Engine, family: Family) -> None:
    synchronous = "FULL" if family == "desk" else "NORMAL"

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own implicit BEGIN is deferred and skips DDL; we send ours below.
        connection.isolation_level = None
        if family == "mirror":
            # Rows of a kilobyte and tiles of eight: four of the usual pages would hold neither well.
            connection.execute("PRAGMA page_size = 16384")
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # As PostgreSQL has it.
        connection.create_function("sha256", 1, _sha256, deterministic=True)

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("govledger_writes", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # Takes no lock, so there is nothing to explain; the long way costs more than most questions.
            cursor = connection.connection.cursor()
            cursor.execute("BEGIN")
            connection.info[CHANGES] = cursor.connection.total_changes


def _sha256(data: object) -> bytes | None:
    """SHA-256 of bytes; of nothing else that a row may hold."""
    return hashlib.sha256(data).digest() if isinstance(data, bytes) else None


def _bring_up_to_date(engine: Engine, family: Family, place: str) -> None:
    known = revisions(family)
    with engine.connect() as connection:
        current = _current(connection)
    if current == (known[-1] if known else None):
        return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            # Two programs that start at once must not both migrate; the lock ends with the
            # transaction.
            connection.execute(text("SELECT pg_advisory_xact_lock(26476)"))
        current = _current(connection)
        _refuse_unknown(current, family, known, place)
        if current is None or current != known[-1]:
            _migrate(connection, family)


def _current(connection: Connection) -> str | None:
    """The revision the database is at, None where it is new."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if len(found) > 1:
        raise ForeignStoreError(f"the database is at several revisions at once: {', '.join(found)}")
    return str(found[0]) if found else None


def _refuse_unknown(current: str | None, family: Family, known: list[str], place: str) -> None:
    if current is None or current in known:
        return
    if current.startswith(f"{family}_"):
        raise NewerStoreError(
            f"{place} is at schema {current}, this program knows up to "
            f"{known[-1] if known else 'nothing'}: "
            "use the newer program that wrote it"
        )
    raise ForeignStoreError(f"{place} holds {current}, not a {family} database: name another one")


def _migrate(connection: Connection, family: Family, revision: str = "head") -> None:
    # Alembic is imported only where there is something to migrate: it costs a tenth of a second.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / family))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    with _ALEMBIC:
        command.upgrade(config, revision)


__all__ = [
    "BUSY_TIMEOUT_MS",
    "FAMILIES",
    "Family",
    "StoreError",
    "open_database",
    "revisions",
    "writing",
]
