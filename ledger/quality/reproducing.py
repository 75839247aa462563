"""Doing an assessment again (复现): equal, or which data, reference or rule differs.

The score on the ledger is what is reproduced. Its result document, where there is one, is first held
against the digest in the statement: an altered document is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from ledger.quality import checks
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.queries import Outcome, Score
from ledger.quality.results import Result
from ledger.quality.ruleset import RuleSet
from ledger.quality.statements import RuleOutcome
from ledger.quality.terms import Counts
from ledger.quality.weights import WeightProfile


class ReproductionError(Exception):
    """What was given is not what the score was made with; ``hint`` says what is needed.

    ``zh`` and ``hint_zh`` say the same in Chinese.
    """

    def __init__(self, what: str, zh: str, *, hint: str, hint_zh: str) -> None:
        super().__init__(what)
        self.zh = zh
        self.hint = hint
        self.hint_zh = hint_zh


class Difference(msgspec.Struct, frozen=True):
    """Something that came out otherwise: ``what`` kind of thing, its name, stated and found."""

    what: str
    """``data``, ``rows``, ``reference``, ``rule``, ``score``, ``document``."""
    name: str
    stated: str
    found: str


class Reproduction(msgspec.Struct, frozen=True):
    """What doing it again gave. ``compared`` names what could be held against the statement;
    ``observed`` are rules whose outcome was taken as it was seen then.
    """

    equal: bool
    differences: tuple[Difference, ...]
    compared: tuple[str, ...]
    observed: tuple[str, ...]


class Evidence(NamedTuple):
    """What a score is reproduced with: rules, weights, and what each rule counted then (None: not told)."""

    rules: RuleSet
    profile: WeightProfile
    outcomes: Sequence[RuleOutcome] | None


def evidence_of(
    score: Score,
    outcomes: Sequence[Outcome],
    *,
    result: Result | None,
    rules: RuleSet | None,
    profile: WeightProfile | None,
) -> Evidence:
    """Rules and weights that are those of the score, by their digests.

    They come from the result document, or from files. Raises :class:`ReproductionError`.
    """
    if result is not None:
        if score.result_digest is None or result.digest() != _bytes(score.result_digest):
            raise ReproductionError(
                f"this result document is not the one of the score at leaf {score.leaf_from}: it has "
                f"the digest {result.digest().hex()}, the statement {score.result_digest}",
                f"该结果文件不属于日志位置 {score.leaf_from} 的评分：其摘要为 {result.digest().hex()}，"
                f"声明中为 {score.result_digest}",
                hint="ask whoever assessed for the document; one that was altered proves nothing",
                hint_zh="请向评估方索取原文件；被改动的文件不能作为证据",
            )
        rules, profile = rules or result.rules, profile or result.profile
    if rules is None or profile is None:
        raise ReproductionError(
            "neither the result document nor rules and weights were given",
            "未提供结果文件，也未提供规则和权重",
            hint="give --result FILE, or --rules FILE and --weights FILE",
            hint_zh="请提供 --result 文件，或 --rules 与 --weights 文件",
        )
    _same("rule set", "规则集", rules.digest(), score.rule_set, score.leaf_from)
    if score.weights_digest is not None:
        _same("weights", "权重方案", profile.digest(), score.weights_digest, score.leaf_from)
    told: Sequence[RuleOutcome] | None = None
    if result is not None:
        told = result.outcomes
    elif outcomes:
        told = [_told(one) for one in outcomes]
    return Evidence(rules, profile, told)


def observed_before(evidence: Evidence) -> dict[str, Counts]:
    """What ``reachable`` rules saw then, by rule."""
    volatile = {rule.id for rule in evidence.rules.rules if isinstance(rule, checks.Reachable)}
    return {
        one.rule: Counts(one.evaluated, one.failing)
        for one in evidence.outcomes or ()
        if one.rule in volatile and one.state == "assessed"
    }


class _Ledger:
    """What was held against what, and what came out otherwise."""

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self.compared: list[str] = []

    def hold(self, what: str, name: str, stated: object, again: object) -> None:
        if what not in self.compared:
            self.compared.append(what)
        if stated != again:
            self.found.append(Difference(what, name, _text(stated), _text(again)))


def compare(score: Score, then: Result | None, evidence: Evidence, now: Result) -> Reproduction:
    """The score as it was stated, against the assessment done again."""
    held = _Ledger()
    if score.data_root is not None and now.data.root is not None:
        held.hold("data", "root", score.data_root.removeprefix("0x"), now.data.root)
    if score.rows is not None:
        held.hold("rows", "rows", score.rows, now.data.rows)
    if then is not None:
        for name in sorted({*then.references, *now.references}):
            held.hold("reference", name, *(_reference(one, name) for one in (then, now)))
    by_rule = {one.rule: one for one in now.outcomes}
    for one in sorted(evidence.outcomes or (), key=lambda one: one.rule):
        held.hold("rule", one.rule, _counts(one), _counts(by_rule.get(one.rule)))
    for dimension in DIMENSIONS:
        stated, again = score.dimensions[dimension.name], now.mark(dimension.code).points
        held.hold("score", dimension.name, stated, again)
    held.hold("score", "total", score.total, now.total)
    held.hold("score", "coverage", score.coverage, now.coverage)
    if then is not None and not held.found:
        held.hold("document", "digest", then.digest().hex(), now.digest().hex())
    return Reproduction(
        equal=not held.found,
        differences=tuple(held.found),
        compared=tuple(held.compared),
        observed=tuple(sorted(observed_before(evidence))),
    )


def _same(name: str, zh: str, given: bytes, stated: str, leaf: int) -> None:
    if given != _bytes(stated):
        raise ReproductionError(
            f"these are not the {name} of the score at leaf {leaf}: their digest is {given.hex()}, "
            f"the statement says {stated}",
            f"所给{zh}不是日志位置 {leaf} 的评分所用：其摘要为 {given.hex()}，声明中为 {stated}",
            hint="ask whoever assessed for the file; the digest follows from what it means, not its layout",
            hint_zh="请向评估方索取文件；摘要取决于内容，与排版无关",
        )


def _told(one: Outcome) -> RuleOutcome:
    names = ("rule", "indicator", "severity", "state", "evaluated", "failing", "reason")
    return RuleOutcome.model_validate({name: getattr(one, name) for name in names})


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("0x"))


def _reference(result: Result, name: str) -> str:
    found = result.references.get(name)
    return "-" if found is None else f"{found.rows}/{found.digest}"


def _counts(one: RuleOutcome | None) -> str:
    if one is None:
        return "-"
    if one.state != "assessed":
        return f"{one.state} ({one.reason})"
    return f"{one.failing}/{one.evaluated}"


def _text(value: object) -> str:
    return "-" if value is None else str(value)
