"""Every leaf, every tile and the root, derived again from the rows of ``statement``."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select

from ledger.merkle import EMPTY_ROOT, HASH_LENGTH, TILE_WIDTH, Frontier, tiles_of_run
from ledger.mirror.queries import Cursor
from ledger.mirror.rows import statement_rows
from ledger.mirror.tables import tree_tile
from ledger.mirror.verification.report import Report
from ledger.statements import LogIdentity, StatementError, kind_word

CHUNK = 16 * TILE_WIDTH
_PAD = bytes(12)


class NotIntactError(Exception):
    """A statement is missing, or is none; the report says which."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Whether every statement is there and readable; the roots at the sizes that were asked for."""

    intact: bool
    roots: dict[int, bytes] = field(default_factory=dict)


def check_leaves(
    conn: Connection,
    cursor: Cursor,
    log: LogIdentity,
    report: Report,
    *,
    sizes: Collection[int] = (),
) -> Derived:
    """Derive leaves, tiles and root of ``log``, and the roots at ``sizes`` as far as it reaches."""
    return Leaves(conn, cursor, log, report, sizes).finished()


class Leaves:
    """What :func:`check_leaves` does, of rows that somebody reads who needs them too."""

    def __init__(
        self,
        conn: Connection,
        cursor: Cursor,
        log: LogIdentity,
        report: Report,
        sizes: Collection[int] = (),
    ) -> None:
        self._conn, self._cursor, self._log, self._report = conn, cursor, log, report
        self._sizes = sizes
        self._frontier = Frontier()
        self._roots = {0: EMPTY_ROOT} if 0 in sizes else {}
        self._upper: dict[tuple[int, int], bytes] = {}
        self._doubtful: list[int] = []
        self._taken = 0
        self._intact = True
        self._hashes: list[bytes] = []
        """Of leaves whose tile is not whole yet."""

    def take(self, end: int, rows: Sequence[Sequence[Any]]) -> None:
        """The rows of the next leaves, before ``end``; raises :class:`NotIntactError`."""
        hashes = _leaf_hashes(rows, self._taken, end, self._log, self._report)
        if hashes is None:
            self._intact = False
            raise NotIntactError
        self._report.count("leaves", end - self._taken)
        self._taken = end
        self._hashes += hashes
        ready = len(self._hashes)
        if end < self._cursor.size:
            ready -= ready % TILE_WIDTH
        if ready:
            self._extend(self._hashes[:ready])
            del self._hashes[:ready]

    def finished(self) -> Derived:
        """The outcome, of leaves that were not taken yet too."""
        with contextlib.suppress(NotIntactError):
            while self._intact and self._taken < self._cursor.size:
                end = min(self._taken + CHUNK, self._cursor.size)
                self.take(end, statement_rows(self._conn, self._taken, end))
        if not self._intact:
            return Derived(intact=False)
        root = self._frontier.root()
        _judge(self._doubtful, self._cursor, root, self._report)
        _compare_upper(self._conn, self._cursor.size, self._upper, self._report)
        _find_strays(self._conn, self._cursor.size, self._report)
        return Derived(intact=True, roots=self._roots)

    def _extend(self, hashes: list[bytes]) -> None:
        first = done = self._frontier.size
        end = first + len(hashes)
        for stop in sorted({size for size in self._sizes if first < size <= end} | {end}):
            for run in self._frontier.extend(hashes[done - first : stop - first]):
                for level, index, _, text in tiles_of_run(run):
                    if level:
                        self._upper[level, index] = self._upper.get((level, index), b"") + text
            done = stop
            if stop in self._sizes:
                self._roots[stop] = self._frontier.root()
        _compare_lowest(self._conn, hashes, first, self._doubtful)


def _leaf_hashes(
    rows: Sequence[Sequence[Any]], first: int, end: int, log: LogIdentity, report: Report
) -> list[bytes] | None:
    """Leaf hashes of consecutive rows; None where a row is missing or is no statement at all."""
    inherited, identity, hashes = log.inherited, b"\0" + log.words(), []
    words: dict[str, bytes] = {}
    expected = first
    for row in rows:
        (
            index,
            kind,
            subject,
            version,
            org,
            signer,
            authorisation,
            recorded_at,
            payload,
            body_digest,
            body,
        ) = row
        if index != expected:
            break
        expected += 1
        try:
            word = words.get(kind)
            if word is None:
                word = words[kind] = kind_word(kind)
            if sha256(body).digest() != body_digest:
                report.add(
                    "body",
                    f"第 {index} 号声明：正文与其摘要不符",
                    f"leaf {index}: the body is not the one its digest names",
                    leaf=index,
                    table="statement",
                )
            hashes.append(
                sha256(
                    b"".join(
                        (
                            b"\0" + log.at(index).words() if index < inherited else identity,
                            word,
                            subject,
                            version.to_bytes(32, "big"),
                            org,
                            _PAD,
                            signer,
                            authorisation,
                            recorded_at.to_bytes(32, "big"),
                            sha256(payload).digest(),
                            body_digest,
                        )
                    )
                ).digest()
            )
        except (TypeError, AttributeError, OverflowError, StatementError, ValueError) as error:
            report.add(
                "leaf",
                f"第 {index} 号声明的行无法读取：{error}",
                f"leaf {index}: its row cannot be read as a statement ({error})",
                leaf=index,
                table="statement",
            )
            return None
    if expected != end:
        report.add(
            "leaf",
            f"缺少第 {expected} 号声明",
            f"leaf {expected} is missing from the database",
            leaf=expected,
            table="statement",
            column="index_",
        )
        return None
    return hashes


def _compare_lowest(conn: Connection, hashes: list[bytes], first: int, doubtful: list[int]) -> None:
    """Which of these leaves are not the ones in the tiles of level 0; unlisted tiles doubt all."""
    tile = tree_tile.c
    low, high = first // TILE_WIDTH, (first + len(hashes) - 1) // TILE_WIDTH
    found = conn.execute(
        select(tile.index_, tile.hashes).where(
            tile.level == 0, tile.index_ >= low, tile.index_ <= high
        )
    )
    kept = {row.index_: row.hashes for row in found}
    for index in range(low, high + 1):
        at = index * TILE_WIDTH - first
        ours = hashes[at : at + TILE_WIDTH]
        theirs = kept.get(index, b"")
        if theirs == b"".join(ours):
            continue
        wrong = [
            position
            for position, leaf in enumerate(ours)
            if theirs[position * HASH_LENGTH : (position + 1) * HASH_LENGTH] != leaf
        ]
        doubtful.append(index * TILE_WIDTH + (wrong[0] if wrong else len(ours) - 1))


def _judge(doubtful: list[int], cursor: Cursor, root: bytes, report: Report) -> None:
    """Whether rows or tiles are wrong: what makes the root that the contract confirmed is right."""
    if root != cursor.root:
        leaf = doubtful[0] if doubtful else None
        which = f"自第 {leaf} 号声明起" if leaf is not None else ""
        where = f" from leaf {leaf} on" if leaf is not None else ""
        report.add(
            "tree",
            f"声明{which}推导出的根 0x{root.hex()} 不是已确认的 0x{cursor.root.hex()}",
            f"the statements{where} make the root 0x{root.hex()}, confirmed was 0x{cursor.root.hex()}",
            leaf=leaf,
            table="statement" if doubtful else "cursor",
            column=None if doubtful else "root",
        )
    for leaf in doubtful:
        if root == cursor.root:
            report.add(
                "tree",
                f"树瓦片 0/{leaf // TILE_WIDTH} 中第 {leaf} 号叶的哈希不符",
                f"leaf {leaf}: tile 0/{leaf // TILE_WIDTH} has another hash than its statement makes",
                leaf=leaf,
                table="tree_tile",
                column="hashes",
            )
        else:
            report.add(
                "leaf",
                f"第 {leaf} 号声明与树中的叶不符",
                f"leaf {leaf}: the statement is not the one that was hashed into the tree",
                leaf=leaf,
                table="statement",
            )


def _compare_upper(
    conn: Connection, size: int, upper: dict[tuple[int, int], bytes], report: Report
) -> None:
    """Tiles above the lowest level, and that there are no others."""
    tile = tree_tile.c
    report.count("tiles", len(upper) + -(-size // TILE_WIDTH))
    found = conn.execute(select(tile.level, tile.index_, tile.hashes).where(tile.level != 0))
    kept = {(row.level, row.index_): row.hashes for row in found}
    lowest = conn.execute(select(tile.index_).where(tile.level == 0)).scalars()
    strays = [(0, index) for index in lowest if not 0 <= index < -(-size // TILE_WIDTH)]
    wrong = {place for place in kept.keys() | upper.keys() if kept.get(place) != upper.get(place)}
    for level, index in sorted([*wrong, *strays]):
        leaf = max(0, index << 8 * (level + 1)) if level < 8 else None  # noqa: PLR2004
        report.add(
            "tree",
            f"树瓦片 {level}/{index} 与声明不符",
            f"tile {level}/{index} is not what the statements make",
            leaf=None if leaf is None or leaf >= size else leaf,
            table="tree_tile",
        )


def _find_strays(conn: Connection, size: int, report: Report) -> None:
    for low, high in ((-(1 << 62), 0), (size, 1 << 62)):
        for row in statement_rows(conn, low, high):
            report.add(
                "leaf",
                f"日志中没有第 {row[0]} 号声明，数据库里却有",
                f"leaf {row[0]} is in the database and not in the log",
                leaf=row[0],
                table="statement",
                column="index_",
            )
