"""From statements to rows: what disagrees is kept out, and rows depend on nothing but the log."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.canonical import canonical_json
from ledger.organisations import queries
from ledger.organisations.projection import PROJECTION
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.statements import KEY, ORGANISATION, Batch, Statement, StructType, sha256
from tests.organisations.scribe import FAR, Scribe, decoded, recorded

CODE = "91350100M000100Y43"
ROOT = "TMP-ROOT"
ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


def said(struct: StructType, values: dict[str, Any], body: dict[str, Any]) -> Statement:
    batch = Batch(struct, ROOT, FAR, (values,), (canonical_json(body),))
    return recorded(batch, 0)[0]


def organisation(body: dict[str, Any], **values: Any) -> Statement:
    typed = {"code": CODE, "version": 1, "parent": ROOT, "level": 2, "status": 1, **values}
    return said(ORGANISATION, typed, {"code": CODE, "name": "水务局", "parent": ROOT, **body})


def key(body: dict[str, Any], **values: Any) -> Statement:
    typed = {"key": ADDRESS, "version": 1, "holder": CODE, "roles": 1, "status": 1, **values}
    return said(KEY, typed, {"holder": CODE, **body})


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (organisation({"code": "TMP-OTHER"}), "body/code: TMP-OTHER is not the code"),
        (organisation({"code": 5}), "body/code: .*string"),
        (organisation({"code": "12"}), "body/code: .*18 characters"),
        (organisation({"parent": CODE}), f"body/parent: {CODE} is not the parent"),
        (organisation({}, parent=""), f"body/parent: {ROOT} is not the parent"),
        (organisation({"parent": None}), "body/parent: none is not the parent"),
        (organisation({"name": ""}), "body/name: .*at least 1"),
        (organisation({"name": "水\u0000"}), r"body/name: .*U\+0000"),
        (organisation({"uscc": "missing"}), "body/uscc: .*says missing, the code itself.* valid"),
        (organisation({"uscc": "overridden"}), "body/uscc: .*says overridden"),
        (organisation({}, level=4), "4 is no Level"),
        (organisation({}, status=0), "0 is no OrganisationStatus"),
        (
            organisation(
                {"code": "91350211M0000XUF46", "uscc": "overridden"}, code="91350211M0000XUF46"
            ),
            "body/evidence: .*needs evidence",
        ),
        (key({"holder": ROOT}), f"body/holder: {ROOT} is not the holder"),
        (key({"label": 1}), "body/label: .*string"),
        (key({}, roles=64), "roles: 64 has bits that are no role"),
        (key({}, status=3), "3 is no KeyStatus"),
    ],
)
def test_a_body_that_disagrees_with_what_was_signed_is_named(
    statement: Statement, words: str
) -> None:
    why = PROJECTION.malformed(decoded(statement))
    assert why is not None
    assert re.search(words, why), why


@pytest.mark.parametrize(
    "statement",
    [
        organisation({"uscc": "valid"}),
        organisation({}),
        organisation({"uscc": "unchecked", "colour": {"of": ["the", "door"]}}),
        key({"label": "Zhang", "since": 2025}),
    ],
)
def test_what_agrees_is_projected_and_unknown_members_are_left_alone(
    statement: Statement,
) -> None:
    assert PROJECTION.malformed(decoded(statement)) is None


def test_a_malformed_statement_leaves_the_row_before_it_in_force(scribe: Scribe) -> None:
    good = organisation({})
    bad = structs.replace(organisation({"code": ROOT}, version=2), index=1)
    better = structs.replace(organisation({"name": "水利局"}, version=3), index=2)
    scribe.take([good, bad])
    with scribe.engine.connect() as connection:
        held = queries.organisation(connection, CODE)
    assert held is not None
    assert (held.version, held.name, held.leaf_until) == (1, "水务局", None)
    assert list(scribe.flags) == [1]
    scribe.take([better])
    with scribe.engine.connect() as connection:
        versions = queries.organisation_history(connection, CODE)
    assert [(one.version, one.leaf_from, one.leaf_until) for one in versions] == [
        (1, 0, 2),
        (3, 2, None),
    ]


def test_a_row_holds_what_the_statement_said(scribe: Scribe) -> None:
    draft = OrganisationDraft.model_validate(
        {
            "code": CODE,
            "name": "区水务局",
            "name_en": "Water Affairs",
            "parent": ROOT,
            "level": "district",
            "region": "310118",
            "aliases": ["水务", "河长办"],
        }
    )
    grant = KeyDraft(address=ADDRESS, holder=CODE, roles=("steward", "head"), label="Zhang")
    scribe.write(
        register([draft], speaker=ROOT, deadline=FAR), set_keys([grant], speaker=ROOT, deadline=FAR)
    )
    with scribe.engine.connect() as connection:
        held = queries.organisation(connection, CODE)
        keys = queries.keys(connection)
    assert held == queries.Organisation(
        code=CODE,
        name="区水务局",
        name_en="Water Affairs",
        parent=ROOT,
        level="district",
        status="active",
        region="310118",
        aliases=("水务", "河长办"),
        uscc="valid",
        evidence=None,
        version=1,
        recorded_at=scribe.statements[0].recorded_at,
        leaf_from=0,
        leaf_until=None,
    )
    assert keys == [
        queries.Key(
            address=ADDRESS,
            organisation=CODE,
            roles=("steward", "head"),
            role_mask=3,
            status="active",
            label="Zhang",
            reason=None,
            version=1,
            recorded_at=scribe.statements[1].recorded_at,
            leaf_from=1,
            leaf_until=None,
        )
    ]


CODES = ("TMP-A", "TMP-B", "TMP-C")
ADDRESSES = tuple("0x" + digit * 40 for digit in "123")


@st.composite
def logs(draw: st.DrawFn) -> list[Statement]:
    """Statements about few subjects, versions contiguous, some of them malformed."""
    versions: dict[str, int] = {}
    statements: list[Statement] = []
    for index in range(draw(st.integers(1, 12))):
        subject = draw(st.sampled_from((*CODES, *ADDRESSES)))
        versions[subject] = version = versions.get(subject, 0) + 1
        if subject in CODES:
            status = draw(st.sampled_from(("active", "dissolved"))) if version > 1 else "active"
            batch = register(
                [
                    OrganisationDraft.model_validate(
                        {
                            "code": subject,
                            "name": draw(st.sampled_from(("水务局", "公安局", "Parks"))),
                            "level": draw(st.sampled_from(("city", "district", "town"))),
                            "status": status,
                            "version": version,
                        }
                    )
                ],
                speaker=ROOT,
                deadline=FAR,
            )
        else:
            batch = set_keys(
                [
                    KeyDraft(
                        address=subject,
                        holder=draw(st.sampled_from(CODES)),
                        roles=("head",),
                        version=version,
                    )
                ],
                speaker=ROOT,
                deadline=FAR,
            )
        statement = recorded(batch, index)[0]
        if draw(st.integers(0, 5)) == 0:
            broken = canonical_json({**json.loads(statement.body), "holder": "", "name": 0})
            statement = structs.replace(statement, body=broken, body_digest=sha256(broken))
        statements.append(statement)
    return statements


law = settings(suppress_health_check=list(HealthCheck), max_examples=60)


def cut_into(statements: list[Statement], sizes: list[int]) -> list[list[Statement]]:
    steps, start = [], 0
    for size in [*sizes, len(statements)]:
        steps.append(statements[start : start + size])
        start += size
    return [step for step in steps if step]


@law
@given(logs(), st.lists(st.integers(1, 4), max_size=6))
def test_rows_do_not_depend_on_how_the_log_was_cut_into_steps(
    sqlite_scribe: Scribe, statements: list[Statement], sizes: list[int]
) -> None:
    sqlite_scribe.check_steps(statements, cut_into(statements, sizes))


@law
@given(logs(), st.integers(0, 12))
def test_a_rollback_leaves_what_the_shorter_log_gives(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    sqlite_scribe.check_rollback(statements, size)


@law
@given(logs(), st.integers(0, 12))
def test_a_question_as_of_a_size_is_answered_as_it_was_then(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    def answers(as_of: int | None) -> tuple[list[Any], ...]:
        with sqlite_scribe.engine.connect() as connection:
            found = (
                queries.organisations(connection, as_of=as_of),
                queries.keys(connection, as_of=as_of),
                queries.organisation_history(connection, "TMP-A", as_of),
                queries.key_history(connection, ADDRESSES[0], as_of),
            )
        # When a row ended is news from later.
        return tuple(
            [[getattr(one, name) for name in one.__struct_fields__[:-1]] for one in part]
            for part in found
        )

    sqlite_scribe.wipe()
    sqlite_scribe.take(statements[:size])
    then = answers(None)
    sqlite_scribe.take(statements[size:])
    assert answers(size) == then
    assert answers(len(statements)) == answers(None)
