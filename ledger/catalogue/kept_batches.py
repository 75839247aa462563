"""Batches of an import (导入批次), kept before they are sent, resumed after a stop.

A batch stands in the desk database, exactly as it will be signed, before it is handed over. After a crash
:func:`resume` hands over the very same batch, which the outbox knows by its digest, so nothing is recorded
twice. What a record became is noted once its batch is recorded. ``source`` names what is imported: a mapping's
name, which stands for one list in one office.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from ledger.catalogue.models import IMPORT_BATCHES, IMPORT_RECORDS
from ledger.mirror.queries import newest_versions
from ledger.statements import BY_NAME, Batch, StructType, Value, text_hash
from ledger.store.engine import writing


class BatchRefused(Exception):
    """The ledger refused a batch for good; the text is the contract's reason."""


class UnfinishedImport(Exception):
    """Planning now would count things twice; the text says what to finish first."""


class Send(Protocol):
    """Signs a batch for its organisation, sends it, and waits until it is recorded.

    Returns the receipt's id. The same batch given twice must be recorded once. Raises
    :class:`BatchRefused` where the ledger refused it for good, anything else where it may still
    be recorded.
    """

    def __call__(self, batch: Batch) -> str: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A batch to be sent; ``records`` has record and digest of each of its statements.

    ``keep`` is called in the desk transaction that keeps the batch, for what must be kept with it.
    """

    batch: Batch
    records: Sequence[tuple[str, str]]
    keep: Callable[[Connection], None] | None = None


@dataclass(slots=True)
class Outcome:
    """What an import recorded, batch by batch."""

    entries: int = 0
    batches: int = 0
    receipts: list[str] = field(default_factory=list)

    def add(self, entries: int, receipt: str) -> None:
        self.entries += entries
        self.batches += 1
        self.receipts.append(receipt)


class _Line(msgspec.Struct):
    """One statement of a kept batch, and the record that it is about."""

    values: dict[str, int | str]
    body: str
    record: str
    digest: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[_Line])


def carry_out(
    source: str,
    steps: Iterable[Step],
    desk: Engine,
    send: Send,
    *,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """Send the steps one after the other; ``progress`` is told how many statements are recorded.

    A step is asked for when the one before it is recorded, so that its deadline is young. Raises what
    ``send`` raises; what was recorded until then stays recorded, and the rest can be resumed.
    """
    outcome = Outcome()
    for step in steps:
        batch = step.batch
        lines = [
            _Line(_plain(values), body.decode(), record, digest)
            for (record, digest), values, body in zip(
                step.records, batch.values, batch.bodies, strict=True
            )
        ]
        with writing(desk) as connection:
            if step.keep is not None:
                step.keep(connection)
            batch_id = _keep(connection, source, batch, lines)
        receipt = _hand_over(desk, batch_id, batch, send)
        _settle(desk, source, batch_id, lines, receipt)
        outcome.add(len(lines), receipt)
        if progress is not None:
            progress(outcome.entries)
    return outcome


def resume(source: str, desk: Engine, mirror: Connection, send: Send, now: int) -> Outcome:
    """Finish the batches that an interrupted import of ``source`` left open.

    The mirror must have caught up: a batch whose statements it has is only noted; one that is still
    good at ``now`` (Unix seconds) is sent again as it was; one that has expired unrecorded is
    dropped, and the next plan makes its statements anew.
    """
    outcome = Outcome()
    with desk.connect() as connection:
        kept = connection.execute(
            select(IMPORT_BATCHES)
            .where(IMPORT_BATCHES.c.catalogue == source, IMPORT_BATCHES.c.state == "prepared")
            .order_by(IMPORT_BATCHES.c.id)
        ).all()
    for row in kept:
        struct, lines = BY_NAME[row.struct], _decoder.decode(row.statements)
        if _recorded(mirror, struct, lines):
            _settle(desk, source, row.id, lines, row.receipt)
            continue
        if row.deadline <= now:
            _drop(desk, row.id)
            continue
        batch = Batch(
            struct,
            row.organisation,
            row.deadline,
            tuple(line.values for line in lines),
            tuple(line.body.encode() for line in lines),
        )
        receipt = _hand_over(desk, row.id, batch, send)
        _settle(desk, source, row.id, lines, receipt)
        outcome.add(len(lines), receipt)
    return outcome


def require_settled(source: str, struct: StructType, mirror: Connection, desk: Connection) -> None:
    """Raise :class:`UnfinishedImport` where batches are open, or the mirror lacks what was recorded."""
    prepared = desk.execute(
        select(func.count())
        .select_from(IMPORT_BATCHES)
        .where(IMPORT_BATCHES.c.catalogue == source, IMPORT_BATCHES.c.state == "prepared")
    ).scalar_one()
    if prepared:
        raise UnfinishedImport(
            f"an import of {source} was interrupted with {prepared} batches open: finish it first"
        )
    subjects = {text_hash(code) for code, _ in noted(source, desk).values()}
    absent = len(subjects) - len(newest_versions(mirror, struct.kind, subjects))
    if absent:
        raise UnfinishedImport(
            f"{absent} records of {source} were recorded that the mirror does not have: let it "
            "catch up (govledger mirror follow); if the chain is another one now, use a new data "
            "directory"
        )


def noted(source: str, desk: Connection) -> dict[str, tuple[str, str]]:
    """What the records of ``source`` became: (code, digest) by record."""
    asked = select(IMPORT_RECORDS).where(IMPORT_RECORDS.c.catalogue == source)
    return {row.record: (row.code, row.digest) for row in desk.execute(asked)}


def _plain(values: Mapping[str, Value]) -> dict[str, int | str]:
    plain: dict[str, int | str] = {}
    for name, value in values.items():
        if not isinstance(value, int | str):
            raise TypeError(f"{name} of an imported statement is neither a number nor text")
        plain[name] = value
    return plain


def _keep(connection: Connection, source: str, batch: Batch, lines: list[_Line]) -> int:
    kept = connection.execute(
        insert(IMPORT_BATCHES).returning(IMPORT_BATCHES.c.id),
        {
            "catalogue": source,
            "struct": batch.struct.name,
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


def _recorded(mirror: Connection, struct: StructType, lines: Sequence[_Line]) -> bool:
    versions = {text_hash(str(line.values["code"])): int(line.values["version"]) for line in lines}
    known = newest_versions(mirror, struct.kind, versions)
    return all(known.get(subject, 0) >= version for subject, version in versions.items())


def _settle(
    desk: Engine, source: str, batch_id: int, lines: Sequence[_Line], receipt: str | None
) -> None:
    """Note what the records of a recorded batch became."""
    notes = [
        {
            "catalogue": source,
            "record": line.record,
            "code": str(line.values["code"]),
            "digest": line.digest,
        }
        for line in lines
    ]
    with writing(desk) as connection:
        connection.execute(
            delete(IMPORT_RECORDS).where(
                IMPORT_RECORDS.c.catalogue == source,
                IMPORT_RECORDS.c.record.in_([line.record for line in lines]),
            )
        )
        connection.execute(insert(IMPORT_RECORDS), notes)
        connection.execute(
            update(IMPORT_BATCHES)
            .where(IMPORT_BATCHES.c.id == batch_id)
            .values(state="sent", receipt=receipt)
        )
