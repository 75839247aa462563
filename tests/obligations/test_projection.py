"""From statements to rows: what disagrees is kept out, and rows depend on nothing but the log."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.canonical import canonical_json
from ledger.obligations.projection import PROJECTION
from ledger.obligations.statements import bind, exempt, object_to, oblige
from ledger.statements import Batch, Statement
from tests.obligations.conftest import (
    DATA,
    DUTY,
    ENTRY,
    ROADS,
    SYSTEM,
    TABLE,
    WATER,
    binding,
    duty,
    exemption,
    objection,
    on_both,
)
from tests.organisations.scribe import FAR, Scribe, decoded, in_steps_of, recorded
from tests.quality.test_projection import said as a_score

OBLIGE = oblige(
    [duty(TABLE, update_cycle="daily", valid_until="2027-01-01")], speaker=DATA, deadline=FAR
)
BIND = bind([binding()], speaker=WATER, deadline=FAR)
OBJECT = object_to([objection()], speaker=WATER, deadline=FAR)
EXEMPT = exempt([exemption()], speaker=DATA, deadline=FAR)


def altered(batch: Batch, body: dict[str, Any] | None = None, **values: Any) -> Statement:
    """The batch's statement with members of its body (None: left out) or typed members replaced."""
    told = {**json.loads(batch.bodies[0]), **(body or {})}
    text = canonical_json({name: value for name, value in told.items() if value is not None})
    made = replace(batch, values=({**batch.values[0], **values},), bodies=(text,))
    return recorded(made, 0)[0]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (altered(OBLIGE, {"code": "other"}), "body/code: other is not the code"),
        (altered(OBLIGE, {"name": None}), "body/name: Field required"),
        (altered(OBLIGE, {"responsible": ROADS}), f"body/responsible: {ROADS} is not"),
        (altered(OBLIGE, {"parent": None}), "body/parent: nothing is not the parent"),
        (altered(OBLIGE, {"type": "entry"}), r"body/type: entry is not .* signed \(3\)"),
        (altered(OBLIGE, {"type": "thing"}), "body/type: .*'thing' is none of duty, system"),
        (altered(OBLIGE, {"update_cycle": None}), "body/update_cycle: None is not"),
        (altered(OBLIGE, {"library": "theme"}), r"body/library: theme is not .* \(0\)"),
        (altered(OBLIGE, {"valid_from": "2026-01-02"}), "body/valid_from: 2026-01-02 is not"),
        (altered(OBLIGE, {"valid_from": "20260101"}), "body/valid_from: .*YYYY-MM-DD"),
        (altered(OBLIGE, {"valid_until": None}), "body/valid_until: None is not .*20270101"),
        (altered(OBLIGE, {"legal_basis": []}), "body/legal_basis: "),
        (altered(OBLIGE, {"produces_data": 1}), "body/produces_data: .*boolean"),
        (altered(OBLIGE, {"name": "\u0001"}), r"body/name: .*U\+0001"),
        (altered(OBLIGE, type=5), "body/type: table is not"),
        (altered(OBLIGE, status=3), "status: 3 is no ObligationStatus"),
        (altered(OBLIGE, status=2), "body/reasons: .*withdrawn without reasons"),
        (altered(OBLIGE, validFrom=20260230), "body/valid_from: "),
        (altered(BIND, {"entry": "other"}), "body/entry: other is not"),
        (altered(BIND, {"obligation": DUTY}), f"body/obligation: {DUTY} is not"),
        (altered(BIND, status=2), "body/reasons: .*released without reasons"),
        (altered(BIND, status=0), "status: 0 is no BindingStatus"),
        (altered(OBJECT, {"state": "upheld"}), "body/state: upheld is not"),
        (altered(OBJECT, {"reasons": None}), "body/reasons: Field required"),
        (altered(EXEMPT, {"target": DUTY}), f"body/target: {DUTY} is not"),
        (altered(EXEMPT, {"target_type": "entry"}), "body/target_type: entry is not"),
        (altered(EXEMPT, {"scope": ["share"]}), r"body/scope: share is not .*\(2\)"),
        (altered(EXEMPT, {"scope": []}), "body/scope: "),
        (altered(EXEMPT, {"law": None}), "body/law: Field required"),
        (altered(EXEMPT, {"approver": WATER}), f"body/approver: {WATER} is not the organisation"),
        (altered(EXEMPT, {"expires": "2027-01-01"}), "body/expires: 2027-01-01 is not"),
        (altered(EXEMPT, status=9), "status: 9 is no ExemptionStatus"),
        (a_score({}), "a Score is no statement about obligations"),
    ],
)
def test_a_body_that_disagrees_with_what_was_signed_is_named(
    statement: Statement, words: str
) -> None:
    why = PROJECTION.malformed(decoded(statement))
    assert why is not None
    assert re.search(words, why), why


@on_both
def test_what_agrees_is_projected_and_unknown_members_do_no_harm(scribe: Scribe) -> None:
    scribe.take([altered(OBLIGE, {"extra": [1]})])
    scribe.write(BIND, OBJECT, EXEMPT)
    assert scribe.flags == {}
    assert {name: len(rows) for name, rows in scribe.rows().items() if rows} == {
        "obligation": 1,
        "obligation_binding": 1,
        "obligation_objection": 1,
        "obligation_exemption": 1,
    }


def test_a_malformed_withdrawal_takes_nothing_away(sqlite_scribe: Scribe) -> None:
    sqlite_scribe.write(OBLIGE)
    before = sqlite_scribe.rows()
    withdrawn = altered(OBLIGE, version=2, status=2)
    sqlite_scribe.take([structs.replace(withdrawn, index=1)])
    assert list(sqlite_scribe.flags) == [1]
    assert sqlite_scribe.rows() == before


@st.composite
def logs(draw: st.DrawFn) -> list[Statement]:
    """Obligations amended, bound, objected to and exempted, in any order, some malformed."""
    versions: dict[tuple[str, str], int] = {}
    statements: list[Statement] = []
    for index in range(draw(st.integers(1, 10))):
        struct = draw(st.sampled_from(("oblige", "bind", "object", "exempt")))
        code = draw(st.sampled_from((DUTY, SYSTEM)))
        versions[struct, code] = version = versions.get((struct, code), 0) + 1
        said = {"version": version, "reasons": ["更正"]}
        if struct == "oblige":
            status = draw(st.sampled_from(("in_force", "withdrawn")))
            batch = oblige([duty(code, status=status, **said)], speaker=DATA, deadline=FAR)
        elif struct == "bind":
            status = draw(st.sampled_from(("bound", "released")))
            batch = bind([binding(code, status=status, **said)], speaker=WATER, deadline=FAR)
        elif struct == "object":
            state = draw(st.sampled_from(("raised", "upheld", "dismissed")))
            batch = object_to([objection(code, state, **said)], speaker=WATER, deadline=FAR)
        else:
            mask = draw(st.sampled_from((["collect"], ["share", "update"])))
            batch = exempt([exemption(code, scope=mask, **said)], speaker=DATA, deadline=FAR)
        if draw(st.integers(0, 5)) == 0:
            batch = replace(batch, bodies=(b"{}",))
        statements += recorded(batch, index)
    return statements


law = settings(suppress_health_check=list(HealthCheck), max_examples=40)


@law
@given(logs(), st.integers(1, 4))
def test_rows_do_not_depend_on_how_the_log_was_cut_into_steps(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    sqlite_scribe.check_steps(statements, in_steps_of(size, statements))


@law
@given(logs(), st.integers(0, 10))
def test_a_rollback_leaves_what_the_shorter_log_gives(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    sqlite_scribe.check_rollback(statements, size)


def test_rows_know_who_signed(sqlite_scribe: Scribe) -> None:
    sqlite_scribe.write(OBLIGE)
    [row] = sqlite_scribe.rows()["obligation"]
    statement = sqlite_scribe.statements[0]
    assert {statement.org, statement.signer, statement.authorisation} <= set(row)
    assert ENTRY not in row
