"""Which entries of the journal stand behind an edge, and the full names of what they name.

Rows keep names shortened (:data:`ledger.lineage.models.LONGEST_NAME`); a certificate has them as they were said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from sqlalchemy import Connection, select

from ledger.journal.journal import Journal
from ledger.lineage.bodies import StepBody
from ledger.lineage.certificate.events import Event, NoEvent, event_in
from ledger.lineage.identity import dataset_number, job_number, run_number
from ledger.lineage.models import INPUT, OUTPUT, RUN_IO
from ledger.lineage.walks import ColumnEdge
from ledger.mirror import queries as mirror


class NotSaid(Exception):
    """The journal's entry does not say what the edge does; the text says what is wrong."""


class Naming:
    """Reads entries and steps, each once, and learns the names of data sets by their numbers."""

    def __init__(self, conn: Connection, journal: Journal | None) -> None:
        self._conn = conn
        self._journal = journal
        self._entries: dict[int, bytes] = {}
        self._events: dict[int, Event] = {}
        self._steps: set[int] = set()
        self.names: dict[int, tuple[str, str]] = {}
        """Namespace and name by number, of jobs and data sets."""

    def entry(self, position: int) -> bytes:
        """An entry of the journal; raises :class:`NotSaid` where there is no journal here."""
        if position not in self._entries:
            if self._journal is None:
                raise NotSaid("the journal is not in this data directory")
            self._entries[position] = self._journal.entry(position)
        return self._entries[position]

    def behind(self, position: int, job: int, dataset: int, *, reads: bool) -> int | None:
        """The entry that names the data set, where that at ``position`` does not; raises :class:`NotSaid`.

        A run that completes lets everything hold that its earlier events named.
        """
        event = self._event(position)
        if job_number(*event.job) != job:
            raise NotSaid(f"it tells of the job {' '.join(event.job)}")
        if self._names(event, dataset, reads=reads):
            return None
        earlier = self._named_earlier(event, job, dataset, reads=reads)
        if earlier is None or not self._names(self._event(earlier), dataset, reads=reads):
            raise NotSaid("it names another data set")
        return earlier

    def learn_step(self, leaf: int) -> None:
        """Learn the names in a declared step."""
        if leaf in self._steps:
            return
        self._steps.add(leaf)
        body = StepBody.model_validate(
            msgspec.json.decode(mirror.statement_at(self._conn, leaf).body)
        )
        self._learn(end.names for end in (*body.inputs, *body.outputs))

    def learn_columns(self, edges: Iterable[ColumnEdge]) -> None:
        """Learn the names in what events and steps say of columns."""
        for edge in edges:
            if edge.pos is None:
                self.learn_step(edge.leaf or 0)
                continue
            for said in self._event(edge.pos).columns.values():
                self._learn(one.source for one in said)

    def kind(self, position: int) -> Literal["run", "design"]:
        """Whether an entry is of a run or of a design."""
        return "design" if self._event(position).run is None else "run"

    def _event(self, position: int) -> Event:
        if position not in self._events:
            try:
                event = event_in(self.entry(position))
            except NoEvent as error:
                raise NotSaid(str(error)) from error
            self._events[position] = event
            self.names[job_number(*event.job)] = event.job
            self._learn((*event.inputs, *event.outputs))
        return self._events[position]

    def _learn(self, named: Iterable[tuple[str, str]]) -> None:
        for one in named:
            self.names[dataset_number(*one)] = one

    @staticmethod
    def _names(event: Event, dataset: int, *, reads: bool) -> bool:
        return any(
            dataset_number(*one) == dataset for one in (event.inputs if reads else event.outputs)
        )

    def _named_earlier(self, event: Event, job: int, dataset: int, *, reads: bool) -> int | None:
        if event.run is None:
            return None
        asked = select(RUN_IO.c.pos).where(
            RUN_IO.c.run == run_number(job, event.run),
            RUN_IO.c.direction == (INPUT if reads else OUTPUT),
            RUN_IO.c.dataset_id == dataset,
        )
        found: int | None = self._conn.execute(asked).scalar_one_or_none()
        return found
