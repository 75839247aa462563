"""The mirror as others hold it: one object that follows, answers how it stands, and is verified."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from ledger.chain.interface import Chain
from ledger.mirror.follower import Fence, Follower, OnAdvance, OnCut, OnStep
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Projection, Rulebook
from ledger.mirror.queries import Checkpoint, Cursor
from ledger.mirror.side_by_side import Progress, rebuild
from ledger.mirror.status import Status, status
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.run import verify
from ledger.mirror.verification.since import parse_checkpoint


class Mirror:
    """The log of ``origin`` on ``chain``, mirrored into ``engine`` (a database of the mirror
    family).
    """

    def __init__(
        self,
        engine: Engine,
        chain: Chain,
        origin: Origin,
        projections: Sequence[Projection] = (),
        rulebooks: Sequence[Rulebook] = (),
        *,
        on_cut: OnCut | None = None,
        on_advance: OnAdvance | None = None,
        fence: Fence | None = None,
    ) -> None:
        self.engine = engine
        self.chain = chain
        self.origin = origin
        self.projections = tuple(projections)
        self.rulebooks = tuple(rulebooks)
        self._follower = Follower(
            engine,
            chain,
            origin,
            projections,
            on_cut=on_cut,
            on_advance=on_advance,
            fence=fence,
        )

    def catch_up(self, on_step: OnStep | None = None, progress: Progress | None = None) -> Cursor:
        """Take over everything up to the newest block: see :meth:`Follower.catch_up`."""
        return self._follower.catch_up(on_step, progress)

    def follow(
        self, stop: threading.Event, on_step: OnStep | None = None, poll_seconds: float = 1.0
    ) -> None:
        """Keep up with the chain until ``stop`` is set: see :meth:`Follower.follow`."""
        self._follower.follow(stop, on_step, poll_seconds)

    def status(self) -> Status:
        """How the mirror stands."""
        return status(self.engine, self.chain, self.projections)

    def verify(
        self,
        since: Checkpoint | Mapping[str, Any] | bytes | str | None = None,
        *,
        use_chain: bool = True,
        progress: Progress | None = None,
    ) -> Report:
        """Check everything again, trusting neither operator nor bytecode: see
        :func:`ledger.mirror.verification.run.verify`.

        ``since`` is a checkpoint kept earlier, or its JSON; raises
        :class:`~ledger.mirror.verification.since.CheckpointError` for what is none.
        """
        return verify(
            self.engine,
            self.chain if use_chain else None,
            self.origin,
            self.projections,
            self.rulebooks,
            since=None if since is None else parse_checkpoint(since),
            progress=progress,
        )

    def rebuild(self, progress: Progress | None = None) -> int:
        """Fill every projection afresh from the statements; returns how many leaves were
        projected.
        """
        return rebuild(self.engine, self.projections, progress)
