"""Resources, manifests and deliveries over HTTP: counts and roots, found by what is asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ledger.deliveries.bodies import bucket_digest, schema_digest
from tests.api.district import BUREAU, MANIFEST_LEAF, SCHOOLS
from tests.deliveries import drafts

ENTRY = "301001/000001"


def got(client: httpx.Client, path: str, **asked: object) -> dict[str, Any]:
    answer = client.get(f"/api/v1{path}", params={name: str(one) for name, one in asked.items()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_delivery_names_its_manifest_and_is_complete_by_its_root(client: httpx.Client) -> None:
    (found,) = got(client, "/deliveries", entry=ENTRY, complete="true")["items"]
    assert (found["number"], found["manifest"], found["manifest_leaf"]) == (1, 1, MANIFEST_LEAF)
    assert (found["complete"], found["claimed"], found["repeats"]) == (True, True, None)
    assert found["organisation"]["code"] == BUREAU
    assert found["mode"] == {"code": "full", "zh": "全量", "en": "full"}
    alone = got(client, f"/deliveries/{ENTRY}/1")
    assert alone == found


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/deliveries", {"complete": "false"}),
        ("/deliveries", {"collector": SCHOOLS}),
        ("/deliveries", {"period": "2026-06-30"}),
        ("/deliveries", {"as_of": MANIFEST_LEAF + 1}),
        ("/manifests", {"mode": "increment"}),
        ("/manifests", {"organisation": BUREAU}),
        ("/manifests", {"as_of": MANIFEST_LEAF}),
        ("/resources", {"type": "api"}),
        ("/resources", {"status": "closed"}),
        ("/resources", {"entry": "301001/000002"}),
    ],
)
def test_what_does_not_match_is_left_out(
    client: httpx.Client, path: str, asked: dict[str, object]
) -> None:
    assert got(client, path, **asked)["items"] == []


def test_a_manifest_is_shown_whole_so_that_any_copy_can_be_held_against_it(
    client: httpx.Client,
) -> None:
    (summary,) = got(client, "/manifests", period="2026-08-15", superseded="true")["items"]
    whole = got(client, f"/manifests/{MANIFEST_LEAF}")
    assert whole.items() > summary.items()
    assert whole["row_schema"] == drafts.SCHEMA
    assert whole["schema_digest"] == "0x" + schema_digest(drafts.SCHEMA).hex()
    buckets = [int(one, 16) for one in whole["buckets"]]
    assert whole["buckets_digest"] == "0x" + bucket_digest(buckets).hex()


def test_a_resource_and_the_history_of_an_entry(client: httpx.Client) -> None:
    (listed,) = got(client, "/resources", entry=ENTRY)["items"]
    assert got(client, f"/resources/{ENTRY}") == listed
    acts = got(client, f"/deliveries/{ENTRY}/history")["items"]
    assert [sorted(set(act) - {"leaf"}) for act in acts] == [
        ["resource"],
        ["manifest"],
        ["delivery"],
    ]
    assert [act["leaf"] for act in acts] == [MANIFEST_LEAF + step for step in (-1, 0, 1)]
    assert got(client, "/deliveries/301002/000001/history")["items"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/resources/none", "unknown_resource"),
        (f"/resources/{ENTRY}?as_of=3", "unknown_resource"),
        ("/manifests/0", "unknown_manifest"),
        (f"/manifests/{MANIFEST_LEAF}?as_of=3", "unknown_manifest"),
        (f"/deliveries/{ENTRY}/2", "unknown_delivery"),
        ("/deliveries/none/1", "unknown_delivery"),
    ],
)
def test_what_is_not_there_is_named(client: httpx.Client, path: str, code: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def prepared(client: httpx.Client, struct: str, organisation: str, draft: Any) -> dict[str, Any]:
    wanted = {"struct": struct, "organisation": organisation, "statements": [draft]}
    answer = client.post("/api/v1/statements/prepare", json=wanted)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_what_comes_next_is_filled_in_when_a_statement_is_prepared(client: httpx.Client) -> None:
    resource = drafts.resource(code=ENTRY, entry=ENTRY).model_dump(mode="json", exclude={"version"})
    ready = prepared(client, "Resource", SCHOOLS, resource)
    assert ready["typed_data"]["message"]["statements"][0]["version"] == 2
    assert ready["signer_role"]["en"].startswith("steward")
    signed = drafts.manifest(entry=ENTRY).model_dump(
        mode="json", by_alias=True, exclude={"version"}
    )
    again = prepared(client, "Manifest", SCHOOLS, signed)
    assert again["typed_data"]["message"]["statements"][0]["version"] == 2
    arrived = drafts.delivery(entry=ENTRY).model_dump(
        mode="json", by_alias=True, exclude={"version"}
    )
    ready = prepared(client, "Delivery", BUREAU, arrived)
    message = ready["typed_data"]["message"]["statements"][0]
    assert (message["version"], message["predecessor"]) == (2, "0x" + drafts.ROOT)
    assert ready["signer_role"]["en"].startswith("collector")


@pytest.mark.parametrize(
    ("struct", "changes", "pointer"),
    [
        ("Manifest", {"rows": 0}, "/statements/0/root"),
        ("Manifest", {"period_end": "2026-01-01"}, "/statements/0/period_end"),
        ("Delivery", {"manifest": 0}, "/statements/0/complete"),
        ("Delivery", {"predecessor": "zz"}, "/statements/0/predecessor"),
        ("Resource", {"location": "postgresql://u:p@h/d"}, "/statements/0/location"),
    ],
)
def test_a_draft_that_cannot_stand_is_pointed_at(
    client: httpx.Client, struct: str, changes: dict[str, object], pointer: str
) -> None:
    make = {
        "Manifest": drafts.manifest,
        "Delivery": drafts.delivery,
        "Resource": drafts.resource,
    }[struct]
    draft = make().model_dump(mode="json", by_alias=True) | changes
    wanted = {"struct": struct, "organisation": SCHOOLS, "statements": [draft]}
    answer = client.post("/api/v1/statements/prepare", json=wanted)
    assert answer.status_code == 422
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
