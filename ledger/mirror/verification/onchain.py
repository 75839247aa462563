"""The mirror against the chain: every event read again, every block, the contract's root and
heads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.chain.interface import BlockRef, CallReverted, Chain, ChainError
from ledger.mirror import tables
from ledger.mirror.errors import ChainMovedError, ForeignLogError, MismatchError
from ledger.mirror.fetching import Footing, Pace, ReadAhead, contract_state
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Heads
from ledger.mirror.queries import Cursor
from ledger.mirror.rows import authorisation_rows, statement_rows
from ledger.mirror.side_by_side import Progress
from ledger.mirror.verification.heads import heads_of
from ledger.mirror.verification.report import Report

BLOCKS_AT_ONCE = 64
TRIES = 3


@dataclass(frozen=True, slots=True)
class OnChain:
    """The mirror's rows behind ``conn``, and the chain that they are held against."""

    conn: Connection
    chain: Chain
    origin: Origin
    cursor: Cursor
    report: Report

    def check(self, heads: Heads, progress: Progress | None = None) -> None:
        """Compare everything; a chain that cannot be asked leaves it unchecked, not wrong."""
        report, number = self.report, self.cursor.block_number
        try:
            self.origin.check(self.chain)
            (ref,) = self.chain.blocks([number])
            if ref.hash != self.cursor.block_hash:
                report.add(
                    "chain",
                    f"链上区块 {number} 的哈希不是镜像所记的：链已重组或被改写；请先同步镜像，"
                    "再与保存的检查点比对",
                    f"block {number} has another hash on the chain than in the mirror: the chain "
                    "was reorganised or rewritten; let the mirror catch up, and compare a kept "
                    "checkpoint",
                    table="cursor",
                    column="block_hash",
                )
                return
            self._check_blocks()
            self._check_events(ref, progress)
            if self._check_state():
                self._check_heads(heads)
        except ForeignLogError as error:
            report.add("chain", f"链不符：{error}", f"the chain is another one: {error}")
        except ChainMovedError as error:
            report.skip(f"核验期间链在变动：{error}", f"the chain changed meanwhile: {error}")
        except ChainError as error:
            report.skip(f"无法向链核实：{error}", f"the chain could not be asked: {error}")

    def _check_blocks(self) -> None:
        conn, chain, report = self.conn, self.chain, self.report
        columns = ("hash", "parent_hash", "timestamp")
        known = conn.execute(select(tables.block).order_by(tables.block.c.number)).all()
        for at in range(0, len(known), BLOCKS_AT_ONCE):
            some = known[at : at + BLOCKS_AT_ONCE]
            for row, ref in zip(some, chain.blocks([each.number for each in some]), strict=True):
                for column in columns:
                    if getattr(row, column) != getattr(ref, column):
                        report.add(
                            "block",
                            f"区块 {row.number} 的 {column} 与链上不符",
                            f"block {row.number}: its {column} is another on the chain",
                            table="block",
                            column=column,
                        )
        report.count("blocks", len(known))

    def _check_events(self, end: BlockRef, progress: Progress | None) -> None:
        pace, size, tries = Pace(), 0, 0
        footing = Footing(self.origin.first_block - 1, None)
        while footing.block < end.number:
            try:
                for stand, leaves in self._events(footing, end, size, pace):
                    footing, size, tries = stand, leaves, 0
                    if progress is not None:
                        progress(size, max(size, self.cursor.size))
            except MismatchError as error:
                first, last = error.blocks or (0, 0)
                tries += 1
                if last > first or tries < TRIES:
                    # Read again in halves: it heals a passing fault, and narrows down a lasting one.
                    pace.be_careful(first, last)
                    time.sleep(0 if last > first else 0.1)
                    continue
                self.report.add(
                    "chain",
                    f"链上事件不完整：{error}",
                    f"the chain's events do not add up: {error}",
                    leaf=error.leaf,
                )
                return
        if size != self.cursor.size:
            self.report.add(
                "chain",
                f"至区块 {end.number} 链上有 {size} 条声明，镜像有 {self.cursor.size} 条",
                f"up to block {end.number} the chain has {size} statements, "
                f"the mirror {self.cursor.size}",
                leaf=min(size, self.cursor.size),
                table="cursor",
                column="size",
            )

    def _events(
        self, footing: Footing, end: BlockRef, size: int, pace: Pace
    ) -> Iterator[tuple[Footing, int]]:
        """Compare the events after ``footing`` range by range; tells how far it is after each."""
        log, conn = self.origin.log, self.conn
        coming = self.cursor.size - size
        with ReadAhead(
            self.chain, log, footing, end, pace=pace, coming=coming, with_state=False
        ) as ranges:
            for fetched in ranges:
                rows = fetched.rows(log, size)
                first, size = size, rows.size
                for table, here, there in (
                    (tables.statement, statement_rows(conn, first, size), rows.statements),
                    (
                        tables.authorisation,
                        authorisation_rows(conn, first, size),
                        rows.authorisations,
                    ),
                ):
                    _compare_rows(table, here, there, self.report)
                self.report.count("chain_leaves", size - first)
                yield Footing(fetched.end.number, fetched.end.hash), size

    def _check_state(self) -> bool:
        """Size and root; returns whether the node still has the contract's state at the cursor."""
        chain, cursor, report = self.chain, self.cursor, self.report
        try:
            state = contract_state(chain, cursor.log, cursor.block_number)
        except CallReverted:
            raise
        except ChainError as error:
            chain.head()
            report.skip(
                f"节点不再保存区块 {cursor.block_number} 的状态，未核对合约的根与主题状态：{error}",
                f"the node keeps no state of block {cursor.block_number}, so the contract's root "
                f"and heads were not compared: {error}",
            )
            return False
        if (state.size, state.root) != (cursor.size, cursor.root):
            report.add(
                "chain",
                f"合约在区块 {cursor.block_number} 的规模与根为 {state.size}、0x{state.root.hex()}，"
                f"镜像为 {cursor.size}、0x{cursor.root.hex()}",
                f"at block {cursor.block_number} the contract says size {state.size} and root "
                f"0x{state.root.hex()}, the mirror {cursor.size} and 0x{cursor.root.hex()}",
                table="cursor",
                column="size" if state.size != cursor.size else "root",
            )
        return True

    def _check_heads(self, heads: Heads) -> None:
        """The contract's heads against those that the rules make: a breach that no event shows."""
        cursor, report = self.cursor, self.report
        for kind, subject, word in heads_of(
            self.chain, cursor.log.address, heads, cursor.block_number
        ):
            version, state = heads.get(kind, subject)
            if word != version << 192 | state:
                report.add(
                    "head",
                    f"{kind} 0x{subject.hex()} 的合约状态与按规则重放的不符",
                    f"{kind} 0x{subject.hex()}: the contract's head is version {word >> 192} "
                    f"with state 0x{word & (1 << 192) - 1:x}, the rules make version {version} "
                    f"with state 0x{state:x}",
                )
            report.count("heads", 1)


def _compare_rows(
    table: Table, here: Sequence[Sequence[Any]], there: Sequence[Sequence[Any]], report: Report
) -> None:
    name = table.name
    columns = [column.name for column in table.columns]
    for ours, theirs in zip_longest(here, there):
        if ours is not None and theirs is not None and tuple(ours) == tuple(theirs):
            continue
        leaf = (theirs or ours)[0]
        wrong = (
            [column for column, a, b in zip(columns, ours, theirs, strict=True) if a != b]
            if ours is not None and theirs is not None
            else [columns[0]]
        )
        report.add(
            "leaf" if table is tables.statement else "authorisation",
            f"第 {leaf} 号声明：表 {name} 的 {'、'.join(wrong)} 与链上事件不符",
            f"leaf {leaf}: {', '.join(wrong)} in table {name} is not what the chain's event says",
            leaf=leaf,
            table=name,
            column=wrong[0],
        )
        if columns[0] in wrong:
            return
