"""Carrying out an import of obligations (归集义务导入): batch by batch, by the authority that signs.

Order of work: let the mirror catch up, :func:`resume_import`, catch up again,
:func:`~ledger.obligations.planning.plan_import`, show the plan, :func:`run_import`. What makes it safe to stop at
any moment is :mod:`ledger.catalogue.kept_batches`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine

from ledger.catalogue.kept_batches import Outcome, Send, Step, carry_out, resume
from ledger.obligations.mapping import ObligationMapping
from ledger.obligations.plan import Plan, Planned
from ledger.obligations.planning import source_of
from ledger.obligations.statements import oblige
from ledger.statements import MAX_BATCH


def run_import(
    plan: Plan,
    authority: str,
    desk: Engine,
    send: Send,
    deadline: Callable[[], int],
    *,
    batch_size: int = MAX_BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """File the obligations of ``plan`` in the name of the organisation ``authority``, parents first.

    ``deadline`` gives the Unix second until which a batch made now holds. ``progress`` is told
    (obligations recorded, obligations planned). Raises what ``send`` raises; what was recorded until then
    stays recorded, and the rest can be resumed.
    """
    ordered = sorted(plan.planned, key=lambda one: one.draft.type.number)
    total = len(ordered)
    told = None if progress is None else (lambda done: progress(done, total))
    steps = (
        _step(ordered[start : start + batch_size], authority, deadline())
        for start in range(0, total, batch_size)
    )
    return carry_out(source_of(plan.mapping), steps, desk, send, progress=told)


def resume_import(
    mapping: ObligationMapping, desk: Engine, mirror: Connection, send: Send, now: int
) -> Outcome:
    """Finish what an interrupted import left open, see :func:`ledger.catalogue.kept_batches.resume`."""
    return resume(source_of(mapping), desk, mirror, send, now)


def _step(group: Sequence[Planned], authority: str, deadline: int) -> Step:
    batch = oblige([one.draft for one in group], speaker=authority, deadline=deadline)
    return Step(batch, [(one.record, one.digest) for one in group])
