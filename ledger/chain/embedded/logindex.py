"""Which events a filter means, answered from the store's own index at any height of the chain."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ledger.chain.embedded.records import LOG_BITS, LogRow
from ledger.chain.embedded.store import LOG_COLUMNS, Store, log_row
from ledger.chain.interface import RawLog

PROBE = 512
"""How far the entries of an index are counted when the most selective one is chosen."""
COLUMNS = ("address", "topic0", "topic1", "topic2", "topic3")


class LogFilter(Struct, frozen=True):
    """A filter of ``eth_getLogs``: blocks ``first..last``, any of ``addresses`` (none: all), and
    for each topic position any of the given words (none: whatever is there). A position that is
    named, even without words, must exist in the event.
    """

    first: int
    last: int
    addresses: Sequence[bytes] = ()
    topics: Sequence[Sequence[bytes]] = ()


class FoundLog(Struct, frozen=True):
    """An event with its block and transaction."""

    number: int
    block_hash: bytes
    transaction_hash: bytes
    row: LogRow

    def raw(self) -> RawLog:
        """The shape that the mirror takes."""
        return RawLog(
            topics=self.row.topics,
            data=self.row.data,
            block_number=self.number,
            block_hash=self.block_hash,
            transaction_hash=self.transaction_hash,
            log_index=self.row.log_index,
        )


def _marks(values: Sequence[bytes]) -> str:
    return ",".join("?" * len(values))


def _choose(
    connection: sqlite3.Connection, wanted: dict[str, list[bytes]], bounds: tuple[int, int]
) -> str:
    """The column whose index has the fewest entries for this filter, empty to scan by block.

    SQLite has no statistics of a growing table, so a few entries of each index are counted instead.
    """
    best, fewest = "", PROBE
    for column, values in wanted.items():
        found = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM log"  # noqa: S608
            f" WHERE substr({column}, -8) IN ({_marks(values)}) AND {column} IS NOT NULL"
            f" AND id BETWEEN ? AND ? LIMIT {PROBE})",
            [*(value[-8:] for value in values), *bounds],
        ).fetchone()[0]
        if found < fewest:
            best, fewest = column, found
    if not best and "address" in wanted:
        return "address"
    return best


def find(store: Store, wanted: LogFilter, limit: int | None = None) -> list[FoundLog]:
    """The events that ``wanted`` means, in chain order; at most ``limit`` of them."""
    bounds = (wanted.first << LOG_BITS, ((wanted.last + 1) << LOG_BITS) - 1)
    columns = {
        column: list(dict.fromkeys(values))
        for column, values in zip(COLUMNS, (wanted.addresses, *wanted.topics), strict=False)
        if values
    }
    clauses, values = ["id BETWEEN ? AND ?"], list[Any](bounds)
    if wanted.topics:
        clauses.append(f"topic{len(wanted.topics) - 1} IS NOT NULL")
    for column, accepted in columns.items():
        clauses.append(f"{column} IN ({_marks(accepted)})")
        values.extend(accepted)
    with store.reading() as connection:
        index = _choose(connection, columns, bounds)
        if index:
            clauses.append(f"substr({index}, -8) IN ({_marks(columns[index])})")
            values.extend(value[-8:] for value in columns[index])
        rows = connection.execute(
            f"SELECT {LOG_COLUMNS} FROM log"  # noqa: S608
            f"{f' INDEXED BY log_{index}' if index else ' NOT INDEXED'}"
            f" WHERE {' AND '.join(clauses)} ORDER BY id LIMIT ?",
            [*values, -1 if limit is None else limit],
        ).fetchall()
        return _with_hashes(connection, rows)


def _with_hashes(connection: sqlite3.Connection, rows: list[Any]) -> list[FoundLog]:
    blocks: dict[int, bytes] = {}
    transactions: dict[int, bytes] = {}
    found = []
    for row in rows:
        number, parsed = row[0] >> LOG_BITS, log_row(row)
        key = number << 20 | parsed.position
        if number not in blocks:
            blocks[number] = connection.execute(
                "SELECT hash FROM block WHERE number=?", (number,)
            ).fetchone()[0]
        if key not in transactions:
            transactions[key] = connection.execute(
                "SELECT hash FROM transact WHERE id=?", (key,)
            ).fetchone()[0]
        found.append(FoundLog(number, blocks[number], transactions[key], parsed))
    return found
