"""Whether bytes are an OpenLineage event, and if not, where not (specification 2-0-2).

:func:`check` gives the verdict of the specification's JSON Schema, with the formats ``date-time`` and
``uuid`` held to (an edge needs a time, a run a name) and ``uri`` not. Most events pass a compiled decoder,
which looks at no more than the schema does; whatever it does not pass is walked member by member, so that
every fault gets its JSON Pointer (RFC 6901) and rare shapes their exact verdict. Facets are open: beyond
``_producer`` and ``_schemaURL`` nothing in them is looked at, and all of it is kept.

Two readings of the date format are wider than RFC 3339: a time without offset is taken as UTC, and fractions
of a second may have any number of digits, because clients in use send both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
MOST_FAULTS = 50
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)


class Fault(NamedTuple):
    """A value at fault: JSON Pointer, a machine-readable code, and why, in English and Chinese."""

    pointer: str
    code: str
    en: str
    zh: str


class NotJson(ValueError):
    """Bytes that are no JSON document in UTF-8; the text says where."""


class _Facet(msgspec.Struct):
    producer: str = msgspec.field(name="_producer")
    schema_url: str = msgspec.field(name="_schemaURL")


class _DeletableFacet(_Facet):
    deleted: bool = msgspec.field(name="_deleted", default=False)


class _Run(msgspec.Struct, rename="camel"):
    run_id: str
    facets: dict[str, _Facet] = {}


class _Job(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, _DeletableFacet] = {}


class _Dataset(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, _DeletableFacet] = {}


class _Input(_Dataset, rename="camel"):
    input_facets: dict[str, _Facet] = {}


class _Output(_Dataset, rename="camel"):
    output_facets: dict[str, _Facet] = {}


class _Event(msgspec.Struct):
    event_time: str = msgspec.field(name="eventTime")
    producer: str
    schema_url: str = msgspec.field(name="schemaURL")
    event_type: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] | UnsetType = (
        msgspec.field(name="eventType", default=UNSET)
    )
    run: _Run | UnsetType = UNSET
    job: _Job | UnsetType = UNSET
    dataset: _Dataset | UnsetType = UNSET
    inputs: list[_Input] | UnsetType = UNSET
    outputs: list[_Output] | UnsetType = UNSET


_FAST = msgspec.json.Decoder(_Event)


def check(event: bytes) -> list[Fault]:
    """What is wrong with an event, nothing where it is one; raises :class:`NotJson`."""
    try:
        # Members that nobody looks at are passed over undecoded, so that their bytes are checked here.
        event.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from error
    try:
        if _passes(_FAST.decode(event)):
            return []
    except msgspec.ValidationError:
        pass  # well-formed; what is wrong with it is found below
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error) or "nested too deep") from error
    try:
        document = msgspec.json.decode(event)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(str(error) or "nested too deep") from error
    return faults_of(document)


def _passes(event: _Event) -> bool:
    """Whether it is plainly one of the three kinds; False says nothing yet."""
    if not is_time(event.event_time):
        return False
    if event.job is not UNSET and event.dataset is UNSET:
        return event.run is UNSET or _UUID.fullmatch(event.run.run_id) is not None
    return event.dataset is not UNSET and event.job is UNSET and event.run is UNSET


def is_time(text: str) -> bool:
    """Whether a text is a date and time as events give them."""
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    try:
        datetime.fromisoformat(found[1].upper().replace(" ", "T") + (found[3] or "Z").upper())
    except ValueError:
        return False
    return True


def faults_of(document: object) -> list[Fault]:
    """What is wrong with a parsed event, at most :data:`MOST_FAULTS` faults."""
    if not isinstance(document, Mapping):
        return [_wrong_type("", "object")]
    kinds = _kinds(document)
    if len(kinds) > 1:
        return [
            Fault(
                "",
                "ambiguous",
                "it is a job event and a dataset event at once: leave out `job` or `dataset`",
                "同时是作业事件和数据集事件：请去掉 job 或 dataset",
            )
        ]
    return [] if kinds else _explained(document)


def _kinds(event: Mapping[str, Any]) -> list[str]:
    """The definitions of the schema that an event satisfies; it must be exactly one."""
    if any(_base(event)):
        return []
    run_event = "run" in event and "job" in event and not any(_run_event(event))
    dataset_event = (
        "dataset" in event
        and not ("run" in event and "job" in event)
        and not any(_dataset(event["dataset"], "/dataset"))
    )
    job_event = "job" in event and "run" not in event and not any(_job_event(event))
    told = {"RunEvent": run_event, "DatasetEvent": dataset_event, "JobEvent": job_event}
    return [name for name, satisfied in told.items() if satisfied]


def _explained(event: Mapping[str, Any]) -> list[Fault]:
    """The faults against the kind that the event's keys say it is."""
    found = list(_base(event))
    if "run" in event or ("eventType" in event and "dataset" not in event):
        found += [_missing(key) for key in ("run", "job") if key not in event]
        found += _run_event(event)
    elif "job" in event:
        found += _job_event(event)
    elif "dataset" in event:
        found += _dataset(event["dataset"], "/dataset")
    else:
        found.append(
            Fault(
                "",
                "missing",
                "neither `run` and `job`, nor `job`, nor `dataset`: no event says nothing",
                "既没有 run 和 job，也没有 job 或 dataset",
            )
        )
    return found[:MOST_FAULTS]


def _base(event: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _texts(event, "", "eventTime", "producer", "schemaURL")
    time = event.get("eventTime")
    if isinstance(time, str) and not is_time(time):
        yield Fault(
            "/eventTime",
            "date-time",
            f"{time[:60]!r} is no time such as 2026-05-01T12:00:00+08:00",
            f"{time[:60]!r} 不是形如 2026-05-01T12:00:00+08:00 的时间",
        )


def _run_event(event: Mapping[str, Any]) -> Iterator[Fault]:
    if "eventType" in event and event["eventType"] not in EVENT_TYPES:
        yield Fault(
            "/eventType",
            "enum",
            f"{str(event['eventType'])[:60]!r} is none of {', '.join(EVENT_TYPES)}",
            f"{str(event['eventType'])[:60]!r} 不是 {'、'.join(EVENT_TYPES)} 之一",
        )
    if "run" in event:
        yield from _run(event["run"])
    yield from _job_event(event)


def _job_event(event: Mapping[str, Any]) -> Iterator[Fault]:
    if "job" in event:
        yield from _named(event["job"], "/job", _deletable_facet)
    for key, facets in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        listed = event.get(key, [])
        if not isinstance(listed, list):
            yield _wrong_type(f"/{key}", "array")
            continue
        for place, dataset in enumerate(listed):
            yield from _dataset(dataset, f"/{key}/{place}", facets)


def _run(run: object) -> Iterator[Fault]:
    if not isinstance(run, Mapping):
        yield _wrong_type("/run", "object")
        return
    yield from _texts(run, "/run", "runId")
    number = run.get("runId")
    if isinstance(number, str) and not _UUID.fullmatch(number):
        yield Fault(
            "/run/runId", "uuid", f"{number[:60]!r} is no UUID", f"{number[:60]!r} 不是 UUID"
        )
    yield from _facets(run, "/run", "facets", _facet)


def _dataset(dataset: object, at: str, more_facets: str = "") -> Iterator[Fault]:
    yield from _named(dataset, at, _deletable_facet)
    if more_facets and isinstance(dataset, Mapping):
        yield from _facets(dataset, at, more_facets, _facet)


_CheckFacet = Callable[[object, str], Iterator[Fault]]


def _named(value: object, at: str, facet: _CheckFacet) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield _wrong_type(at, "object")
        return
    yield from _texts(value, at, "namespace", "name")
    yield from _facets(value, at, "facets", facet)


def _facets(
    value: Mapping[str, Any], at: str, key: str, check_facet: _CheckFacet
) -> Iterator[Fault]:
    facets = value.get(key, {})
    if not isinstance(facets, Mapping):
        yield _wrong_type(f"{at}/{key}", "object")
        return
    for name, facet in facets.items():
        yield from check_facet(facet, f"{at}/{key}/{_escaped(name)}")


def _facet(facet: object, at: str) -> Iterator[Fault]:
    if not isinstance(facet, Mapping):
        yield _wrong_type(at, "object")
        return
    yield from _texts(facet, at, "_producer", "_schemaURL")


def _deletable_facet(facet: object, at: str) -> Iterator[Fault]:
    yield from _facet(facet, at)
    if isinstance(facet, Mapping) and not isinstance(facet.get("_deleted", False), bool):
        yield _wrong_type(f"{at}/_deleted", "boolean")


def _texts(value: Mapping[str, Any], at: str, *keys: str) -> Iterator[Fault]:
    for key in keys:
        if key not in value:
            yield _missing(key, at)
        elif not isinstance(value[key], str):
            yield _wrong_type(f"{at}/{key}", "string")


def _missing(key: str, at: str = "") -> Fault:
    return Fault(f"{at}/{key}", "missing", f"`{key}` is required", f"缺少 {key}")


_TYPES_ZH = {"object": "对象", "array": "数组", "string": "文本", "boolean": "true 或 false"}


def _wrong_type(at: str, kind: str) -> Fault:
    article = "an" if kind[0] in "ao" else "a"
    return Fault(at, "type", f"{article} {kind} is needed", f"应为{_TYPES_ZH[kind]}")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
