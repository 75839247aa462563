"""From a walk to entities, activities, agents and what relates them (PROV-DM, W3C 2013).

==================  ==================================================================================================
entity (实体)       data set; catalogue entry (目录条目), its edition in force, its newest delivery
activity (活动)     run of a job; a job where an edge rests on a design; a declared step
agent (代理)        organisation (机构)
used                a run, job or step reads a data set
wasGeneratedBy      a run, job or step writes a data set
wasDerivedFrom      an output of a job comes from an input of the same job; a delivery from its edition
wasAssociatedWith   the organisation whose token brought a run, or who declared a step
wasAttributedTo     owner of an entry or edition, holder of a data set, collector of a delivery
specializationOf    edition and delivery are of an entry
alternateOf         a data set and the entry that it belongs to by rule
==================  ==================================================================================================
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, select

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import EntrySummary
from ledger.deliveries import queries as deliveries
from ledger.lineage.identity import ENTRY_NAMESPACE, run_number
from ledger.lineage.models import RUNS
from ledger.lineage.pictures.picture import Names
from ledger.lineage.walks import Edge, Node, Walk

_CHUNK = 500
RELATIONS = (
    "used",
    "wasGeneratedBy",
    "wasDerivedFrom",
    "wasAssociatedWith",
    "wasAttributedTo",
    "specializationOf",
    "alternateOf",
)


class Thing(msgspec.Struct, frozen=True):
    """An entity, activity or agent. ``kind`` is its type: DataSet, Entry, Edition, Delivery, Run, Job, Step or
    Organisation; ``told`` what else is known of it; times are UTC, of runs only.
    """

    id: str
    kind: str
    label: str
    told: dict[str, str] = {}
    started: str | None = None
    ended: str | None = None


class Provenance(msgspec.Struct, frozen=True):
    """Things by id, in order; relations as pairs (from, to) in the direction in which PROV writes them."""

    base: str
    """What ids are relative to: ``urn:govledger:<log>:``."""
    entities: dict[str, Thing]
    activities: dict[str, Thing]
    agents: dict[str, Thing]
    relations: dict[str, tuple[tuple[str, str], ...]]


def provenance(conn: Connection, walk: Walk, log: str, names: Names) -> Provenance:
    """A walk as PROV; ``log`` is the address of the ledger's log, after which everything is named."""
    told = _Teller(conn, walk, names)
    told.tell_nodes()
    told.tell_edges()
    told.tell_entries()
    return Provenance(
        f"urn:govledger:{log.lower()}:",
        dict(sorted(told.entities.items())),
        dict(sorted(told.activities.items())),
        dict(sorted(told.agents.items())),
        {name: tuple(sorted(told.relations[name])) for name in RELATIONS},
    )


class _Teller:
    def __init__(self, conn: Connection, walk: Walk, names: Names) -> None:
        self._conn = conn
        self._walk = walk
        self._names = names
        self._nodes = {node.id: node for node in walk.nodes}
        self.entities: dict[str, Thing] = {}
        self.activities: dict[str, Thing] = {}
        self.agents: dict[str, Thing] = {}
        self.relations: dict[str, set[tuple[str, str]]] = defaultdict(set)

    def tell_nodes(self) -> None:
        """Data sets, and whose they are."""
        for node in self._walk.nodes:
            if node.kind == "job":
                continue
            entity = self._dataset(node)
            if node.entry is not None and node.namespace != ENTRY_NAMESPACE:
                self.relations["alternateOf"].add((entity, self._entry(node.entry)))
            if node.organisation is not None and node.namespace != ENTRY_NAMESPACE:
                self.relations["wasAttributedTo"].add((entity, self._agent(node.organisation)))

    def tell_edges(self) -> None:
        """Who read and wrote what, and so what comes from what."""
        runs = self._runs()
        inputs: dict[int, set[str]] = defaultdict(set)
        outputs: dict[int, set[str]] = defaultdict(set)
        for edge in self._walk.edges:
            source, target = self._nodes.get(edge.source), self._nodes.get(edge.target)
            if edge.origin == "rule" or source is None or target is None:
                continue
            reads = target.kind == "job"
            job, other = (target, source) if reads else (source, target)
            activity, entity = self._activity(edge, job, runs), self._dataset(other)
            if reads:
                inputs[job.id].add(entity)
                self.relations["used"].add((activity, entity))
            else:
                outputs[job.id].add(entity)
                self.relations["wasGeneratedBy"].add((entity, activity))
        for job_id, written in outputs.items():
            self.relations["wasDerivedFrom"].update(
                (output, source) for output in written for source in inputs[job_id]
            )

    def tell_entries(self) -> None:
        """Editions and deliveries of the entries that the walk came by."""
        codes = {node.entry for node in self._walk.nodes if node.entry is not None}
        standing = catalogue.standing(self._conn, sorted(codes), as_of=self._walk.as_of)
        for code in sorted(codes):
            entry, known = self._entry(code), standing.get(code)
            if known is None:
                continue
            owner = self._agent(known.provider)
            edition = self._edition(code, known)
            self.relations["specializationOf"].add((edition, entry))
            self.relations["wasAttributedTo"].update({(entry, owner), (edition, owner)})
            self._delivery(code, entry)

    def _delivery(self, code: str, entry: str) -> None:
        found = deliveries.delivery(self._conn, code, None, self._walk.as_of)
        if found is None:
            return
        entity = _id("delivery", code, str(found.number))
        self.entities[entity] = Thing(
            entity,
            "Delivery",
            f"{code} · {found.number}",
            {
                "periodStart": found.period_start.isoformat(),
                "periodEnd": found.period_end.isoformat(),
                "rows": str(found.rows),
                "root": found.root,
                "leaf": str(found.leaf_from),
            },
        )
        self.relations["specializationOf"].add((entity, entry))
        edition = _id("edition", code, str(found.edition))
        if edition in self.entities:
            self.relations["wasDerivedFrom"].add((entity, edition))
        if found.organisation is not None:
            self.relations["wasAttributedTo"].add((entity, self._agent(found.organisation.code)))

    def _edition(self, code: str, known: EntrySummary) -> str:
        number = known.published_edition or known.edition
        entity = _id("edition", code, str(number))
        told = {
            "state": known.state,
            "library": known.library,
            "shareType": known.share_type,
            "grade": None if known.grade is None else str(known.grade),
        }
        said = {name: value for name, value in told.items() if value is not None}
        self.entities[entity] = Thing(entity, "Edition", f"{known.name or code} · {number}", said)
        return entity

    def _dataset(self, node: Node) -> str:
        if node.namespace == ENTRY_NAMESPACE:
            return self._entry(node.name)
        entity = _id("dataset", node.namespace, node.name)
        self.entities[entity] = Thing(
            entity, "DataSet", node.name, {"namespace": node.namespace, "name": node.name}
        )
        return entity

    def _entry(self, code: str) -> str:
        entity = _id("entry", code)
        label = self._names.entries.get(code, code)
        self.entities[entity] = Thing(entity, "Entry", label, {"code": code})
        return entity

    def _agent(self, code: str) -> str:
        agent = _id("organisation", code)
        label = self._names.organisations.get(code, code)
        self.agents[agent] = Thing(agent, "Organisation", label, {"code": code})
        return agent

    def _activity(
        self, edge: Edge, job: Node, runs: dict[int, tuple[int | None, int | None]]
    ) -> str:
        told = {"namespace": job.namespace, "name": job.name}
        if edge.origin == "step":
            activity, kind = _id("step", job.name), "Step"
            thing = Thing(activity, kind, job.name, told | {"leaf": str(edge.leaf)})
        elif edge.run is not None:
            activity = _id("run", job.namespace, job.name, edge.run)
            started, ended = runs.get(run_number(job.id, edge.run), (None, None))
            thing = Thing(
                activity, "Run", job.name, told | {"run": edge.run}, _time(started), _time(ended)
            )
        else:
            activity = _id("job", job.namespace, job.name)
            thing = Thing(activity, "Job", job.name, told)
        self.activities[activity] = thing
        if job.organisation is not None:
            who = self._agent(job.organisation)
            self.relations["wasAssociatedWith"].add((activity, who))
        return activity

    def _runs(self) -> dict[int, tuple[int | None, int | None]]:
        """When the runs of the walk began and ended, in microseconds since 1970."""
        wanted = sorted(
            {
                run_number(job, edge.run)
                for edge in self._walk.edges
                if edge.run is not None
                for job in (edge.source, edge.target)
                if job in self._nodes and self._nodes[job].kind == "job"
            }
        )
        return dict(self._run_rows(wanted))

    def _run_rows(self, wanted: list[int]) -> Iterator[tuple[int, tuple[int | None, int | None]]]:
        for start in range(0, len(wanted), _CHUNK):
            asked = select(RUNS.c.id, RUNS.c.started_at, RUNS.c.ended_at).where(
                RUNS.c.id.in_(wanted[start : start + _CHUNK])
            )
            for row in self._conn.execute(asked):
                yield row.id, (row.started_at, row.ended_at)


def _id(*parts: str) -> str:
    """A name that is a part of a URN (RFC 8141) and a local name of PROV: everything else is escaped."""
    return ":".join(quote(part, safe="") for part in parts)


def _time(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    try:
        moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    fraction = f".{microseconds % 1_000_000:06d}" if microseconds % 1_000_000 else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"
