"""OpenLineage events for tests, small and complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.lineage.entries import Coming, entry_of

PRODUCER = "https://example.org/pipelines"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
COMING = Coming(at=1_780_000_000_000, by="", door="api", token="")
NAMESPACE = "postgres://db.qingpu:5432"


def facet(**members: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": SCHEMA, **members}


def dataset(name: str, **facets: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"namespace": NAMESPACE, "name": name}
    return told | (
        {"facets": {key: facet(**value) for key, value in facets.items()}} if facets else {}
    )


def columns(**fields: list[tuple[str, str]]) -> dict[str, Any]:
    """A ``columnLineage`` facet: output column -> (data set, column)."""
    return {
        "fields": {
            name: {
                "inputFields": [
                    {
                        "namespace": NAMESPACE,
                        "name": table,
                        "field": column,
                        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
                    }
                    for table, column in inputs
                ]
            }
            for name, inputs in fields.items()
        }
    }


def at(minute: int) -> str:
    """A time, so many minutes into a day in May."""
    return f"2026-05-01T{minute // 60:02d}:{minute % 60:02d}:00Z"


def run_event(
    run: int = 1,
    state: str | None = "COMPLETE",
    minute: int = 0,
    *,
    job: str = "load",
    inputs: tuple[str | dict[str, Any], ...] | None = None,
    outputs: tuple[str | dict[str, Any], ...] | None = None,
    run_facets: dict[str, Any] | None = None,
) -> dict[str, Any]:
    event: dict[str, Any] = {
        "eventTime": at(minute),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": str(UUID(int=run))} | ({"facets": run_facets} if run_facets else {}),
        "job": {"namespace": "airflow", "name": job},
    }
    if state is not None:
        event["eventType"] = state
    for key, named in (("inputs", inputs), ("outputs", outputs)):
        if named is not None:
            event[key] = [dataset(one) if isinstance(one, str) else one for one in named]
    return event


def job_event(minute: int = 0, **named: Any) -> dict[str, Any]:
    event = run_event(0, None, minute, **named)
    del event["run"]
    return event


def encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def entries(*events: dict[str, Any]) -> list[bytes]:
    return [entry_of(COMING, encoded(event)) for event in events]


def real_events(shared_data: Path, file: str = "valid_events.ndjson") -> list[dict[str, Any]]:
    place = shared_data / "openlineage" / file
    if not place.exists():
        pytest.skip(f"{place} is not here")
    return [json.loads(line)["event"] for line in place.read_text("utf-8").splitlines()]
