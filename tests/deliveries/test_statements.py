"""Drafts that cannot stand are refused by field, and nothing but what is meant is published."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.canonical import written
from ledger.deliveries.bodies import bucket_digest, number_of, secret_check
from ledger.deliveries.statements import deliver, manifest, mount
from ledger.statements import StatementError
from tests.deliveries import drafts
from tests.organisations.scribe import FAR


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (drafts.resource, {"location": "postgresql://u:p@h/db"}, "seems to hold a password"),
        (drafts.resource, {"location": "host=h password=x"}, "seems to hold a password"),
        (drafts.resource, {"type": "paper"}, "type"),
        (drafts.manifest, {"period_end": "2026-06-30"}, "the period ends before it starts"),
        (drafts.manifest, {"period_end": "3026-06-30"}, "the year 3026"),
        (drafts.manifest, {"rows": 0}, "the root of no leaves"),
        (drafts.manifest, {"root": drafts.EMPTY}, "the root of no leaves"),
        (drafts.manifest, {"rows": 1 << 63}, "rows"),
        (drafts.manifest, {"schema": None}, "give the schema, or its digest"),
        (drafts.manifest, {"schema_digest": "ab" * 32}, "not that of the schema"),
        (drafts.manifest, {"buckets": ["0" * 16]}, "buckets"),
        (drafts.manifest, {"password": "x"}, "password"),
        (drafts.delivery, {"manifest": 0}, "without a manifest nobody can say"),
        (drafts.delivery, {"differences": {"missing": 1}}, "a delivery that differs"),
        (drafts.delivery, {"predecessor": "ab"}, "predecessor"),
    ],
)
def test_a_draft_that_cannot_stand_names_the_field(
    make: object, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**changes)  # type: ignore[operator]


def test_a_manifest_of_an_entry_that_is_not_public_keeps_its_columns_to_itself() -> None:
    digest = drafts.manifest().schema_digest
    quiet = drafts.manifest(schema=None, schema_digest=digest)
    assert quiet.values() == drafts.manifest().values()
    assert "面积" not in quiet.body().decode()
    assert {"schema", "key"} & set(json.loads(quiet.body())) == set()


def test_a_batch_has_one_statement_about_a_subject() -> None:
    for build, one in (
        (mount, drafts.resource()),
        (manifest, drafts.manifest()),
        (deliver, drafts.delivery()),
    ):
        with pytest.raises(StatementError, match="stands twice in one batch"):
            build([one, one], speaker="TMP-D", deadline=FAR)  # type: ignore[operator]
        with pytest.raises(StatementError, match="1 to 100 statements"):
            build([], speaker="TMP-D", deadline=FAR)  # type: ignore[operator]


@given(st.integers(0, (1 << 63) - 1))
def test_a_count_has_one_written_form(number: int) -> None:
    said = written(number)
    assert number_of(said) == number
    other = str(number) if isinstance(said, int) else int(said)
    with pytest.raises(ValueError, match=r"written as|as text is"):
        number_of(other)


@given(st.lists(st.integers(0, (1 << 64) - 1), min_size=256, max_size=256), st.integers(0, 255))
def test_every_fingerprint_counts(buckets: list[int], place: int) -> None:
    changed = [*buckets]
    changed[place] ^= 1
    assert bucket_digest(buckets) != bucket_digest(changed)
    with pytest.raises(ValueError, match="256 buckets"):
        bucket_digest(buckets[1:])


def test_a_check_tells_secrets_apart() -> None:
    assert secret_check(bytes(32)) == secret_check(bytes(32)) != secret_check(b"\1" * 32)
