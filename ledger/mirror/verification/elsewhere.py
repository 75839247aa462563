"""Signatures, versions and rules, checked by the second process that examines statements for the projections.

It is handed the rows of statements and of the authorisations that begin with one of them, in order, and says of
evidence no more than whether everything so far was sound. Where anything was not, and where only the chain could tell,
this process checks all of it again (:class:`~ledger.mirror.verification.evidence.Evidence`), and what that one says
goes into the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from ledger.mirror.doubt import authorisation_of_row
from ledger.mirror.examining import Examiner, Examining, answer_of, examine
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Decoded, Projection, Rulebook
from ledger.mirror.queries import Cursor
from ledger.mirror.reading import read, read_payload
from ledger.mirror.rows import authorisation_rows
from ledger.mirror.verification.evidence import Evidence, outside
from ledger.mirror.verification.report import Report
from ledger.statements import Statement


@dataclass(slots=True)
class Checker(Examiner):
    """What the second process does: takes rows of authorisations and of statements, and whether these are examined
    already; gives what an :class:`Examiner` gives (of statements that are, nothing), whether all evidence since the
    first leaf is sound, how many signatures and how many statements it checked by now, and how many leaves it knows
    without their whole batch.
    """

    cursor: Cursor
    origin: Origin
    rulebooks: Sequence[Rulebook]
    _evidence: Evidence | None = field(default=None, init=False)
    _vouched: list[Sequence[Any]] = field(default_factory=list, init=False)
    _waiting: list[Statement] = field(default_factory=list, init=False)
    _read: dict[int, Decoded] = field(default_factory=dict, init=False)
    """What was read for the projections, which the rules need too."""

    def __call__(self, message: Sequence[Any]) -> list[Any]:
        vouched, rows, examined = message
        statements = [Statement(*row) for row in rows]
        wanted = [] if examined else statements
        found = examine(self.projections, wanted, self._noted)
        self._vouched += vouched
        self._waiting += statements
        evidence = self._evidence
        if evidence is None:
            evidence = Evidence(None, self.cursor, self.origin, self.rulebooks, Report())
            evidence.payload_of = self._payload_of
            self._evidence = evidence
        report = evidence.report
        sound = report.ok and report.complete
        try:
            sound = sound and self._check(evidence)
        except (TypeError, AttributeError, ValueError):
            # Whatever a row holds is told by the one that tells.
            sound = False
        if not sound:
            report.add("authorisation", "", "")
            self._vouched, self._waiting, self._read = [], [], {}
        signatures = report.counts.get("signatures", 0)
        told = [sound, signatures, evidence.replayed, len(self._waiting) + len(self._vouched)]
        return [*answer_of(self.projections, rows, found), told]

    def _check(self, evidence: Evidence) -> bool:
        """Check the batches that are whole, and say whether everything is sound."""
        for row in self._vouched.copy():
            authorisation = authorisation_of_row(row)
            count = authorisation.count
            if (
                not self._waiting
                or authorisation.first_index != self._waiting[0].index
                or count < 1
            ):
                return False
            if count > len(self._waiting):
                break
            evidence.check_batch(authorisation, self._waiting[:count])
            del self._waiting[:count], self._vouched[:1]
        return evidence.report.ok and evidence.report.complete

    def _noted(self, statement: Statement) -> Decoded | str:
        decoded = read(statement)
        if not isinstance(decoded, str):
            self._read[statement.index] = decoded
        return decoded

    def _payload_of(self, statement: Statement) -> Decoded:
        return self._read.pop(statement.index, None) or read_payload(statement)


class ExaminingEvidence(Examining):
    """Examines statements for the projections, and has a second process check their evidence too, where the log is
    worth one.
    """

    def __init__(
        self,
        conn: Connection,
        cursor: Cursor,
        origin: Origin,
        projections: Sequence[Projection],
        rulebooks: Sequence[Rulebook],
    ) -> None:
        super().__init__(projections, cursor.size, Checker(projections, cursor, origin, rulebooks))
        self._conn = conn
        self._cursor = cursor
        self._done = 0
        self._told: Sequence[Any] = (False, 0, 0, 0)

    def message(self, rows: Sequence[Sequence[Any]], *, examined: bool) -> Sequence[Any] | None:
        """The rows with the authorisations that begin among them."""
        vouched = authorisation_rows(self._conn, rows[0][0], rows[-1][0] + 1)
        return [[tuple(row) for row in vouched], rows, examined]

    def take(self, rows: Sequence[Sequence[Any]], answer: Sequence[Any]) -> None:
        """How the evidence stands."""
        self._done += len(rows)
        self._told = answer[2]

    def sound(self, report: Report) -> bool:
        """Whether everything was there, was checked and is sound; then the report counts it."""
        sound, signatures, replayed, waiting = self._told
        if not sound or waiting or self._done != self._cursor.size:
            return False
        if any(outside(self._conn, self._cursor)):
            return False
        report.count("signatures", signatures)
        report.count("rules", replayed)
        return True
