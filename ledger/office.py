"""An office (办公室): one data directory, opened, with everything wired together.

What lies in a data directory: ``deployment.json`` (which log, where), ``chain.db`` (the embedded chain),
``mirror.db`` and ``desk.db``, ``keys/``, ``config.toml``. The command line and the server both work through
an :class:`Office`; neither knows how the parts find each other.

One process at a time is *on duty* (:mod:`ledger.duty`): it sends what the outbox holds and moves the mirror. A
server is on duty while it runs; a command is for as long as it needs, and where another process is, it waits for
that one. Of several servers that share their databases in PostgreSQL one is, and the others take over.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec
from eth_typing import Hash32
from sqlalchemy import Connection, Engine, func, select

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.catalogue.sealing import seal
from ledger.catalogue.statements import Envelope
from ledger.chain.connect import connect, served_by
from ledger.chain.deployment import FILE_NAME, Deployment, load_deployment
from ledger.chain.interface import Chain, ChainError
from ledger.chain.keystore import WORK_FACTOR, Keystore, passphrase_from
from ledger.chain.newest import newest_block
from ledger.chain.outbox import Outbox, Receipt
from ledger.chain.outbox_models import State
from ledger.chain.outbox_moving import look_all_up, refuse_the_rest
from ledger.confirming import confirm
from ledger.drilling import drills_of
from ledger.drills.drills import Drills
from ledger.duty import Rota
from ledger.lineage.checking import check_folded
from ledger.lineage.keeper import LineageKeeper
from ledger.lineage.statements import anchor
from ledger.mirror.mirror import Mirror
from ledger.mirror.origin import Origin
from ledger.mirror.queries import Checkpoint, Cursor, cursor_of, newest_versions
from ledger.mirror.side_by_side import Progress, rebuild
from ledger.mirror.status import Status, status
from ledger.mirror.tables import statement
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.run import verify
from ledger.organisations import queries as organisations
from ledger.settings import Settings
from ledger.statements import CHECKPOINT, Batch, Domain, SignedBatch, StructType, subject_of
from ledger.store.engine import open_database, writing
from ledger.store.leading import Lead, LostLeadError, is_shared

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

MANDATE_SECONDS = 3600
"""How long a mandate signed here stays valid: time enough for a chain that is slow."""


PATIENCE = 15.0
"""Seconds of nothing but trouble with a remote chain after which a command stops waiting for it."""
LOCAL_PATIENCE = 3.0
"""The same for the chain in the data directory, whose trouble (a full disk) does not pass by itself."""
STANDBY_SECONDS = 0.5
"""Between two looks of a server that waits to take over."""
AFTER_TROUBLE_SECONDS = 2.0
SHORTEST_PAUSE = 0.01
"""Between two rounds of duty where nothing could be done; it grows while nothing happens."""
TROUBLES = 3
"""Rounds that failed one after the other, after which a leader makes room for others."""


class OfficeError(Exception):
    """A data directory that is not ready for what was asked; ``hint`` says what to do.

    ``zh`` and ``hint_zh`` say the same in Chinese.
    """

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


def _unsettled(waiting: int, count: int, trouble: str | None) -> OfficeError:
    why = f": {trouble}" if trouble else ""
    return OfficeError(
        f"{waiting} of {count} batches are accepted, but not on the ledger yet{why}",
        "nothing is lost and nothing is to be signed again: they stay in the outbox and go on with the "
        "next command that signs, or with a server",
        zh=f"{count} 批中有 {waiting} 批已受理，但尚未上链" + (f"：{trouble}" if trouble else ""),
        hint_zh="内容没有丢失，无需重新签署：已留在发件箱中，下一条签名命令或服务启动后继续发送",
    )


class Office:
    """One data directory and the parts in it, each opened when first needed. Use as a context manager."""

    def __init__(
        self,
        settings: Settings,
        *,
        work_factor: int = WORK_FACTOR,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.work_factor = work_factor
        self.projections = PROJECTIONS
        self.rulebooks = RULEBOOKS
        self._opened = ExitStack()
        self.url = ""
        """Where this process is reached, for a server: told to those who wait to take over from it."""
        self.node_url = ""
        """Where another process of this server gives this one the embedded chain, if one does."""
        self.patient = False
        """Whether a remote chain that is out of reach is waited for: a server answers from the mirror."""
        self.on_progress: Callable[[], None] = lambda: None
        """Called in the thread on duty after a round in which receipts moved."""
        self._woken = threading.Event()
        self._looked_at_journal = 0.0
        self._passphrase: str | None = None
        self._unlocked: dict[str, LocalAccount] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close whatever was opened, newest first."""
        self._opened.close()

    @property
    def data_dir(self) -> Path:
        return Path(self.settings.data_dir)

    @property
    def is_initialised(self) -> bool:
        """Whether a ledger was deployed, or named, for this directory."""
        return (self.data_dir / FILE_NAME).exists()

    @cached_property
    def deployment(self) -> Deployment:
        """Which log this office works on; raises :class:`OfficeError` where ``init`` was not run."""
        if not self.is_initialised:
            raise OfficeError(
                f"{self.data_dir} holds no ledger yet",
                "run `govledger init`, or name another directory with --data-dir",
                zh=f"{self.data_dir} 中还没有账本",
                hint_zh="运行 `govledger init`，或用 --data-dir 指定另一个目录",
            )
        return load_deployment(self.data_dir)

    @cached_property
    def chain(self) -> Chain:
        """The chain, embedded or remote; raises :class:`ledger.chain.interface.ChainError`."""
        if self.node_url:
            chain: Chain = served_by(self.node_url, self.deployment)
        else:
            chain = connect(self.settings, clock=self.clock, at_once=not self.patient)
        self._opened.callback(chain.close)
        return chain

    @cached_property
    def mirror_engine(self) -> Engine:
        _ = self.deployment  # where there is no ledger, no empty mirror is left behind
        engine = open_database(self.settings.mirror_url, "mirror")
        self._opened.callback(engine.dispose)
        return engine

    @cached_property
    def desk_engine(self) -> Engine:
        engine = open_database(self.settings.desk_url, "desk")
        self._opened.callback(engine.dispose)
        return engine

    @cached_property
    def keystore(self) -> Keystore:
        return Keystore(self.data_dir / "keys", work_factor=self.work_factor)

    @cached_property
    def mirror(self) -> Mirror:
        following = self.rota.following
        return Mirror(
            self.mirror_engine,
            self.chain,
            Origin.of(self.deployment),
            self.projections,
            self.rulebooks,
            on_cut=self.rolled_back,
            fence=None if following is None else following.fence,
            on_advance=self._not_verified_beyond,
        )

    @cached_property
    def lineage(self) -> LineageKeeper:
        """The lineage journal, and the edges that follow from it."""
        keeper = LineageKeeper(
            self.data_dir,
            self.mirror_engine,
            self.deployment.log,
            shared=is_shared(self.settings.mirror_url),
        )
        self._opened.callback(keeper.close)
        return keeper

    def rolled_back(self, size: int) -> None:
        """The chain took back what lies beyond ``size``: the outbox sends again what is gone."""
        self._any_outbox.rolled_back(size)

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

    def _not_verified_beyond(self, size: int) -> None:
        self._any_outbox.not_verified_beyond(size)

    @property
    def _any_outbox(self) -> Outbox:
        """The outbox, for what needs no sender."""
        handed_in: Outbox | None = self.__dict__.get("outbox")
        return handed_in or Outbox(self.desk_engine, self.chain, self.deployment, None)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(
            self.desk_engine, self.chain, self.deployment, self.sender, lead=self.rota.sending
        )

    @cached_property
    def sender(self) -> LocalAccount:
        """The key that carries transactions; it has no authority of its own."""
        return self.unlock(self.settings.sender_key)

    def use_passphrase(self, passphrase: str) -> None:
        """Take a passphrase that a person typed."""
        self._passphrase = passphrase

    @property
    def knows_passphrase(self) -> bool:
        """Whether nobody needs to be asked: it was typed already, or a setting gives it."""
        told = self.settings.passphrase or self.settings.passphrase_file
        return self._passphrase is not None or bool(told)

    @property
    def passphrase(self) -> str:
        """The keystore's passphrase: typed, from the environment, or from a file."""
        if self._passphrase is not None:
            return self._passphrase
        return passphrase_from(self.settings)

    def unlock(self, name: str) -> LocalAccount:
        """The account behind a key of the keystore; opened once, since that takes a second by
        design.
        """
        if name not in self._unlocked:
            self._unlocked[name] = self.keystore.unlock(name, self.passphrase)
        return self._unlocked[name]

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only connection to the mirror."""
        with self.mirror_engine.connect() as connection:
            yield connection

    @cached_property
    def vault_key(self) -> bytes:
        """The key under which this office seals texts of restricted entries (32 bytes)."""
        return self.keystore.vault_key(self.passphrase, create=True)

    def deputy(self, organisation: str) -> LocalAccount:
        """The key with which this office files drafts for an organisation that has none of its own.

        Derived from the vault key (HMAC-SHA-256), so it is there again whenever that is.
        """
        told = b"govledger deputy steward\n" + organisation.encode()
        from eth_account import Account  # noqa: PLC0415 - takes long to import, and few need it

        account: LocalAccount = Account.from_key(hmac.digest(self.vault_key, told, "sha256"))
        return account

    def seal(self, envelopes: Sequence[Envelope]) -> None:
        """Keep the texts of restricted entries, before anything about them is sent."""
        if envelopes:
            with writing(self.desk_engine) as connection:
                seal(connection, envelopes, self.vault_key)

    @cached_property
    def rota(self) -> Rota:
        """Who is on duty, here and at the databases that machines share."""
        sending = following = None
        if is_shared(self.settings.desk_url):
            sending = Lead(self.desk_engine, "desk", lambda: self.url)
        if is_shared(self.settings.mirror_url):
            following = Lead(self.mirror_engine, "mirror", lambda: self.url)
        rota = Rota(self.data_dir, sending, following)
        self._opened.callback(rota.release)
        return rota

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

    def deadline(self) -> int:
        """A mandate's deadline from now, in Unix seconds: chain time or ours, whichever is later."""
        return max(self.chain.head().timestamp, int(time.time())) + MANDATE_SECONDS

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
        self._woken.set()
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
        draft = self.lineage.due(1 if at_once else facts, seconds, time.time())
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
                raise _unsettled(len(waiting), len(found), trouble)
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
        """Be on duty until ``stop`` is set; errors are told and the work goes on after a pause.

        ``on_success`` is called after every round that went well.
        """
        while not stop.is_set():
            rest = STANDBY_SECONDS
            try:
                with self.duty() as on_duty:
                    if on_duty:
                        rest = self._stand(stop, on_error, on_success, pause)
                    else:
                        self._anchor_now_and_then()
                on_success()  # whoever waits to take over has nothing to complain of
            except Exception as error:  # noqa: BLE001 - told, and tried again
                on_error(error)
                rest = AFTER_TROUBLE_SECONDS
            stop.wait(rest)

    def _stand(
        self,
        stop: threading.Event,
        on_error: Callable[[Exception], None],
        on_success: Callable[[], None],
        pause: float,
    ) -> float:
        """Round after round until told to stop, or until another leads; returns the seconds to wait then.

        A leader whose own node fails again and again makes room for one that may have another.
        """
        troubles, wait = 0, SHORTEST_PAUSE
        while not stop.is_set() and self.rota.sends():
            try:
                busy = self.work()
                self._anchor_now_and_then()
                on_success()
                troubles = 0
            except LostLeadError:
                return STANDBY_SECONDS
            except Exception as error:  # noqa: BLE001 - told, and tried again
                on_error(error)
                troubles += 1
                if self.rota.is_shared and troubles == TROUBLES:
                    return AFTER_TROUBLE_SECONDS
                stop.wait(AFTER_TROUBLE_SECONDS)
                continue
            if busy:
                wait = SHORTEST_PAUSE  # what came in meanwhile makes up the next batch
            elif self._woken.wait(wait):
                self._woken.clear()
                wait = SHORTEST_PAUSE
            else:
                wait = min(wait * 1.5, pause)
        return STANDBY_SECONDS

    def _anchor_now_and_then(self) -> None:
        """Anchor this server's own journal where it is due, on duty or not; looks once a second."""
        now = time.monotonic()
        if self.settings.journal_key and now - self._looked_at_journal >= 1.0:
            self._looked_at_journal = now
            self.anchor_journal()
