"""Which deliveries hang on edges: those that runs name, by number or root, else those of their time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger.deliveries.projection import PROJECTION as DELIVERIES
from ledger.deliveries.statements import deliver
from ledger.lineage import graph
from ledger.lineage.delivered import hung
from ledger.lineage.identity import dataset_number
from ledger.lineage.projection import PROJECTION
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from tests.deliveries import drafts
from tests.lineage.events import NAMESPACE, dataset, run_event
from tests.lineage.test_edges import Desk
from tests.lineage.test_graph import Office
from tests.lineage.test_projection import WATER, attributed, rule
from tests.organisations.scribe import FAR, START

TABLE = "schools"


def ran(
    run: int, seconds: int, job: str, version: str | None = None, **named: Any
) -> dict[str, Any]:
    """A run that reads, or writes, the table of the entry; so many seconds after the first block."""
    facets = {"version": {"datasetVersion": version}} if version else {}
    table = dataset(TABLE, **facets)
    event = run_event(run, job=job, **(named or {"inputs": (table,)}))
    if "outputs" in named:
        event["outputs"] = [table]
    event["eventTime"] = datetime.fromtimestamp(START + seconds, UTC).isoformat()
    return event


def test_runs_read_what_they_name_or_what_was_there(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    office = Office(desk.engine, [ORGANISATIONS, PROJECTION, DELIVERIES])
    first = drafts.delivery()
    second = drafts.delivery(
        version=2, manifest=0, predecessor=drafts.ROOT, root="ab" * 32, complete=False
    )
    office.write(attributed(rule(entry=drafts.ENTRY, namespace="*", name=TABLE)))
    for arrived in (first, second):
        office.write(deliver([arrived], speaker=WATER, deadline=FAR))
    assert office.flags == {}
    desk.tell(
        ran(1, 99, "by number", "delivery:1"),
        ran(2, 99, "by root", "0x" + drafts.ROOT.upper()),
        ran(3, 99, "by time"),
        ran(4, 15, "in between"),
        ran(5, 5, "before all"),
        ran(6, 99, "other words", "v2026"),
        ran(7, 99, "no such number", "delivery:9"),
        # Of a job that runs again what its newest run says.
        ran(8, 99, "again", "delivery:2"),
        ran(9, 120, "again", "delivery:1"),
        ran(10, 99, "writes", "delivery:2", outputs=()),
        ran(11, 99, "writes unnamed", outputs=()),
    )
    table = dataset_number(NAMESPACE, TABLE)
    with desk.engine.connect() as conn:
        walk = graph.walk(conn, [table], direction="both", depth=1)
        found = hung(conn, walk, {table: drafts.ENTRY})
        early = hung(conn, walk, {table: drafts.ENTRY}, as_of=2)
    names = {node.id: node.name for node in walk.nodes}
    told = {
        names[edge.target if edge.source == table else edge.source]: (one.delivery.number, one.how)
        for edge, one in found.items()
    }
    assert told == {
        "by number": (1, "number"),
        "by root": (1, "root"),
        "by time": (2, "time"),
        "in between": (1, "time"),
        "other words": (2, "time"),
        "no such number": (2, "time"),
        "again": (1, "number"),
        "writes": (2, "number"),
    }
    assert {one.delivery.number for one in early.values()} == {1}
    again = next(one for edge, one in found.items() if names[edge.target] == "again")
    assert again.run == ran(9, 120, "again")["run"]["runId"]
    desk.close()
