"""The documents that speak of the API agree with it: the OpenAPI document, and docs/api.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx

from api.app import assemble
from api.openapi import describe
from api.problems import PROBLEMS
from api.routes.schemas import SCHEMAS
from ledger.codes import ENTRY_TRANSITIONS, FILING_TRANSITIONS, EntryState

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_kept_openapi_document_is_what_the_routes_give() -> None:
    kept = json.loads((DOCS / "openapi.json").read_text("utf-8"))
    assert kept == describe(assemble()), "run: make openapi"


def test_the_served_document_is_the_kept_one(client: httpx.Client) -> None:
    kept = json.loads((DOCS / "openapi.json").read_text("utf-8"))
    assert client.get("/openapi.json").json() == kept


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = describe(assemble())
    schemas = document["components"]["schemas"]
    for name in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert name in schemas


def test_the_guide_names_every_route_and_no_other() -> None:
    guide = (DOCS / "api.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(GET|POST) ([^`?]+)", guide, re.MULTILINE))
    real = {
        (method.upper(), path)
        for path, operations in describe(assemble())["paths"].items()
        for method in operations
    }
    assert told == real


def test_the_guide_lists_every_problem_with_its_status() -> None:
    guide = (DOCS / "api.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", guide, re.MULTILINE))
    assert told == {code: str(kind.status) for code, kind in PROBLEMS.items()}


def test_every_schema_is_served_and_named_in_the_guide(client: httpx.Client) -> None:
    guide = (DOCS / "api.md").read_text("utf-8")
    listed = [item["name"] for item in client.get("/api/v1/schemas").json()["items"]]
    assert listed == list(SCHEMAS)
    for name in listed:
        schema = client.get(f"/api/v1/schemas/{name}").json()
        assert schema["$id"] == f"/api/v1/schemas/{name}"
        assert f"`{name}`" in guide


def test_the_guide_tells_the_life_of_an_entry_as_the_contracts_keep_it() -> None:
    guide = (DOCS / "api.md").read_text("utf-8")
    table = guide.split("### The life of an entry", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (\S+) \| ([^|]*)\| ([^|]*)\|$", table, re.MULTILINE)
    told = {
        start: (set(filed.replace(",", " ").split()), set(decided.replace(",", " ").split()))
        for start, filed, decided in rows
        if start != "From"
    }
    real = {
        state.value if state else "(none)": (
            {one.value for one in FILING_TRANSITIONS[state]},
            {one.value for one in ENTRY_TRANSITIONS[state]} if state else set(),
        )
        for state in (None, *EntryState)
    }
    assert told == real
