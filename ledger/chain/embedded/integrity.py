"""Is the store what it says? ``fsck`` checks hashes, ``replay`` executes everything again.

``fsck`` finds what changed after it was written: every node and code against its Keccak-256, every
header against its hash and its parent, transactions against the header's transaction root,
receipts (rebuilt from rows and logs) against its receipt root, and the newest state for
completeness. ``replay`` also finds what was wrong when it was written, and what no hash covers (the
output of failed transactions): from block 0 and the signed transactions alone it must come to the
same headers.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rlp
from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI
from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.rlp.accounts import Account
from eth_hash.auto import keccak
from eth_typing import Address
from msgspec import Struct
from rlp.exceptions import RLPException
from trie.exceptions import MissingTraversalNode, MissingTrieNode
from trie.hexary import HexaryTrie
from trie.iter import NodeIterator

from ledger.chain.embedded.errors import ChainCorrupt, store_errors
from ledger.chain.embedded.evm import (
    BlockBuilder,
    bloom_of,
    check_transaction,
    decode_header,
    encode_receipt,
    genesis_header,
    seal,
    trie_root,
)
from ledger.chain.embedded.nodes import StateNodes
from ledger.chain.embedded.records import (
    LOG_BITS,
    POSITION_BITS,
    LogRow,
    SealedBlock,
    TransactionRow,
)
from ledger.chain.embedded.store import Store
from ledger.chain.interface import NonceRefused, TransactionRefused

MAX_PROBLEMS = 100
PROGRESS_EVERY = 256
Progress = Callable[[str, int, int], None]


class IntegrityReport(Struct):
    """What was looked at and what is wrong; ``problems`` is empty for a sound store.

    At most ``MAX_PROBLEMS`` problems are listed, each naming the key or the block.
    """

    blocks: int = 0
    transactions: int = 0
    logs: int = 0
    nodes: int = 0
    problems: list[str] = []

    @property
    def sound(self) -> bool:
        return not self.problems

    def note(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


def _quiet(what: str, done: int, total: int) -> None:
    """The progress callback for callers who gave none."""


def fsck(store: Store, progress: Progress | None = None) -> IntegrityReport:
    """Check the whole store; the report names what is damaged."""
    report = IntegrityReport(problems=[])
    tell = progress or _quiet
    with _noting(report):
        _check_file(store, report)
    with _noting(report):
        _check_nodes(store, report, tell)
    with _noting(report):
        _check_blocks(store, report, tell)
    with _noting(report):
        _check_strays(store, report)
    if report.sound:
        with _noting(report):
            _check_newest_state(store, report, tell)
    return report


@contextmanager
def _noting(report: IntegrityReport) -> Iterator[None]:
    """A file that cannot be read any farther is what a check looks for, and no reason to give it up."""
    try:
        yield
    except ChainCorrupt as error:
        if str(error) not in report.problems:
            report.note(str(error))


def _check_file(store: Store, report: IntegrityReport) -> None:
    with store.reading() as connection:
        for (line,) in connection.execute("PRAGMA integrity_check(20)"):
            if line != "ok":
                report.note(f"{store.path}: {line}")


def _check_nodes(store: Store, report: IntegrityReport, tell: Progress) -> None:
    with store.reading() as connection:
        total = connection.execute("SELECT count(*) FROM node").fetchone()[0]
        for key, value in connection.execute("SELECT key, value FROM node"):
            if keccak(value) != key:
                report.note(f"node 0x{key.hex()} does not have that hash")
            report.nodes += 1
            if report.nodes % PROGRESS_EVERY == 0 or report.nodes == total:
                tell("nodes", report.nodes, total)


def _check_blocks(store: Store, report: IntegrityReport, tell: Progress) -> None:
    with store.reading() as connection:
        head = connection.execute("SELECT number, hash FROM head").fetchone()
        total = connection.execute("SELECT count(*) FROM block").fetchone()[0]
        rows = connection.execute(
            "SELECT number, hash, parent_hash, timestamp, header FROM block ORDER BY number"
        )
        expected, parent, time = 0, bytes(32), 0
        for number, block_hash, parent_hash, timestamp, encoded in rows:
            if number != expected:
                report.note(f"block {expected} is missing")
            if number == 0 and encoded != rlp.encode(genesis_header(store.genesis)):
                report.note("block 0 does not follow from its settings")
            if keccak(encoded) != block_hash:
                report.note(
                    f"block {number}: the header does not have the hash 0x{block_hash.hex()}"
                )
            if parent_hash != parent:
                report.note(f"block {number}: its parent is not block {number - 1}")
            if timestamp < time:
                report.note(f"block {number}: is dated before its parent")
            _check_block(store, report, number, (parent_hash, timestamp), encoded)
            expected, parent, time = number + 1, block_hash, timestamp
            report.blocks += 1
            if report.blocks % PROGRESS_EVERY == 0:
                tell("blocks", report.blocks, total)
    if head is None or head != (expected - 1, parent):
        report.note("the head is not the last block")
    tell("blocks", report.blocks, report.blocks)


def _check_block(
    store: Store, report: IntegrityReport, number: int, columns: tuple[bytes, int], encoded: bytes
) -> None:
    try:
        header = decode_header(encoded)
    except ChainCorrupt as error:
        report.note(f"block {number}: {error}")
        return
    if (header.block_number, header.parent_hash, header.timestamp) != (number, *columns):
        report.note(f"block {number}: its row says other than its header")
    transactions, logs = store.transactions(number), store.block_logs(number)
    report.transactions += len(transactions)
    report.logs += len(logs)
    _check_roots(report, header, transactions, logs)
    used = 0
    for row in transactions:
        used += row.gas_used
        _check_transaction(store, report, row, used)
    if used != header.gas_used:
        report.note(f"block {number}: its transactions used {used} gas, not {header.gas_used}")


def _check_roots(
    report: IntegrityReport,
    header: BlockHeaderAPI,
    transactions: Sequence[TransactionRow],
    logs: Sequence[LogRow],
) -> None:
    """What the header commits to: transactions, receipts, bloom."""
    where = f"block {header.block_number}"
    by_position: dict[int, list[LogRow]] = defaultdict(list)
    for log in logs:
        by_position[log.position].append(log)
    if [log.log_index for log in logs] != list(range(len(logs))):
        report.note(f"{where}: its logs are not numbered 0..{len(logs) - 1}")
    if not set(by_position) <= set(range(len(transactions))):
        report.note(f"{where}: a log belongs to no transaction")
    if trie_root([row.raw for row in transactions])[0] != header.transaction_root:
        report.note(f"{where}: its transactions do not give the transaction root")
    try:
        receipts = [encode_receipt(row, by_position[row.position]) for row in transactions]
    except RLPException:
        receipts = []
    if trie_root(receipts)[0] != header.receipt_root:
        report.note(f"{where}: its receipts and logs do not give the receipt root")
    if bloom_of(logs) != header.bloom:
        report.note(f"{where}: its logs do not give the bloom")


def _check_transaction(
    store: Store, report: IntegrityReport, row: TransactionRow, used: int
) -> None:
    where = f"block {row.number}, transaction {row.position}"
    try:
        checked = check_transaction(row.raw, store.genesis)
    except TransactionRefused as error:
        report.note(f"{where}: {error}")
        return
    if checked.hash != row.hash:
        report.note(f"{where}: its bytes do not have the hash 0x{row.hash.hex()}")
    if checked.sender != row.sender:
        report.note(f"{where}: it was not sent by 0x{row.sender.hex()}")
    if row.cumulative_gas != used:
        report.note(f"{where}: its gas does not add up")
    creates = row.succeeded and not checked.transaction.to
    created = (
        generate_contract_address(Address(checked.sender), checked.transaction.nonce)
        if creates
        else b""
    )
    if row.created != created:
        report.note(f"{where}: it did not create 0x{row.created.hex()}")
    if row.succeeded and row.output:
        report.note(f"{where}: it succeeded, yet revert data is kept for it")


def _check_strays(store: Store, report: IntegrityReport) -> None:
    """Rows beyond the head belong to no block and would surface with the next one."""
    with store.reading() as connection:
        last = connection.execute("SELECT max(number) FROM block").fetchone()[0] or 0
        for table, bits in (("transact", POSITION_BITS), ("log", LOG_BITS)):
            stray = connection.execute(
                f"SELECT id FROM {table} WHERE id < 0 OR id >= ? LIMIT 1",  # noqa: S608
                ((last + 1) << bits,),
            ).fetchone()
            if stray is not None:
                report.note(f"{table} row {stray[0]} belongs to no block")


def _check_newest_state(store: Store, report: IntegrityReport, tell: Progress) -> None:
    """Walk every account, its code and its storage at the head: nothing may be missing."""
    head = store.head()
    if head is None:
        return
    nodes = StateNodes(store)
    root = decode_header(store.header(head.number)).state_root
    seen = 0
    try:
        for _, value in _items(nodes, root):
            account = rlp.decode(value, sedes=Account)
            if account.code_hash != EMPTY_SHA3:
                nodes.require(account.code_hash)
            for _ in _items(nodes, account.storage_root):
                seen += 1
            seen += 1
            tell("state", seen, seen)
    except (MissingTrieNode, MissingTraversalNode) as error:
        report.note(f"node 0x{bytes(error.missing_node_hash).hex()} of the newest state is missing")
    except (ChainCorrupt, RLPException) as error:
        report.note(str(error))


def _items(nodes: StateNodes, root: bytes) -> Iterator[tuple[bytes, bytes]]:
    if root != BLANK_ROOT_HASH:
        yield from NodeIterator(HexaryTrie(nodes, root)).items()


def replay(store: Store, progress: Progress | None = None) -> IntegrityReport:
    """Execute every transaction again in a scratch store beside ours, and compare each header.

    Stops at the first block that comes out differently: what follows it can only differ too.
    """
    report = IntegrityReport(problems=[])
    with _noting(report):
        _replayed(store, report, progress or _quiet)
    return report


def _replayed(store: Store, report: IntegrityReport, tell: Progress) -> None:
    head = store.head()
    last = head.number if head is not None else -1
    place = Path(tempfile.mkdtemp(prefix="replay-", dir=store.path.parent))
    try:
        scratch = Store(place / "scratch.db", create=store.genesis, durable=False)
        try:
            _replay_all(store, scratch, report, last, tell)
            with scratch.reading() as connection:
                report.nodes = connection.execute("SELECT count(*) FROM node").fetchone()[0]
        finally:
            scratch.close()
    finally:
        with store_errors(store.path):
            shutil.rmtree(place)


def _replay_all(
    store: Store, scratch: Store, report: IntegrityReport, last: int, tell: Progress
) -> None:
    first = genesis_header(store.genesis)
    if rlp.encode(first) != store.header(0):
        report.note("block 0 does not follow from its settings")
        return
    scratch.append(seal(first, [], [], {}))
    parent, report.blocks = first, 1
    for number in range(1, last + 1):
        encoded, rows = store.header(number), store.transactions(number)
        header = decode_header(encoded)
        try:
            builder = BlockBuilder(scratch, store.genesis, parent, header.timestamp)
            for row in rows:
                builder.add(check_transaction(row.raw, store.genesis))
        except (NonceRefused, TransactionRefused) as error:
            report.note(f"block {number}: a transaction in it can be in no block: {error}")
            return
        again = builder.seal()
        problem = _difference(store, again, encoded, rows)
        if problem:
            report.note(f"block {number}, executed again: {problem}")
            return
        scratch.append(again)
        parent = again.header
        report.blocks += 1
        report.transactions += len(rows)
        report.logs += len(again.logs)
        tell("blocks", report.blocks, last + 1)


def _difference(
    store: Store, again: SealedBlock, encoded: bytes, rows: Sequence[TransactionRow]
) -> str:
    """In words, how a stored block differs from the one that follows; empty where it does not."""
    header = decode_header(encoded)
    for name in ("gas_used", "state_root", "transaction_root", "receipt_root", "hash"):
        ours, theirs = getattr(again.header, name), getattr(header, name)
        if ours != theirs:
            return f"{name} is {_text(ours)}, the store has {_text(theirs)}"
    for one, row in zip(again.transactions, rows, strict=True):
        if one != row:
            return f"the row of transaction {row.position} is not the one that follows"
    if list(again.logs) != store.block_logs(header.block_number):
        return "the logs are not those that follow"
    return ""


def _text(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
