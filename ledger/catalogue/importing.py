"""Carrying out an import (导入): batches of filings, kept before they are sent, resumed after a
stop.

A batch stands in the desk database, exactly as it will be signed, before it is handed over. After a
crash :func:`resume_import` hands over the very same batch, which the outbox knows by its digest, so
nothing is recorded twice. What a record became is noted once its batch is recorded, and is also
told by the entry itself (``source``), so that a new desk finds it on the ledger.

Order of work: let the mirror catch up, :func:`resume_import`, catch up again,
:func:`~ledger.catalogue.planning.plan_import`, show the plan, :func:`run_import`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select, update

from ledger.catalogue import queries
from ledger.catalogue.models import IMPORT_BATCHES, IMPORT_RECORDS
from ledger.catalogue.planning import Plan, Planned
from ledger.catalogue.problems import EntryRefused, problem
from ledger.catalogue.statements import Envelope, Revision, filing
from ledger.codes import EntryState
from ledger.statements import FILING, MAX_BATCH, Batch
from ledger.store.engine import writing


class BatchRefused(Exception):
    """The ledger refused a batch for good; the text is the contract's reason."""


class Send(Protocol):
    """Signs a batch for its organisation, sends it, and waits until it is recorded.

    Returns the receipt's id. The same batch given twice must be recorded once. Raises
    :class:`BatchRefused` where the ledger refused it for good, anything else where it may still
    be recorded.
    """

    def __call__(self, batch: Batch) -> str: ...


Seal = Callable[[Connection, Sequence[Envelope]], None]
"""Keeps the texts of restricted entries, in the given desk transaction."""


@dataclass(slots=True)
class Outcome:
    """What an import recorded, batch by batch."""

    entries: int = 0
    batches: int = 0
    receipts: list[str] = field(default_factory=list)


class _Line(msgspec.Struct):
    """One statement of a kept batch, and the record that it is about."""

    values: dict[str, int | str]
    body: str
    record: str
    digest: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Line])


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
    outcome = Outcome()
    for group in _groups(plan.planned, batch_size):
        organisation = group[0].entry.provider
        revisions = [Revision(one.entry, one.version, EntryState.DRAFT) for one in group]
        made = filing(organisation, revisions, deadline())
        lines = [
            _Line(dict(_plain(values)), body.decode(), one.record, one.digest)
            for one, values, body in zip(group, made.batch.values, made.batch.bodies, strict=True)
        ]
        with writing(desk) as connection:
            if seal is not None:
                seal(connection, made.envelopes)
            batch_id = _keep(connection, plan.mapping.name, made.batch, lines)
        receipt = _hand_over(desk, batch_id, made.batch, send)
        _settle(desk, plan.mapping.name, batch_id, lines, receipt)
        outcome.entries += len(group)
        outcome.batches += 1
        outcome.receipts.append(receipt)
        if progress is not None:
            progress(outcome.entries, len(plan.planned))
    return outcome


def resume_import(
    catalogue: str, desk: Engine, mirror: Connection, send: Send, now: int
) -> Outcome:
    """Finish the batches that an interrupted import of ``catalogue`` left open.

    The mirror must have caught up: a batch whose entries it has is only noted; one that is still
    good at ``now`` (Unix seconds) is sent again as it was; one that has expired unrecorded is
    dropped, and the next plan makes its entries anew.
    """
    outcome = Outcome()
    with desk.connect() as connection:
        kept = connection.execute(
            select(IMPORT_BATCHES)
            .where(IMPORT_BATCHES.c.catalogue == catalogue, IMPORT_BATCHES.c.state == "prepared")
            .order_by(IMPORT_BATCHES.c.id)
        ).all()
    for row in kept:
        lines = _decoder.decode(row.statements)
        if _recorded(mirror, lines):
            _settle(desk, catalogue, row.id, lines, row.receipt)
            continue
        if row.deadline <= now:
            _drop(desk, row.id)
            continue
        batch = Batch(
            FILING,
            row.organisation,
            row.deadline,
            tuple(line.values for line in lines),
            tuple(line.body.encode() for line in lines),
        )
        receipt = _hand_over(desk, row.id, batch, send)
        _settle(desk, catalogue, row.id, lines, receipt)
        outcome.entries += len(lines)
        outcome.batches += 1
        outcome.receipts.append(receipt)
    return outcome


_NO_SEAL = problem(
    "invalid", "/restricted", reason="a restricted entry needs a sealing key, and none was given"
)


def _groups(planned: Sequence[Planned], size: int) -> Iterator[list[Planned]]:
    """Runs of one provider each, at most ``size`` long; providers in order of first appearance."""
    of_provider: dict[str, list[Planned]] = {}
    for one in planned:
        of_provider.setdefault(one.entry.provider, []).append(one)
    for all_of_one in of_provider.values():
        for start in range(0, len(all_of_one), size):
            yield all_of_one[start : start + size]


def _plain(values: Any) -> Iterator[tuple[str, int | str]]:  # noqa: ANN401
    for name, value in values.items():
        if not isinstance(value, int | str):
            raise TypeError(f"{name} of a filing is neither a number nor text")
        yield name, value


def _keep(connection: Connection, catalogue: str, batch: Batch, lines: list[_Line]) -> int:
    kept = connection.execute(
        insert(IMPORT_BATCHES).returning(IMPORT_BATCHES.c.id),
        {
            "catalogue": catalogue,
            "organisation": batch.organisation,
            "deadline": batch.deadline,
            "statements": _encoder.encode(lines),
            "state": "prepared",
            "receipt": None,
        },
    )
    return int(kept.scalar_one())


def _hand_over(desk: Engine, batch_id: int, batch: Batch, send: Send) -> str:
    try:
        return send(batch)
    except BatchRefused:
        _drop(desk, batch_id)
        raise


def _drop(desk: Engine, batch_id: int) -> None:
    with writing(desk) as connection:
        connection.execute(delete(IMPORT_BATCHES).where(IMPORT_BATCHES.c.id == batch_id))


def _recorded(mirror: Connection, lines: Sequence[_Line]) -> bool:
    standing = queries.standing(mirror, [str(line.values["code"]) for line in lines])
    return all(
        (found := standing.get(str(line.values["code"]))) is not None
        and found.version >= int(line.values["version"])
        for line in lines
    )


def _settle(
    desk: Engine, catalogue: str, batch_id: int, lines: Sequence[_Line], receipt: str | None
) -> None:
    """Note what the records of a recorded batch became."""
    notes = [
        {
            "catalogue": catalogue,
            "record": line.record,
            "code": str(line.values["code"]),
            "digest": line.digest,
        }
        for line in lines
    ]
    with writing(desk) as connection:
        connection.execute(
            delete(IMPORT_RECORDS).where(
                IMPORT_RECORDS.c.catalogue == catalogue,
                IMPORT_RECORDS.c.record.in_([line.record for line in lines]),
            )
        )
        connection.execute(insert(IMPORT_RECORDS), notes)
        connection.execute(
            update(IMPORT_BATCHES)
            .where(IMPORT_BATCHES.c.id == batch_id)
            .values(state="sent", receipt=receipt)
        )
