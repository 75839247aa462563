"""Cheats by whoever keeps the records: the mirror edited, a statement withheld, history cut short."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ledger.merkle import Frontier
from tests.scenarios.cheats.town import OTHER_TABLE, Town, counted
from tests.small_office import PUBLISHED

NOT_PROVEN = 5


@contextmanager
def asked(town: Town) -> Iterator[TestClient]:
    """Somebody who has nothing but the town's HTTP interface."""
    with town.office() as office:
        client = TestClient(
            create_app(office), base_url="http://127.0.0.1", headers={"accept-language": "en"}
        )
        yield client
        client.close()


def leaves(client: TestClient) -> tuple[int, str, list[dict[str, Any]]]:
    """Size and root that the API tells, and every leaf that it shows."""
    checkpoint = client.get("/api/v1/log/checkpoint").json()
    found: list[dict[str, Any]] = []
    first: int | None = 0
    while first is not None:
        asked_for = {"first": first, "limit": 500}
        page = client.get("/api/v1/log/statements", params=asked_for).json()
        found += page["items"]
        first = page["next"]
    return checkpoint["size"], checkpoint["root"], found


def root_of(shown: list[dict[str, Any]]) -> str:
    """The root of the tree over the leaves that were shown."""
    frontier = Frontier()
    frontier.extend([bytes.fromhex(one["leaf_hash"][2:]) for one in shown])
    return "0x" + frontier.root().hex()


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        ("obligation", "UPDATE obligation SET status = 'withdrawn' WHERE code = 'C1-S1-T1'"),
        ("obligation", "DELETE FROM obligation WHERE code = 'C1-S1-T1'"),
        ("delivery", "UPDATE delivery SET rows = 999"),
        ("delivery_manifest", "UPDATE delivery_manifest SET recorded_at = 0"),
        ("obligation_binding", "UPDATE obligation_binding SET status = 'released'"),
    ],
)
def test_a_row_of_the_mirror_that_was_edited_is_named_and_mended(
    town: Town, table: str, edit: str
) -> None:
    honest = town.audit()
    town.alter(edit)
    found = town.run("mirror", "verify", "--json", expect=NOT_PROVEN).json()["findings"]
    assert table in json.dumps(found)
    town.run("mirror", "rebuild")
    town.run("mirror", "verify")
    assert town.audit() == honest


def test_a_statement_that_the_api_withholds_leaves_a_hole_that_the_root_shows(town: Town) -> None:
    with asked(town) as client:
        size, root, shown = leaves(client)
    assert (len(shown), root_of(shown)) == (size, root)
    town.run("obligation", "withdraw", OTHER_TABLE, "--key", "authority", "--reason", "改造")
    kept = town.place / "kept.json"
    town.run("log", "checkpoint", "-o", kept)
    # the operator takes the withdrawal out of what the API reads
    town.alter("DELETE FROM statement WHERE index_ = ?", size)
    told = json.loads(kept.read_text("utf-8"))
    with asked(town) as client:
        _, _, shown = leaves(client)
    assert root_of(shown) != told["root"]
    assert len(shown) < told["size"]
    ran = town.run("mirror", "verify", "--since", kept, expect=NOT_PROVEN)
    assert f"leaf {size}" in ran.out + ran.err


def test_an_old_copy_of_the_ledger_does_not_stand_up_to_a_checkpoint_that_was_kept(
    town: Town,
) -> None:
    old = town.copy(town.place / "old" / "ledger")
    town.run("obligation", "withdraw", OTHER_TABLE, "--key", "authority", "--reason", "改造")
    kept = town.place / "kept.json"
    town.run("log", "checkpoint", "-o", kept)
    ran = old.run("mirror", "verify", "--since", kept, expect=NOT_PROVEN)
    assert "checkpoint" in (ran.out + ran.err).lower()
    with asked(old) as client:
        grown = {"from": json.loads(kept.read_text("utf-8"))["size"]}
        refused = client.get("/api/v1/log/proofs/consistency", params=grown)
    assert refused.status_code == 422
    assert "beyond" in refused.json()["detail"]


def test_a_history_that_was_played_anew_has_another_root_at_the_same_size(
    town: Town, honest_town: Town
) -> None:
    anew = honest_town.copy(town.place / "anew" / "ledger")
    town.run("obligation", "withdraw", OTHER_TABLE, "--key", "authority", "--reason", "改造")
    kept = town.place / "kept.json"
    town.run("log", "checkpoint", "-o", kept)
    # the operator puts the old chain back, and lets something harmless be signed in its place
    words = ("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "维护")
    anew.run(*words)
    assert anew.size() == town.size()
    ran = anew.run("mirror", "verify", "--since", kept, expect=NOT_PROVEN)
    assert "checkpoint" in (ran.out + ran.err).lower()
    assert counted(anew.audit()) != counted(town.audit())
