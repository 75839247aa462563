"""What an entry of the lineage journal says, read for the check of a certificate and for nothing else.

Written a second time, beside :mod:`ledger.lineage.said`, so that a fault in what makes the graph does not also
vouch for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

Ends = dict[tuple[str, str], None]


class ColumnSaid(NamedTuple):
    """From a column of a data set (namespace, name) to ``field`` of an output; an empty field is the whole."""

    field: str
    source: tuple[str, str]
    source_field: str
    kind: str
    subtype: str
    masking: bool


class Event(NamedTuple):
    """A RunEvent, or a JobEvent where ``run`` is None. Jobs and data sets go by (namespace, name).

    ``organisation`` is the code of the organisation whose token brought it, empty for none.
    """

    organisation: str
    job: tuple[str, str]
    run: str | None
    state: str | None
    inputs: Ends
    outputs: Ends
    columns: dict[tuple[str, str], tuple[ColumnSaid, ...]]
    """What it says of the columns of each output."""


class NoEvent(ValueError):
    """An entry that tells of no job; the text says why."""


def event_in(entry: bytes) -> Event:
    """The event of an entry, behind the line about its coming; raises :class:`NoEvent`."""
    line, found, text = entry.partition(b"\n")
    try:
        # Bytes that are no UTF-8, in a facet that nobody reads, take nothing from what the event says.
        coming = msgspec.json.decode(line)
        told = msgspec.json.decode(text.decode("utf-8", "replace"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NoEvent(f"it is no JSON: {error}") from error
    if not found or not isinstance(coming, dict) or not isinstance(told, dict):
        raise NoEvent("it is not a line about its coming and an event")
    run = _member(told, "run", dict)
    state = told.get("eventType")
    by = coming.get("by")
    return Event(
        organisation=by if isinstance(by, str) else "",
        job=_names(told.get("job"), "job"),
        run=None if run is None else _text(run, "runId"),
        state=state if isinstance(state, str) else None,
        inputs=_ends(told, "inputs"),
        outputs=_ends(told, "outputs"),
        columns={
            _names(one, "outputs"): tuple(_columns(one.get("facets")))
            for one in _member(told, "outputs", list) or []
        },
    )


def _ends(told: dict[str, Any], name: str) -> Ends:
    listed = _member(told, name, list) or []
    return {_names(one, f"{name}/{at}"): None for at, one in enumerate(listed)}


def _member(told: dict[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - JSON
    value = told.get(name)
    if value is not None and not isinstance(value, kind):
        raise NoEvent(f"{name} is no {kind.__name__}")
    return value


def _names(told: object, where: str) -> tuple[str, str]:
    if not isinstance(told, dict):
        raise NoEvent(f"{where} is no object")
    return _text(told, "namespace"), _text(told, "name")


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str):
        raise NoEvent(f"{name} is no text")
    return value


def _columns(facets: object) -> Iterator[ColumnSaid]:
    """What the facet ``columnLineage``, or the newer ``lineage``, says; facets are open, so what has another shape
    says nothing.
    """
    kept = facets if isinstance(facets, dict) else {}
    facet = kept.get("columnLineage", kept.get("lineage"))
    if not isinstance(facet, dict):
        return
    fields = facet.get("fields")
    for name, told in fields.items() if isinstance(fields, dict) else ():
        if isinstance(told, dict):
            yield from _inputs(name, told.get("inputFields", told.get("inputs")), told)
    yield from _inputs(
        "", facet.get("dataset", facet.get("inputs")), {"transformationType": "INDIRECT"}
    )


def _inputs(field: str, inputs: object, told: dict[str, Any]) -> Iterator[ColumnSaid]:
    for one in inputs if isinstance(inputs, list) else ():
        if not isinstance(one, dict):
            continue
        namespace, name, source = one.get("namespace"), one.get("name"), one.get("field")
        if isinstance(namespace, str) and isinstance(name, str) and isinstance(source, str):
            for kind, subtype, masking in _ways(one.get("transformations"), told):
                yield ColumnSaid(field, (namespace, name), source, kind, subtype, masking)


def _ways(listed: object, told: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Kind, subtype and masking: of each transformation, or as versions before 1-1-0 of the facet say it."""
    ways = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    for one in ways:
        kind, subtype = one.get("type"), one.get("subtype")
        yield (
            kind if isinstance(kind, str) else "",
            subtype if isinstance(subtype, str) else "",
            one.get("masking") is True,
        )
    if not ways:
        old = told.get("transformationType")
        if old == "INDIRECT":
            yield "INDIRECT", "", False
        else:
            said = old if isinstance(old, str) else ""
            yield ("DIRECT" if old else ""), said, old == "MASKED"
