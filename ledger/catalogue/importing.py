"""Carrying out an import of entries (目录导入): drafts, batch by batch, by their providers.

Order of work: let the mirror catch up, :func:`resume_import`, catch up again,
:func:`~ledger.catalogue.planning.plan_import`, show the plan, :func:`run_import`. What makes it safe to stop at
any moment is :mod:`ledger.catalogue.kept_batches`. An entry tells its source itself, so that a new desk finds it
on the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, Engine

from ledger.catalogue.kept_batches import BatchRefused, Outcome, Send, Step, carry_out, resume
from ledger.catalogue.planning import Plan, Planned
from ledger.catalogue.problems import EntryRefused, problem
from ledger.catalogue.statements import Envelope, Revision, filing
from ledger.codes import EntryState
from ledger.statements import MAX_BATCH

__all__ = ["BatchRefused", "Outcome", "Seal", "Send", "resume_import", "run_import"]

Seal = Callable[[Connection, Sequence[Envelope]], None]
"""Keeps the texts of restricted entries, in the given desk transaction."""


def run_import(
    plan: Plan,
    desk: Engine,
    send: Send,
    deadline: Callable[[], int],
    *,
    seal: Seal | None = None,
    batch_size: int = MAX_BATCH,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """File the entries of ``plan`` as drafts, at most ``batch_size`` under one signature.

    ``deadline`` gives the Unix second until which a batch made now holds. ``progress`` is told
    (entries recorded, entries planned). Raises what ``send`` raises; what was recorded until then
    stays recorded, and the rest can be resumed.
    """
    if seal is None:
        for one in plan.planned:
            if one.entry.is_restricted:
                raise EntryRefused([_NO_SEAL], f"line {one.line}, {one.entry.code}")
    total = len(plan.planned)
    told = None if progress is None else (lambda done: progress(done, total))
    steps = (_step(group, deadline(), seal) for group in _groups(plan.planned, batch_size))
    return carry_out(plan.mapping.name, steps, desk, send, progress=told)


def resume_import(
    catalogue: str, desk: Engine, mirror: Connection, send: Send, now: int
) -> Outcome:
    """Finish what an interrupted import left open, see :func:`ledger.catalogue.kept_batches.resume`."""
    return resume(catalogue, desk, mirror, send, now)


_NO_SEAL = problem(
    "invalid", "/restricted", reason="a restricted entry needs a sealing key, and none was given"
)


def _step(group: Sequence[Planned], deadline: int, seal: Seal | None) -> Step:
    revisions = [Revision(one.entry, one.version, EntryState.DRAFT) for one in group]
    made = filing(group[0].entry.provider, revisions, deadline)
    records = [(one.record, one.digest) for one in group]
    if seal is None:
        return Step(made.batch, records)
    return Step(made.batch, records, lambda connection: seal(connection, made.envelopes))


def _groups(planned: Sequence[Planned], size: int) -> Iterator[list[Planned]]:
    """Runs of one provider each, at most ``size`` long; providers in order of first appearance."""
    of_provider: dict[str, list[Planned]] = {}
    for one in planned:
        of_provider.setdefault(one.entry.provider, []).append(one)
    for all_of_one in of_provider.values():
        for start in range(0, len(all_of_one), size):
            yield all_of_one[start : start + size]
