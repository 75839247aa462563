"""Before anybody cheats: what the findings of the other modules are held against."""

from __future__ import annotations

from tests.scenarios.cheats.town import OTHER_TABLE, TABLE, Town


def test_the_honest_town_has_one_gap_and_everything_is_proven(town: Town) -> None:
    assert town.gap(TABLE) is None
    assert town.gap(OTHER_TABLE) == ("catalogued", "not_bound")
    town.run("mirror", "verify")
