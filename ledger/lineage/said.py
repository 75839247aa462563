"""What an OpenLineage event says, as far as edges follow from it (specification 2-0-2).

Lenient on purpose: what comes here was checked when it came (:mod:`ledger.lineage.validation`), so that
whatever cannot be read is told as :class:`Unreadable` and costs one entry, not the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ledger.lineage.entries import event_of
from ledger.lineage.identity import dataset_number, digest_number, job_number, run_number
from ledger.lineage.models import INPUT, LONGEST_NAME, OUTPUT

_Part = TypeVar("_Part")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DATASET_FACETS = frozenset(
    {
        "catalog",
        "dataSource",
        "datasetType",
        "documentation",
        "hierarchy",
        "lifecycleStateChange",
        "ownership",
        "schema",
        "storage",
        "symlinks",
        "tags",
    }
)
"""Facets of a data set that are kept as rows; all others stand in the journal, and only there."""
JOB_FACETS = frozenset(
    {"documentation", "jobType", "ownership", "sourceCodeLocation", "sql", "tags"}
)
DESIGNED, RAN = "design", "run"
TERMINAL = frozenset({"COMPLETE", "ABORT", "FAIL"})


class Unreadable(ValueError):
    """An entry from which no rows follow; the text says why."""


class Facet(NamedTuple):
    """A facet's name and JSON text; ``value`` None where it was deleted."""

    name: str
    value: str | None
    number: int


class Column(NamedTuple):
    """From a column of an input to a column of the output; ``output_field`` empty for the whole."""

    output_field: str
    input_id: int
    input_namespace: str
    input_name: str
    input_field: str
    kind: str
    subtype: str
    masking: bool
    description: str


class Columns(NamedTuple):
    """What an event says of one output's columns; equal numbers say the same."""

    number: int
    raw: bytes


class DatasetSaid(NamedTuple):
    """A data set that an event names."""

    id: int
    namespace: str
    name: str
    direction: int
    facets: tuple[Facet, ...]
    columns: Columns | None
    version: str | None


class JobSaid(NamedTuple):
    id: int
    namespace: str
    name: str
    facets: tuple[Facet, ...]


class RunSaid(NamedTuple):
    id: int
    run_id: str
    state: str | None
    nominal_start: str | None
    nominal_end: str | None
    parent_run: str | None
    parent_namespace: str | None
    parent_name: str | None


class Said(NamedTuple):
    """One event. ``at`` is its time in microseconds since 1970, UTC."""

    at: int
    organisation: str | None
    job: JobSaid | None
    run: RunSaid | None
    datasets: tuple[DatasetSaid, ...]
    names_inputs: bool
    names_outputs: bool


class _Dataset(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, Raw] = {}


class _Run(msgspec.Struct, rename="camel"):
    run_id: str
    facets: dict[str, Raw] = {}


class _Job(msgspec.Struct):
    namespace: str
    name: str
    facets: dict[str, Raw] = {}


class _Event(msgspec.Struct, rename="camel"):
    event_time: str
    event_type: str | None = None
    run: _Run | None = None
    job: _Job | None = None
    dataset: _Dataset | None = None
    inputs: list[_Dataset] | UnsetType = UNSET
    outputs: list[_Dataset] | UnsetType = UNSET


class _Parts(msgspec.Struct, rename="camel"):
    """An event whose data sets are left as they are: most were read a moment ago, byte for byte."""

    event_time: str
    event_type: str | None = None
    run: _Run | None = None
    job: _Job | None = None
    dataset: _Dataset | None = None
    inputs: list[Raw] | UnsetType = UNSET
    outputs: list[Raw] | UnsetType = UNSET


class _ParentRun(msgspec.Struct, rename="camel"):
    run_id: str = ""


class _ParentJob(msgspec.Struct):
    namespace: str = ""
    name: str = ""


class _Parent(msgspec.Struct):
    run: _ParentRun = msgspec.field(default_factory=_ParentRun)
    job: _ParentJob = msgspec.field(default_factory=_ParentJob)


class _Nominal(msgspec.Struct, rename="camel"):
    nominal_start_time: str | None = None
    nominal_end_time: str | None = None


class _Version(msgspec.Struct, rename="camel"):
    dataset_version: str | None = None


class _Deleted(msgspec.Struct):
    deleted: bool = msgspec.field(default=False, name="_deleted")


_EVENT = msgspec.json.Decoder(_Event)
_PARTS = msgspec.json.Decoder(_Parts)
_DATASET = msgspec.json.Decoder(_Dataset)
_REMEMBERED = 2_048
_REMEMBERED_BYTES = 8_192
"""Data sets whose bytes are longer are read anew each time."""
_PARENT = msgspec.json.Decoder(_Parent)
_NOMINAL = msgspec.json.Decoder(_Nominal)
_VERSION = msgspec.json.Decoder(_Version)
_DELETED = msgspec.json.Decoder(_Deleted)


def said(entry: bytes) -> Said:
    """What an entry of the lineage journal says; raises :class:`Unreadable`."""
    try:
        coming, event = event_of(entry)
        found, inputs, outputs = _parts(event)
        at = microseconds(found.event_time)
    except (ValueError, OverflowError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    job = _job(found.job) if found.job is not None else None
    run = _run(job, found) if job is not None and found.run is not None else None
    datasets: list[DatasetSaid] = []
    if job is not None:
        datasets += inputs
        datasets += outputs
    elif found.dataset is not None:
        datasets.append(_dataset(found.dataset, -1))
    return Said(
        at=at,
        organisation=coming.by or None,
        job=job,
        run=run,
        datasets=tuple(datasets),
        names_inputs=found.inputs is not UNSET,
        names_outputs=found.outputs is not UNSET,
    )


def _parts(event: bytes) -> tuple[_Parts, list[DatasetSaid], list[DatasetSaid]]:
    """An event, its inputs and its outputs; raises :class:`ValueError`, whose text names the place in the event."""
    try:
        found = _PARTS.decode(event)
        inputs = [] if found.inputs is UNSET else [_one(raw, INPUT) for raw in found.inputs]
        outputs = [] if found.outputs is UNSET else [_one(raw, OUTPUT) for raw in found.outputs]
    except ValueError:
        _EVENT.decode(event)  # says the same with the place in the whole
        raise
    return found, inputs, outputs


def _one(raw: Raw, direction: int) -> DatasetSaid:
    told = bytes(raw)
    if len(told) > _REMEMBERED_BYTES:
        return _dataset(_DATASET.decode(told), direction)
    return _known(told, direction)


@lru_cache(maxsize=_REMEMBERED)
def _known(told: bytes, direction: int) -> DatasetSaid:
    """A run tells its data sets at its start and again at its end, and the next run of its job the same."""
    return _dataset(_DATASET.decode(told), direction)


def microseconds(text: str) -> int:
    """An RFC 3339 time in microseconds since 1970, UTC; without offset it is UTC.

    Raises :class:`ValueError`.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def shown(text: str) -> str:
    """A name as a row keeps it: no U+0000, which PostgreSQL does not take, and of bounded length."""
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _job(job: _Job) -> JobSaid:
    number = job_number(job.namespace, job.name)
    return JobSaid(number, shown(job.namespace), shown(job.name), _facets(job.facets, JOB_FACETS))


def _run(job: JobSaid, event: _Parts) -> RunSaid:
    run = event.run
    if run is None:
        raise Unreadable("a run event without run")
    parent, nominal = _Parent(), _Nominal()
    if "parent" in run.facets:
        parent = _part(_PARENT, run.facets["parent"], parent)
    if "nominalTime" in run.facets:
        nominal = _part(_NOMINAL, run.facets["nominalTime"], nominal)
    return RunSaid(
        id=run_number(job.id, run.run_id),
        run_id=shown(run.run_id),
        state=event.event_type if event.event_type != "OTHER" else None,
        nominal_start=_optional(nominal.nominal_start_time),
        nominal_end=_optional(nominal.nominal_end_time),
        parent_run=_optional(parent.run.run_id),
        parent_namespace=_optional(parent.job.namespace),
        parent_name=_optional(parent.job.name),
    )


def _dataset(dataset: _Dataset, direction: int) -> DatasetSaid:
    facets = dataset.facets
    version = None
    if "version" in facets:
        version = _optional(_part(_VERSION, facets["version"], _Version()).dataset_version)
    columns = None
    told = facets.get("columnLineage", facets.get("lineage"))
    if direction == OUTPUT and told is not None:
        raw = bytes(told)
        columns = Columns(digest_number(raw), raw)
    return DatasetSaid(
        id=dataset_number(dataset.namespace, dataset.name),
        namespace=shown(dataset.namespace),
        name=shown(dataset.name),
        direction=direction,
        facets=_facets(facets, DATASET_FACETS),
        columns=columns,
        version=version,
    )


def _facets(facets: dict[str, Raw], kept: frozenset[str]) -> tuple[Facet, ...]:
    return tuple(_facet(name, bytes(facets[name])) for name in sorted(kept & facets.keys()))


def _facet(name: str, raw: bytes) -> Facet:
    if b'"_deleted"' in raw and _part(_DELETED, Raw(raw), _Deleted()).deleted:
        return Facet(name, None, -1)
    # An escaped U+0000 stays as its escape: the text of the JSON holds none.
    return Facet(name, raw.decode(), digest_number(raw))


def _part(decoder: msgspec.json.Decoder[_Part], raw: Raw, otherwise: _Part) -> _Part:
    """A part that nobody vouches for: facets are open, and this one may be anything."""
    try:
        return decoder.decode(raw)
    except ValueError:
        return otherwise


def _optional(text: str | None) -> str | None:
    return shown(text) if text else None


def columns_of(raw: bytes) -> Iterator[Column]:
    """The column edges that a facet ``columnLineage``, or the newer ``lineage``, tells.

    What is not of their shapes is passed over.
    """
    try:
        facet: Any = msgspec.json.decode(raw)
    except ValueError:
        return
    fields = facet.get("fields") if isinstance(facet, dict) else None
    for name, told in fields.items() if isinstance(fields, dict) else ():
        if isinstance(told, dict):
            yield from _inputs(shown(name), told.get("inputFields", told.get("inputs")), told)
    whole = facet.get("dataset", facet.get("inputs")) if isinstance(facet, dict) else None
    yield from _inputs("", whole, {"transformationType": "INDIRECT"})


def _inputs(output_field: str, inputs: object, told: dict[str, Any]) -> Iterator[Column]:
    for one in inputs if isinstance(inputs, list) else ():
        if not isinstance(one, dict):
            continue
        namespace, name, field = (one.get(key) for key in ("namespace", "name", "field"))
        if not (isinstance(namespace, str) and isinstance(name, str) and isinstance(field, str)):
            continue
        number = dataset_number(namespace, name)
        ways = one.get("transformations")
        known = [way for way in ways if isinstance(way, dict)] if isinstance(ways, list) else []
        if not known:
            old = told.get("transformationType")
            kind, subtype = (old, "") if old == "INDIRECT" else ("DIRECT" if old else "", old or "")
            known = [
                {
                    "type": kind,
                    "subtype": subtype,
                    "masking": old == "MASKED",
                    "description": told.get("transformationDescription"),
                }
            ]
        for way in known:
            yield Column(
                output_field,
                number,
                shown(namespace),
                shown(name),
                shown(field),
                _text(way.get("type")),
                _text(way.get("subtype")),
                way.get("masking") is True,
                _text(way.get("description")),
            )


def _text(value: object) -> str:
    return shown(value) if isinstance(value, str) else ""


__all__ = [
    "DESIGNED",
    "RAN",
    "TERMINAL",
    "Column",
    "Columns",
    "DatasetSaid",
    "Facet",
    "JobSaid",
    "RunSaid",
    "Said",
    "Unreadable",
    "columns_of",
    "microseconds",
    "said",
]
