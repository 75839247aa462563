"""What others may ask of the mirror: leaves, who vouched for them, checkpoints, and the tree.

Every function takes an SQLAlchemy connection and only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Select, and_, bindparam, func, or_, select

from ledger.merkle import EMPTY_ROOT, Subtree, root_at, subtree_in_tiles, tiles_for
from ledger.mirror.earlier import unpack_earlier
from ledger.mirror.tables import authorisation, block, cursor, statement, tree_tile
from ledger.statements import Authorisation, LogIdentity, Statement

_CHUNK = 500
CHECKPOINT_FORMAT = "govledger-checkpoint/1"

# Questions that every proof asks are put once: building one takes longer than answering it.
_CURSOR = select(cursor).where(cursor.c.id == 1)
_LEAF = select(statement).where(statement.c.index_ == bindparam("leaf"))
_PAYLOADS = (
    select(statement.c.payload)
    .where(statement.c.index_ >= bindparam("first"), statement.c.index_ < bindparam("end"))
    .order_by(statement.c.index_)
)
# A row is a tuple, whose ``count`` is a method: the column goes by another name here.
_RUN = (
    select(authorisation, authorisation.c.count.label("statements"))
    .where(authorisation.c.first_index <= bindparam("leaf"))
    .order_by(authorisation.c.first_index.desc())
    .limit(1)
)
_BLOCK = select(block).where(block.c.number == bindparam("at"))


class MirrorQueryError(LookupError):
    """A question about the mirror that has no answer; the text says which would have one, ``zh`` in Chinese."""

    def __init__(self, what: str, *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.zh = zh
        self.hint_zh = hint_zh


class Cursor(NamedTuple):
    """Up to where the log was taken over and compared with the contract."""

    log: LogIdentity
    size: int
    root: bytes
    block_number: int
    block_hash: bytes


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log at one size, to be kept and held against it later (检查点).

    Hashes and the log's address are lower-case hex with ``0x``. The block is the one that recorded
    the last of these leaves (at the mirror's own size: the block it was last compared at);
    ``timestamp`` is that block's, in Unix seconds.
    """

    chain_id: int
    log: str
    size: int
    root: str
    block_number: int
    block_hash: str
    timestamp: int
    format: str = CHECKPOINT_FORMAT


class Recorded(NamedTuple):
    """Where a statement stands on the chain; ``timestamp`` in Unix seconds."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    timestamp: int


class Standing(NamedTuple):
    """Where a batch stands: its first leaf, and the block and transaction that recorded it."""

    first_index: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes


class Newest(NamedTuple):
    """The newest statement about a subject: its version and leaf index."""

    version: int
    leaf: int


def cursor_of(conn: Connection) -> Cursor | None:
    """How far the mirror is, None before its first step."""
    row = conn.execute(_CURSOR).one_or_none()
    if row is None:
        return None
    log = LogIdentity(row.chain_id, row.log, unpack_earlier(row.earlier))
    return Cursor(log, row.size, row.root, row.block_number, row.block_hash)


def size_of(conn: Connection) -> int:
    """How many leaves the mirror holds."""
    found = cursor_of(conn)
    return found.size if found else 0


def standing(conn: Connection, digests: Sequence[bytes]) -> dict[bytes, Standing]:
    """Where the batches with these authorisation digests stand; those that are not here are left out."""
    found: dict[bytes, Standing] = {}
    for at in range(0, len(digests), _CHUNK):
        rows = conn.execute(
            select(
                authorisation.c.digest,
                authorisation.c.first_index,
                block.c.number,
                block.c.hash,
                authorisation.c.transaction_hash,
            )
            .join(block, block.c.number == authorisation.c.block_number)
            .where(authorisation.c.digest.in_(digests[at : at + _CHUNK]))
        )
        found |= {row[0]: Standing(*row[1:]) for row in rows}
    return found


def statement_at(conn: Connection, index: int) -> Statement:
    """Leaf ``index``; raises :class:`MirrorQueryError` where the mirror has none."""
    row = conn.execute(_LEAF, {"leaf": index}).one_or_none()
    if row is None:
        raise MirrorQueryError(
            f"the mirror has no leaf {index}: it holds leaves 0 to {size_of(conn) - 1}"
            if size_of(conn)
            else f"the mirror has no leaf {index}: it is empty"
        )
    return Statement(*row)


def statements(conn: Connection, first: int, count: int) -> list[Statement]:
    """Leaves ``first .. first + count - 1``, fewer where the log ends."""
    rows = conn.execute(
        select(statement)
        .where(statement.c.index_ >= first, statement.c.index_ < first + count)
        .order_by(statement.c.index_)
    )
    return [Statement(*row) for row in rows]


def payloads(conn: Connection, first: int, count: int) -> list[bytes]:
    """The payloads of leaves ``first .. first + count - 1``, fewer where the log ends."""
    # All at once: row by row the library takes longer than the database.
    return [row[0] for row in conn.execute(_PAYLOADS, {"first": first, "end": first + count}).all()]


def statements_about(
    conn: Connection, kind: str, subject: bytes, as_of: int | None = None
) -> list[Statement]:
    """All statements about one subject in leaf order, at log size ``as_of`` (default: now)."""
    asked = (
        select(statement)
        .where(statement.c.subject == subject, statement.c.kind == kind)
        .order_by(statement.c.index_)
    )
    if as_of is not None:
        asked = asked.where(statement.c.index_ < as_of)
    return [Statement(*row) for row in conn.execute(asked)]


def newest_about(conn: Connection, kind: str, subject: bytes) -> Newest | None:
    """The newest statement about one subject, None where there is none."""
    row = conn.execute(
        select(statement.c.version, statement.c.index_)
        .where(statement.c.subject == subject, statement.c.kind == kind)
        .order_by(statement.c.version.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Newest(*row)


def newest_versions(conn: Connection, kind: str, subjects: Iterable[bytes]) -> dict[bytes, int]:
    """The version of the newest statement about each of these subjects; those without one are left out."""
    asked, found = sorted(set(subjects)), dict[bytes, int]()
    for start in range(0, len(asked), _CHUNK):
        question = (
            select(statement.c.subject, func.max(statement.c.version))
            .where(statement.c.kind == kind, statement.c.subject.in_(asked[start : start + _CHUNK]))
            .group_by(statement.c.subject)
        )
        found |= {bytes(subject): int(version) for subject, version in conn.execute(question)}
    return found


def authorisation_of(conn: Connection, index: int) -> Authorisation:
    """Who vouched for leaf ``index``; raises :class:`MirrorQueryError` where nobody is known to."""
    return _authorisation(_authorisation_row(conn, index))


def authorisations_with(conn: Connection, digest: bytes) -> list[Authorisation]:
    """The runs of statements recorded under one digest: one, or none."""
    rows = conn.execute(
        select(authorisation, authorisation.c.count.label("statements"))
        .where(authorisation.c.digest == digest)
        .order_by(authorisation.c.first_index)
    )
    return [_authorisation(row) for row in rows]


def authorisation_by(conn: Connection, signer: bytes) -> Authorisation | None:
    """The newest run of statements that this address (20 bytes) signed, None where it signed none."""
    row = conn.execute(
        select(authorisation, authorisation.c.count.label("statements"))
        .where(authorisation.c.signer == signer)
        .order_by(authorisation.c.first_index.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _authorisation(row)


def recorded(conn: Connection, index: int) -> Recorded:
    """In which transaction and block leaf ``index`` was recorded."""
    return vouched(conn, index)[1]


def vouched(conn: Connection, index: int) -> tuple[Authorisation, Recorded]:
    """Who vouched for leaf ``index``, and where on the chain that was recorded."""
    row = _authorisation_row(conn, index)
    found = conn.execute(_BLOCK, {"at": row.block_number}).one()
    place = Recorded(row.transaction_hash, found.number, found.hash, found.timestamp)
    return _authorisation(row), place


def checkpoint(
    conn: Connection,
    size: int | None = None,
    now: Cursor | None = None,
    subtree: Subtree | None = None,
) -> Checkpoint:
    """The log at ``size`` leaves (default: all the mirror has); ``now`` is where the mirror stands, and ``subtree``
    reads its :func:`tree`, if they are known.

    Raises :class:`MirrorQueryError` where the mirror is empty or not that far.
    """
    now = now or cursor_of(conn)
    if now is None:
        raise MirrorQueryError(
            "the mirror has taken over nothing yet: run `govledger mirror follow`"
        )
    if size is None or size == now.size:
        size, root, number = now.size, now.root, now.block_number
    elif 0 <= size < now.size:
        root = root_at(size, subtree or tree(conn)) if size else EMPTY_ROOT
        number = _block_of_size(conn, size)
    else:
        raise MirrorQueryError(f"the mirror holds {now.size} leaves, not {size}")
    found = conn.execute(_BLOCK, {"at": number}).one()
    return Checkpoint(
        chain_id=now.log.chain_id,
        log="0x" + now.log.address.hex(),
        size=size,
        root="0x" + root.hex(),
        block_number=found.number,
        block_hash="0x" + found.hash.hex(),
        timestamp=found.timestamp,
    )


def tree(conn: Connection, ranges: Iterable[tuple[int, int]] = ()) -> Subtree:
    """The tree's complete subtrees, out of the tiles; for paths and roots of :mod:`ledger.merkle`.

    What ``ranges`` of leaves need is fetched at once, anything else when it is asked for. Tiles are
    kept while the reader lives: one reader a request. Raises :class:`MirrorQueryError` for a
    subtree that the log does not have yet.
    """
    kept: dict[tuple[int, int], bytes] = {}

    def fetch(wanted: Sequence[tuple[int, int]]) -> None:
        places = {
            f"{part}{n}": at
            for n, tile in enumerate(wanted)
            for part, at in zip("li", tile, strict=True)
        }
        for row in conn.execute(_tiles(len(wanted)), places):
            kept[row.level, row.index_] = row.hashes

    def tile(level: int, index: int) -> bytes:
        if (level, index) not in kept:
            fetch([(level, index)])
        if (level, index) not in kept:
            raise MirrorQueryError(f"the tree has no tile {level}/{index}")
        return kept[level, index]

    if expected := tiles_for(ranges):
        fetch(expected)
    return subtree_in_tiles(tile)


@cache
def _tiles(count: int) -> Select[Any]:
    """The question for ``count`` tiles: level ``l0`` index ``i0``, and so on."""
    wanted = [
        and_(tree_tile.c.level == bindparam(f"l{n}"), tree_tile.c.index_ == bindparam(f"i{n}"))
        for n in range(count)
    ]
    return select(tree_tile.c.level, tree_tile.c.index_, tree_tile.c.hashes).where(or_(*wanted))


def statements_at(size: int | None) -> Select[Any]:
    """Every statement recorded before a log size, for others to join.

    Columns: leaf, kind, subject, version, org (hash), recorded_at, body_digest, body.
    """
    shown = statement.c
    asked = select(
        shown.index_.label("leaf"),
        shown.kind,
        shown.subject,
        shown.version,
        shown.org,
        shown.recorded_at,
        shown.body_digest,
        shown.body,
    )
    return asked if size is None else asked.where(shown.index_ < size)


def blocks(conn: Connection, newest_first_from: int, most: int) -> Sequence[Row[Any]]:
    """The newest ``most`` of the blocks the mirror keeps, from ``newest_first_from`` down."""
    return conn.execute(
        select(block)
        .where(block.c.number <= newest_first_from)
        .order_by(block.c.number.desc())
        .limit(most)
    ).all()


def _authorisation_row(conn: Connection, index: int) -> Row[Any]:
    row = conn.execute(_RUN, {"leaf": index}).one_or_none()
    if row is None or index >= row.first_index + row.statements:
        raise MirrorQueryError(f"the mirror has no leaf {index}")
    return row


def _authorisation(row: Row[Any]) -> Authorisation:
    return Authorisation(
        digest=row.digest,
        registry=row.registry,
        organisation=row.organisation,
        signer=row.signer,
        signature=row.signature,
        cosigner=row.cosigner,
        cosignature=row.cosignature,
        deadline=row.deadline,
        first_index=row.first_index,
        count=row.statements,
    )


def _block_of_size(conn: Connection, size: int) -> int:
    """The block that recorded leaf ``size - 1``, or the first the mirror knows for size 0."""
    if size:
        return int(_authorisation_row(conn, size - 1).block_number)
    return int(conn.execute(select(func.min(block.c.number))).scalar_one())
