"""Questions about deliveries: what is held, what was said before, and what the roots decide."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from sqlalchemy import select

from ledger.deliveries import queries
from ledger.deliveries.bodies import schema_digest
from ledger.deliveries.statements import deliver, manifest, mount
from ledger.organisations.statements import OrganisationDraft, register
from tests.deliveries import drafts
from tests.organisations.scribe import FAR, Scribe

DATA, SCHOOLS = "TMP-DATA", "TMP-SCHOOLS"
Q3 = (date(2026, 7, 1), date(2026, 9, 30))
OTHER = hashlib.sha256(b"other rows").hexdigest()
AUTUMN = {"period_start": "2026-10-01", "period_end": "2026-12-31"}


@pytest.fixture
def told(scribe: Scribe) -> Scribe:
    """Leaves: 0, 1 organisations; 2, 3 a resource, closed; 4, 5 a manifest, signed twice;
    6, 7 deliveries against both; 8 one without a manifest that repeats the first.
    """
    return tell(scribe)


def tell(scribe: Scribe) -> Scribe:
    organisations = [
        OrganisationDraft.model_validate(
            {"code": code, "name": name, "parent": parent, "level": "district"}
        )
        for code, name, parent in ((DATA, "数据局", None), (SCHOOLS, "教育局", DATA))
    ]
    scribe.write(register(organisations, speaker=DATA, deadline=FAR))
    for resource in (drafts.resource(), drafts.resource(status="closed", version=2)):
        scribe.write(mount([resource], speaker=SCHOOLS, deadline=FAR))
    for one in (drafts.manifest(), drafts.manifest(root=OTHER, rows=4, version=2)):
        scribe.write(manifest([one], speaker=SCHOOLS, deadline=FAR))
    for arrived in (
        drafts.delivery(),
        drafts.delivery(
            manifest=2,
            version=2,
            predecessor=drafts.ROOT,
            content="dd" * 32,
            complete=False,
            differences={"missing": 1, "buckets": 1},
        ),
        drafts.delivery(manifest=0, version=3, predecessor=drafts.ROOT, complete=False, **AUTUMN),
    ):
        scribe.write(deliver([arrived], speaker=DATA, deadline=FAR))
    assert scribe.flags == {}
    assert scribe.size == 9
    return scribe


def test_roots_decide_what_is_complete_and_tags_what_repeats(told: Scribe) -> None:
    with told.engine.connect() as connection:
        found = queries.deliveries(connection)
    assert [(one.number, one.complete, one.repeats, one.manifest_leaf) for one in found] == [
        (3, False, 1, None),
        (2, False, None, 5),
        (1, True, None, 4),
    ]
    assert found[1].differences == {"missing": 1, "buckets": 1}
    assert found[2].organisation is not None
    assert (found[2].organisation.code, found[2].predecessor) == (DATA, None)


def test_a_collector_who_says_complete_of_other_roots_is_not_believed(told: Scribe) -> None:
    lie = drafts.delivery(manifest=2, version=4, predecessor=drafts.ROOT, complete=True)
    told.write(deliver([lie], speaker=DATA, deadline=FAR))
    assert told.flags == {}
    with told.engine.connect() as connection:
        found = queries.delivery(connection, drafts.ENTRY)
        assert found is not None
        assert (found.number, found.claimed, found.complete) == (4, True, False)
        numbers = [one.number for one in queries.deliveries(connection, complete=True)]
    assert numbers == [1]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"entry": "none"}, []),
        ({"entry": drafts.ENTRY}, [3, 2, 1]),
        ({"collector": DATA}, [3, 2, 1]),
        ({"collector": SCHOOLS}, []),
        ({"period": date(2026, 8, 1)}, [2, 1]),
        ({"period": date(2026, 12, 31)}, [3]),
        ({"complete": False}, [3, 2]),
        ({"before": 8}, [2, 1]),
        ({"limit": 1}, [3]),
        ({"as_of": 7}, [1]),
    ],
)
def test_deliveries_are_found_by_what_is_asked(
    told: Scribe, asked: dict[str, object], numbers: list[int]
) -> None:
    with told.engine.connect() as connection:
        found = queries.deliveries(connection, **asked)  # type: ignore[arg-type]
    assert [one.number for one in found] == numbers


def test_a_manifest_signed_twice_shows_both_versions(told: Scribe) -> None:
    with told.engine.connect() as connection:
        newest = queries.manifests(connection)
        every = queries.manifests(connection, superseded=True, mode="full")
        first = queries.manifest(connection, drafts.ENTRY, *Q3, version=1)
        before = queries.manifest(connection, drafts.ENTRY, *Q3, as_of=5)
        assert queries.manifest(connection, drafts.ENTRY, *Q3, version=3) is None
        assert queries.manifest(connection, drafts.ENTRY, Q3[0], date(2026, 7, 31)) is None
        assert queries.manifest_at(connection, 5) == newest[0]
        assert queries.manifest_at(connection, 6) is None
        assert queries.manifests(connection, organisation=DATA) == []
        assert queries.manifests(connection, organisation=SCHOOLS) == newest
        bodies = [bytes.fromhex(one.body_digest[2:]) for one in every]
        assert queries.leaves_with_bodies(connection, [*bodies, bytes(32)]) == {
            bodies[0]: 5,
            bodies[1]: 4,
        }
    assert [one.version for one in newest] == [2]
    assert [one.version for one in every] == [2, 1]
    assert first is not None
    assert before is not None
    assert (first, before.leaf_from) == (every[1], 4)
    assert first.key == ("编号",)


def test_fingerprints_come_from_what_was_signed(told: Scribe) -> None:
    with told.engine.connect() as connection:
        assert queries.fingerprints(connection, 4) == (255,) * 3 + (0,) * 253


def test_a_resource_stands_as_it_did_at_any_size(told: Scribe) -> None:
    with told.engine.connect() as connection:
        assert [one.status for one in queries.resources(connection)] == ["closed"]
        assert [one.status for one in queries.resources(connection, as_of=3)] == ["live"]
        assert queries.resources(connection, status="live") == []
        assert queries.resources(connection, after="R-1") == []
        assert queries.resource(connection, "R-1", as_of=2) is None
        found = queries.resource(connection, "R-1")
    assert found is not None
    assert (found.version, found.entry) == (2, drafts.ENTRY)


def test_history_tells_everything_about_an_entry_in_order(told: Scribe) -> None:
    with told.engine.connect() as connection:
        assert [act.leaf for act in queries.history(connection, drafts.ENTRY)] == [*range(2, 9)]
        early = queries.history(connection, drafts.ENTRY, as_of=6)
        assert queries.history(connection, "none") == []
    assert [act.leaf for act in early] == [2, 3, 4, 5]


def test_the_predecessor_is_the_root_that_was_signed_last(told: Scribe) -> None:
    with told.engine.connect() as connection:
        assert queries.last_root(connection, "none") == (0, None)
        assert queries.last_root(connection, drafts.ENTRY) == (3, bytes.fromhex(drafts.ROOT))


def test_selects_for_audits_say_the_same_at_a_size_and_later(told: Scribe) -> None:
    with told.engine.connect() as connection:
        sizes = [
            [len(connection.execute(question(size)).all()) for size in (0, 4, 6, 9, None)]
            for question in (queries.resources_at, queries.manifests_at, queries.deliveries_at)
        ]
        row = connection.execute(queries.deliveries_at(8)).mappings().all()[-1]
        live = queries.resources_at(3).subquery()
        assert connection.execute(select(live.c.status)).scalars().all() == ["live"]
    assert sizes == [[0, 1, 1, 1, 1], [0, 0, 2, 2, 2], [0, 0, 0, 3, 3]]
    assert (row["number"], row["complete"], row["manifest_rows"]) == (2, False, 4)
    assert row["schema"] == row["manifest_schema"] == schema_digest(drafts.SCHEMA)


def test_every_question_has_the_same_answer_on_postgresql(
    told: Scribe, postgresql_scribe: Scribe
) -> None:
    tell(postgresql_scribe)
    assert postgresql_scribe.rows() == told.rows()

    def answers(scribe: Scribe) -> list[object]:
        with scribe.engine.connect() as connection:
            return [
                queries.deliveries(connection),
                queries.deliveries(connection, complete=True, period=Q3[0], as_of=9),
                queries.deliveries(connection, complete=False, collector=DATA),
                queries.delivery(connection, drafts.ENTRY, 2),
                queries.manifests(connection, superseded=True, period=Q3[1]),
                queries.manifest(connection, drafts.ENTRY, *Q3, as_of=5),
                queries.resources(connection, status="closed", after="A"),
                queries.history(connection, drafts.ENTRY),
                queries.first_with(connection, drafts.ENTRY, b"\xcc" * 32),
                *(
                    sorted(tuple(row) for row in connection.execute(question(8)).all())
                    for question in (
                        queries.resources_at,
                        queries.manifests_at,
                        queries.deliveries_at,
                    )
                ),
            ]

    assert answers(postgresql_scribe) == answers(told)
