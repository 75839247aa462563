"""The graph over HTTP: one screen of provenance, Marquez's graphs, raw events."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.api.district import BUREAU, DARK, SCHOOLS, STEP, District
from tests.api.test_shape import check_problem
from tests.lineage.events import encoded, facet, run_event

ENTRY = "301001/000001"
SPACE = "postgres://edu-graph:5432"
PROVENANCE = f"/api/v1/provenance/{ENTRY}"
YEAR = 2099


def table(name: str, **facets: Any) -> dict[str, Any]:
    told = {key: facet(**value) for key, value in facets.items()}
    return {"namespace": SPACE, "name": name, "facets": told}


def happened(run: int, job: str, minute: int, **named: Any) -> dict[str, Any]:
    """A run event in a year of its own, so that these events are found alone."""
    event = run_event(1_000 + run, "COMPLETE", minute, job=job, **named)
    event["eventTime"] = str(event["eventTime"]).replace("2026", str(YEAR))
    return event


SAID = {"name": "xm", "field": "xm", "namespace": SPACE}
STORY = [
    happened(
        1,
        "graph.standardise",
        1,
        inputs=(table("ods.licences_g", version={"datasetVersion": "delivery:1"}),),
        outputs=(
            table(
                "std.licences",
                schema={"fields": [{"name": "name", "type": "text"}]},
                columnLineage={
                    "fields": {
                        "name": {
                            "inputFields": [
                                {"namespace": SPACE, "name": "ods.licences_g", "field": "xm"}
                            ]
                        }
                    }
                },
            ),
        ),
    ),
    happened(2, "graph.count", 2, inputs=(table("std.licences"),), outputs=(table("dm.count"),)),
    happened(3, "graph.other", 3, inputs=(table("ods.licences_g"),), outputs=(table("dm.other"),)),
]


@pytest.fixture(scope="module")
def told(district: District) -> int:
    """The events are in the journal, and edges follow from them; gives the position of the first."""
    keeper = district.office.lineage
    first = keeper.append([encoded(event) for event in STORY], door="api", organisation=SCHOOLS)
    while keeper.edges.folded() < keeper.journal.size:
        keeper.edges.catch_up()
    return first


@pytest.mark.usefixtures("told")
def test_one_screen_shows_where_an_entry_comes_from_and_what_hangs_on_it(
    client: httpx.Client,
) -> None:
    asked = {"direction": "downstream", "depth": 2}
    found = client.get(PROVENANCE, params=asked).json()
    nodes = {node["name"]: node for node in found["nodes"]}
    table, job = nodes["ods.licences_g"], nodes["graph.standardise"]
    assert (table["entry"], table["organisation"]["code"], table["rule"]) == (ENTRY, SCHOOLS, "R-1")
    assert (job["kind"], job["depth"], job["organisation"]["code"]) == ("job", 1, SCHOOLS)
    assert nodes["dm.count"]["depth"] == 2
    entry = found["entries"][ENTRY]
    assert entry["provider"]["code"] == SCHOOLS
    assert (entry["delivery"]["number"], entry["delivery"]["complete"]) == (1, True)
    assert entry["published_edition"] >= 1
    edges = {(edge["source"], edge["target"]): edge for edge in found["edges"]}
    read = edges[table["id"], job["id"]]
    assert read["delivery"] | {"leaf": 0} == {
        "entry": ENTRY,
        "number": 1,
        "leaf": 0,
        "by": "number",
        "run": STORY[0]["run"]["runId"],
    }
    # Where a run names none, the newest delivery that was there at its time.
    assert edges[table["id"], nodes["graph.other"]["id"]]["delivery"]["by"] == "time"
    assert found["continuation"] is None
    assert f"dataset:govledger:entry:{ENTRY}" in found["roots"]


@pytest.mark.usefixtures("told")
def test_steps_are_on_the_screen_and_kinds_choose(client: httpx.Client) -> None:
    found = client.get(PROVENANCE, params={"kind": "step,rule", "depth": 1}).json()
    step = next(node for node in found["nodes"] if node["name"] == STEP)
    assert {edge["origin"] for edge in found["edges"]} <= {"step", "rule"}
    assert any(
        edge["target"].endswith(ENTRY) and edge["leaf"] == step["leaf"] for edge in found["edges"]
    )
    problem = check_problem(client.get(PROVENANCE, params={"kind": "steps"}))
    assert problem["errors"][0]["pointer"] == "?kind"


@pytest.mark.usefixtures("told")
def test_pages_of_a_screen_are_of_one_moment_and_make_the_whole(client: httpx.Client) -> None:
    asked: dict[str, Any] = {"direction": "both", "depth": 3}
    whole = client.get(PROVENANCE, params=asked).json()
    nodes: list[Any] = []
    edges: list[Any] = []
    token: str | None = None
    while not nodes or token:
        more = {"limit": 3} | ({"continuation": token} if token else {})
        page = client.get(PROVENANCE, params=asked | more).json()
        assert page["as_of"] == whole["as_of"]
        nodes, edges, token = nodes + page["nodes"], edges + page["edges"], page["continuation"]
    assert (nodes, edges) == (whole["nodes"], whole["edges"])
    first = client.get(PROVENANCE, params=asked | {"limit": 3}).json()["continuation"]
    for changed in (asked | {"depth": 4, "continuation": first}, {"continuation": "none"}):
        assert check_problem(client.get(PROVENANCE, params=changed))["code"] == "invalid_cursor"


@pytest.mark.usefixtures("told")
def test_a_screen_as_of_a_size_shows_what_was_anchored_by_then(client: httpx.Client) -> None:
    early = client.get(PROVENANCE, params={"as_of": 1})
    assert check_problem(early)["code"] == "unknown_node"
    now = client.get(PROVENANCE, params={"depth": 1}).json()
    then = client.get(PROVENANCE, params={"depth": 1, "as_of": now["as_of"]}).json()
    # The journal of this office is not anchored: as of a size, only declared steps count.
    assert then["journal"] == 0
    assert STEP in {node["name"] for node in then["nodes"]}


@pytest.mark.usefixtures("told")
def test_one_column_is_traced_on_a_screen(client: httpx.Client) -> None:
    where = f"/api/v1/provenance/dataset:{SPACE}:std.licences"
    found = client.get(where, params={"column": "name", "depth": 1}).json()
    columns = [(one["dataset"], one["field"], one["depth"]) for one in found["columns"]]
    assert columns == [
        (f"dataset:{SPACE}:std.licences", "name", 0),
        (f"dataset:{SPACE}:ods.licences_g", "xm", 1),
    ]
    (edge,) = found["column_edges"]
    assert edge["job"] == "job:airflow:graph.standardise"
    assert ENTRY in found["entries"]
    # The table is one with its entry, over all of which a step decides by a column of another table.
    far = client.get(where, params={"column": "name"}).json()
    assert ("dataset:postgres://edu:5432:ods.licences", "id", 2) in {
        (one["dataset"], one["field"], one["depth"]) for one in far["columns"]
    }
    assert {one["kind"] for one in far["column_edges"]} >= {"RULE", "INDIRECT"}
    runs = client.get(where, params={"column": "name", "kind": "run"}).json()
    assert runs["columns"] == found["columns"]
    item = client.get(PROVENANCE, params={"column": "姓名", "depth": 1}).json()
    fields = {one["input"]["field"] for one in item["column_edges"] if one["job"]}
    assert fields == {"xm", "id"}


def test_an_entry_without_lineage_has_a_screen_and_an_unknown_one_has_none(
    client: httpx.Client,
) -> None:
    found = client.get("/api/v1/provenance/301001/000003").json()
    assert (found["nodes"], found["edges"], found["roots"]) == ([], [], [])
    assert set(found["entries"]) == {"301001/000003"}
    problem = check_problem(client.get("/api/v1/provenance/nothing"))
    assert problem["code"] == "unknown_node"


@pytest.mark.usefixtures("told")
def test_a_graph_is_shown_as_marquez_does(client: httpx.Client) -> None:
    node = f"dataset:{SPACE}:std.licences"
    found = client.get("/api/v1/lineage", params={"nodeId": node, "depth": 1}).json()
    nodes = {one["id"]: one for one in found["graph"]}
    job = "job:airflow:graph.standardise"
    assert set(nodes) == {
        node,
        job,
        "job:airflow:graph.count",
        f"dataset:{SPACE}:ods.licences_g",
        f"dataset:{SPACE}:dm.count",
    }
    assert nodes[node]["type"] == "DATASET"
    assert nodes[node]["data"]["id"] == {"namespace": SPACE, "name": "std.licences"}
    assert nodes[node]["data"]["fields"][0]["name"] == "name"
    assert nodes[node]["inEdges"] == [{"origin": job, "destination": node}]
    assert nodes[node]["outEdges"] == [{"origin": node, "destination": "job:airflow:graph.count"}]
    data = nodes[job]["data"]
    assert data["inputs"] == [{"namespace": SPACE, "name": "ods.licences_g"}]
    assert (data["type"], data["latestRun"]["state"]) == ("BATCH", "COMPLETED")
    assert data["latestRun"]["id"] == STORY[0]["run"]["runId"]
    named = {"namespace": SPACE, "name": "std.licences", "depth": 1}
    assert client.get("/api/v1/lineage", params=named).json() == found
    by_job = {"namespace": "airflow", "name": "graph.count", "type": "job", "depth": 1}
    assert client.get("/api/v1/lineage", params=by_job).json()["graph"][0]["id"].startswith("job:")


@pytest.mark.usefixtures("told")
def test_columns_are_shown_as_marquez_does(client: httpx.Client) -> None:
    node = f"dataset:{SPACE}:std.licences"
    path = "/api/v1/column-lineage"
    found = client.get(path, params={"nodeId": node, "depth": 1}).json()["graph"]
    nodes = {one["id"]: one for one in found}
    output = f"datasetField:{SPACE}:std.licences:name"
    source = f"datasetField:{SPACE}:ods.licences_g:xm"
    assert set(nodes) == {output, source}
    assert nodes[output]["data"]["fieldType"] == "text"
    assert nodes[output]["data"]["inputFields"][0]["field"] == "xm"
    assert nodes[output]["inEdges"] == [{"origin": output, "destination": source}]
    assert nodes[source]["outEdges"] == [{"origin": source, "destination": output}]
    for asked in (
        {"nodeId": output},
        {"nodeId": "job:airflow:graph.standardise"},
        {"namespace": SPACE, "name": "std.licences", "field": "name"},
    ):
        assert client.get(path, params=asked | {"depth": 1}).json()["graph"] == found
    down: dict[str, Any] = {"nodeId": source, "depth": 1}
    assert output not in {one["id"] for one in client.get(path, params=down).json()["graph"]}
    down["withDownstream"] = "true"
    assert output in {one["id"] for one in client.get(path, params=down).json()["graph"]}


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/column-lineage"])
def test_a_node_that_is_not_named_or_not_there_is_a_problem(
    client: httpx.Client, path: str
) -> None:
    assert check_problem(client.get(path))["code"] == "validation_failed"
    both = {"nodeId": "job:a:b", "name": "b"}
    assert check_problem(client.get(path, params=both))["code"] == "validation_failed"
    gone = client.get(path, params={"nodeId": "dataset:no:where"})
    assert check_problem(gone)["code"] == "unknown_node"


def test_events_come_byte_for_byte_by_the_time_that_they_tell(
    client: httpx.Client, told: int
) -> None:
    path, year = "/api/v1/events/lineage", {"after": f"{YEAR}-05-01T00:00:00Z"}
    answer = client.get(path, params=year)
    assert all(encoded(event) in answer.content for event in STORY)
    assert answer.json()["totalCount"] == len(STORY)
    assert [one["job"]["name"] for one in answer.json()["events"]] == [
        "graph.other",
        "graph.count",
        "graph.standardise",
    ]
    paged: list[Any] = []
    token: str | None = None
    while not paged or token:
        more: dict[str, Any] = {"sort": "asc", "limit": 1} | ({"cursor": token} if token else {})
        page = client.get(path, params=year | more).json()
        paged, token = paged + page["events"], page["next"]
    assert paged == STORY
    until = year | {"before": f"{YEAR}-05-01T00:02:00Z"}
    assert [one["job"]["name"] for one in client.get(path, params=until).json()["events"]] == [
        "graph.standardise"
    ]
    skipped = year | {"offset": 2, "sortDirection": "desc"}
    assert client.get(path, params=skipped).json()["events"] == STORY[:1]
    assert told >= 0
    assert check_problem(client.get(path, params={"after": "soon"}))["code"] == "validation_failed"
    assert client.get(path, params=year | {"as_of": 3}).json()["events"] == []


def test_an_event_too_long_for_a_page_stands_alone(
    client: httpx.Client, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.lineage_events.MOST_BYTES", 1)
    page = client.get("/api/v1/events/lineage", params={"after": f"{YEAR}-01-01"}).json()
    assert (len(page["events"]), page["totalCount"]) == (1, len(STORY))
    assert page["next"]
    assert told >= 0
    assert json.dumps(page["events"])


def test_a_declared_step_leads_to_what_no_entry_covers(client: httpx.Client) -> None:
    node = f"dataset:{DARK[0]}:{DARK[1]}"
    found = client.get(f"/api/v1/provenance/{node}", params={"depth": 1}).json()
    assert [one["id"] for one in found["nodes"][:2]] == [node, "job:govledger:step:S-2"]
    assert BUREAU not in {(one["organisation"] or {}).get("code") for one in found["nodes"]}
