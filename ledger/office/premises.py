"""What lies in a data directory (办公场所): each part found when it is first needed, and closed with the office."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection, Engine

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.connect import connect, served_by
from ledger.chain.deployment import FILE_NAME, Deployment, load_deployment
from ledger.chain.interface import Chain
from ledger.chain.keystore import WORK_FACTOR, Keystore, passphrase_from
from ledger.chain.outbox import Outbox
from ledger.duty import Rota
from ledger.lineage.keeper import LineageKeeper
from ledger.mirror.mirror import Mirror
from ledger.mirror.origin import Origin
from ledger.office.errors import OfficeError
from ledger.settings import Settings
from ledger.store.engine import open_database
from ledger.store.leading import Lead, is_shared

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


class Premises:
    """One data directory and the parts in it, wired together. Use as a context manager."""

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
        self.woken = threading.Event()
        """Set when something was handed in that is to be sent."""
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
