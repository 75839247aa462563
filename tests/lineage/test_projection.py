"""From statements to rows: rules, declared steps and checkpoints; what disagrees is kept out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from pydantic import ValidationError
from sqlalchemy import insert

from ledger.canonical import canonical_json, parse_json
from ledger.journal.journal import Checkpoint
from ledger.lineage import queries
from ledger.lineage.attribution import Attribution
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.lineage.models import CURSORS
from ledger.lineage.projection import PROJECTION
from ledger.lineage.statements import (
    CheckpointDraft,
    RuleDraft,
    StepDraft,
    anchor,
    attribute,
    declare,
)
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.statements import Batch, StatementError, sha256
from ledger.store.engine import open_database, writing
from tests.organisations.scribe import FAR, Scribe, decoded, recorded

WATER, ROADS = "TMP-WATER", "TMP-ROADS"
ORIGIN = "govledger/lineage"
WAREHOUSE = "postgres://warehouse:5432"


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, [ORGANISATIONS, PROJECTION])
    engine.dispose()


def rule(code: str = "R-1", **changes: Any) -> RuleDraft:
    return RuleDraft.model_validate(
        {
            "code": code,
            "holder": WATER,
            "entry": "307015/000001",
            "namespace": WAREHOUSE,
            "name": "water.*",
            **changes,
        }
    )


def step(code: str = "S-1", **changes: Any) -> StepDraft:
    people = {"namespace": WAREHOUSE, "name": "ods.people"}
    return StepDraft.model_validate(
        {
            "code": code,
            "name": "按街道汇总",
            "type": "derive",
            "inputs": [people, {"entry": "307015/000001"}],
            "outputs": [{"entry": "307015/000002"}],
            "columns": [
                {
                    "output": {"entry": "307015/000002", "field": "人数"},
                    "inputs": [people | {"field": "身份证号"}],
                    "subtype": "AGGREGATION",
                    "masking": True,
                }
            ],
            "deidentification": {"method": "汇总到街道", "grade_before": 3, "grade_after": 1},
            **changes,
        }
    )


def checkpoint(size: int, version: int = 1, origin: str = ORIGIN) -> CheckpointDraft:
    return CheckpointDraft.of(Checkpoint(origin, size, sha256(b"%d" % size)), version)


def attributed(*drafts: RuleDraft, by: str = WATER) -> Batch:
    return attribute(drafts, speaker=by, deadline=FAR)


def declared(*drafts: StepDraft, by: str = WATER) -> Batch:
    return declare(drafts, speaker=by, deadline=FAR)


def anchored(*drafts: CheckpointDraft) -> Batch:
    return anchor(drafts, speaker=WATER, deadline=FAR)


@pytest.mark.parametrize(
    ("batch", "members"),
    [
        (attributed(rule()), ("code", "holder", "entry", "namespace", "name")),
        (declared(step()), ("code", "name", "type", "inputs", "outputs")),
        (anchored(checkpoint(7)), ("origin", "size", "root")),
    ],
)
def test_a_body_that_lacks_a_member_or_says_another_is_malformed(
    batch: Batch, members: tuple[str, ...]
) -> None:
    (statement,) = recorded(batch, 0)
    assert PROJECTION.malformed(decoded(statement)) is None
    body = parse_json(statement.body)
    for member in members:
        short = {name: value for name, value in body.items() if name != member}
        assert "body" in str(
            PROJECTION.malformed(decoded(structs.replace(statement, body=canonical_json(short))))
        )
    for member in ("code", "holder", "origin"):
        if member in body:
            other = canonical_json(body | {member: "TMP-OTHER"})
            why = PROJECTION.malformed(decoded(structs.replace(statement, body=other)))
            assert f"TMP-OTHER is not the {member}" in str(why)


def test_a_checkpoint_of_another_size_or_root_is_malformed() -> None:
    (statement,) = recorded(anchored(checkpoint(7)), 0)
    body = parse_json(statement.body)
    for changed in ({"size": 8}, {"root": "00" * 32}):
        other = decoded(structs.replace(statement, body=canonical_json(body | changed)))
        assert "not those that were signed" in str(PROJECTION.malformed(other))


def test_a_withdrawal_without_reasons_and_an_unknown_status_are_malformed() -> None:
    withdrawn = rule(status="withdrawn", reasons=["改库"], version=2)
    (statement,) = recorded(attributed(withdrawn), 0)
    body = parse_json(statement.body)
    del body["reasons"]
    bare = decoded(structs.replace(statement, body=canonical_json(body)))
    assert PROJECTION.malformed(bare) == "body/reasons: withdrawn without reasons"
    strange = decoded(statement)
    strange.values["status"] = 7
    assert "7 is no InForce" in str(PROJECTION.malformed(strange))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "withdrawn"}, "say why"),
        ({"inputs": []}, "at least 1 item"),
        ({"inputs": [{"namespace": "n"}]}, "by namespace and name"),
        ({"outputs": [{"namespace": "n", "name": "x", "entry": "e"}]}, "by namespace and name"),
        ({"inputs": [{"entry": "307015/000001"}]}, "none of the step's inputs"),
        ({"outputs": [{"entry": "307015/9"}]}, "none of the step's outputs"),
        ({"outputs": [{"entry": "307015/000002"}] * 2}, "name the same twice"),
        ({"type": "guess"}, "type"),
        ({"deidentification": {"method": "x", "grade_after": 5}}, "grade_after"),
    ],
)
def test_a_step_that_cannot_stand_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        step(**change)


def test_a_rule_that_cannot_stand_is_refused() -> None:
    with pytest.raises(ValidationError, match="say why"):
        rule(status="withdrawn")
    with pytest.raises(ValidationError, match="no spaces"):
        rule("R 1")
    with pytest.raises(StatementError, match="twice"):
        attributed(rule(), rule())
    with pytest.raises(StatementError, match="1 to 100"):
        attributed()


def test_a_step_stands_with_its_ends_and_columns_until_its_next_version(scribe: Scribe) -> None:
    scribe.write(declared(step()))
    scribe.write(declared(step(name="又名", columns=[], deidentification=None, version=2)))
    scribe.write(declared(step(status="withdrawn", reasons=["停用"], version=3)))
    with scribe.engine.connect() as conn:
        (first,) = queries.steps(conn, as_of=1)
        assert [end.entry for end in first.inputs] == [None, "307015/000001"] or [
            end.entry for end in first.inputs
        ] == ["307015/000001", None]
        assert first.outputs[0].dataset == dataset_number(ENTRY_NAMESPACE, "307015/000002")
        assert first.columns[0].masking
        assert first.deidentification == {
            "method": "汇总到街道",
            "grade_before": 3,
            "grade_after": 1,
        }
        (second,) = queries.steps(conn, as_of=2)
        assert (second.name, second.columns, second.deidentification) == ("又名", (), None)
        assert queries.steps(conn) == []
        (gone,) = queries.steps(conn, withdrawn=True)
        assert (gone.active, gone.inputs) == (False, ())
        assert [row.code for row in conn.execute(queries.steps_at(2))] == ["S-1"]
        assert conn.execute(queries.steps_at(None)).all() == []


def test_rules_in_force_say_where_a_data_set_belongs(scribe: Scribe) -> None:
    scribe.write(
        attributed(
            rule(),
            rule("R-2", name="water.users", entry="307015/000002"),
            rule("R-3", namespace="*", name="*.users", entry="307015/000003", priority=5),
            rule("R-4", name="water.u?", entry="307015/000004"),
        )
    )
    scribe.write(attributed(rule("R-3", status="withdrawn", reasons=["误"], version=2)))
    with scribe.engine.connect() as conn:
        now, before = queries.attribution(conn), queries.attribution(conn, as_of=4)
        assert [row.code for row in conn.execute(queries.rules_at(None))] == ["R-1", "R-2", "R-4"]
        assert queries.rule(conn, "R-3").active is False
        assert queries.rule(conn, "R-9") is None
        assert len(queries.rules(conn, holder=WATER, entry="307015/000001")) == 1
    assert before.entry_of(WAREHOUSE, "water.users") == "307015/000003"
    wanted = [
        ("water.users", "307015/000002"),
        ("water.u1", "307015/000004"),
        ("water.meters", "307015/000001"),
        ("roads.all", None),
    ]
    assert now.entries_of([(WAREHOUSE, name) for name, _ in wanted]) == [code for _, code in wanted]
    assert now.entry_of("postgres://other", "water.users") is None


PART = st.text(alphabet="ab.*?", min_size=1, max_size=5)


@given(st.lists(st.tuples(PART, PART, st.integers(-1, 1)), max_size=6), PART, PART)
@settings(max_examples=80)
def test_the_lookup_finds_what_trying_every_rule_finds(
    told: list[tuple[str, str, int]], namespace: str, name: str
) -> None:
    rules = [
        queries.Rule(
            code=f"R-{at}",
            active=True,
            holder=WATER,
            entry=f"E-{at}",
            namespace=one,
            name=two,
            system=None,
            priority=priority,
            note=None,
            version=1,
            recorded_at=0,
            leaf_from=at,
            leaf_until=None,
        )
        for at, (one, two, priority) in enumerate(told)
    ]
    matching = [rule for rule in rules if Attribution([rule]).rule_of(namespace, name)]
    best = min(matching, key=lambda rule: rule.order, default=None)
    assert Attribution(rules).rule_of(namespace, name) == best


def test_a_ledger_size_leads_to_the_journal_size_anchored_by_then(scribe: Scribe) -> None:
    with writing(scribe.engine) as conn:
        conn.execute(insert(CURSORS).values(origin=ORIGIN, version=1, size=90, root=b"r"))
    scribe.write(anchored(checkpoint(10)), anchored(checkpoint(5, origin="elsewhere")))
    scribe.write(anchored(checkpoint(60, version=2)))
    with scribe.engine.connect() as conn:
        sizes = [queries.journal_size(conn, as_of) for as_of in (0, 1, 2, 3, None)]
        assert sizes == [0, 10, 10, 60, None]
        assert [one.size for one in queries.checkpoints(conn, origin=ORIGIN)] == [10, 60]
        assert [one.size for one in queries.checkpoints(conn, as_of=2)] == [10, 5]
        over = [queries.checkpoint_over(conn, ORIGIN, position) for position in (9, 10, 60)]
        assert [one and one.leaf_from for one in over] == [0, 2, None]
        assert queries.newest_checkpoint(conn, ORIGIN).version == 2
        assert queries.counts(conn).folded == 90


@given(st.lists(st.integers(1, 4), max_size=9), st.integers(0, 9))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_do_not_depend_on_steps_or_on_what_was_rolled_back(
    scribe: Scribe, at_once: list[int], cut: int
) -> None:
    versions = {"S-1": 0, "S-2": 0}
    batches = []
    for turn in range(9):
        code = f"S-{1 + turn % 2}"
        versions[code] += 1
        change: dict[str, Any] = {"version": versions[code], "name": f"第{turn}"}
        if turn == 4:
            change |= {"status": "withdrawn", "reasons": ["停用"]}
        batches.append(declared(step(code, **change)))
    scribe.wipe()
    rest = list(batches)
    for count in at_once:
        scribe.write(*rest[:count])
        del rest[:count]
    scribe.write(*rest)
    straight = scribe.rows()
    gone = scribe.statements[cut:]
    scribe.cut(cut)
    scribe.take(gone)
    assert scribe.rows() == straight
    scribe.wipe()
    for batch in batches:
        scribe.write(batch)
    assert scribe.rows() == straight
