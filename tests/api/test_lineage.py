"""Lineage events over HTTP: the real client in every mode, and everything that is refused."""

from __future__ import annotations

import gzip
import json
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    Dataset,
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import schema_dataset

from api.intake import Intake
from api.problems import Problem
from ledger.access import tokens
from ledger.access.tokens import LINEAGE_WRITE
from ledger.journal.committing import Committer
from ledger.journal.errors import UnwritableJournal
from ledger.lineage import queries
from ledger.lineage.entries import event_of
from ledger.merkle import leaf_hash
from ledger.merkle_verify import verify_inclusion
from tests.api.district import SCHOOLS, District
from tests.api.test_shape import check_problem
from tests.lineage.events import encoded, entries, run_event

PATH = "/api/v1/lineage"
PRODUCER = "https://example.org/airflow"


@pytest.fixture(scope="module")
def token(district: District) -> str:
    text, _ = tokens.create(
        district.office.desk_engine, [LINEAGE_WRITE], days=1, organisation=SCHOOLS
    )
    return text


@pytest.fixture
def sender(client: httpx.Client, token: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=client.base_url,
        headers={"authorization": f"Bearer {token}", "accept-language": "en"},
        trust_env=False,
        timeout=60,
    ) as made:
        yield made


def kept(district: District, position: int) -> tuple[Any, dict[str, Any]]:
    """How an event came, and what it says."""
    coming, event = event_of(district.office.lineage.journal.entry(position))
    return coming, json.loads(event)


def folded(district: District) -> int:
    """Wait until the server has made edges of all that there is; returns how much that is."""
    keeper = district.office.lineage
    ends = time.monotonic() + 60
    while keeper.edges.folded() < keeper.journal.size and time.monotonic() < ends:
        time.sleep(0.02)
    assert keeper.edges.folded() == keeper.journal.size
    return keeper.journal.size


def post(sender: httpx.Client, event: Any, **headers: str) -> httpx.Response:
    body = event if isinstance(event, bytes) else encoded(event)
    return sender.post(PATH, content=body, headers={"content-type": "application/json"} | headers)


def test_an_event_is_acknowledged_with_its_place_and_its_bytes_are_kept(
    sender: httpx.Client, district: District, token: str
) -> None:
    body = json.dumps(run_event(1, inputs=("a",)) | {"未知": [1.50]}, indent=3, ensure_ascii=False)
    answer = post(sender, body.encode())
    assert answer.status_code == 201
    position = answer.json()["position"]
    entry = district.office.lineage.journal.entry(position)
    coming, event = event_of(entry)
    assert event == body.encode()
    assert (coming.by, coming.token, coming.door) == (SCHOOLS, token.split("_")[1], "api")
    journal = district.office.lineage.journal
    size = journal.size
    path = journal.inclusion(position, size)
    verify_inclusion(leaf_hash(entry), position, size, path, journal.root(size))


def emit_everything(client: OpenLineageClient, job: str) -> None:
    """One run with start and completion, one job, one data set."""
    now = datetime.now(UTC).isoformat()
    run, named = Run(runId=str(uuid.uuid4())), Job(namespace="airflow", name=job)
    fields = [schema_dataset.SchemaDatasetFacetFields(name="编号", type="text")]
    facets: Any = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
    source = InputDataset(namespace="db", name=f"{job}.in", facets=facets)
    output = OutputDataset(namespace="db", name=f"{job}.out", facets=facets)
    for state in (RunState.START, RunState.COMPLETE):
        client.emit(
            RunEvent(
                eventTime=now,
                producer=PRODUCER,
                run=run,
                job=named,
                eventType=state,
                inputs=[source],
                outputs=[output] if state is RunState.COMPLETE else [],
            )
        )
    client.emit(JobEvent(eventTime=now, producer=PRODUCER, job=named, inputs=[source], outputs=[]))
    client.emit(
        DatasetEvent(
            eventTime=now,
            producer=PRODUCER,
            dataset=Dataset(namespace="db", name=f"{job}.alone", facets=facets),
        )
    )


def transport(kind: str, url: str, token: str) -> dict[str, Any]:
    """The client's configuration for a mode."""
    http: dict[str, Any] = {
        "type": "http",
        "url": url,
        "auth": {"type": "api_key", "apiKey": token},
        "retry": {"total": 3, "backoff_factor": 0.01},
    }
    compressed = http | {"compression": "gzip"}
    later = compressed | {"type": "async_http"}
    composite = {
        "type": "composite",
        "continue_on_failure": False,
        "transports": {"a": http, "b": later},
    }
    return {"http": http, "gzip": compressed, "async": later, "composite": composite}[kind]


@pytest.mark.parametrize(
    ("kind", "times"), [("http", 1), ("gzip", 1), ("async", 1), ("composite", 2)]
)
def test_the_real_client_hands_in_by_every_transport(
    url: str, district: District, token: str, kind: str, times: int
) -> None:
    before = folded(district)
    client = OpenLineageClient(config={"transport": transport(kind, url, token)})
    emit_everything(client, f"job-{kind}")
    assert client.close(timeout=30)
    assert folded(district) == before + 4 * times
    # In any order: the client's own threads send them.
    came = [kept(district, before + place) for place in range(4 * times)]
    jobs = [event["job"]["name"] for _, event in came if "job" in event]
    assert jobs == [f"job-{kind}"] * 3 * times
    assert {coming.by for coming, _ in came} == {SCHOOLS}
    with district.office.read() as connection:
        assert queries.counts(connection).flagged == 0


class _Flaky:
    """Refuses with 503 some times, then lets through."""

    def __init__(self, app: Any, times: int) -> None:
        self.app, self.times, self.asked = app, times, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked += 1
            if self.asked <= self.times:
                raise Problem("overloaded", detail=_NOTHING, headers={"retry-after": "0"})
        await self.app(scope, receive, send)


_NOTHING: Any = type("Said", (), {"en": "busy", "zh": "忙", "of": lambda _self, _: "busy"})()


@pytest.mark.parametrize("kind", ["http", "async"])
def test_the_real_client_tries_again_after_push_back(
    app: FastAPI, url: str, district: District, token: str, kind: str
) -> None:
    guard: Any = app.middleware_stack
    while type(guard).__name__ != "Guard":
        guard = guard.app
    inner, express = guard.app, app.express  # type: ignore[attr-defined]
    guard.app = flaky = _Flaky(inner, times=2)
    app.express = None  # type: ignore[attr-defined] # all of it comes by where it is pushed back
    try:
        before = district.office.lineage.journal.size
        client = OpenLineageClient(config={"transport": transport(kind, url, token)})
        emit_everything(client, f"again-{kind}")
        assert client.close(timeout=30)
    finally:
        guard.app, app.express = inner, express  # type: ignore[attr-defined]
    assert flaky.asked == 6
    assert district.office.lineage.journal.size == before + 4


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "token_missing"),
        ("Basic abc", 401, "token_missing"),
        ("Bearer", 401, "token_missing"),
        ("Bearer nonsense", 401, "token_refused"),
        (f"Bearer glt_{'0' * 12}_{'A' * 43}", 401, "token_refused"),
    ],
)
def test_without_a_good_token_nothing_is_taken(
    client: httpx.Client, district: District, header: str | None, status: int, code: str
) -> None:
    before = district.office.lineage.journal.size
    headers = {"authorization": header} if header else {}
    answer = client.post(PATH, content=encoded(run_event(1)), headers=headers)
    assert answer.status_code == status
    assert check_problem(answer)["code"] == code
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert district.office.lineage.journal.size == before


def test_ended_tokens_and_tokens_for_something_else_are_refused(
    client: httpx.Client, district: District
) -> None:
    desk = district.office.desk_engine
    expired, _ = tokens.create(desk, [LINEAGE_WRITE], days=1, now=time.time() - 100_000)
    revoked, told = tokens.create(desk, [LINEAGE_WRITE], days=1)
    tokens.revoke(desk, told.id)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(tokens.SCOPES, "other:scope", ("别的", "something else"))
        other, _ = tokens.create(desk, ["other:scope"], days=1)
    for text, code in (
        (expired, "token_refused"),
        (revoked, "token_refused"),
        (other, "scope_missing"),
    ):
        answer = client.post(
            PATH, content=encoded(run_event(1)), headers={"authorization": f"Bearer {text}"}
        )
        assert check_problem(answer)["code"] == code


def test_anybody_may_hand_in_where_the_setting_says_so(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = district.office.settings
    monkeypatch.setattr(district.office, "settings", _with(settings, anonymous_lineage="yes"))
    answer = client.post(PATH, content=encoded(run_event(1)))
    assert answer.status_code == 201
    assert kept(district, answer.json()["position"])[0].by == ""
    bad = client.post(PATH, content=encoded(run_event(1)), headers={"authorization": "Bearer x"})
    assert bad.status_code == 401


def _with(settings: Any, **changes: Any) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    return replace(settings, **changes)


def test_a_malformed_event_is_refused_with_its_pointers_in_both_languages(
    sender: httpx.Client, district: District
) -> None:
    before = district.office.lineage.journal.size
    event = run_event(1) | {"run": {"runId": 4}, "eventTime": "soon"}
    answer = post(sender, event)
    assert answer.status_code == 422
    problem = check_problem(answer)
    assert [fault["pointer"] for fault in problem["errors"]] == ["/eventTime", "/run/runId"]
    chinese = check_problem(post(sender, event, **{"accept-language": "zh"}))
    assert "不是形如" in chinese["errors"][0]["detail"]
    assert district.office.lineage.journal.size == before


@pytest.mark.parametrize(
    ("body", "headers", "wanted"),
    [
        (b"{", {}, (400, "malformed_request")),
        (b"\xff\xfe", {}, (400, "malformed_request")),
        (b"[" * 50_000, {}, (400, "malformed_request")),
        (b"{}", {"content-type": "text/plain"}, (415, "unsupported_media_type")),
        (b"{}", {"content-encoding": "br"}, (415, "unsupported_media_type")),
        (b"{}", {"content-encoding": "gzip"}, (400, "malformed_request")),
        (gzip.compress(b"{}")[:-4], {"content-encoding": "gzip"}, (400, "malformed_request")),
        (gzip.compress(bytes(40 << 20)), {"content-encoding": "gzip"}, (413, "body_too_large")),
        (bytes((32 << 20) + 1), {}, (413, "body_too_large")),
    ],
    ids=["cut", "bytes", "deep", "text", "brotli", "plain", "torn", "bomb", "long"],
)
@pytest.mark.parametrize("path", [PATH, PATH + "/batch"])
def test_what_cannot_be_read_is_told_apart(
    sender: httpx.Client, path: str, body: bytes, headers: dict[str, str], wanted: tuple[int, str]
) -> None:
    told = {"content-type": "application/json"} | headers
    answer = sender.post(path, content=body, headers=told)
    assert (answer.status_code, check_problem(answer)["code"]) == wanted


def test_gzip_in_several_members_and_slices_is_one_body(
    sender: httpx.Client, district: District
) -> None:
    event = run_event(1, inputs=tuple(f"t{number}" for number in range(8_000)))
    body = encoded(event)
    assert len(body) > 1 << 18
    parts = gzip.compress(body[:100]) + gzip.compress(body[100:])
    answer = post(sender, parts, **{"content-encoding": "gzip"})
    assert answer.status_code == 201
    assert kept(district, answer.json()["position"])[1] == event
    chunks = sender.post(
        PATH,
        content=(parts[at : at + 7] for at in range(0, len(parts), 7)),
        headers={"content-encoding": "gzip", "content-type": "application/json"},
    )
    assert chunks.status_code == 201


def test_an_event_of_twenty_megabytes_is_kept_whole(
    sender: httpx.Client, district: District
) -> None:
    event = run_event(1, job="large")
    event["job"]["facets"] = {
        "sql": {"_producer": "p", "_schemaURL": "s", "query": "长" * 7_000_000}
    }
    body = encoded(event)
    assert len(body) > 20_000_000
    answer = post(sender, gzip.compress(body, 1), **{"content-encoding": "gzip"})
    assert answer.status_code == 201
    entry = district.office.lineage.journal.entry(answer.json()["position"])
    assert event_of(entry)[1] == body
    folded(district)


def test_a_batch_that_is_all_good_has_nothing_to_say(
    sender: httpx.Client, district: District
) -> None:
    before = district.office.lineage.journal.size
    events = [run_event(number, inputs=("a",)) for number in range(3)]
    for body in (events, {"events": events}):
        assert sender.post(PATH + "/batch", json=body).status_code == 204
    assert sender.post(PATH + "/batch", json=[]).status_code == 204
    assert district.office.lineage.journal.size == before + 6
    assert kept(district, before + 1)[1] == events[1]


def test_a_batch_with_bad_events_names_them_and_keeps_the_others(
    sender: httpx.Client, district: District
) -> None:
    before = district.office.lineage.journal.size
    good, bad = run_event(1), run_event(2) | {"job": {}}
    answer = sender.post(PATH + "/batch", json=[good, bad, 4])
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "partial_success"
    assert told["summary"] == {
        "received": 3,
        "successful": 1,
        "failed": 2,
        "retriable": 0,
        "non_retriable": 2,
    }
    assert [one["index"] for one in told["failed_events"]] == [1, 2]
    assert "/job/namespace" in told["failed_events"][0]["reason"]
    assert district.office.lineage.journal.size == before + 1
    assert sender.post(PATH + "/batch", json=[bad]).json()["status"] == "failure"


@pytest.mark.parametrize("body", [b"4", b'{"events": 4}', b'{"a": []}'])
def test_a_batch_that_is_no_array_is_refused(sender: httpx.Client, body: bytes) -> None:
    answer = sender.post(PATH + "/batch", content=body)
    assert (answer.status_code, check_problem(answer)["code"]) == (422, "validation_failed")


def test_repeated_and_late_events_are_taken_and_make_one_edge(
    sender: httpx.Client, district: District
) -> None:
    name = f"late-{uuid.uuid4()}"
    start = run_event(7, "START", 1, job=name, inputs=("x",))
    done = run_event(7, "COMPLETE", 2, job=name, outputs=("y",))
    for event in (done, done, start, start, done):
        assert post(sender, event).status_code == 201
    folded(district)
    with district.office.read() as connection:
        before = queries.counts(connection).edges
    assert post(sender, start).status_code == 201
    folded(district)
    with district.office.read() as connection:
        assert queries.counts(connection).edges == before


def test_many_at_once_are_each_kept_once(url: str, district: District, token: str) -> None:
    before = district.office.lineage.journal.size
    failures: list[object] = []

    def send(number: int) -> None:
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as one:
            for turn in range(15):
                event = run_event(number * 100 + turn, job=f"many-{number}-{turn}")
                answer = one.post(PATH, content=encoded(event))
                if answer.status_code != 201:
                    failures.append(answer.text)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    journal = district.office.lineage.journal
    assert journal.size == before + 120
    names = {json.loads(event_of(entry)[1])["job"]["name"] for entry in journal.entries(before)}
    assert len(names) == 120


def test_too_much_at_once_is_pushed_back_and_nothing_of_it_is_kept(
    sender: httpx.Client, district: District, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = app.state.context
    before = district.office.lineage.journal.size
    stuck = Committer(district.office.lineage.journal, most_waiting=10)
    stuck.submit([b"x" * 20], lambda *_: None)  # never started: it stays full
    monkeypatch.setattr(context, "intake", Intake(lambda: stuck))
    answer = post(sender, run_event(1))
    assert (answer.status_code, check_problem(answer)["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    intake = Intake(lambda: stuck, most_in_hand=10)
    intake._in_hand = 1
    monkeypatch.setattr(context, "intake", intake)
    assert post(sender, run_event(1)).status_code == 503
    assert intake._in_hand == 1
    assert district.office.lineage.journal.size == before


def test_a_disk_that_refuses_is_told_and_can_be_tried_again(
    sender: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> int:
        raise UnwritableJournal("no space is left")

    monkeypatch.setattr(district.office.lineage.journal, "append", full)
    answer = post(sender, run_event(1))
    assert (answer.status_code, check_problem(answer)["code"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"
    monkeypatch.undo()
    assert post(sender, run_event(1)).status_code == 201


def test_how_far_the_edges_are_is_shown(client: httpx.Client, district: District) -> None:
    district.office.lineage.append(
        [entry.partition(b"\n")[2] for entry in entries(run_event(1))], door="sql", organisation=""
    )
    size = folded(district)
    told = client.get("/readyz").json()["checks"]["lineage"]
    assert told == {"ok": True, "error": None, "journal_size": size, "folded": size}
    assert f"govledger_lineage_folded {float(size)}" in client.get("/metrics").text
