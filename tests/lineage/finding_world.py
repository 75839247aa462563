"""A small district whose pipelines tell of themselves: catalogue, rules, steps, deliveries, journal and edges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.journal.journal import Journal
from ledger.lineage.edges import Edges
from ledger.lineage.entries import Coming, entry_of
from ledger.lineage.findings.listing import Finding, Found, findings
from ledger.lineage.keeper import PLACE
from ledger.lineage.statements import (
    CheckpointDraft,
    RuleDraft,
    StepDraft,
    anchor,
    attribute,
    declare,
)
from ledger.store.engine import open_database
from tests.audits.world import DATA, WATER, World, new_world
from tests.lineage.events import NAMESPACE, encoded, run_event
from tests.organisations.scribe import FAR
from tests.person import Person
from tests.small_office import EDUCATION

ORIGIN = "test/lineage"


class Pipelines:
    """What is said by signature (``world``), and what pipelines say (``tell``)."""

    def __init__(self, place: Path, url: str | None = None) -> None:
        self.engine = open_database(url or f"sqlite:///{place / 'mirror.db'}", "mirror")
        self.world: World = new_world(self.engine)
        self.journal = Journal.create(place / "journal", ORIGIN)
        self.edges = Edges(self.engine, self.journal)
        self._runs = 0

    def close(self) -> None:
        self.journal.close()
        self.engine.dispose()

    def entry(self, code: str, owner: str = WATER, **changes: Any) -> None:
        """A published entry."""
        self.world.publish(code, owner, **changes)

    def rule(self, entry: str, name: str, **changes: Any) -> None:
        """Data sets of the warehouse with such names belong to an entry."""
        holder = changes.pop("holder", WATER)
        code = changes.pop("code", f"R-{entry}-{name}")
        draft = RuleDraft.model_validate(
            {
                "code": code,
                "holder": holder,
                "entry": entry,
                "namespace": NAMESPACE,
                "name": name,
                "version": self.world.version(("rule", code)),
                **changes,
            }
        )
        self.world.say(attribute([draft], speaker=holder, deadline=FAR))

    def table(self, entry: str, dataset: str, /, owner: str = WATER, **changes: Any) -> None:
        """A published entry, and the data set that belongs to it."""
        self.entry(entry, owner, **changes)
        self.rule(entry, dataset, holder=owner)

    def step(self, code: str, inputs: list[Any], outputs: list[Any], **changes: Any) -> None:
        """A declared step; an end is a data set's name, or ``{"entry": …}``."""
        by = changes.pop("by", WATER)
        draft = StepDraft.model_validate(
            {
                "code": code,
                "name": f"步骤 {code}",
                "type": "derive",
                "inputs": [_end(one) for one in inputs],
                "outputs": [_end(one) for one in outputs],
                "version": self.world.version(("step", code)),
                **changes,
            }
        )
        self.world.say(declare([draft], speaker=by, deadline=FAR))

    def tell(self, *events: dict[str, Any], by: str = "") -> None:
        """Events into the journal, for an organisation; edges follow."""
        coming = Coming(at=1_780_000_000_000, by=by, door="api", token="t" if by else "")
        self.journal.append([entry_of(coming, encoded(event)) for event in events])
        self.edges.catch_up()

    def job(self, job: str, inputs: list[Any], outputs: list[Any], **more: Any) -> None:
        """One completed run of a job that says what it reads and writes."""
        self._runs += 1
        by = more.pop("by", "")
        event = run_event(self._runs, job=job, inputs=tuple(inputs), outputs=tuple(outputs), **more)
        self.tell(event, by=by)

    def anchor(self) -> int:
        """Anchor the journal; returns the size of the ledger."""
        draft = CheckpointDraft.of(self.journal.checkpoint(), self.world.version("checkpoint"))
        self.world.say(anchor([draft], speaker=DATA, deadline=FAR))
        return self.world.size

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection

    def found(self, as_of: int | None = None, **options: Any) -> Found:
        with self.read() as connection:
            return findings(connection, as_of, **options)

    def only(self, kind: str, as_of: int | None = None) -> list[Finding]:
        return self.found(as_of, kinds=[kind]).of(kind)


def _end(one: Any) -> dict[str, Any]:
    return {"namespace": NAMESPACE, "name": one} if isinstance(one, str) else dict(one)


def hand_in(person: Person, *events: dict[str, Any]) -> None:
    """Keep events in a person's journal as a server does, and leave the edges to who asks."""
    coming = Coming(at=1_780_000_000_000, by=EDUCATION, door="api", token="t")
    with Journal.create(person.data_dir / PLACE, ORIGIN) as journal:
        journal.append([entry_of(coming, encoded(event)) for event in events])
