"""State words, and what binds a statement to its authorisation; the rules are in conformance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.codes import KeyStatus, Level, OrganisationStatus, Role
from ledger.mirror.projections import Heads, RuleBroken
from ledger.organisations.rules import RULEBOOK, KeyState, OrganisationState, key_state
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.statements import FILING, Authorisation, LogIdentity, Statement, text_hash
from tests.organisations.scribe import FAR, SIGNER, decoded, recorded

U32 = st.integers(0, 2**32 - 1)
U16 = st.integers(0, 2**16 - 1)
U8 = st.integers(0, 2**8 - 1)
ROOT = "11310000MB0000000A"
LOG = LogIdentity(26476, bytes(20))


@given(st.builds(OrganisationState, U32, U32, U8, U8))
def test_an_organisation_word_gives_back_what_was_packed(state: OrganisationState) -> None:
    assert OrganisationState.unpack(state.pack()) == state
    assert state.pack() < 1 << 192


@given(st.builds(KeyState, U32, U16, U8))
def test_a_key_word_gives_back_what_was_packed(state: KeyState) -> None:
    assert KeyState.unpack(state.pack()) == state
    assert state.pack() < 1 << 192


def test_words_lie_as_the_contracts_lay_them() -> None:
    organisation = OrganisationState(7, 1, Level.TOWN.number, OrganisationStatus.DISSOLVED.number)
    assert organisation.pack() == 0x02_03_00000001_00000007
    key = KeyState(7, int(Role.HEAD | Role.AUDITOR), KeyStatus.REVOKED.number)
    assert key.pack() == 0x02_0022_00000007


def first_statement() -> tuple[Statement, Authorisation]:
    draft = OrganisationDraft(
        code=ROOT, name="区数据局", level=Level.DISTRICT, evidence="机构编制文件"
    )
    statement = recorded(register([draft], speaker=ROOT, deadline=FAR), 0)[0]
    return statement, authorisation_of(statement)


def authorisation_of(statement: Statement) -> Authorisation:
    return Authorisation(
        digest=statement.authorisation,
        registry=bytes(20),
        organisation=statement.org,
        signer=statement.signer,
        signature=bytes(65),
        cosigner=bytes(20),
        cosignature=b"",
        deadline=FAR,
        first_index=statement.index,
        count=1,
    )


def heads() -> Heads:
    return Heads(LOG, SIGNER)


def next_state(statement: Statement, authorisation: Authorisation, before: Heads) -> int:
    return RULEBOOK.next_state(decoded(statement), authorisation, before)


def test_the_first_statement_makes_organisation_number_one() -> None:
    statement, authorisation = first_statement()
    state = OrganisationState.unpack(next_state(statement, authorisation, heads()))
    assert state == (1, 0, Level.DISTRICT.number, OrganisationStatus.ACTIVE.number)


@pytest.mark.parametrize(
    ("member", "lie"),
    [
        ("kind", "organisation.key"),
        ("subject", text_hash("91350100M000100Y43")),
        ("version", 2),
        ("org", text_hash("91350100M000100Y43")),
        ("signer", bytes(20)),
        ("authorisation", bytes(32)),
        ("body_digest", bytes(32)),
    ],
)
def test_a_statement_that_is_not_what_was_signed_is_refused(member: str, lie: object) -> None:
    statement, authorisation = first_statement()
    name = {"body_digest": "bodyDigest"}.get(member, member)
    with pytest.raises(RuleBroken, match=f"leaf 0 .*: {name} is not what was signed"):
        next_state(structs.replace(statement, **{member: lie}), authorisation, heads())


def test_a_struct_of_another_registry_is_not_recorded_here() -> None:
    statement, authorisation = first_statement()
    one = structs.replace(decoded(statement), struct=FILING)
    with pytest.raises(RuleBroken, match="Organisations records no Filing"):
        RULEBOOK.next_state(one, authorisation, heads())


def test_a_refusal_names_leaf_and_key_and_role() -> None:
    statement, authorisation = first_statement()
    before = heads()
    state = next_state(statement, authorisation, before)
    before.put(statement.kind, statement.subject, 1, state)
    draft = KeyDraft(address="0x" + "11" * 20, holder=ROOT, roles=("steward",))
    grant = recorded(set_keys([draft], speaker=ROOT, deadline=FAR), 1)[0]
    stranger = bytes(19) + b"\x08"
    lied = structs.replace(grant, signer=stranger)
    with pytest.raises(RuleBroken, match=rf"leaf 1 .* key 0x{stranger.hex()} is unknown"):
        next_state(lied, authorisation_of(lied), before)
    before.put(grant.kind, bytes(12) + stranger, 1, KeyState(1, Role.STEWARD, 1).pack())
    with pytest.raises(RuleBroken, match="does not hold the role AUTHORITY"):
        next_state(lied, authorisation_of(lied), before)
    before.put(grant.kind, bytes(12) + stranger, 2, KeyState(1, Role.AUTHORITY, 2).pack())
    with pytest.raises(RuleBroken, match="is revoked"):
        next_state(lied, authorisation_of(lied), before)
    before.put(grant.kind, bytes(12) + stranger, 2, KeyState(9, Role.AUTHORITY, 1).pack())
    with pytest.raises(RuleBroken, match="belongs to organisation number 9"):
        next_state(lied, authorisation_of(lied), before)


def test_the_genesis_key_is_an_authority_of_the_root_until_a_statement_about_it() -> None:
    before = heads()
    assert key_state(before, SIGNER) == (1, int(Role.AUTHORITY), KeyStatus.ACTIVE.number)
    assert key_state(before, bytes(20)) == (0, 0, 0)
    before.put("organisation.key", bytes(12) + SIGNER, 1, KeyState(1, Role.STEWARD, 1).pack())
    assert key_state(before, SIGNER) == (1, int(Role.STEWARD), KeyStatus.ACTIVE.number)


def test_heads_count_subjects_not_statements() -> None:
    before = heads()
    before.put("organisation", bytes(32), 1, 5)
    before.put("organisation", bytes(32), 2, 6)
    before.put("organisation", bytes(31) + b"\1", 1, 5)
    assert before.count("organisation") == 2
    assert before.count("organisation.key") == 0
    assert before.get("organisation", bytes(32)) == (2, 6)
