"""Counts in English agree with their nouns."""

from __future__ import annotations

import pytest

from ledger.cli.output import counted


@pytest.mark.parametrize(
    ("count", "one", "said"),
    [
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (2, "entry", "2 entries"),
        (2, "deputy key", "2 deputy keys"),
        (1, "batch", "1 batch"),
        (3, "batch", "3 batches"),
        (12, "organisation", "12 organisations"),
    ],
)
def test_a_count_agrees_with_its_noun(count: int, one: str, said: str) -> None:
    assert counted(count, one) == said
