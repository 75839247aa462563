"""From statements to rows: what disagrees is kept out, and rows depend on nothing but the log."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.canonical import canonical_json
from ledger.deliveries.projection import PROJECTION
from ledger.deliveries.statements import deliver, manifest, mount
from ledger.statements import DELIVERY, MANIFEST, RESOURCE, Batch, Statement, StructType
from tests.deliveries import drafts
from tests.organisations.scribe import FAR, Scribe, decoded, in_steps_of, recorded

DRAFTS: dict[StructType, Any] = {
    RESOURCE: drafts.resource(),
    MANIFEST: drafts.manifest(),
    DELIVERY: drafts.delivery(),
}


def said(struct: StructType, body: dict[str, Any] | None = None, **values: Any) -> Statement:
    """A statement whose body, or whose typed members, say something else than the draft."""
    draft = DRAFTS[struct]
    whole = {**json.loads(draft.body()), **(body or {})}
    text = canonical_json({name: value for name, value in whole.items() if value != "left out"})
    batch = Batch(struct, "TMP-D", FAR, ({**draft.values(), **values},), (text,))
    return recorded(batch, 0)[0]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (said(RESOURCE, {"code": "R-2"}), "body/code: R-2 is not the resource"),
        (said(RESOURCE, {"entry": "x"}), "body/entry: x is not the entry"),
        (said(RESOURCE, {"type": "file"}), "body/type: file is not the one"),
        (said(RESOURCE, type=9), "type: 9 is no ResourceType"),
        (said(RESOURCE, status=0), "status: 0 is no ResourceStatus"),
        (said(RESOURCE, {"name": "left out"}), "body/name: Field required"),
        (said(RESOURCE, {"reasons": ["\u0001"]}), r"body/reasons/0: .*U\+0001"),
        (said(MANIFEST, {"entry": "x"}), "body/entry: x is not the entry"),
        (said(MANIFEST, {"edition": 2}), "body/edition: it is not"),
        (said(MANIFEST, {"period_start": "2026-07-02"}), "body/period_start: it is not"),
        (said(MANIFEST, {"period_end": "2026-09-31"}), "body/period_end: .*day"),
        (said(MANIFEST, {"mode": "increment"}), "body/mode: increment is not"),
        (said(MANIFEST, mode=3), "mode: 3 is no DeliveryMode"),
        (said(MANIFEST, {"rows": 4}), "body/rows: it is not"),
        (said(MANIFEST, {"rows": "3"}), "body/rows: .*as text is one beyond"),
        (said(MANIFEST, {"rows": -1}), "body/rows: "),
        (said(MANIFEST, {"rows": str(1 << 63)}, rows=1 << 63), "rows: .* more than any table"),
        (said(MANIFEST, {"root": "ab" * 32}), "body/root: it is not"),
        (said(MANIFEST, {"root": "AB" * 32}), "body/root: .*pattern"),
        (said(MANIFEST, {"root": drafts.EMPTY}, root=bytes.fromhex(drafts.EMPTY)), "of no leaves"),
        (said(MANIFEST, {"rows": 0}, rows=0), "of no leaves"),
        (said(MANIFEST, {"buckets": ["0" * 16] * 256}), "body/buckets: they do not hash"),
        (said(MANIFEST, {"buckets": ["0" * 16] * 255}), "body/buckets: "),
        (said(MANIFEST, {"schema": {"columns": []}}), "body/schema: it does not hash"),
        (said(MANIFEST, {"key": ["面积"]}), "body/key: .* is not the key"),
        (said(MANIFEST, {"schema": "left out"}), "body/key: without a schema"),
        (said(MANIFEST, {"encoding": "rows/9"}), "body/encoding: rows/9 is not"),
        (said(DELIVERY, {"entry": "x"}), "body/entry: x is not the entry"),
        (said(DELIVERY, {"delivery": 2}), "body/delivery: it is not"),
        (said(DELIVERY, {"manifest": 2}), "body/manifest: it is not"),
        (said(DELIVERY, {"schema": "ab" * 32}), "body/schema: it is not"),
        (said(DELIVERY, {"manifest": 0}, manifest=0), "body/complete: no manifest"),
        (said(DELIVERY, {"differences": {"missing": 1}}), "body/complete: a delivery that differs"),
        (said(DELIVERY, {"differences": {"missing": -1}}), "body/differences/missing"),
        (said(DELIVERY, {"complete": 1}), "body/complete: "),
        (said(DELIVERY, {"rows": 2}), "body/rows: it is not"),
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
        said(RESOURCE),
        said(RESOURCE, {"extra": [1]}, status=2),
        said(MANIFEST),
        said(MANIFEST, {"rows": str(1 << 60)}, rows=1 << 60),
        said(MANIFEST, {"schema": "left out", "key": "left out"}),
        said(DELIVERY),
        said(DELIVERY, {"complete": False, "differences": {"missing": 2, "extra": 0}}),
        said(DELIVERY, {"complete": False, "manifest": 0}, manifest=0),
    ],
)
def test_what_agrees_is_projected(scribe: Scribe, statement: Statement) -> None:
    scribe.take([statement])
    assert scribe.flags == {}
    rows = scribe.rows()
    assert sum(len(rows[table.name]) for table in PROJECTION.tables) == 1


def test_an_empty_table_is_the_root_of_no_leaves(sqlite_scribe: Scribe) -> None:
    empty = drafts.manifest(rows=0, root=drafts.EMPTY)
    sqlite_scribe.write(manifest([empty], speaker="TMP-D", deadline=FAR))
    assert sqlite_scribe.flags == {}


@st.composite
def logs(draw: st.DrawFn) -> list[Statement]:
    """Resources, manifests and deliveries of few entries, said again and again, some malformed."""
    versions: dict[object, int] = {}

    def following(subject: object) -> int:
        versions[subject] = versions.get(subject, 0) + 1
        return versions[subject]

    statements: list[Statement] = []
    for index in range(draw(st.integers(1, 10))):
        entry = draw(st.sampled_from(("A", "B")))
        what = draw(st.sampled_from(("resource", "manifest", "delivery")))
        if what == "resource":
            one = drafts.resource(code=entry, entry=entry, version=following((what, entry)))
            batch = mount([one], speaker="TMP-D", deadline=FAR)
        elif what == "manifest":
            end = draw(st.sampled_from(("2026-09-30", "2026-12-31")))
            number = following((what, entry, end))
            two = drafts.manifest(entry=entry, period_end=end, version=number)
            batch = manifest([two], speaker="TMP-D", deadline=FAR)
        else:
            three = drafts.delivery(entry=entry, version=following((what, entry)))
            batch = deliver([three], speaker="TMP-C", deadline=FAR)
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
