"""The embedded chain's one file: state nodes, headers, transactions and logs in SQLite.

A block is one SQL transaction: its state nodes, header, transactions, logs and the move of the head
become durable together or not at all (WAL, ``synchronous=FULL``). The head moves by
compare-and-swap. Receipts are not stored: they follow from a transaction's row and its logs, and
the header's receipt root says whether those are right. Nodes are checked against their hash when
they are read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from eth_hash.auto import keccak

from ledger.chain.embedded.errors import (
    ChainConflict,
    ChainCorrupt,
    ChainMissing,
    ChainTooNew,
    UnknownBlock,
    store_errors,
)
from ledger.chain.embedded.nodes import CACHED_NODES, NodeCache
from ledger.chain.embedded.readers import ReaderPool, connect
from ledger.chain.embedded.records import (
    LOG_BITS,
    POSITION_BITS,
    LogRow,
    SealedBlock,
    TransactionRow,
)
from ledger.chain.interface import BlockRef

APPLICATION_ID = 0x474F564C
"""``PRAGMA application_id``, "GOVL" in ASCII: another SQLite file is not taken for a chain."""
FORMAT = 1

SCHEMA = """
CREATE TABLE genesis (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    chain_id INTEGER NOT NULL, gas_limit INTEGER NOT NULL, timestamp INTEGER NOT NULL) STRICT;
CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE node (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;
CREATE TABLE block (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, parent_hash BLOB NOT NULL,
    timestamp INTEGER NOT NULL, header BLOB NOT NULL) STRICT;
CREATE TABLE transact (
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, sender BLOB NOT NULL, raw BLOB NOT NULL,
    succeeded INTEGER NOT NULL, gas_used INTEGER NOT NULL, cumulative_gas INTEGER NOT NULL,
    created BLOB NOT NULL, output BLOB NOT NULL) STRICT;
CREATE TABLE log (
    id INTEGER PRIMARY KEY, position INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL) STRICT;
CREATE INDEX log_address ON log (substr(address, -8));
CREATE INDEX log_topic0 ON log (substr(topic0, -8)) WHERE topic0 IS NOT NULL;
CREATE INDEX log_topic1 ON log (substr(topic1, -8)) WHERE topic1 IS NOT NULL;
CREATE INDEX log_topic2 ON log (substr(topic2, -8)) WHERE topic2 IS NOT NULL;
CREATE INDEX log_topic3 ON log (substr(topic3, -8)) WHERE topic3 IS NOT NULL;
"""

TRANSACTION_COLUMNS = "id, hash, sender, raw, succeeded, gas_used, cumulative_gas, created, output"
LOG_COLUMNS = "id, position, address, topic0, topic1, topic2, topic3, data"


class Genesis(msgspec.Struct, frozen=True):
    """What block 0 follows from: chain id, gas limit of every block, Unix time of block 0."""

    chain_id: int
    gas_limit: int
    timestamp: int


def transaction_row(row: tuple[Any, ...]) -> TransactionRow:
    """A row of :data:`TRANSACTION_COLUMNS`."""
    place, transaction_hash, sender, raw, succeeded, *rest = row
    return TransactionRow(
        place >> POSITION_BITS,
        place & ((1 << POSITION_BITS) - 1),
        transaction_hash,
        sender,
        raw,
        bool(succeeded),
        *rest,
    )


def log_row(row: tuple[Any, ...]) -> LogRow:
    """A row of :data:`LOG_COLUMNS`; topics end at the first that is null."""
    topics = tuple(topic for topic in row[3:7] if topic is not None)
    return LogRow(row[1], row[0] & ((1 << LOG_BITS) - 1), row[2], topics, row[7])


class Store:
    """The file: one writer connection under the caller's lock, and readers as asked for."""

    def __init__(self, path: Path, *, create: Genesis | None = None, durable: bool = True) -> None:
        """Open ``path``; where nothing is there and ``create`` is given, make the store.

        ``durable=False`` is for scratch copies: no fsync. Raises :class:`ChainMissing`,
        :class:`ChainCorrupt` or :class:`ChainTooNew`.
        """
        self.path = path
        self._readers = ReaderPool(path)
        self._nodes = NodeCache(CACHED_NODES)
        if not path.exists() and create is None:
            raise ChainMissing(f"there is no chain at {path}: `govledger init` makes one")
        with store_errors(path):
            self._writer = connect(path)
            try:
                self._writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
                self.genesis = self._prepare(create)
            except BaseException:
                self._writer.close()
                raise

    def _prepare(self, create: Genesis | None) -> Genesis:
        writer = self._writer
        tables = writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables == 0:
            if create is None:
                raise ChainMissing(f"{self.path} is empty: `govledger init` makes a chain")
            writer.execute("PRAGMA journal_mode=WAL")
            self._create(create)
            return create
        if writer.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise ChainCorrupt(
                f"{self.path} is not a chain of this program: choose another data directory"
            )
        version = writer.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise ChainTooNew(
                f"{self.path} has format {version}, this release reads up to {FORMAT}: "
                "upgrade govledger"
            )
        row = writer.execute("SELECT chain_id, gas_limit, timestamp FROM genesis").fetchone()
        if row is None:
            raise ChainCorrupt(f"{self.path} has lost its genesis row: restore it from a backup")
        return Genesis(*row)

    def _create(self, genesis: Genesis) -> None:
        """The tables and the genesis row, all or nothing."""
        writer = self._writer
        writer.execute("BEGIN IMMEDIATE")
        try:
            writer.execute(f"PRAGMA application_id={APPLICATION_ID}")
            writer.execute(f"PRAGMA user_version={FORMAT}")
            for statement in SCHEMA.split(";"):
                writer.execute(statement)
            writer.execute(
                "INSERT INTO genesis VALUES (1,?,?,?)",
                (genesis.chain_id, genesis.gas_limit, genesis.timestamp),
            )
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise

    # -- reading --------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for one thread's reads; SQLite errors become ours."""
        with store_errors(self.path), self._readers.lease() as connection:
            yield connection

    def node(self, key: bytes) -> bytes:
        """The trie node or code with this Keccak-256; KeyError where there is none.

        Raises :class:`ChainCorrupt` naming the key where the bytes do not have that hash.
        """
        value = self._nodes.get(key)
        if value is not None:
            return value
        with self.reading() as connection:
            row = connection.execute("SELECT value FROM node WHERE key=?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        found: bytes = row[0]
        if keccak(found) != key:
            raise ChainCorrupt(
                f"{self.path}: node 0x{key.hex()} does not have that hash any more: "
                "restore the file from a backup",
                key,
            )
        self._nodes.put(key, found)
        return found

    def head(self) -> BlockRef | None:
        """The newest block, None before block 0."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT b.number, b.hash, b.parent_hash, b.timestamp FROM head h"
                " LEFT JOIN block b ON b.number = h.number AND b.hash = h.hash"
            ).fetchone()
        if row is None:
            return None
        if row[0] is None:
            raise ChainCorrupt(f"{self.path}: the head names a block that is not here")
        return BlockRef(*row)

    def header(self, number: int) -> bytes:
        """The RLP of a header; raises :class:`UnknownBlock`."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT header FROM block WHERE number=?", (number,)
            ).fetchone()
        if row is None:
            raise UnknownBlock(f"block {number} is not on this chain")
        return bytes(row[0])

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the block with this hash."""
        with self.reading() as connection:
            row = connection.execute(
                "SELECT number FROM block WHERE hash=?", (block_hash,)
            ).fetchone()
        return None if row is None else int(row[0])

    def hashes_before(self, number: int) -> Iterator[bytes]:
        """Block hashes from ``number - 1`` down, for the BLOCKHASH instruction."""
        while number > 0:
            number -= 1
            with self.reading() as connection:
                row = connection.execute(
                    "SELECT hash FROM block WHERE number=?", (number,)
                ).fetchone()
            yield row[0]

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        """These blocks in the order asked, a query for every 500; raises :class:`UnknownBlock`."""
        found: dict[int, BlockRef] = {}
        wanted = sorted(set(numbers))
        with self.reading() as connection:
            for at in range(0, len(wanted), 500):
                part = wanted[at : at + 500]
                marks = ",".join("?" * len(part))
                for row in connection.execute(
                    "SELECT number, hash, parent_hash, timestamp FROM block"  # noqa: S608
                    f" WHERE number IN ({marks})",
                    part,
                ):
                    found[row[0]] = BlockRef(*row)
        for number in wanted:
            if number not in found:
                raise UnknownBlock(f"block {number} is not on this chain")
        return [found[number] for number in numbers]

    def transaction(self, transaction_hash: bytes) -> TransactionRow | None:
        """A transaction by its hash."""
        with self.reading() as connection:
            row = connection.execute(
                f"SELECT {TRANSACTION_COLUMNS} FROM transact WHERE hash=?",  # noqa: S608
                (transaction_hash,),
            ).fetchone()
        return None if row is None else transaction_row(row)

    def transactions(self, number: int) -> list[TransactionRow]:
        """All transactions of a block, in order."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {TRANSACTION_COLUMNS} FROM transact"  # noqa: S608
                " WHERE id BETWEEN ? AND ? ORDER BY id",
                (number << POSITION_BITS, ((number + 1) << POSITION_BITS) - 1),
            ).fetchall()
        return [transaction_row(row) for row in rows]

    def block_logs(self, number: int) -> list[LogRow]:
        """All events of a block, in order."""
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {LOG_COLUMNS} FROM log WHERE id BETWEEN ? AND ? ORDER BY id",  # noqa: S608
                (number << LOG_BITS, ((number + 1) << LOG_BITS) - 1),
            ).fetchall()
        return [log_row(row) for row in rows]

    def transaction_logs(self, row: TransactionRow) -> list[LogRow]:
        """The events of one transaction, in order."""
        return [log for log in self.block_logs(row.number) if log.position == row.position]

    # -- writing --------------------------------------------------------------------------------

    def append(self, block: SealedBlock) -> BlockRef:
        """Write one block and move the head to it, all or nothing.

        Raises :class:`ChainFull` or :class:`ChainConflict`; then nothing of it is in the file.
        """
        header = block.header
        number = header.block_number
        ref = BlockRef(number, header.hash, header.parent_hash, header.timestamp)
        with store_errors(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._move_head(ref)
                self._insert(block, ref)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        for key, value in block.nodes.items():
            self._nodes.put(key, value)
        return ref

    def _insert(self, block: SealedBlock, ref: BlockRef) -> None:
        writer = self._writer
        writer.executemany("INSERT OR IGNORE INTO node VALUES (?,?)", block.nodes.items())
        writer.execute(
            "INSERT INTO block VALUES (?,?,?,?,?)",
            (ref.number, ref.hash, ref.parent_hash, ref.timestamp, block.encoded_header),
        )
        writer.executemany(
            "INSERT INTO transact VALUES (?,?,?,?,?,?,?,?,?)",
            [
                (
                    ref.number << POSITION_BITS | row.position,
                    row.hash,
                    row.sender,
                    row.raw,
                    row.succeeded,
                    row.gas_used,
                    row.cumulative_gas,
                    row.created,
                    row.output,
                )
                for row in block.transactions
            ],
        )
        writer.executemany(
            "INSERT INTO log VALUES (?,?,?,?,?,?,?,?)",
            [
                (
                    ref.number << LOG_BITS | row.log_index,
                    row.position,
                    row.address,
                    *(row.topics + (None,) * (4 - len(row.topics))),
                    row.data,
                )
                for row in block.logs
            ],
        )

    def _move_head(self, ref: BlockRef) -> None:
        if ref.number == 0:
            self._writer.execute("INSERT INTO head VALUES (1, 0, ?)", (ref.hash,))
            return
        moved = self._writer.execute(
            "UPDATE head SET number=?, hash=? WHERE id=1 AND number=? AND hash=?",
            (ref.number, ref.hash, ref.number - 1, ref.parent_hash),
        ).rowcount
        if moved != 1:
            raise ChainConflict(
                f"{self.path}: the head is no longer block {ref.number - 1}: another program wrote "
                "this store; block not written, close the other program and open the chain again"
            )

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self._readers.close()
        self._writer.close()
