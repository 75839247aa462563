"""What an office does: it signs, sends, follows, verifies; in a command or in a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from eth_typing import Hash32
from sqlalchemy import func, select

from ledger.catalogue.sealing import seal
from ledger.catalogue.statements import Envelope
from ledger.chain.interface import ChainError
from ledger.chain.newest import newest_block
from ledger.chain.outbox import Receipt
from ledger.chain.outbox_models import State
from ledger.chain.outbox_moving import look_all_up, refuse_the_rest
from ledger.confirming import confirm
from ledger.drilling import drills_of
from ledger.drills.drills import Drills
from ledger.lineage.checking import check_folded
from ledger.lineage.statements import anchor
from ledger.mirror.origin import Origin
from ledger.mirror.queries import Checkpoint, Cursor, cursor_of, newest_versions
from ledger.mirror.side_by_side import Progress, rebuild
from ledger.mirror.status import Status, status
from ledger.mirror.tables import statement
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.run import verify
from ledger.office.errors import OfficeError, unsettled
from ledger.office.premises import Premises
from ledger.office.standing import Watch
from ledger.organisations import queries as organisations
from ledger.statements import CHECKPOINT, Batch, Domain, SignedBatch, StructType, subject_of
from ledger.store.engine import writing

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


MANDATE_SECONDS = 3600
"""How long a mandate signed here stays valid: time enough for a chain that is slow."""


PATIENCE = 15.0
"""Seconds of nothing but trouble with a remote chain after which a command stops waiting for it."""
LOCAL_PATIENCE = 3.0
"""The same for the chain in the data directory, whose trouble (a full disk) does not pass by itself."""


class Office(Premises):
    """One data directory, opened, and all that is done there. Use as a context manager."""

    def confirm_receipts(self) -> None:
        """Hold receipts against the mirror as it stands; needs no key."""
        with self.read() as connection:
            confirm(self._any_outbox, connection)

    def move_receipts(self) -> int:
        """The log goes on elsewhere, and the mirror has it: receipts stand in other blocks now.

        Returns how many batches the old log never recorded; they are refused.
        """
        look_all_up(self.desk_engine)
        self.confirm_receipts()
        return refuse_the_rest(self.desk_engine)

    def seal(self, envelopes: Sequence[Envelope]) -> None:
        """Keep the texts of restricted entries, before anything about them is sent."""
        if envelopes:
            with writing(self.desk_engine) as connection:
                seal(connection, envelopes, self.vault_key)

    def duty(self) -> AbstractContextManager[bool]:
        """Whether this process is the one on duty while the block runs."""
        return self.rota.duty()

    def only_server(self) -> AbstractContextManager[bool]:
        """Whether this process is the only server of the data directory while the block runs."""
        return self.rota.alone("server.lock")

    def server_process(self) -> int | None:
        """The process that was the server last, None where none ever was."""
        return self.rota.process("server.lock")

    def refresh(self, on_step: Callable[[Cursor], None] | None = None) -> ChainError | None:
        """Bring the mirror up to date, unless another process does that already.

        Returns why the chain could not be asked, where it could not: what is read then is as old as
        the mirror.
        """
        with self.duty() as on_duty:
            if on_duty and not self._is_current() and self.rota.follows():
                try:
                    self.mirror.catch_up(on_step)
                except ChainError as problem:
                    return problem
        return None

    def prepare_to_sign(self) -> None:
        """Finish what an earlier command left in the outbox, and bring the mirror up to date.

        The version that a new statement carries is then the one that follows. Raises
        :class:`OfficeError` where what waits cannot be finished now.
        """
        waiting = self.outbox.receipts(State.ACCEPTED, State.SENT)
        if waiting:
            self.settle([receipt.id for receipt in waiting])
        self.refresh()

    def mirror_status(self) -> Status:
        """How the mirror stands; where the chain cannot be asked, ``trouble`` says why."""
        try:
            return self.mirror.status()
        except ChainError as problem:
            found = status(self.mirror_engine, None, self.projections)
            return msgspec.structs.replace(found, trouble=str(problem))

    def verify(
        self,
        since: Checkpoint | None = None,
        *,
        use_chain: bool = True,
        progress: Progress | None = None,
    ) -> Report:
        """Check the mirror without trust, see :func:`ledger.mirror.verification.run.verify`.

        Without ``use_chain`` no chain is needed.
        """
        report = verify(
            self.mirror_engine,
            self.chain if use_chain else None,
            Origin.of(self.deployment),
            self.projections,
            self.rulebooks,
            since=since,
            progress=progress,
        )
        if self.lineage.exists:
            check_folded(self.mirror_engine, self.lineage.journal, report, progress)
        return report

    @cached_property
    def drills(self) -> Drills:
        """The integrity drills of this office, and what they found."""
        settings = self.settings
        return Drills(
            self.desk_engine,
            drills_of(self),
            hours=settings.drill_hours,
            share=settings.drill_share,
            clock=self.clock,
        )

    def rebuild(self, progress: Progress | None = None) -> int:
        """Fill every projection afresh from the statements; returns how many. Needs no chain."""
        _ = self.deployment
        return rebuild(self.mirror_engine, self.projections, progress)

    def outdated_projections(self) -> list[str]:
        """Projections whose tables another version of them filled; none of a mirror that has no rows yet."""
        found = status(self.mirror_engine, None, self.projections)
        return found.stale_projections if found.size else []

    def _is_current(self) -> bool:
        """Whether the mirror stands at the embedded chain's newest block, so that nothing is to be done."""
        newest = None if self.settings.rpc_url else newest_block(self.data_dir)
        if newest is None:
            return False
        with self.read() as connection:
            cursor = cursor_of(connection)
        if cursor is None or (cursor.log, cursor.block_hash) != (self.deployment.identity, newest):
            return False
        return not status(self.mirror_engine, None, self.projections).stale_projections

    def now(self) -> int:
        """When a statement that is made now would be recorded, Unix seconds.

        Contracts compare with the time of the block, which never goes back: so it is that of the newest block, or
        this office's clock (by which the embedded chain dates its blocks), whichever is later.
        """
        return max(self.chain.head().timestamp, int(self.clock()))

    def deadline(self) -> int:
        """The deadline of a mandate that is signed now, Unix seconds of block time."""
        return self.now() + MANDATE_SECONDS

    def next_version(self, struct: StructType, identifier: str) -> int:
        """The version that the next statement about a subject must carry, by the mirror."""
        subject = subject_of(struct, {struct.members[0][0]: identifier}, b"")
        with self.read() as connection:
            newest = connection.execute(
                select(func.max(statement.c.version)).where(
                    statement.c.kind == struct.kind, statement.c.subject == subject
                )
            ).scalar_one()
        return int(newest or 0) + 1

    def next_versions(self, struct: StructType, identifiers: Sequence[str]) -> dict[str, int]:
        """:meth:`next_version` of many subjects at once, by identifier."""
        member = struct.members[0][0]
        subjects = {one: subject_of(struct, {member: one}, b"") for one in identifiers}
        with self.read() as connection:
            known = newest_versions(connection, struct.kind, subjects.values())
        return {one: known.get(subject, 0) + 1 for one, subject in subjects.items()}

    def sign(
        self,
        batch: Batch,
        signer: LocalAccount,
        cosigner: LocalAccount | None = None,
        *,
        domain: Domain | None = None,
    ) -> SignedBatch:
        """The batch under the signer's signature, and the co-signer's where one signs too.

        ``domain`` is that of a registry of another log, where it is signed for one.
        """
        here = domain or self.deployment.domain(batch.struct.contract)
        digest = Hash32(batch.digest(here))
        return SignedBatch(
            batch=batch,
            signer=signer.address,
            signature=bytes(signer.unsafe_sign_hash(digest).signature),
            cosigner=cosigner.address if cosigner else None,
            cosignature=bytes(cosigner.unsafe_sign_hash(digest).signature) if cosigner else b"",
        )

    def work(self) -> bool:
        """One round of duty: send what waits, follow the log, confirm what was verified.

        Returns whether anything was sent or settled, so that another round is due at once. Where another
        process follows the log into a shared mirror, what it verified is confirmed.
        """
        changed = self.outbox.pump(turns=1)
        if self.rota.follows():
            self.mirror.catch_up()
        with self.read() as connection:
            verified = confirm(self.outbox, connection)
        if changed or verified:
            self.on_progress()
        return changed

    def hand_in(self, signed: SignedBatch) -> Receipt:
        """Take a signed batch, as :meth:`Outbox.submit` does, and have it sent without delay."""
        receipt = self.outbox.submit(signed)
        self.woken.set()
        return receipt

    def anchor_journal(self, *, at_once: bool = False) -> Receipt | None:
        """Hand in the lineage journal's checkpoint where one is due; None where none is, or one waits.

        It is signed by the setting ``journal_key``; without one nothing is anchored. ``at_once`` does not
        wait until enough came. Raises :class:`OfficeError` where that key may not sign.
        """
        name = self.settings.journal_key
        if not name:
            return None
        facts, seconds = self.settings.journal_facts, self.settings.journal_seconds
        draft = self.lineage.due(1 if at_once else facts, seconds, self.clock())
        if draft is None:
            return None
        waiting = self.outbox.receipts(State.ACCEPTED, State.SENT, State.RECORDED)
        if any(receipt.struct == CHECKPOINT.name for receipt in waiting):
            return None
        signer = self.unlock(name)
        with self.read() as connection:
            holder = organisations.holder(connection, signer.address)
        if holder is None or not holder.may_sign:
            raise OfficeError(
                f"the key {name} may not anchor the journal: the ledger has no grant for it in force",
                "have it granted the role collector: `govledger key grant`",
                zh=f"密钥 {name} 不能锚定日志：账本上没有对它有效的授权",
                hint_zh="请由主管部门授予 collector 角色：`govledger key grant`",
            )
        batch = anchor([draft], speaker=holder.key.organisation, deadline=self.deadline())
        return self.outbox.submit(self.sign(batch, signer))

    def settle(
        self,
        receipts: Sequence[str],
        *,
        timeout: float = 120.0,
        progress: Callable[[int, int], None] | None = None,
    ) -> list[Receipt]:
        """Wait until every receipt is verified or refused; does the duty itself where nobody else does.

        Raises :class:`OfficeError` after ``timeout`` seconds, or after :data:`PATIENCE` of nothing but
        trouble with the chain; what was accepted stays in the outbox.
        """
        patience = PATIENCE if self.settings.rpc_url else LOCAL_PATIENCE
        started = time.monotonic()
        well = started
        while True:
            trouble = self._work_if_free()
            found = [self.outbox.receipt(receipt) for receipt in receipts]
            waiting = [
                receipt
                for receipt in found
                if not receipt.reached(State.VERIFIED) and not receipt.reached(State.REFUSED)
            ]
            if progress is not None:
                progress(len(found) - len(waiting), len(found))
            if not waiting:
                return found
            trouble = trouble or next((one.note for one in waiting if one.note), None)
            now = time.monotonic()
            well = well if trouble else now
            if now - started > timeout or now - well > patience:
                raise unsettled(len(waiting), len(found), trouble)
            time.sleep(0.05)

    def _work_if_free(self) -> str | None:
        """A round of duty where nobody else is on duty; returns what the chain's trouble is, if any."""
        with self.duty() as on_duty:
            if on_duty:
                try:
                    self.work()
                except ChainError as problem:
                    return str(problem)
        return None

    def stand_duty(
        self,
        stop: threading.Event,
        on_error: Callable[[Exception], None],
        on_success: Callable[[], None] = lambda: None,
        pause: float = 0.1,
    ) -> None:
        """Be on duty until ``stop`` is set, see :class:`~ledger.office.standing.Watch`."""
        Watch(self, stop, on_error, on_success, pause).stand()
