"""Every refusal of the contracts has its words, in both languages, and no data is too strange."""

from __future__ import annotations

import re

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain import artifacts, phrases
from ledger.chain.errors import CONTRACTS, explain
from ledger.codes import EntryState, Role
from ledger.statements import kind_word, text_hash

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OURS = tuple(name for name in CONTRACTS if name != "AccessManager")
FOREIGN = re.compile(
    r"^(AccessManager|AccessManaged|Address|Checkpoint|ECDSA|Failed|Invalid|Safe|S)"
)


def declared(contracts: tuple[str, ...]) -> dict[str, dict[str, object]]:
    return {
        item["name"]: item
        for contract in contracts
        for item in artifacts.load(contract).abi
        if item["type"] == "error"
    }


def data_of(name: str, *values: object) -> bytes:
    kinds = [part["type"] for part in declared(CONTRACTS)[name]["inputs"]]
    selector = keccak(text=f"{name}({','.join(kinds)})")[:4]
    return selector + encode(kinds, values)


def sample(kind: str) -> object:
    if kind == "address":
        return ADDRESS
    if kind == "bytes32":
        return kind_word("level")
    if kind == "bytes16":
        return bytes(16)
    return 1


@pytest.mark.parametrize("name", sorted(name for name in declared(OURS) if not FOREIGN.match(name)))
def test_every_error_of_our_contracts_has_words_and_advice(name: str) -> None:
    item = declared(OURS)[name]
    refusal = explain(data_of(name, *[sample(part["type"]) for part in item["inputs"]]))
    assert refusal.name == name
    assert name in phrases.PHRASES
    for text in (refusal.message_en, refusal.message_zh, refusal.hint_en, refusal.hint_zh):
        assert text
        assert "{" not in text
    assert re.search(r"[\u4e00-\u9fff]", refusal.message_zh)
    assert re.search(r"[\u4e00-\u9fff]", refusal.hint_zh)


def test_there_are_no_words_for_errors_that_do_not_exist() -> None:
    known = set(declared(CONTRACTS)) | {"", "Error", "Panic"}
    assert set(phrases.PHRASES) <= known


def test_a_stale_version_tells_the_one_expected_and_names_the_subject() -> None:
    data = data_of("StaleVersion", kind_word("catalogue.entry"), text_hash("310/1"), 4, 7)
    refusal = explain(data, {text_hash("310/1"): "310/1"})
    assert refusal.expected_version == 7
    assert refusal.args["subject"] == "310/1"
    assert refusal.args["kind"] == "catalogue.entry"
    assert "version 7" in refusal.message_en
    assert "第 7 版" in refusal.message_zh


def test_roles_states_and_times_are_told_in_words() -> None:
    roles = Role.AUTHORITY | Role.HEAD
    refusal = explain(data_of("RoleMissing", ADDRESS, text_hash("x"), int(roles)))
    assert "HEAD or AUTHORITY" in refusal.message_en
    assert "部门负责人或主管部门" in refusal.message_zh
    published, draft = EntryState.PUBLISHED.number, EntryState.DRAFT.number
    data = data_of("IllegalTransition", text_hash("x"), published, draft)
    assert "published to draft" in explain(data, contract="Catalogue").message_en
    assert "“已发布”变为“草案”" in explain(data, contract="Catalogue").message_zh
    refusal = explain(data_of("DeadlinePassed", 0, 1_700_000_000))
    assert "1970-01-01 00:00:00 UTC" in refusal.message_en
    assert "2023-11-14 22:13:20 UTC" in refusal.message_zh


def test_a_deadline_beyond_any_calendar_is_shown_as_it_is() -> None:
    refusal = explain(data_of("DeadlinePassed", 2**64 - 1, 2**255))
    assert str(2**64 - 1) in refusal.message_en


def test_solidity_s_own_errors_are_told_too() -> None:
    text = keccak(text="Error(string)")[:4] + encode(["string"], ["no such thing"])
    assert "no such thing" in explain(text).message_en
    panic = keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11])
    assert "panic 17" in explain(panic).message_en


def test_no_reason_and_an_unknown_reason_are_told_apart() -> None:
    assert explain(b"").name == "Reverted"
    assert "without a reason" in explain(b"").message_en
    assert "0xdeadbeef" in explain(bytes.fromhex("deadbeef")).message_en


@given(st.binary(max_size=200), st.sampled_from(sorted(declared(CONTRACTS))))
def test_no_data_breaks_the_explanation(data: bytes, name: str) -> None:
    item = declared(CONTRACTS)[name]
    kinds = [part["type"] for part in item["inputs"]]
    selector = keccak(text=f"{name}({','.join(kinds)})")[:4]
    for attempt in (data, selector + data):
        refusal = explain(attempt)
        assert refusal.message_en
        assert refusal.message_zh
