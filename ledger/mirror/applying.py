"""Writing leaves into the mirror, and taking them back: everything here runs in the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from ledger.chain.interface import BlockRef
from ledger.merkle import HASH_LENGTH, TILE_HEIGHT, TILE_WIDTH, Run, tiles_of_run
from ledger.mirror import tables
from ledger.mirror.earlier import pack_earlier
from ledger.mirror.errors import StaleMirrorError
from ledger.mirror.events import LogRows
from ledger.mirror.examining import Examined
from ledger.mirror.own_indexes import indexes_of
from ledger.mirror.projections import Projection, drafts
from ledger.mirror.queries import Cursor
from ledger.mirror.reading import CHECK, CHECK_VERSION
from ledger.store.bulk import insert_rows
from ledger.store.ranged import Appended, append

TRAIL = 256
"""How many of the newest blocks without statements are remembered, to find where a chain forked."""
_FORGET_BLOCKS = (
    delete(tables.block)
    .where(tables.block.c.number < bindparam("newest"))
    .where(tables.block.c.number >= bindparam("oldest"))
    .where(~exists().where(tables.authorisation.c.block_number == tables.block.c.number))
)


def write_log(
    conn: Connection, rows: LogRows, runs: Iterable[Run], blocks: Sequence[BlockRef]
) -> None:
    """The leaves, who vouched for them, the blocks they stand in, and the tree over them."""
    insert_rows(conn, tables.statement, rows.statements)
    insert_rows(conn, tables.authorisation, rows.authorisations)
    _write_blocks(conn, rows, blocks)
    _write_tiles(conn, runs)


def write_examined(
    conn: Connection, projections: Sequence[Projection], examined: Examined
) -> list[Appended]:
    """Have the projections write what was found, in their order, and flag what is malformed; returns what those that
    draft appended.
    """
    written: list[Appended] = []
    for projection, fit in zip(projections, examined.fit, strict=True):
        if not fit:
            continue
        if drafts(projection):
            for appended in projection.rows(conn, fit):
                append(conn, appended)
                written.append(appended)
        else:
            projection.apply(conn, fit)
    insert_rows(conn, tables.flag, examined.flags)
    return written


def cut(conn: Connection, size: int, block: int, projections: Sequence[Projection]) -> None:
    """Take back every leaf from ``size`` on and every block after ``block``."""
    conn.execute(delete(tables.statement).where(tables.statement.c.index_ >= size))
    conn.execute(delete(tables.authorisation).where(tables.authorisation.c.first_index >= size))
    conn.execute(delete(tables.block).where(tables.block.c.number > block))
    conn.execute(delete(tables.flag).where(tables.flag.c.index_ >= size))
    _cut_tiles(conn, size)
    for projection in projections:
        for table in projection.tables:
            conn.execute(delete(table).where(table.c.leaf_from >= size))
            conn.execute(update(table).where(table.c.leaf_until >= size).values(leaf_until=None))
    for index in indexes_of(projections):
        index.cut(conn, size)


def begin_anew(conn: Connection, projections: Sequence[Projection]) -> None:
    """Empty the mirror of a log that another one carries on: everything comes again with that one."""
    cut(conn, 0, -1, projections)
    conn.execute(delete(tables.cursor))


def keep_others_out(conn: Connection) -> None:
    """Let one transaction at a time write to the mirror; on SQLite its beginning saw to that."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql("SELECT pg_advisory_xact_lock(26477)")


def move_cursor(conn: Connection, before: Cursor | None, after: Cursor) -> None:
    """Say how far the mirror is now."""
    values: dict[str, Any] = {
        "chain_id": after.log.chain_id,
        "log": after.log.address,
        "size": after.size,
        "root": after.root,
        "block_number": after.block_number,
        "block_hash": after.block_hash,
        "earlier": pack_earlier(after.log.earlier),
    }
    if before is None:
        conn.execute(insert(tables.cursor), [{"id": 1, **values}])
    else:
        conn.execute(update(tables.cursor).values(values))


def projection_versions(projections: Sequence[Projection]) -> dict[str, int]:
    """What ``projection_state`` should hold: the check of statements themselves counts as one."""
    return {CHECK: CHECK_VERSION} | {each.name: each.version for each in projections}


def write_projection_versions(conn: Connection, projections: Sequence[Projection]) -> None:
    """Note that the tables were filled by these projections as they are now."""
    conn.execute(delete(tables.projection_state))
    insert_rows(conn, tables.projection_state, list(projection_versions(projections).items()))


def _write_blocks(conn: Connection, rows: LogRows, blocks: Sequence[BlockRef]) -> None:
    if not blocks:
        return
    size = rows.first_index
    written: list[tuple[Any, ...]] = []
    for ref in blocks:
        size = rows.sizes.get(ref.number, size)
        written.append((ref.number, ref.hash, ref.parent_hash, ref.timestamp, size))
    insert_rows(conn, tables.block, written)
    newest, oldest = blocks[-1].number - TRAIL, blocks[0].number - 2 * TRAIL
    conn.execute(_FORGET_BLOCKS, {"newest": newest, "oldest": oldest})


def _write_tiles(conn: Connection, runs: Iterable[Run]) -> None:
    tile = tables.tree_tile.c
    fresh: list[tuple[int, int, bytes]] = []
    for run in runs:
        for level, index, offset, hashes in tiles_of_run(run):
            if not offset:
                fresh.append((level, index, hashes))
                continue
            here = (tile.level == level) & (tile.index_ == index)
            before = conn.execute(select(tile.hashes).where(here)).scalar_one_or_none() or b""
            if len(before) != offset * HASH_LENGTH:
                raise StaleMirrorError(
                    f"tile {level}/{index} of the mirror has {len(before) // HASH_LENGTH} hashes "
                    f"where it must have {offset}: run `govledger mirror verify`, and start anew "
                    "with an empty mirror database"
                )
            conn.execute(update(tables.tree_tile).where(here).values(hashes=before + hashes))
    insert_rows(conn, tables.tree_tile, fresh)


def _cut_tiles(conn: Connection, size: int) -> None:
    tile = tables.tree_tile.c
    levels = conn.execute(select(tile.level).distinct()).scalars().all()
    for level in levels:
        full, rest = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        conn.execute(
            delete(tables.tree_tile).where(tile.level == level, tile.index_ >= full + (rest > 0))
        )
        if rest:
            here = (tile.level == level) & (tile.index_ == full)
            before = conn.execute(select(tile.hashes).where(here)).scalar_one()
            conn.execute(
                update(tables.tree_tile).where(here).values(hashes=before[: rest * HASH_LENGTH])
            )
