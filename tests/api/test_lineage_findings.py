"""What lineage finds, over HTTP: pages, drafts, and what libraries are made of."""

from __future__ import annotations

import httpx
import pytest

from tests.api.district import DARK, SCHOOLS
from tests.api.test_shape import check_problem

LINEAGE = "/api/v1/lineage"


def test_dark_data_comes_in_pages_with_the_likely_owner(client: httpx.Client) -> None:
    asked = {"kind": "dark_data", "organisation": SCHOOLS}
    whole = client.get(f"{LINEAGE}/findings", params=asked).json()
    assert whole["counts"] == {"dark_data": whole["total"]}
    found = {(one["namespace"], one["name"]): one for one in whole["items"]}
    dark = found[DARK]
    assert dark["owner"] == {"organisation": SCHOOLS, "by": "namespace", "count": 1, "of": 1}
    assert dark["use"]["writes"] == 1
    assert dark["kind"]["zh"].startswith("应归未归")

    paged, cursor = [], None
    for _ in range(whole["total"]):
        page = client.get(
            f"{LINEAGE}/findings",
            params=asked | {"limit": 1} | ({"cursor": cursor} if cursor else {}),
        ).json()
        paged += page["items"]
        cursor = page["next"]
    assert (paged, cursor) == (whole["items"], None)


def test_nothing_is_found_before_it_was_said(client: httpx.Client) -> None:
    early = client.get(f"{LINEAGE}/findings", params={"as_of": 1}).json()
    assert (early["as_of"], early["total"], early["items"]) == (1, 0, [])


def test_a_draft_names_provider_code_and_rule(client: httpx.Client) -> None:
    told = client.get(f"{LINEAGE}/draft", params={"namespace": DARK[0], "name": DARK[1]}).json()
    assert told["entry"]["provider"] == SCHOOLS
    assert told["entry"]["formats"] == [{"category": "database", "type": "postgresql"}]
    assert told["rule"]["entry"] == told["entry"]["code"]


@pytest.mark.parametrize(
    ("name", "code"), [("ods.licences", "dataset_covered"), ("nowhere", "unknown_dataset")]
)
def test_there_is_no_draft_for_what_is_covered_or_unknown(
    client: httpx.Client, name: str, code: str
) -> None:
    asked = {"namespace": DARK[0], "name": name}
    assert check_problem(client.get(f"{LINEAGE}/draft", params=asked))["code"] == code


def test_libraries_tell_what_feeds_them_and_what_derives_from_nothing(client: httpx.Client) -> None:
    told = client.get(f"{LINEAGE}/composition").json()
    assert [one["library"]["code"] for one in told["libraries"]] == [
        "comprehensive",
        "theme",
        "special",
    ]
    bare = client.get(
        f"{LINEAGE}/composition", params={"library": "comprehensive", "unsourced": True}
    ).json()
    assert {one["library"]["code"] for one in bare["items"]} <= {"comprehensive"}
    assert all(one["sources"] == [] for one in bare["items"])
    assert bare["total"] == sum(one["entries"] - one["sourced"] for one in bare["libraries"])
