"""OpenLineage: the facets ``dataQualityAssertions`` and ``dataQualityMetrics`` of a run event's data sets.

An assertion is a yes or no. Of the metrics, null counts with the row count are a check; minima, maxima and
quantiles say nothing of right or wrong and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.quality.foreign.found import (
    Found,
    Reading,
    answered,
    counted,
    part,
    parts,
    text,
    unanswered,
    whole,
)

TOOL = "openlineage"


def is_result(document: Mapping[str, Any]) -> bool:
    """Whether a document is an event with data sets."""
    return "producer" in document and ("inputs" in document or "outputs" in document)


def read(document: Mapping[str, Any]) -> Reading:
    """The quality facets of every data set of an event."""
    found: list[Found] = []
    for side, own in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for dataset in parts(document, side):
            table = text(dataset.get("name"))
            for facets in (part(dataset, "facets"), part(dataset, own)):
                found += _assertions(part(facets, "dataQualityAssertions"), table)
                found += _metrics(part(facets, "dataQualityMetrics"), table)
    return Reading(TOOL, None, tuple(found))


def _assertions(facet: Mapping[str, Any], table: str | None) -> Iterator[Found]:
    for one in parts(facet, "assertions"):
        check, column = text(one.get("assertion")) or "assertion", text(one.get("column"))
        success = one.get("success")
        if isinstance(success, bool):
            yield answered(TOOL, check, column=column, table=table, passed=success)
        else:
            yield unanswered(TOOL, check, "tool_error", column=column, table=table)


def _metrics(facet: Mapping[str, Any], table: str | None) -> Iterator[Found]:
    rows = whole(facet.get("rowCount"))
    if rows is None:
        return
    for column, told in sorted(part(facet, "columnMetrics").items()):
        nulls = whole(told.get("nullCount")) if isinstance(told, Mapping) else None
        if nulls is not None:
            yield counted(
                TOOL, "nullCount", column=text(column), table=table, evaluated=rows, failing=nulls
            )
