"""Questions about organisations and keys, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from ledger.codes import KeyStatus, Level, OrganisationStatus, Role
from ledger.organisations import queries
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.statements import text_hash
from tests.organisations.scribe import FAR, Scribe

DATA = "TMP-DATA"
WATER = "91350100M000100Y43"
RIVER = "91350211M0000XUF46"
TOWN = "TMP-TOWN"
OLD = "0x" + "11" * 20
NEW = "0x" + "22" * 20
HEAD = "0x" + "33" * 20


def one(code: str, name: str, parent: str | None = DATA, **more: object) -> OrganisationDraft:
    return OrganisationDraft.model_validate(
        {"code": code, "name": name, "parent": parent, "level": "district", **more}
    )


def granted(address: str, holder: str, *roles: str) -> KeyDraft:
    return KeyDraft(address=address, holder=holder, roles=roles)


@pytest.fixture
def scribe(scribe: Scribe) -> Scribe:
    """Leaves 0-3 organisations, 4-6 keys, 7-8 a rotation, 9 the river bureau dissolved."""
    river = one(RIVER, "河道管理所", WATER, evidence="登记证", aliases=["River 100%_ok"])
    old = granted(OLD, WATER, "steward")
    scribe.write(
        register(
            [
                one(DATA, "青浦区数据局", None, name_en="Data Bureau"),
                one(WATER, "青浦区水务局"),
                river,
                one(TOWN, "朱家角镇", level="town"),
            ],
            speaker=DATA,
            deadline=FAR,
        ),
        set_keys(
            [old, granted(HEAD, WATER, "head"), granted("0x" + "44" * 20, RIVER, "steward")],
            speaker=DATA,
            deadline=FAR,
        ),
        set_keys(
            [old.revoked("lost"), granted(NEW, WATER, "steward", "collector")],
            speaker=DATA,
            deadline=FAR,
        ),
        register(
            [
                OrganisationDraft.model_validate(
                    {**river.model_dump(), "status": "dissolved", "version": 2}
                )
            ],
            speaker=DATA,
            deadline=FAR,
        ),
    )
    return scribe


def codes(found: list[queries.Organisation]) -> list[str]:
    return [one.code for one in found]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("水务", [WATER]),
        ("青浦区", [WATER, DATA]),
        ("data bureau", [DATA]),
        ("DATA BUREAU", [DATA]),
        ("river", [RIVER]),
        ("100%_", [RIVER]),
        ("%", [RIVER]),
        ("1_0", []),
        ("91350", [WATER, RIVER]),
        ("tmp-", [DATA, TOWN]),
        ("  ", [WATER, RIVER, DATA, TOWN]),
        ("没有", []),
    ],
)
def test_search_finds_parts_of_codes_and_names(
    mirror: Connection, q: str, expected: list[str]
) -> None:
    assert codes(queries.organisations(mirror, q=q)) == expected


def test_filters_narrow_the_list(mirror: Connection) -> None:
    find = queries.organisations
    assert codes(find(mirror, level=Level.TOWN)) == [TOWN]
    assert codes(find(mirror, parent=DATA)) == [WATER, TOWN]
    assert codes(find(mirror, parent="")) == [DATA]
    assert codes(find(mirror, status=OrganisationStatus.DISSOLVED)) == [RIVER]
    assert codes(find(mirror, uscc="missing")) == [DATA, TOWN]
    assert codes(find(mirror, uscc="overridden")) == [RIVER]
    assert codes(find(mirror, q="青浦", uscc="valid")) == [WATER]


def test_what_happens_later_is_not_seen_as_of_earlier(mirror: Connection) -> None:
    def status(as_of: int | None) -> str | None:
        found = queries.organisation(mirror, RIVER, as_of)
        return found.status if found else None

    assert [status(size) for size in (0, 2, 3, 9, 10, None)] == [
        None,
        None,
        "active",
        "active",
        "dissolved",
        "dissolved",
    ]
    assert codes(queries.organisations(mirror, as_of=2)) == [WATER, DATA]


def test_the_tree_stands_parents_over_children(mirror: Connection) -> None:
    [root] = queries.tree(mirror)
    assert root.organisation.code == DATA
    assert [branch.organisation.code for branch in root.children] == [WATER, TOWN]
    assert [branch.organisation.code for branch in root.children[0].children] == [RIVER]


def test_nobody_is_lost_in_a_circle_of_parents(scribe: Scribe) -> None:
    water = one(WATER, "青浦区水务局", RIVER, version=2)
    scribe.write(register([water], speaker=DATA, deadline=FAR))
    with scribe.engine.connect() as connection:
        tops = queries.tree(connection)
    assert [branch.organisation.code for branch in tops] == [DATA, WATER]
    assert [branch.organisation.code for branch in tops[1].children] == [RIVER]
    assert tops[1].children[0].children == ()


def test_keys_are_found_by_organisation_role_and_state(mirror: Connection) -> None:
    def addresses(**filters: object) -> list[str]:
        return [key.address for key in queries.keys(mirror, **filters)]  # type: ignore[arg-type]

    assert addresses(organisation=WATER) == [OLD, NEW, HEAD]
    assert addresses(organisation=WATER, status=KeyStatus.ACTIVE) == [NEW, HEAD]
    assert addresses(role=Role.HEAD) == [HEAD]
    assert addresses(role=Role.STEWARD | Role.HEAD, organisation=WATER, as_of=7) == [OLD, HEAD]
    assert addresses(role=Role.AUTHORITY) == []


def test_a_revoked_key_still_answers_for_what_it_signed_before(mirror: Connection) -> None:
    before, after = queries.holder(mirror, OLD, 7), queries.holder(mirror, OLD, 8)
    assert before is not None
    assert before.may_sign
    assert before.key.roles == ("steward",)
    assert before.organisation is not None
    assert before.organisation.code == WATER
    assert after is not None
    assert not after.may_sign
    assert after.key.reason == "lost"
    assert [key.status for key in queries.key_history(mirror, OLD)] == ["active", "revoked"]


def test_a_key_of_a_dissolved_organisation_may_not_sign(mirror: Connection) -> None:
    address = "0x" + "44" * 20
    assert [queries.holder(mirror, address, size) is not None for size in (6, 7)] == [False, True]
    states = [queries.holder(mirror, address, size) for size in (9, 10)]
    assert [state.may_sign for state in states if state] == [True, False]


def test_a_key_that_no_statement_is_about_has_no_holder(mirror: Connection) -> None:
    assert queries.holder(mirror, "0x" + "99" * 20) is None


def test_hashes_of_statements_get_names(mirror: Connection) -> None:
    asked = [text_hash(WATER), text_hash(DATA), text_hash("TMP-NOBODY")]
    assert queries.names(mirror, asked) == {
        text_hash(WATER): queries.Name(WATER, "青浦区水务局", None),
        text_hash(DATA): queries.Name(DATA, "青浦区数据局", "Data Bureau"),
    }
    assert queries.names(mirror, asked, as_of=1).keys() == {text_hash(DATA)}
    assert queries.names(mirror, []) == {}
