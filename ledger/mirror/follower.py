"""The mirror: follows one log on one chain into one database, and proves each step before it
counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from ledger.chain.interface import BlockRef, Chain, ChainError
from ledger.merkle import Frontier
from ledger.mirror import late_indexes, queries, tables
from ledger.mirror.applying import (
    begin_anew,
    cut,
    keep_others_out,
    move_cursor,
    projection_versions,
    write_examined,
    write_log,
)
from ledger.mirror.building import build_indexes
from ledger.mirror.doubt import first_doubtful_leaf
from ledger.mirror.errors import ChainMovedError, ForeignLogError, MismatchError
from ledger.mirror.events import LogRows
from ledger.mirror.examining import Examining
from ledger.mirror.fetching import (
    Footing,
    Pace,
    ReadAhead,
    compare,
    contract_size,
)
from ledger.mirror.origin import Origin
from ledger.mirror.own_indexes import WholeParts
from ledger.mirror.parts import Part, Parts
from ledger.mirror.projections import Projection
from ledger.mirror.queries import Cursor
from ledger.mirror.side_by_side import Progress, note_projections, rebuild
from ledger.store.engine import writing
from ledger.store.errors import LockedStoreError

LOGGER = logging.getLogger(__name__)
ATTEMPTS = 5
BLOCKS_AT_ONCE = 64
PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
_PROJECTION_STATE = select(tables.projection_state)
OnStep = Callable[[Cursor], None]
OnCut = Callable[[int], None]
"""Told that every leaf from here on is taken back, before it is."""
OnAdvance = Callable[[int], None]
"""Told how many leaves the mirror holds, before it takes over more."""
Fence = Callable[[Connection], None]
"""Called in each transaction before it writes; raises where this process may not write any more."""


class Ground(NamedTuple):
    """Where to go on from: a block that mirror and chain share, and the log's size there."""

    footing: Footing
    size: int


class FollowerMovedError(Exception):
    """Another follower wrote to this database in the meantime; look again."""


class Follower:
    """Takes the log over, range by range; nothing is committed that the contract did not
    confirm.
    """

    def __init__(
        self,
        engine: Engine,
        chain: Chain,
        origin: Origin,
        projections: Sequence[Projection] = (),
        *,
        on_cut: OnCut | None = None,
        on_advance: OnAdvance | None = None,
        fence: Fence | None = None,
    ) -> None:
        self.engine = engine
        self.chain = chain
        self.origin = origin
        self.projections = tuple(projections)
        self.on_cut = on_cut
        self.fence = fence
        self.on_advance = on_advance
        self._pace = Pace()
        self._checked = False
        self._warned = ""
        projected = [table for each in self.projections for table in each.tables]
        self._late = late_indexes.late_indexes(projected)
        self._indexed = False
        """That the database has every index; asked once, and again after doing without some."""
        self._reached: Cursor | None = None
        """Where the mirror stood when the indexes of projections were last built on."""

    def catch_up(self, on_step: OnStep | None = None, progress: Progress | None = None) -> Cursor:
        """Take over everything up to the chain's newest block.

        ``on_step`` is called with every committed cursor, ``progress`` while projections are filled
        afresh because their version changed. Raises :class:`MismatchError` (naming the leaf),
        :class:`ForeignLogError`, :class:`~ledger.chain.interface.ChainError`, and
        :class:`~ledger.store.errors.StoreError`; the mirror then stands where its last step ended.
        """
        cursor = self._prepare(progress)
        moved, tries, looked = 0, 0, True
        while True:
            if not looked:
                cursor = self._cursor()
            looked = False
            head = self.chain.head()
            try:
                ground = self._ground(cursor, head, moved=moved > 0)
                if ground is not None:
                    self._advance(cursor, ground, head, on_step)
                elif cursor is not None:
                    self._index(cursor)
                    return cursor
                moved = 0
            except FollowerMovedError:
                # It made the step that we were about to make; go on from there.
                LOGGER.warning("another follower works on this mirror database; one is enough")
            except ChainMovedError as error:
                moved += 1
                if moved > ATTEMPTS:
                    raise ChainError(
                        f"{self.chain.name} kept changing while it was read: {error}"
                    ) from error
            except MismatchError as error:
                tries += self._narrowed(error)
                if tries == ATTEMPTS:
                    raise

    def follow(
        self, stop: threading.Event, on_step: OnStep | None = None, poll_seconds: float = 1.0
    ) -> None:
        """Keep up with the chain until ``stop`` is set.

        A chain or database that cannot be reached is asked again, ever more slowly; a mismatch or a
        foreign chain is raised, because waiting does not mend it.
        """
        pause = poll_seconds
        while not stop.is_set():
            try:
                self.catch_up(on_step)
                pause = poll_seconds
            except (ChainError, LockedStoreError) as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                LOGGER.warning("the mirror waits %.1f s: %s", pause, error)
            stop.wait(pause)

    def _prepare(self, progress: Progress | None) -> Cursor | None:
        """See that database, chain and projections fit together; returns the cursor."""
        with self.engine.connect() as conn:
            cursor = queries.cursor_of(conn)
            found = conn.execute(_PROJECTION_STATE)
            kept = {str(row.name): int(row.version) for row in found}
        check_identity(cursor, self.origin)
        if not self._checked:
            self.origin.check(self.chain)
            self._checked = True
        if cursor is not None and cursor.log != self.origin.log:
            self._begin_anew(cursor)
            cursor, kept = None, {}
        if kept == projection_versions(self.projections):
            return cursor
        if cursor is None:
            note_projections(self.engine, self.projections)
        else:
            LOGGER.info("projections changed; filling them afresh from %d leaves", cursor.size)
            rebuild(self.engine, self.projections, progress)
        return self._cursor()

    def _index(self, cursor: Cursor) -> None:
        """Build what the first sync did without; an earlier one may have been killed before it could. And what
        indexes of projections lack since the log was last of another size.
        """
        if not self._indexed:
            late_indexes.build(self.engine, self._late)
            self._indexed = True
        if self._reached != cursor:
            build_indexes(self.engine, self.projections, self.fence)
            self._reached = cursor

    def _begin_anew(self, cursor: Cursor) -> None:
        """The log went on elsewhere: its statements are there as well, in other blocks."""
        LOGGER.warning(
            "log 0x%s on chain %d is carried on by 0x%s on chain %d: the mirror takes it over from there",
            cursor.log.address.hex(),
            cursor.log.chain_id,
            self.origin.log.address.hex(),
            self.origin.log.chain_id,
        )
        with writing(self.engine) as conn:
            keep_others_out(conn)
            if queries.cursor_of(conn) == cursor:
                begin_anew(conn, self.projections)

    def _cursor(self) -> Cursor | None:
        with self.engine.connect() as conn:
            return queries.cursor_of(conn)

    def _narrowed(self, error: MismatchError) -> int:
        """Have the range in doubt read again in halves, which heals a passing fault of the node and
        narrows down a lasting one. Returns 1 where it was a single block already, after a pause.
        """
        if error.blocks is None:
            raise error
        first, last = error.blocks
        if last > first:
            self._pace.be_careful(first, last)
            return 0
        time.sleep(PAUSE_SECONDS)
        return 1

    def _ground(self, cursor: Cursor | None, head: BlockRef, *, moved: bool) -> Ground | None:
        """Where to go on from; None where there is nothing to do (never without a cursor).

        On a chain that replaced blocks (``moved``, or a head that contradicts the cursor) it is the
        newest block that both still share.
        """
        if cursor is None:
            return Ground(Footing(self.origin.first_block - 1, None), 0)
        if head.number > cursor.block_number and not moved:
            return Ground(Footing(cursor.block_number, cursor.block_hash), cursor.size)
        if (head.number, head.hash) == (cursor.block_number, cursor.block_hash):
            return None
        shared = self._shared(head)
        if shared.footing.block == cursor.block_number:
            return shared if head.number > shared.footing.block else None
        if head.number < cursor.block_number and shared.footing.block == self._newest_known(
            head.number
        ):
            self._warn(
                f"{self.chain.name} is at block {head.number}, the mirror has seen block "
                f"{cursor.block_number}: waiting for the node"
            )
            return None
        self._warn(
            f"{self.chain.name} replaced the blocks after {shared.footing.block}: "
            f"leaves from {shared.size} on are taken over anew"
        )
        return shared

    def _warn(self, problem: str) -> None:
        """Say it once: a node that lost its newest blocks may be asked for hours before it is past them."""
        if problem != self._warned:
            self._warned = problem
            LOGGER.warning("%s", problem)

    def _newest_known(self, number: int) -> int | None:
        with self.engine.connect() as conn:
            known = queries.blocks(conn, number, 1)
        return int(known[0].number) if known else None

    def _shared(self, head: BlockRef) -> Ground:
        """The newest block that the mirror and the chain both have."""
        below = head.number
        while True:
            with self.engine.connect() as conn:
                some = queries.blocks(conn, below, BLOCKS_AT_ONCE)
            if not some:
                break
            theirs = self.chain.blocks([each.number for each in some])
            for ours, ref in zip(some, theirs, strict=True):
                if ours.hash == ref.hash:
                    return Ground(Footing(ours.number, ours.hash), ours.size)
            below = some[-1].number - 1
        # Not one block is shared: then at least the one of the deployment must be.
        self.origin.check(self.chain)
        return Ground(Footing(self.origin.first_block - 1, None), 0)

    def _advance(
        self, cursor: Cursor | None, ground: Ground, head: BlockRef, on_step: OnStep | None
    ) -> None:
        """Ranges from ``ground`` to ``head``, each transaction ending where the contract confirmed.

        While one range is written, the next is fetched. Where the ground lies before the cursor,
        the first transaction takes back what lies between; by then its replacement is in hand.
        """
        block = ground.footing.block
        log, pace = self.origin.log, self._pace
        coming = contract_size(self.chain, log, head.number) - ground.size
        if cursor is None and coming >= late_indexes.LONG:
            self._indexed = False
            with writing(self.engine) as conn:
                keep_others_out(conn)
                late_indexes.drop(conn, self._late)
        if self.on_advance is not None:
            self.on_advance(ground.size)
        with self.engine.connect() as conn:
            frontier = Frontier.resume(ground.size, queries.tree(conn))
        with (
            ReadAhead(self.chain, log, ground.footing, head, pace=pace, coming=coming) as ranges,
            Examining(self.projections, coming) as examining,
        ):
            parts = Parts(ranges, log, frontier.size, examining)
            # Whole parts of indexes begin with leaf 0: who goes on builds what is missing at the end.
            whole = examining.whole_parts() if cursor is None else None
            for first in parts:
                part, since = first, frontier.size
                with writing(self.engine) as conn:
                    keep_others_out(conn)
                    if self.fence is not None:
                        self.fence(conn)
                    if queries.cursor_of(conn) != cursor:
                        raise FollowerMovedError("another follower works on this database")
                    if cursor is not None and block < cursor.block_number:
                        # Before the cut is committed: told twice does no harm, not told would.
                        if self.on_cut is not None:
                            self.on_cut(since)
                        cut(conn, since, block, self.projections)
                    self._write(conn, part, frontier, since, whole)
                    while part.fetched.state is None:
                        # The last range has it: every node knows its newest state.
                        part = next(parts)
                        self._write(conn, part, frontier, since, whole)
                    end = part.fetched.end
                    after = Cursor(log, frontier.size, frontier.root(), end.number, end.hash)
                    move_cursor(conn, cursor, after)
                cursor, block = after, end.number
                if on_step is not None:
                    on_step(cursor)

    def _write(
        self,
        conn: Connection,
        part: Part,
        frontier: Frontier,
        since: int,
        whole: WholeParts | None,
    ) -> None:
        fetched, rows = part.fetched, part.rows
        runs = frontier.extend(rows.leaf_hashes)
        try:
            compare(fetched, rows.size, frontier.root())
        except MismatchError as error:
            raise self._explained(error, rows, since) from error
        write_log(conn, rows, runs, fetched.blocks)
        written = write_examined(conn, self.projections, part.examined())
        if whole is not None:
            whole.take(written, rows.size)
            for index, at, made in whole.made():
                index.put(conn, at, made)

    def _explained(self, error: MismatchError, rows: LogRows, since: int) -> MismatchError:
        """The mismatch with the leaf in doubt, as far as one can be told."""
        if since != rows.first_index:
            return MismatchError(
                f"{error}; the fault lies in leaves {since} to {rows.size - 1}, and this node "
                "keeps no older state to compare with: ask one that does (an archive node)",
                since,
            )
        found = first_doubtful_leaf(rows, self.origin.log)
        if found is not None:
            return MismatchError(f"leaf {found[0]}: {found[1]}; {error}", found[0], error.blocks)
        if error.leaf is not None:
            return error
        first, last = rows.first_index, rows.size - 1
        where = f"leaf {first}" if first == last else f"one of leaves {first} to {last}"
        return MismatchError(f"{where} is not what was recorded: {error}", first, error.blocks)


def check_identity(cursor: Cursor | None, origin: Origin) -> None:
    """Raise :class:`ForeignLogError` where a mirror database belongs to another log.

    That of a log which this one carries on does not: it is to be taken over anew.
    """
    if cursor is None or cursor.log in {each.log for each in origin.log.earlier}:
        return
    if cursor.log != origin.log:
        raise ForeignLogError(
            f"this database mirrors log 0x{cursor.log.address.hex()} on chain "
            f"{cursor.log.chain_id}, not 0x{origin.log.address.hex()} on chain "
            f"{origin.log.chain_id}: use another database, or point the settings at the chain it "
            "belongs to"
        )
