"""A second connection beside one that reads, so that two threads can read at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, QueuePool, text

from ledger.store.engine import CACHE_KIB, CHANGES, WRITES

_CACHE_KIB = 4_096
_WORKERS = "max_parallel_workers_per_gather"
_SET_WORKERS = text(f"SELECT set_config('{_WORKERS}', :many, true)")
"""Until the transaction ends, if it fails before."""


def may_read_beside(connection: Connection) -> bool:
    """Whether another connection sees what this one does, but for what others commit meanwhile, and one is to spare.

    A transaction that writes sees what nobody else does. A pool that is all but empty keeps what it has: several that
    hold one connection and wait for a second would wait for each other.
    """
    pool = connection.engine.pool
    if not isinstance(pool, QueuePool) or pool.checkedout() >= pool.size():
        return False
    if any(connection.get_execution_options().get(name) for name in WRITES):
        return False
    if connection.dialect.name == "postgresql":
        written = connection.execute(text("SELECT pg_current_xact_id_if_assigned() IS NOT NULL"))
        return not written.scalar_one()
    driver = connection.connection.driver_connection
    return driver is not None and connection.info.get(CHANGES) == driver.total_changes


@contextmanager
def beside(connection: Connection) -> Iterator[Connection]:
    """Another connection of the same engine while the block runs."""
    with connection.engine.connect() as second:
        yield second


@contextmanager
def by_itself(connection: Connection) -> Iterator[None]:
    """What is asked while the block runs, the database answers for two that walk through whole tables at once.

    PostgreSQL starts two workers for every large question: beside another connection they have no processor to
    themselves, and all three walk through what is joined. SQLite keeps pages that nobody asks for again.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
        return
    before = connection.execute(text(f"SELECT current_setting('{_WORKERS}')")).scalar_one()
    connection.execute(_SET_WORKERS, {"many": "0"})
    yield
    connection.execute(_SET_WORKERS, {"many": before})
