"""A correction request drafted from a failing quality assessment, by rule (按评估结果提出校核申请).

A rule is a set of thresholds in basis points: one for the total, one for any of the dimensions. A score below one
of them is failing. What was not assessed does not fail. The thresholds of :data:`DEFAULT_RULE` are this project's
own; an office names its own in the setting ``correction_rule``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.codes import CorrectionType
from ledger.corrections import queries
from ledger.corrections.bodies import Assessment, Failing, Points
from ledger.corrections.drafting import code_prefix
from ledger.corrections.statements import FiledDraft
from ledger.corrections.words import Category
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.queries import Score

TOTAL = "total"
REASONS: Mapping[str, str] = {
    "normativity": "format",
    "completeness": "missing_values",
    "accuracy": "wrong_values",
    "consistency": "inconsistent",
    "timeliness": "outdated",
    "accessibility": "inaccessible",
}
"""The reason that goes with a failing dimension, by our own vocabulary; a rule file may name others."""


class RuleError(ValueError):
    """A rule file that cannot be used; ``zh`` says the same in Chinese."""

    def __init__(self, what: str, zh: str) -> None:
        super().__init__(what)
        self.zh = zh


class ScoreRule(BaseModel):
    """When a score opens a request: thresholds in basis points 0..10000; below is failing.

    ``reasons`` says which reason, by code, goes with a failing dimension or total.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    total: Points | None = None
    dimensions: dict[str, Points] = Field(default_factory=dict)
    reasons: dict[str, str] = Field(default_factory=dict)
    other: Annotated[str, Field(min_length=1)] = "other"
    """The reason where the total alone fails and none is named for it."""

    @field_validator("dimensions")
    @classmethod
    def _known(cls, given: dict[str, int]) -> dict[str, int]:
        for name in given:
            if name not in REASONS:
                raise ValueError(f"{name!r} is no dimension: one of {', '.join(REASONS)}")
        return given

    def failing(self, score: Score) -> list[Failing]:
        """What in a score lies below its threshold: the total first, then dimensions in their order."""
        found = []
        asked = [(TOTAL, score.total, self.total)] + [
            (one.name, score.dimensions[one.name], self.dimensions.get(one.name))
            for one in DIMENSIONS
        ]
        for name, points, threshold in asked:
            if points is not None and threshold is not None and points < threshold:
                found.append(Failing(of=name, score=points, threshold=threshold))
        return found

    def reasons_for(self, failing: list[Failing], score: Score) -> tuple[str, ...]:
        """The reasons by code; where the total alone fails, those of its worst dimensions."""
        named = [one.of for one in failing if one.of != TOTAL] or _worst(score)
        every = [self.reasons.get(name) or REASONS[name] for name in named]
        return tuple(dict.fromkeys(every)) or (self.reasons.get(TOTAL, self.other),)


DEFAULT_RULE = ScoreRule(total=6000)
"""Grade E of ours: a total below 60 per cent."""


def load_rule(place: Path | None = None) -> ScoreRule:
    """The rule in a YAML file, :data:`DEFAULT_RULE` where none is named; raises :class:`RuleError`."""
    if place is None:
        return DEFAULT_RULE
    try:
        return ScoreRule.model_validate(yaml.safe_load(place.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{place} cannot be read: {error}", f"无法读取 {place}：{error}") from error
    except yaml.YAMLError as error:
        raise RuleError(f"{place} is no YAML: {error}", f"{place} 不是 YAML：{error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(str(step) for step in first["loc"]) or "/"
        raise RuleError(
            f"{place}: {where}: {first['msg']}", f"{place}：{where} 有误：{first['msg']}"
        ) from error


def draft_from_score(
    score: Score, rule: ScoreRule = DEFAULT_RULE, *, code: str, follows: str | None = None
) -> FiledDraft | None:
    """The request that a failing score gives rise to, None where it does not fail by ``rule``.

    ``code`` is the new request's. Nothing of the data is in it, only what the score's statement says already.
    Raises :class:`ValueError` where the assessor is not known by code.
    """
    failing = rule.failing(score)
    if not failing:
        return None
    if score.assessor is None:
        raise ValueError(f"the assessor {score.assessor_hash} of the score is not registered")
    worst = [_told(one) for one in failing]
    period = f"{score.period_start.isoformat()} – {score.period_end.isoformat()}"
    return FiledDraft(
        code=code,
        entry=score.entry,
        type=CorrectionType.USE,
        category=Category.QUALITY,
        title=f"质量评估未达标：{score.entry}（{period}）",
        description=(
            f"{period} 质量评估（第 {score.edition} 版）低于阈值：{'；'.join(zh for zh, _ in worst)}。"
            f"请核查、校正并反馈。 Quality assessment below its thresholds: "
            f"{'; '.join(en for _, en in worst)}. Please check, correct and answer."
        ),
        reasons=rule.reasons_for(failing, score),
        basis=f"质量评分声明，日志位置 {score.leaf_from} · quality score, log index {score.leaf_from}",
        assessment=Assessment(
            leaf=score.leaf_from,
            assessor=score.assessor,
            period_start=score.period_start.isoformat(),
            period_end=score.period_end.isoformat(),
            failing=failing,
        ),
        follows=follows,
    )


class Skipped(msgspec.Struct, frozen=True):
    """A failing score that opens no request, and why: ``own_entry``, or ``open`` with the request there is."""

    entry: str
    leaf: int
    reason: str
    request: str | None


def drafts_from_scores(
    connection: Connection, scores: Iterable[Score], rule: ScoreRule, *, requester: str
) -> tuple[list[FiledDraft], list[Skipped]]:
    """Requests of the organisation ``requester`` for the failing ones among ``scores``, in their order.

    Nobody asks itself, and nobody asks twice: an entry of its own is skipped, and a score on which an open
    request of the same requester rests already.
    """
    failing = [one for one in scores if rule.failing(one)]
    owners = {
        code: entry.provider
        for code, entry in catalogue.standing(connection, [one.entry for one in failing]).items()
    }
    resting = queries.resting_on(connection, [one.leaf_from for one in failing])
    prefix = code_prefix(requester)
    number = queries.next_number(connection, prefix) if failing else 1
    drafts: list[FiledDraft] = []
    skipped: list[Skipped] = []
    for one in failing:
        there = next(
            (
                old.code
                for old in resting.get(one.leaf_from, ())
                if old.requester == requester and old.is_open
            ),
            None,
        )
        if owners.get(one.entry) == requester:
            skipped.append(Skipped(one.entry, one.leaf_from, "own_entry", None))
        elif there is not None:
            skipped.append(Skipped(one.entry, one.leaf_from, "open", there))
        elif (draft := draft_from_score(one, rule, code=f"{prefix}{number:04d}")) is not None:
            drafts.append(draft)
            number += 1
    return drafts, skipped


def _worst(score: Score) -> list[str]:
    """The dimensions with the lowest score."""
    told = {name: points for name, points in score.dimensions.items() if points is not None}
    return [name for name in REASONS if name in told and told[name] == min(told.values())]


def _told(one: Failing) -> tuple[str, str]:
    zh, en = next(
        ((dimension.zh, dimension.en) for dimension in DIMENSIONS if dimension.name == one.of),
        ("总分", "total"),
    )
    numbers = f"{_percent(one.score)} < {_percent(one.threshold)}"
    return f"{zh} {numbers}", f"{en} {numbers}"


def _percent(points: int) -> str:
    return f"{points // 100}.{points % 100:02d}"
