"""A list that ends at its limit says that it does."""

from __future__ import annotations

import pytest

from ledger.cli.listing import counted, cut


def test_a_list_that_is_counted_says_how_many_there_are() -> None:
    part = counted(iter("abcde"), 2)
    assert (part.rows, part.total, part.more, part.size) == (["a", "b"], 5, True, "2 / 5")
    whole = counted(iter("ab"), 2)
    assert (whole.rows, whole.more, whole.size) == (["a", "b"], False, "2")


def test_a_list_that_is_cut_says_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    part = cut(list("abc"), 2)
    assert (part.rows, part.total, part.more, part.size) == (["a", "b"], None, True, "2+")
    part.print_more()
    assert "--limit" in capsys.readouterr().err
    whole = cut(list("ab"), 2)
    assert (whole.rows, whole.more, whole.size) == (["a", "b"], False, "2")
    whole.print_more()
    assert not capsys.readouterr().err
