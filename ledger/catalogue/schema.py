"""The JSON Schema of a catalogue entry, as published at ``/api/v1/schemas/`` (2020-12)."""

from __future__ import annotations

from typing import Any

from ledger.catalogue.entry import Entry

SCHEMA_NAME = "catalogue-entry"


def entry_schema() -> dict[str, Any]:
    """The schema of an entry as it is filed. Checks across fields are not in it: see
    :mod:`ledger.catalogue.checks`.
    """
    schema = Entry.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/api/v1/schemas/{SCHEMA_NAME}",
        **schema,
        "title": "目录条目 Catalogue entry",
    }
