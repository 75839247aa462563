"""Writing over HTTP: prepare, sign with a key, hand in, follow the receipt to the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from api.idempotency import claim
from ledger.chain.interface import ChainError
from tests.api.district import BUREAU, HEALTH, ROOT, SCHOOLS, District, account, entry_document

PREPARE = "/api/v1/statements/prepare"
SUBMIT = "/api/v1/statements"


def signature(prepared: dict[str, Any], name: str) -> str:
    """A wallet's signature over the typed data, made by eth-account alone."""
    signable = encode_typed_data(full_message=prepared["typed_data"])
    signed = Account.sign_message(signable, account(name).key)
    assert "0x" + signed.message_hash.hex() == prepared["receipt"]
    return "0x" + signed.signature.hex()


def signed(prepared: dict[str, Any], signer: str, cosigner: str | None = None) -> dict[str, Any]:
    body = {
        "typed_data": prepared["typed_data"],
        "bodies": prepared["bodies"],
        "signer": account(signer).address,
        "signature": signature(prepared, signer),
    }
    if cosigner is not None:
        body |= {
            "cosigner": account(cosigner).address,
            "cosignature": signature(prepared, cosigner),
        }
    return body


def prepare(client: httpx.Client, struct: str, speaker: str, *statements: Any, **more: Any) -> Any:
    wanted = {"struct": struct, "organisation": speaker, "statements": list(statements), **more}
    answer = client.post(PREPARE, json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


def settled(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """The receipt once the mirror has verified the statements."""
    accepted = client.post(SUBMIT, json=body)
    assert accepted.status_code == 202, accepted.text
    place = accepted.headers["location"]
    found = client.get(place, params={"wait": 30, "until": "verified"}).json()
    assert found["state"] == "verified", found
    return dict(found)


def filing(code: str, name: str, **changes: Any) -> dict[str, Any]:
    return {"entry": entry_document(code, name, SCHOOLS, **changes)}


def test_an_entry_goes_from_words_to_a_verified_leaf(client: httpx.Client) -> None:
    code = "301009/000001"
    prepared = prepare(client, "Filing", SCHOOLS, filing(code, "校车备案"))
    assert prepared["signer_role"]["en"] == "steward"
    assert prepared["cosigner_role"]["zh"] == "部门负责人"
    receipt = settled(client, signed(prepared, "schools steward", "schools head"))
    leaf = client.get(f"/api/v1/log/statements/{receipt['first_index']}").json()
    assert leaf["body"]["name"] == "校车备案"
    entry = client.get(f"/api/v1/catalogue/entries/{code}").json()
    assert (entry["state"]["code"], entry["version"]) == ("submitted", 1)

    decided = {"code": code, "decision": "published"}
    prepared = prepare(client, "Decision", BUREAU, decided)
    assert prepared["typed_data"]["message"]["statements"][0]["version"] == 2
    settled(client, signed(prepared, "publisher"))
    entry = client.get(f"/api/v1/catalogue/entries/{code}").json()
    assert entry["state"]["code"] == "published"

    assessed = {
        "entry": code,
        "edition": 1,
        "period_start": "2026-01-01",
        "period_end": "2026-03-31",
        "scores": {"completeness": 9999},
        "rule_set": "cd" * 32,
    }
    settled(client, signed(prepare(client, "Score", BUREAU, assessed), "assessor"))
    (score,) = client.get("/api/v1/quality/scores", params={"entry": code}).json()["items"]
    assert score["version"] == 1
    again = prepare(client, "Score", BUREAU, assessed | {"scores": {"completeness": 5000}})
    assert again["typed_data"]["message"]["statements"][0]["version"] == 2


def test_organisations_and_keys_are_registered_through_the_api(client: httpx.Client) -> None:
    town = {"code": "TMP-TOWN", "name": "某某镇", "parent": ROOT, "level": "town"}
    settled(client, signed(prepare(client, "Organisation", ROOT, town), "genesis"))
    assert client.get("/api/v1/organisations/TMP-TOWN").json()["name"] == "某某镇"
    key = {"address": account("town steward").address, "holder": "TMP-TOWN", "roles": ["steward"]}
    settled(client, signed(prepare(client, "Key", ROOT, key), "genesis"))
    (found,) = client.get("/api/v1/organisations/TMP-TOWN/keys").json()["items"]
    assert found["roles"][0]["code"] == "steward"


def test_a_restricted_text_stays_here_and_only_its_commitment_is_signed(
    client: httpx.Client,
) -> None:
    prepared = prepare(
        client, "Filing", SCHOOLS, filing("301009/000002", "涉密程度较高的名册", grade=3)
    )
    assert prepared["restricted"] == ["301009/000002"]
    assert "涉密程度较高的名册" not in str(prepared)
    assert "commitment" in prepared["bodies"][0]


def test_the_same_batch_twice_is_one_batch(client: httpx.Client) -> None:
    prepared = prepare(client, "Filing", SCHOOLS, filing("301009/000003", "重复提交的目录"))
    body = signed(prepared, "schools steward", "schools head")
    first = settled(client, body)
    again = client.post(SUBMIT, json=body)
    assert again.status_code == 202
    assert again.json()["first_index"] == first["first_index"]
    assert again.headers["idempotency-replayed"] == "true"


def test_an_idempotency_key_is_for_one_request(client: httpx.Client) -> None:
    key = {"idempotency-key": "order-4711"}
    body = signed(
        prepare(client, "Filing", SCHOOLS, filing("301009/000004", "带键的目录")),
        "schools steward",
        "schools head",
    )
    first = client.post(SUBMIT, json=body, headers=key)
    settled(client, body)
    again = client.post(SUBMIT, json=body, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["receipt"] == first.json()["receipt"]
    other = signed(
        prepare(client, "Filing", SCHOOLS, filing("301009/000005", "另一条目录")),
        "schools steward",
        "schools head",
    )
    refused = client.post(SUBMIT, json=other, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert refused.json()["receipt"] == first.json()["receipt"]
    assert (
        client.post(SUBMIT, json=other, headers={"idempotency-key": "x" * 300}).status_code == 400
    )


def test_a_request_that_was_cut_short_after_its_key_was_kept_goes_on(
    client: httpx.Client, district: District
) -> None:
    prepared = prepare(client, "Filing", SCHOOLS, filing("301009/000012", "断电前的目录"))
    body = json.dumps(signed(prepared, "schools steward", "schools head")).encode()
    claim(district.office.desk_engine, "cut-short", body, prepared["receipt"])
    headers = {"idempotency-key": "cut-short", "content-type": "application/json"}
    answer = client.post(SUBMIT, content=body, headers=headers)
    assert answer.status_code == 202
    found = client.get(answer.headers["location"], params={"wait": 30}).json()
    assert found["state"] in ("recorded", "verified")


def test_while_the_chain_is_gone_statements_are_accepted_and_sent_later(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(client, "Filing", SCHOOLS, filing("301009/000013", "断链时的目录"))
    body = signed(prepared, "schools steward", "schools head")

    def gone(*_: object, **__: object) -> bytes:
        raise ChainError("the node does not answer")

    for question in ("call", "head", "nonce", "estimate_gas", "send_raw", "blocks", "logs"):
        monkeypatch.setattr(district.office.chain, question, gone)
    answer = client.post(SUBMIT, json=body)
    assert answer.status_code == 202
    assert answer.json()["state"] == "accepted"
    assert "does not answer" in answer.json()["note"]["en"]
    waited = client.get(answer.headers["location"], params={"wait": 0.5}).json()
    assert waited["state"] == "accepted"
    monkeypatch.undo()
    found = client.get(answer.headers["location"], params={"wait": 60, "until": "verified"}).json()
    assert found["state"] == "verified"


def test_a_refusal_that_only_the_block_shows_stands_in_the_receipt(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, district: District
) -> None:
    prepared = prepare(
        client, "Filing", SCHOOLS, filing("301001/000002", "学籍基本信息") | {"version": 1}
    )
    monkeypatch.setattr(district.office.chain, "call", lambda *_, **__: b"")
    answer = client.post(SUBMIT, json=signed(prepared, "schools steward", "schools head"))
    monkeypatch.undo()
    assert answer.status_code == 202
    found = client.get(answer.headers["location"], params={"wait": 30}).json()
    assert (found["state"], found["error"]["code"]) == ("refused", "stale_version")
    assert found["error"]["expected_version"] == 3
    assert found["error"]["hint"]["zh"]


def test_a_stale_version_is_told_the_expected_one(client: httpx.Client) -> None:
    stale = filing("301001/000002", "学籍基本信息") | {"version": 1}
    prepared = prepare(client, "Filing", SCHOOLS, stale)
    answer = client.post(SUBMIT, json=signed(prepared, "schools steward", "schools head"))
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
    assert answer.json()["expected_version"] == 3
    assert answer.json()["refusal"]["name"] == "StaleVersion"


def test_if_match_holds_a_preparation_to_the_version_that_was_read(client: httpx.Client) -> None:
    tag = client.get("/api/v1/catalogue/entries/301001/000002").headers["etag"]
    wanted = {
        "struct": "Filing",
        "organisation": SCHOOLS,
        "statements": [filing("301001/000002", "学籍基本信息")],
    }
    assert client.post(PREPARE, json=wanted, headers={"if-match": tag}).status_code == 200
    other = client.get("/api/v1/catalogue/entries/301001/000001").headers["etag"]
    for wrong in (other, f"W/{tag}", '"v1"'):
        answer = client.post(PREPARE, json=wanted, headers={"if-match": wrong})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert answer.json()["current"] == [tag]


def entry_of_schools(client: httpx.Client) -> dict[str, Any]:
    return dict(prepare(client, "Filing", SCHOOLS, filing("301009/000006", "不会入账的目录")))


def wrong_role(client: httpx.Client) -> dict[str, Any]:
    return signed(entry_of_schools(client), "schools head", "schools head")


def revoked_key(client: httpx.Client) -> dict[str, Any]:
    return signed(entry_of_schools(client), "schools old", "schools head")


def unknown_key(client: httpx.Client) -> dict[str, Any]:
    return signed(entry_of_schools(client), "nobody", "schools head")


def key_of_another(client: httpx.Client) -> dict[str, Any]:
    return signed(entry_of_schools(client), "health steward", "schools head")


def without_head(client: httpx.Client) -> dict[str, Any]:
    return signed(entry_of_schools(client), "schools steward")


def signature_over_other_data(client: httpx.Client) -> dict[str, Any]:
    other = prepare(client, "Filing", SCHOOLS, filing("301009/000007", "另一份"))
    body = signed(entry_of_schools(client), "schools steward", "schools head")
    return body | {"signature": signature(other, "schools steward")}


def body_not_signed(client: httpx.Client) -> dict[str, Any]:
    body = signed(entry_of_schools(client), "schools steward", "schools head")
    return body | {"bodies": [body["bodies"][0].replace("不会入账", "偷偷入账")]}


def expired(client: httpx.Client) -> dict[str, Any]:
    prepared = prepare(
        client, "Filing", SCHOOLS, filing("301009/000006", "过期的目录"), deadline=1_700_000_000
    )
    return signed(prepared, "schools steward", "schools head")


def foreign_ledger(client: httpx.Client) -> dict[str, Any]:
    prepared = entry_of_schools(client)
    prepared["typed_data"]["domain"]["chainId"] = 1
    body = {"typed_data": prepared["typed_data"], "bodies": prepared["bodies"]}
    return body | {"signer": account("schools steward").address, "signature": "0x" + "00" * 65}


def of_another_organisation(client: httpx.Client) -> dict[str, Any]:
    entry = entry_document("301001/000001", "抢来的目录", HEALTH)
    prepared = prepare(client, "Filing", HEALTH, {"entry": entry})
    return signed(prepared, "health steward", "health head")


def unknown_entry(client: httpx.Client) -> dict[str, Any]:
    wanted = {"code": "999999/000001", "decision": "published", "version": 1}
    return signed(prepare(client, "Decision", BUREAU, wanted), "publisher")


def illegal_step(client: httpx.Client) -> dict[str, Any]:
    wanted = {"code": "301002/000003", "decision": "published"}
    return signed(prepare(client, "Decision", BUREAU, wanted), "publisher")


def unknown_speaker(client: httpx.Client) -> dict[str, Any]:
    wanted = {"code": "TMP-X", "name": "无", "parent": ROOT, "level": "town"}
    return signed(prepare(client, "Organisation", "TMP-NOWHERE", wanted), "genesis")


def not_a_body(client: httpx.Client) -> dict[str, Any]:
    """Signed correctly, but nobody could read it: the body is not the entry that the code names."""
    from ledger.statements import FILING, Batch  # noqa: PLC0415

    values = {
        "code": "301009/000008",
        "version": 1,
        "state": 1,
        "shareType": 0,
        "openType": 0,
        "grade": 0,
        "updateCycle": 0,
        "library": 0,
    }
    batch = Batch(FILING, SCHOOLS, 4_000_000_000, (values,), (b'{"code":"301009/000009"}',))
    domain = entry_of_schools(client)["typed_data"]["domain"]
    from ledger.statements import Domain  # noqa: PLC0415

    place = Domain("Catalogue", domain["chainId"], domain["verifyingContract"])
    prepared = {
        "typed_data": batch.typed_data(place),
        "bodies": ['{"code":"301009/000009"}'],
        "receipt": "0x" + batch.digest(place).hex(),
    }
    return signed(prepared, "schools steward")


@pytest.mark.parametrize(
    ("made", "status", "code"),
    [
        (wrong_role, 403, "role_missing"),
        (revoked_key, 403, "role_missing"),
        (unknown_key, 403, "role_missing"),
        (key_of_another, 403, "role_missing"),
        (without_head, 422, "cosignature_missing"),
        (signature_over_other_data, 403, "bad_signature"),
        (body_not_signed, 403, "bad_signature"),
        (expired, 422, "deadline_passed"),
        (foreign_ledger, 422, "wrong_ledger"),
        (of_another_organisation, 403, "not_owner"),
        (unknown_entry, 422, "unknown_entry"),
        (illegal_step, 409, "illegal_transition"),
        (unknown_speaker, 422, "unknown_organisation"),
        (not_a_body, 422, "validation_failed"),
    ],
)
def test_what_the_contract_would_refuse_is_refused_before_it_is_sent(
    client: httpx.Client,
    district: District,
    made: Callable[[httpx.Client], dict[str, Any]],
    status: int,
    code: str,
) -> None:
    before = len(district.office.outbox.receipts())
    answer = client.post(SUBMIT, json=made(client))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["hint"]
    assert len(district.office.outbox.receipts()) == before


@pytest.mark.parametrize(
    ("struct", "statement", "pointer"),
    [
        ("Filing", {"entry": {"code": "301009/000010", "name": "", "provider": SCHOOLS}}, "/name"),
        ("Filing", {"entry": filing("301009/000010", "x")["entry"] | {"colour": 1}}, "/colour"),
        (
            "Filing",
            {"entry": {"code": "301009/000010", "name": "未填全", "provider": SCHOOLS}},
            "/",
        ),
        ("Filing", {"entrie": {}}, "/entrie"),
        ("Decision", {"code": "301001/000001", "decision": "returned"}, "/reasons"),
        ("Decision", {"code": "301001/000001", "decision": "burnt"}, "/decision"),
        ("Organisation", {"code": "1234", "name": "x", "level": "district"}, "/code"),
        ("Key", {"address": "0x12", "holder": SCHOOLS, "roles": ["steward"]}, "/address"),
        ("Score", {"entry": "301001/000001", "edition": 1, "scores": {"beauty": 1}}, "/scores"),
    ],
)
def test_a_statement_that_cannot_stand_is_told_field_by_field(
    client: httpx.Client, struct: str, statement: dict[str, Any], pointer: str
) -> None:
    wanted = {"struct": struct, "organisation": SCHOOLS, "statements": [statement]}
    answer = client.post(PREPARE, json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert any(found.startswith("/statements/0") and pointer in found for found in pointers), (
        pointers
    )


def test_faults_are_told_in_chinese_too(client: httpx.Client) -> None:
    wanted = {"struct": "Decision", "organisation": SCHOOLS, "statements": [{"code": "1/1"}]}
    answer = client.post(PREPARE, json=wanted, headers={"accept-language": "zh-CN"})
    assert answer.headers["content-language"] == "zh"
    assert answer.json()["errors"][0]["detail"] == "缺少此项"


def test_a_receipt_that_nobody_was_given_is_unknown(client: httpx.Client) -> None:
    answer = client.get(f"{SUBMIT}/0x{'0' * 64}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_receipt")
    assert client.get(f"{SUBMIT}/0x12").status_code == 422
    assert client.get(f"{SUBMIT}/0x{'0' * 64}", params={"wait": 61}).status_code == 422


def test_batches_handed_in_without_waiting_build_on_one_another(client: httpx.Client) -> None:
    code = "301009/000011"
    bodies = [
        signed(
            prepare(client, "Filing", SCHOOLS, filing(code, f"连续修订{n}") | {"version": n}),
            "schools steward",
            "schools head",
        )
        for n in (1, 2, 3)
    ]
    places = []
    for body in bodies:
        answer = client.post(SUBMIT, json=body)
        assert answer.status_code == 202, answer.text
        places.append(answer.headers["location"])
    for place in places:
        found = client.get(place, params={"wait": 30, "until": "verified"}).json()
        assert found["state"] == "verified", found
    assert client.get(f"/api/v1/catalogue/entries/{code}").json()["version"] == 3


def test_one_catalogue_does_not_get_two_codes(client: httpx.Client) -> None:
    first = filing("301009/000071", "校车线路备案")
    twin = filing("301009/000072", "校车线路 备案")
    wanted = {"struct": "Filing", "organisation": SCHOOLS, "statements": [first, twin]}
    answer = client.post(PREPARE, json=wanted)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/statements/1/entry/name", "duplicate_name")


def test_a_ledger_without_the_registry_says_who_can_add_it(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = district.office
    fewer = {name: at for name, at in office.deployment.registries.items() if name != "Quality"}
    earlier = msgspec.structs.replace(office.deployment, registries=fewer)
    monkeypatch.setitem(office.__dict__, "deployment", earlier)
    wanted = {
        "struct": "Score",
        "organisation": BUREAU,
        "statements": [
            {
                "entry": "301001/000001",
                "edition": 1,
                "period_start": "2026-01-01",
                "period_end": "2026-03-31",
                "scores": {"completeness": 9999},
                "rule_set": "ab" * 32,
            }
        ],
    }
    answer = client.post(PREPARE, json=wanted)
    assert answer.status_code == 503, answer.text
    problem = answer.json()
    assert problem["code"] == "registry_missing"
    assert "no registry Quality" in problem["detail"]
    assert "govledger chain upgrade" in problem["hint"]
