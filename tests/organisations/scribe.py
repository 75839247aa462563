"""A log in a few lines: batches in, statements and rows out, without chain or signatures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update

from ledger.canonical import parse_json
from ledger.mirror.projections import Decoded, Projection
from ledger.mirror.tables import statement as statement_table
from ledger.statements import Batch, Statement, sha256, struct_of, subject_of, text_hash
from ledger.store.engine import writing

START = 1_780_000_000
FAR = 4_000_000_000
SIGNER = bytes(19) + b"\x07"


def recorded(batch: Batch, first: int) -> list[Statement]:
    """What a chain would record of a batch from leaf ``first`` on; a block every ten seconds."""
    organisation = text_hash(batch.organisation)
    payloads = batch.payloads()
    return [
        Statement(
            index=first + place,
            kind=batch.struct.kind,
            subject=subject_of(batch.struct, values, organisation),
            version=int(values["version"]),
            org=organisation,
            signer=SIGNER,
            authorisation=sha256(b"".join(payloads)),
            recorded_at=START + 10 * first,
            payload=payload,
            body_digest=sha256(body),
            body=body,
        )
        for place, (values, payload, body) in enumerate(
            zip(batch.full_values(), payloads, batch.bodies, strict=True)
        )
    ]


def decoded(statement: Statement) -> Decoded:
    struct = struct_of(statement.payload)
    body = parse_json(statement.body) if statement.body else {}
    return Decoded(statement, struct, struct.decode(statement.payload), body)


def in_steps_of(size: int, statements: Sequence[Statement]) -> Iterator[Sequence[Statement]]:
    """A log cut into steps of ``size`` statements."""
    for start in range(0, len(statements), size):
        yield statements[start : start + size]


@dataclass
class Scribe:
    """Statements and the rows that projections make of them."""

    engine: Engine
    projections: Sequence[Projection]
    statements: list[Statement] = field(default_factory=list)
    flags: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.statements)

    def write(self, *batches: Batch) -> None:
        """Record batches and project them, one step."""
        fresh: list[Statement] = []
        for batch in batches:
            fresh += recorded(batch, self.size + len(fresh))
        self.take(fresh)

    def take(self, fresh: Sequence[Statement]) -> None:
        self.statements += fresh
        with writing(self.engine) as connection:
            if fresh:
                connection.execute(insert(statement_table), [_row(one) for one in fresh])
            for projection in self.projections:
                good = []
                for one in map(decoded, (s for s in fresh if s.kind in projection.kinds)):
                    why = projection.malformed(one)
                    if why is None:
                        good.append(one)
                    else:
                        self.flags[one.statement.index] = why
                projection.apply(connection, good)

    def cut(self, size: int) -> None:
        """Take back what the leaves from ``size`` on did, as a rollback does."""
        with writing(self.engine) as connection:
            for table in (table for one in self.projections for table in one.tables):
                connection.execute(delete(table).where(table.c.leaf_from >= size))
                connection.execute(
                    update(table).where(table.c.leaf_until >= size).values(leaf_until=None)
                )
            connection.execute(delete(statement_table).where(statement_table.c.index_ >= size))
        del self.statements[size:]

    def wipe(self) -> None:
        self.cut(0)
        self.flags.clear()

    def rows_in_steps(
        self, steps: Iterable[Sequence[Statement]]
    ) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of a log that came in these steps, whatever was here before."""
        self.wipe()
        for step in steps:
            self.take(step)
        return self.rows()

    def check_steps(
        self, statements: Sequence[Statement], steps: Iterable[Sequence[Statement]]
    ) -> None:
        """Rows do not depend on how the log was cut into steps."""
        assert self.rows_in_steps(steps) == self.rows_in_steps([statements])

    def check_rollback(self, statements: Sequence[Statement], size: int) -> None:
        """A rollback to ``size`` leaves what the shorter log gives."""
        shorter = self.rows_in_steps([statements[:size]])
        self.take(statements[size:])
        self.cut(size)
        assert self.rows() == shorter

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every projected table, in the order of its key."""
        with self.engine.connect() as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in connection.execute(
                        select(table).order_by(*table.primary_key.columns)
                    )
                ]
                for projection in self.projections
                for table in projection.tables
            }


def _row(one: Statement) -> dict[str, Any]:
    names = [name for name in Statement.__struct_fields__ if name != "index"]
    return {"index_": one.index, **{name: getattr(one, name) for name in names}}
