"""The log over HTTP: checkpoints, leaves, and proofs that check without the server."""

from __future__ import annotations

import hashlib

import httpx
import pytest

from ledger.log import verify_proof
from tests.api.district import ROOT, District


def size_of(client: httpx.Client) -> int:
    return int(client.get("/api/v1/log/checkpoint").json()["size"])


def test_a_checkpoint_names_size_root_and_block(client: httpx.Client, district: District) -> None:
    answer = client.get("/api/v1/log/checkpoint")
    found = answer.json()
    assert answer.status_code == 200
    assert found["size"] > 0
    assert found["chain_id"] == district.office.deployment.chain_id
    assert found["log"] == "0x" + district.office.deployment.log_address.hex()
    assert answer.headers["govledger-as-of"] == str(found["size"])


def test_an_earlier_checkpoint_is_the_same_for_ever(client: httpx.Client) -> None:
    first = client.get("/api/v1/log/checkpoint", params={"as_of": "3"}).json()
    again = client.get("/api/v1/log/checkpoint", params={"as_of": "3"})
    assert first["size"] == 3
    assert again.json() == first
    later = client.get("/api/v1/log/checkpoint").json()
    assert later["root"] != first["root"]


def test_a_leaf_can_be_recomputed_from_its_answer(client: httpx.Client) -> None:
    leaf = client.get("/api/v1/log/statements/0").json()
    assert leaf["struct"] == "Organisation"
    assert leaf["organisation"]["code"] == ROOT
    given = bytes.fromhex(leaf["leaf_input"][2:])
    assert len(given) == 352
    assert "0x" + hashlib.sha256(b"\0" + given).hexdigest() == leaf["leaf_hash"]
    body = leaf["body_text"].encode()
    assert "0x" + hashlib.sha256(body).hexdigest() == leaf["body_digest"]
    assert leaf["body"]["name"] == "某某区"
    assert leaf["authorised"]["first_index"] == 0
    assert leaf["recorded"]["timestamp"] == leaf["timestamp"]


def test_leaves_are_read_page_by_page_to_the_end(client: httpx.Client) -> None:
    size = size_of(client)
    seen, first = [], 0
    while first is not None:
        page = client.get("/api/v1/log/statements", params={"first": first, "limit": 7}).json()
        seen += [item["index"] for item in page["items"]]
        first = page["next"]
    assert seen[:size] == list(range(size))


def test_beyond_the_end_there_are_no_leaves(client: httpx.Client) -> None:
    page = client.get("/api/v1/log/statements", params={"first": 10**9}).json()
    assert page["items"] == []
    assert page["next"] is None


def test_an_inclusion_proof_is_a_file_that_verifies_offline(client: httpx.Client) -> None:
    size = size_of(client)
    root = client.get("/api/v1/log/checkpoint", params={"as_of": str(size)}).json()["root"]
    for index in (0, 1, size // 2, size - 1):
        answer = client.get("/api/v1/log/proofs/inclusion", params={"index": index, "size": size})
        assert answer.status_code == 200
        verdict = verify_proof(answer.content, root)
        assert verdict.ok, verdict


def test_an_altered_proof_does_not_verify(client: httpx.Client) -> None:
    answer = client.get("/api/v1/log/proofs/inclusion", params={"index": 2})
    altered = answer.content.replace(b'"version": 1', b'"version": 2', 1)
    assert altered != answer.content
    assert not verify_proof(altered).ok


def test_a_consistency_proof_links_two_checkpoints(client: httpx.Client) -> None:
    size = size_of(client)
    answer = client.get("/api/v1/log/proofs/consistency", params={"from": 3, "to": size})
    assert verify_proof(answer.content).ok
    old = client.get("/api/v1/log/checkpoint", params={"as_of": "3"}).json()
    assert answer.json()["old"]["root"] == old["root"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/log/statements/999999999", 404, "unknown_statement"),
        ("/api/v1/log/statements/-1", 422, "validation_failed"),
        ("/api/v1/log/statements/one", 422, "validation_failed"),
        ("/api/v1/log/proofs/inclusion?index=999999999", 404, "unknown_statement"),
        ("/api/v1/log/proofs/inclusion?index=5&size=5", 404, "unknown_statement"),
        ("/api/v1/log/proofs/inclusion?index=0&size=999999999", 422, "validation_failed"),
        ("/api/v1/log/proofs/inclusion", 422, "validation_failed"),
        ("/api/v1/log/proofs/consistency?from=0", 422, "validation_failed"),
        ("/api/v1/log/proofs/consistency?from=5&to=4", 422, "validation_failed"),
        ("/api/v1/log/checkpoint?as_of=999999999", 400, "invalid_as_of"),
        ("/api/v1/log/checkpoint?as_of=yesterday", 400, "invalid_as_of"),
        ("/api/v1/log/checkpoint?size=3", 400, "unknown_parameter"),
    ],
)
def test_what_the_log_does_not_have_is_a_problem(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_empty_log_has_a_checkpoint(client: httpx.Client) -> None:
    found = client.get("/api/v1/log/checkpoint", params={"as_of": "0"}).json()
    assert found["size"] == 0
    assert found["root"] == "0x" + hashlib.sha256(b"").hexdigest()


def test_a_time_is_resolved_to_a_size(client: httpx.Client) -> None:
    leaf = client.get("/api/v1/log/statements/0").json()
    at = client.get("/api/v1/log/checkpoint", params={"as_of": leaf["recorded_at"]}).json()
    assert at["size"] >= 1
    before = client.get("/api/v1/log/checkpoint", params={"as_of": "2020-01-01"}).json()
    assert before["size"] == 0
    unescaped = client.get(f"/api/v1/log/checkpoint?as_of={leaf['recorded_at']}")
    assert unescaped.json()["size"] == at["size"]
