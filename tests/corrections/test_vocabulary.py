"""Reasons by code: ours, an office's own, and lists that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.codes import CorrectionState
from ledger.corrections.from_score import REASONS
from ledger.corrections.vocabulary import VocabularyError, load_vocabulary

OWN = """reasons:
  - {code: broken, zh: 坏了, en: broken, for: [filed]}
  - {code: fine, zh: 没坏, en: fine, for: [rejected]}
  - {code: done, zh: 好了, en: done, for: [cancelled]}
"""


def test_ours_has_reasons_for_every_step_and_for_every_dimension() -> None:
    ours = load_vocabulary()
    for stage in (CorrectionState.FILED, CorrectionState.REJECTED, CorrectionState.CANCELLED):
        assert ours.at(stage)
    ours.check(CorrectionState.FILED, REASONS.values())
    ours.check(CorrectionState.FILED, ["other"])
    assert ours.names("outdated") == ("更新不及时", "out of date")
    assert ours.names("never_heard") == ("never_heard", "never_heard")


def test_an_office_s_own_list_stands_in_place_of_ours(tmp_path: Path) -> None:
    place = tmp_path / "reasons.yaml"
    place.write_text(OWN, "utf-8")
    own = load_vocabulary(place)
    own.check(CorrectionState.FILED, ["broken"])
    for code in ("fine", "outdated"):
        with pytest.raises(
            VocabularyError, match=f"'{code}' is no reason .* known are broken"
        ) as e:
            own.check(CorrectionState.FILED, [code])
        assert "可用：broken" in e.value.zh


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reasons: [", "no list of reasons"),
        ("- broken", "no list of reasons"),
        ("reasons: [{code: a, zh: 一}]", "no list of reasons"),
        (OWN + "more: 1\n", "no list of reasons"),
        (OWN.replace("broken,", "Broken,", 1), "'Broken' must be"),
        (OWN + "  - {code: done, zh: 再, en: again, for: [filed]}\n", "done stands there twice"),
        (OWN.replace("[filed]", "[handled]"), "broken: `for` names some of"),
        (OWN.replace("[filed]", "[]"), "broken: `for` names some of"),
        (OWN.replace("坏了", "' '"), "broken has no name"),
        (OWN.replace("for: [cancelled]", "for: [filed]"), "no reason for a request that is cancel"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_fault(
    tmp_path: Path, text: str, words: str
) -> None:
    place = tmp_path / "reasons.yaml"
    place.write_text(text, "utf-8")
    with pytest.raises(VocabularyError, match=words) as caught:
        load_vocabulary(place)
    assert str(place) in str(caught.value)
    assert str(place) in caught.value.zh


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"nowhere\.yaml cannot be read"):
        load_vocabulary(tmp_path / "nowhere.yaml")
