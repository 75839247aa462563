"""Counts in English agree with their nouns, and sizes have a unit that can be read."""

from __future__ import annotations

import pytest

from ledger.cli.output import counted, in_bytes


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


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (49_917_688, "47.6 MiB"),
        (1 << 30, "1.0 GiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_a_size_has_a_unit_that_can_be_read(
    monkeypatch: pytest.MonkeyPatch, size: int, said: str
) -> None:
    monkeypatch.setenv("GOVLEDGER_LANGUAGE", "en")
    assert in_bytes(size) == said
