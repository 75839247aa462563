"""Filings, decisions and sealed texts:
what goes on the chain, what stays off, and what is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from ledger.canonical import is_canonical
from ledger.catalogue.entry import Entry
from ledger.catalogue.models import SEALED_TEXTS
from ledger.catalogue.names import bare
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.schema import entry_schema
from ledger.catalogue.sealing import SealError, seal, unseal
from ledger.catalogue.statements import (
    Envelope,
    Revision,
    Verdict,
    commitment_of,
    decision,
    filing,
    refusals,
)
from ledger.codes import EntryState
from ledger.statements import sha256
from ledger.store.engine import open_database, writing

from .conftest import AUTHORITY, FAR, OWNER, whole_entry

KEY = bytes(range(32))
SECRET_ITEMS = [{"name": "病史摘要", "data_type": "memo", "grade": 4}]


def entry(**changes: Any) -> Entry:
    return Entry.parse(whole_entry(**changes))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


def test_a_filing_publishes_the_entry_as_canonical_json() -> None:
    made = filing(OWNER, [Revision(entry(), 3)], FAR)
    (body,) = made.batch.bodies
    assert is_canonical(body)
    assert json.loads(body)["items"][0]["name"] == "姓名"
    assert json.loads(body)["grade"] == 2
    assert made.envelopes == ()
    (values,) = made.batch.values
    assert values == {
        "code": "307015/000001",
        "version": 3,
        "state": 2,
        "shareType": 2,
        "openType": 3,
        "grade": 2,
        "updateCycle": 2,
        "library": 1,
    }


def test_a_draft_says_zero_where_nothing_is_stated() -> None:
    bare = Entry.parse({"code": "307015/000001", "name": "人口", "provider": OWNER})
    (values,) = filing(OWNER, [Revision(bare, 1, EntryState.DRAFT)], FAR).batch.values
    typed = ("shareType", "openType", "grade", "updateCycle", "library")
    assert [values[name] for name in typed] == [0] * 5


def test_an_incomplete_entry_is_refused_for_submission_and_taken_as_draft() -> None:
    with pytest.raises(EntryRefused) as caught:
        filing(OWNER, [Revision(entry(abstract=None))], FAR)
    assert [(one.code, one.pointer) for one in caught.value.problems] == [("missing", "/abstract")]
    assert "307015/000001" in str(caught.value)
    assert filing(OWNER, [Revision(entry(abstract=None), 1, EntryState.DRAFT)], FAR)


def test_a_filing_mistake_refuses_even_a_draft_and_names_the_field() -> None:
    with pytest.raises(EntryRefused, match="/name"):
        filing(OWNER, [Revision(entry(name="人口系统"), 1, EntryState.DRAFT)], FAR)


def test_one_catalogue_does_not_get_two_codes() -> None:
    twins = [Revision(entry()), Revision(entry(code="307015/000002", name="户籍 人口基本信息"))]
    with pytest.raises(EntryRefused, match="307015/000002: /name: same name as"):
        filing(OWNER, twins, FAR)
    known = {(OWNER, bare("户籍人口基本信息")): ("307015/000009", "户籍人口基本信息")}
    with pytest.raises(EntryRefused, match="already has the code 307015/000009"):
        filing(OWNER, [Revision(entry())], FAR, known=known)
    own = {(OWNER, bare("户籍人口基本信息")): ("307015/000001", "户籍人口基本信息")}
    assert filing(OWNER, [Revision(entry(), 2)], FAR, known=own)


def test_only_the_provider_files() -> None:
    found = refusals(entry(), AUTHORITY, EntryState.DRAFT)
    assert [one.code for one in found] == ["provider_mismatch"]
    with pytest.raises(EntryRefused, match=OWNER):
        filing(AUTHORITY, [Revision(entry())], FAR)


def test_a_providers_code_that_fails_the_check_is_marked_in_the_body() -> None:
    def mark(**changes: Any) -> Any:
        code = changes["provider"]
        body = filing(code, [Revision(entry(**changes))], FAR).batch.bodies[0]
        return json.loads(body).get("provider_check")

    assert mark(provider="TMP-001") == "missing"
    assert mark(provider="91350211M0000XUF46") == "unchecked"
    assert mark(provider="91350211M0000XUF46", provider_evidence="登记证书") == "overridden"
    assert mark(provider=OWNER) is None
    assert mark(provider="TMP-001", provider_check="valid") == "missing"


def test_an_entry_that_is_too_large_is_refused_with_its_size() -> None:
    items = [
        {"name": f"项目{chr(0x4E00 + n)}", "data_type": "date", "description": "说明" * 100}
        for n in range(250)
    ]
    with pytest.raises(EntryRefused, match="131072"):
        filing(OWNER, [Revision(entry(items=items, grade=1))], FAR)


@pytest.mark.parametrize("changes", [{"items": SECRET_ITEMS}, {"restricted": True}, {"grade": 3}])
def test_nothing_of_a_restricted_text_is_in_the_batch(changes: dict[str, Any]) -> None:
    made = filing(OWNER, [Revision(entry(**changes))], FAR)
    (body,) = made.batch.bodies
    (envelope,) = made.envelopes
    everything = b"".join((*made.batch.bodies, *made.batch.payloads()))
    said = json.loads(envelope.text)
    for word in (said["name"], said["abstract"], said["provider_name"], said["items"][0]["name"]):
        assert word.encode() not in everything
        assert json.dumps(word).encode() not in everything
    assert envelope.salt not in everything
    assert sha256(envelope.text) not in everything
    assert json.loads(body) == {
        "code": "307015/000001",
        "commitment": sha256(envelope.salt + envelope.text).hex(),
        "provider": OWNER,
        "restricted": True,
    }


def test_two_filings_of_one_restricted_text_have_different_commitments() -> None:
    marked = entry(restricted=True)
    bodies = {filing(OWNER, [Revision(marked)], FAR).batch.bodies[0] for _ in range(4)}
    assert len(bodies) == 4


def test_a_sealed_text_comes_back_with_the_key_and_fits_its_commitment(desk: Engine) -> None:
    made = filing(OWNER, [Revision(entry(items=SECRET_ITEMS))], FAR)
    with writing(desk) as connection:
        seal(connection, made.envelopes, KEY)
        seal(connection, made.envelopes, KEY)
    commitment = json.loads(made.batch.bodies[0])["commitment"]
    with desk.connect() as connection:
        opened = unseal(connection, commitment, KEY)
    assert opened == made.envelopes[0]
    assert commitment_of(opened.salt, opened.text).hex() == commitment
    assert Entry.parse(json.loads(opened.text)).name == "户籍人口基本信息"


def test_the_desk_database_does_not_hold_the_text_in_clear(desk: Engine, tmp_path: Path) -> None:
    made = filing(OWNER, [Revision(entry(items=SECRET_ITEMS))], FAR)
    with writing(desk) as connection:
        seal(connection, made.envelopes, KEY)
    desk.dispose()
    stored = b"".join(file.read_bytes() for file in sorted(tmp_path.glob("desk.db*")))
    assert made.envelopes[0].code.encode() in stored
    for word in ("病史摘要", "户籍人口基本信息"):
        assert word.encode() not in stored
    assert made.envelopes[0].salt not in stored


def test_the_wrong_key_an_altered_row_and_an_absent_text_are_told_apart(desk: Engine) -> None:
    made = filing(OWNER, [Revision(entry(restricted=True))], FAR)
    commitment = made.envelopes[0].commitment.hex()
    with writing(desk) as connection:
        seal(connection, made.envelopes, KEY)
    with desk.connect() as connection:
        with pytest.raises(SealError, match="another key"):
            unseal(connection, commitment, bytes(32))
        with pytest.raises(SealError, match="32 bytes, this one has 5"):
            unseal(connection, commitment, b"short")
        with pytest.raises(SealError, match="no text is kept here"):
            unseal(connection, "00" * 32, KEY)


@pytest.mark.parametrize("column", ["nonce", "ciphertext", "code", "key_check"])
def test_any_altered_column_of_a_sealed_text_is_noticed(desk: Engine, column: str) -> None:
    made = filing(OWNER, [Revision(entry(restricted=True))], FAR)
    with writing(desk) as connection:
        seal(connection, made.envelopes, KEY)
        changed: Any = "307015/000002" if column == "code" else b"\1" * 12
        connection.execute(update(SEALED_TEXTS).values({column: changed}))
    with (
        desk.connect() as connection,
        pytest.raises(SealError, match="another key" if column == "key_check" else "altered"),
    ):
        unseal(connection, made.envelopes[0].commitment.hex(), KEY)


def test_a_text_moved_to_another_commitment_is_noticed(desk: Engine) -> None:
    made = filing(OWNER, [Revision(entry(restricted=True))], FAR)
    with writing(desk) as connection:
        seal(connection, made.envelopes, KEY)
        connection.execute(update(SEALED_TEXTS).values(commitment="ab" * 32))
    with desk.connect() as connection, pytest.raises(SealError, match="altered"):
        unseal(connection, "ab" * 32, KEY)


@given(text=st.binary(max_size=64), salt=st.binary(max_size=40))
def test_a_commitment_needs_a_salt_of_thirty_two_bytes(text: bytes, salt: bytes) -> None:
    if len(salt) == 32:
        assert commitment_of(salt, text) == sha256(salt + text)
    else:
        with pytest.raises(ValueError, match="32 bytes"):
            commitment_of(salt, text)


def test_an_envelope_of_a_wrong_commitment_cannot_be_opened(desk: Engine) -> None:
    forged = Envelope("307015/000001", bytes(32), bytes(32), b"{}")
    with writing(desk) as connection:
        seal(connection, [forged], KEY)
    with desk.connect() as connection, pytest.raises(SealError, match="not the one that was filed"):
        unseal(connection, "00" * 32, KEY)


def test_decisions_name_code_state_and_reasons() -> None:
    verdicts = [
        Verdict("307015/000001", 2, EntryState.PUBLISHED),
        Verdict("307015/000002", 5, EntryState.RETURNED, (" 缺少摘要 ", "")),
    ]
    batch = decision(AUTHORITY, verdicts, FAR)
    assert [json.loads(body) for body in batch.bodies] == [
        {"code": "307015/000001", "decision": "published", "reasons": []},
        {"code": "307015/000002", "decision": "returned", "reasons": ["缺少摘要"]},
    ]
    assert all(is_canonical(body) for body in batch.bodies)
    assert [values["state"] for values in batch.values] == [4, 3]


@pytest.mark.parametrize("state", [EntryState.RETURNED, EntryState.SUSPENDED, EntryState.REVOKED])
def test_a_decision_that_hurts_needs_reasons(state: EntryState) -> None:
    with pytest.raises(EntryRefused, match="/reasons"):
        decision(AUTHORITY, [Verdict("307015/000001", 2, state, (" ",))], FAR)


@pytest.mark.parametrize("state", [EntryState.DRAFT, EntryState.SUBMITTED])
def test_what_an_owner_files_cannot_be_decided(state: EntryState) -> None:
    with pytest.raises(EntryRefused, match="filed by the owner"):
        decision(AUTHORITY, [Verdict("307015/000001", 2, state)], FAR)


def test_the_published_schema_takes_what_we_file_and_refuses_what_we_refuse() -> None:
    schema = entry_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    filed = json.loads(filing(OWNER, [Revision(entry())], FAR).batch.bodies[0])
    assert validator.is_valid(filed)
    for changes in ({"colour": "red"}, {"update_cycle": "每年"}, {"grade": 9}, {"name": 7}):
        assert not validator.is_valid({**filed, **changes})
    assert not validator.is_valid({"name": "x"})
