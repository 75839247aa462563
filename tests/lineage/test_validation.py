"""An event is what the specification's schema says it is, and a fault has its pointer."""

from __future__ import annotations

import copy
import json
import uuid
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from ledger.lineage.validation import NotJson, check, faults_of, is_time
from tests.lineage.events import dataset, encoded, facet, job_event, real_events, run_event


@pytest.fixture(scope="module")
def schema(shared_data: Path) -> Draft202012Validator:
    formats = FormatChecker(formats=())

    @formats.checks("uuid")
    def _uuid(value: object) -> bool:
        try:
            return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()
        except ValueError:
            return False

    @formats.checks("date-time")
    def _time(value: object) -> bool:
        return not isinstance(value, str) or is_time(value)

    text = (shared_data / "openlineage" / "schemas" / "OpenLineage.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text), format_checker=formats)


def pointers(event: dict[str, Any]) -> list[str]:
    return [fault.pointer for fault in check(encoded(event))]


def test_every_event_that_others_wrote_is_taken(shared_data: Path) -> None:
    events = real_events(shared_data)
    assert len(events) == 164
    assert [check(encoded(event)) for event in events] == [[]] * 164
    assert [faults_of(event) for event in events] == [[]] * 164


def test_every_event_that_breaks_the_schema_is_refused_with_its_pointer(shared_data: Path) -> None:
    wanted = ["/run/runId", "/schemaURL", "/schemaURL", "/schemaURL", "/producer"]
    for event, pointer in zip(
        real_events(shared_data, "schema_invalid.ndjson"), wanted, strict=True
    ):
        assert pointer in pointers(event)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"eventTime": "yesterday"}, ["/eventTime"]),
        ({"eventTime": "2026-02-30T00:00:00Z"}, ["/eventTime"]),
        ({"eventTime": 4}, ["/eventTime"]),
        ({"eventType": "DONE"}, ["/eventType"]),
        ({"eventType": None}, ["/eventType"]),
        ({"run": {"runId": "1"}}, ["/run/runId"]),
        ({"run": []}, ["/run"]),
        (
            {"run": {"runId": str(uuid.UUID(int=1)), "facets": {"a/b": {}}}},
            ["/run/facets/a~1b/_producer", "/run/facets/a~1b/_schemaURL"],
        ),
        ({"job": {"namespace": "n"}}, ["/job/name"]),
        ({"inputs": {}}, ["/inputs"]),
        ({"inputs": None}, ["/inputs"]),
        ({"outputs": [dataset("ok"), {"name": 4}]}, ["/outputs/1/namespace", "/outputs/1/name"]),
        ({"outputs": [dataset("x") | {"outputFacets": {"m": []}}]}, ["/outputs/0/outputFacets/m"]),
        (
            {"inputs": [dataset("x", schema={"_deleted": "yes"})]},
            ["/inputs/0/facets/schema/_deleted"],
        ),
    ],
)
def test_a_fault_is_named_where_it_is(change: dict[str, Any], wanted: list[str]) -> None:
    assert pointers(run_event(1) | change) == wanted
    for fault in check(encoded(run_event(1) | change)):
        assert fault.en.isascii()
        assert not fault.zh.isascii()


def test_kinds_are_told_apart_by_their_keys() -> None:
    bare = {key: run_event(1)[key] for key in ("eventTime", "producer", "schemaURL")}
    job, run, data = run_event(1)["job"], run_event(1)["run"], dataset("t")
    assert pointers(bare | {"job": job}) == []
    assert pointers(bare | {"dataset": data}) == []
    assert pointers(bare | {"dataset": data, "run": run}) == []
    assert pointers(bare | {"dataset": data, "run": run, "job": job}) == []
    assert pointers(bare | {"job": job, "dataset": {}}) == []
    assert pointers(bare | {"job": job, "dataset": data}) == [""]
    assert pointers(bare) == [""]
    assert pointers(bare | {"eventType": "START"}) == ["/run", "/job"]
    assert pointers(bare | {"run": run}) == ["/job"]


def test_unknown_facets_and_members_are_nobodys_business() -> None:
    event = run_event(1, inputs=(dataset("t", strange={"x": [1, {"y": None}]}),))
    assert pointers(event | {"extension": {"a": 1}, "run": event["run"] | {"more": 1}}) == []


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01T12:00:00.123456789+08:00",
        "2020-12-28T11:51:57.998",
        "2026-05-01t12:00:00z",
        "2026-05-01 12:00:00+0800",
    ],
)
def test_times_as_clients_send_them_are_times(text: str) -> None:
    assert is_time(text)


@pytest.mark.parametrize(
    "text", ["2026-05-01", "12:00:00", "2026-05-01T25:00:00Z", "", "２026-05-01T12:00:00Z"]
)
def test_other_texts_are_not(text: str) -> None:
    assert not is_time(text)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1,]", b'{"a": NaN}', b"\xff", b'{"x":"\xe4\xb8"}', b"[" * 100_000],
)
def test_what_is_no_json_in_utf8_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson):
        check(body)


def test_what_is_no_object_is_refused() -> None:
    assert [fault.pointer for fault in check(b"[]")] == [""]
    assert [fault.code for fault in check(b"4")] == ["type"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
WHOLE = [
    run_event(
        1,
        inputs=(dataset("a", schema={"fields": []}),),
        outputs=(dataset("b") | {"outputFacets": {"m": facet()}},),
        run_facets={"parent": facet(run={"runId": "x"})},
    ),
    job_event(1, inputs=(dataset("a") | {"inputFacets": {"q": facet(_deleted=1)}},)),
    {key: value for key, value in run_event(1).items() if key not in {"run", "job", "eventType"}}
    | {"dataset": dataset("t", schema={"_deleted": True})},
]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [at, *(place for key, member in inner for place in places(member, (*at, key)))]


@given(
    st.sampled_from(WHOLE),
    st.randoms(use_true_random=False),
    st.lists(JSON, min_size=1, max_size=2),
)
@settings(max_examples=300)
def test_the_verdict_is_that_of_the_schema(
    schema: Draft202012Validator, event: dict[str, Any], chance: Random, values: list[Any]
) -> None:
    """An event with members replaced, taken out or added: both say the same of it."""
    event = copy.deepcopy(event)
    for value in values:
        where = chance.choice(places(event))
        if not where:
            event[chance.choice(["job", "run", "dataset", "eventType", "inputs", "odd"])] = value
            continue
        holder: Any = event
        for step in where[:-1]:
            holder = holder[step]
        if chance.random() < 0.4 and isinstance(holder, dict):
            del holder[where[-1]]
        else:
            holder[where[-1]] = value
    assert (check(encoded(event)) == []) == schema.is_valid(event)
    assert faults_of(event) == check(encoded(event))
