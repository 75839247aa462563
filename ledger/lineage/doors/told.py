"""What was read, told as OpenLineage events (specification 2-0-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from ledger.lineage.doors.tracing import Traced

LONGEST_SQL = 100_000
"""Characters of SQL that an event repeats; longer ones are cut there."""
PRODUCER = "urn:govledger:lineage:1"
_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/{kind}"
_FACET = "https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}"


class Column(NamedTuple):
    """A column (数据项) as a definition gives it."""

    name: str
    type: str = ""
    description: str = ""


class Place(NamedTuple):
    """A data set: namespace and name as OpenLineage names them."""

    namespace: str
    name: str


def facet(schema: str, version: str, **members: object) -> dict[str, Any]:
    """A facet with what every facet has."""
    where = _FACET.format(version=version, name=schema)
    return {"_producer": PRODUCER, "_schemaURL": where, **members}


def schema_facet(columns: Iterable[Column]) -> dict[str, Any]:
    """``schema``: columns in order."""
    fields = [
        {name: value for name, value in column._asdict().items() if value} for column in columns
    ]
    return facet("SchemaDatasetFacet", "1-1-1", fields=fields)


def column_facet(traced: Traced, place_of: Mapping[tuple[str, str, str], Place]) -> dict[str, Any]:
    """``columnLineage``: by output column, and for the output as a whole."""

    def inputs(origins: Iterable[Any]) -> list[dict[str, Any]]:
        by_column: dict[tuple[Place, str], list[dict[str, Any]]] = {}
        for origin in origins:
            way = {"type": origin.kind, "subtype": origin.subtype, "masking": origin.masking}
            by_column.setdefault((place_of[origin.table], origin.column), []).append(way)
        return [
            {**place._asdict(), "field": column, "transformations": ways}
            for (place, column), ways in by_column.items()
        ]

    fields = {
        name: {"inputFields": inputs(origins)}
        for name, origins in traced.columns.items()
        if origins
    }
    return facet(
        "ColumnLineageDatasetFacet", "1-2-0", fields=fields, dataset=inputs(traced.influence)
    )


def dataset(place: Place, facets: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A data set as an event names it."""
    return {**place._asdict(), "facets": dict(facets or {})}


def job_event(
    job: Place,
    facets: Mapping[str, Any],
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
    at: datetime,
) -> bytes:
    """A JobEvent: what a job reads and writes by design."""
    return _encoded(
        "JobEvent",
        at,
        job={**job._asdict(), "facets": dict(facets)},
        inputs=list(inputs),
        outputs=list(outputs),
    )


def dataset_event(place: Place, facets: Mapping[str, Any], at: datetime) -> bytes:
    """A DatasetEvent: how a data set is defined."""
    return _encoded("DatasetEvent", at, dataset=dataset(place, facets))


def _encoded(kind: str, at: datetime, **members: object) -> bytes:
    event = {
        "eventTime": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "producer": PRODUCER,
        "schemaURL": _EVENT.format(kind=kind),
        **members,
    }
    return msgspec.json.encode(event, order="sorted")
