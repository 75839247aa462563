"""``govledger quality`` for readers: one score whole, trends, the rules that find most, the indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.listing import cut
from ledger.cli.output import Exit, Problem, print_fields, print_json, print_table, say
from ledger.cli.session import AsOf, Json, Limit, demand_organisation, reading
from ledger.log.readable import utc
from ledger.quality import analysis, dqv, queries
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.indicators import INDICATORS, level_of
from ledger.quality.reasons import REASONS
from ledger.quality.rule_base import SEVERITY_LABELS, Severity
from ledger.quality.scoring import STATE_LABELS, State

if TYPE_CHECKING:
    from ledger.quality.results import Result
    from ledger.quality.statements import RuleOutcome

Entry = Annotated[str | None, typer.Option(help="Only this entry.")]
Organisation = Annotated[
    str | None, typer.Option("--org", help="Only entries of this organisation.")
]


def percent(points: int | None) -> str:
    """Basis points as per cent with two decimals; a dash where there are none."""
    return "–" if points is None else f"{points // 100}.{points % 100:02d}"


def show(
    statement: Annotated[int, typer.Argument(min=0, help="Log index of the score.")],
    linked: Annotated[bool, typer.Option("--dqv", help="As JSON-LD with W3C DQV terms.")] = False,
    json_output: Json = False,
) -> None:
    """One score with what each rule counted. Example: govledger quality show 42"""
    with reading() as (connection, _):
        found = queries.at_leaf(connection, statement)
        outcomes = queries.outcomes(connection, statement)
    if found is None:
        raise Problem(
            say(f"日志位置 {statement} 不是质量评分", f"log index {statement} is no quality score"),
            say("用 `govledger quality list` 查看", "see `govledger quality list`"),
            Exit.NOT_FOUND,
        )
    if linked:
        print_json(dqv.linked(found, utc(found.recorded_at)))
        return
    if json_output:
        print_json({"score": found, "outcomes": outcomes})
        return
    who = found.assessor_name or found.assessor or "?"
    print_fields(
        f"{found.entry}  {found.period_start} – {found.period_end}",
        [
            (say("总分", "total"), f"{percent(found.total)}  {found.stated_grade or found.grade or '–'}"),
            (say("覆盖率", "coverage"), percent(found.coverage)),
            *((say(one.zh, one.en), percent(found.dimensions[one.name])) for one in DIMENSIONS),
            (say("评估方", "assessor"), who + (say("（自评）", " (self-assessment)") if found.self_assessment else "")),
            (say("评估日", "day"), found.day),
            (say("记录数", "rows"), found.rows),
            (say("交付", "delivery"), found.delivery),
            (say("权重", "weights"), found.profile),
            (say("规则摘要", "rule set"), found.rule_set),
            (say("权重摘要", "weights digest"), found.weights_digest),
            (say("数据根", "data root"), found.data_root),
            (say("结果摘要", "result digest"), found.result_digest),
            (say("备注", "notes"), found.notes),
            (say("上链时间", "recorded"), utc(found.recorded_at)),
        ],
    )  # fmt: skip
    print_outcomes(outcomes)


def trend(
    entry: Entry = None,
    organisation: Organisation = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """How quality moved from period to period. Example: govledger quality trend --entry 318001/000001"""
    with reading(as_of) as (connection, size):
        demand_organisation(connection, organisation, size)
        found = analysis.trend(connection, entry=entry, organisation=organisation, as_of=size)
    if json_output:
        print_json({"points": found})
        return
    dimensions = [say(one.zh, one.en[:6]) for one in DIMENSIONS]
    headings = [
        say("截至", "until"),
        say("条目", "entries"),
        say("均分", "mean"),
        say("变化", "change"),
        say("等级", "grade"),
        *dimensions,
    ]
    print_table(
        say("质量趋势", "Quality over time"),
        headings,
        [
            (
                one.period_end,
                one.entries,
                percent(one.mean),
                _signed(one.change),
                one.grade or "–",
                *(percent(one.dimensions[each.name]) for each in DIMENSIONS),
            )
            for one in found
        ],
        right=[headings[1], headings[2], headings[3], *dimensions],
        spare=dimensions,
    )


def _signed(points: int | None) -> str:
    if points is None:
        return "–"
    return ("+" if points > 0 else "-" if points < 0 else "±") + percent(abs(points))


def worst(
    entry: Entry = None,
    organisation: Organisation = None,
    indicator: Annotated[
        str | None,
        typer.Option(help="Only rules of this indicator, or of those that begin so: 02, 0301."),
    ] = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """The rules that fail the greatest share of elements. Example: govledger quality worst --org 11310118MB2F300123"""
    with reading(as_of) as (connection, size):
        demand_organisation(connection, organisation, size)
        found = analysis.worst_rules(
            connection,
            entry=entry,
            organisation=organisation,
            indicator=indicator,
            limit=limit + 1,
            as_of=size,
        )
    listed = cut(found, limit)
    if json_output:
        print_json({"rules": listed.rows, "more": listed.more})
        return
    print_outcomes(
        listed.rows, with_entry=True, title=say("问题最多的规则", "Rules that find most")
    )
    listed.print_more()


def indicators(json_output: Json = False) -> None:
    """The indicators of DB31/T 1523-2024 with their mappings. Example: govledger quality indicators"""
    if json_output:
        print_json({"indicators": [one._asdict() for one in INDICATORS.values()]})
        return
    print_table(
        say("DB31/T 1523-2024 指标体系", "Indicators of DB31/T 1523-2024"),
        [
            say("编码", "code"),
            say("指标", "indicator"),
            "GB/T 36344",
            "ISO/IEC 25012",
            "ISO 8000-8",
        ],
        [
            (
                code,
                "  " * (level_of(code) - 1)
                + say(one.zh, one.en)
                + (" (1 - A/B)" if one.inverted else ""),
                "✓" if one.gb36344 else "",
                ", ".join(one.iso25012),
                one.iso8000,
            )
            for code, one in INDICATORS.items()
        ],
        fold=["ISO/IEC 25012"],
        spare=["ISO 8000-8", "ISO/IEC 25012"],
    )


def print_marks(made: Result) -> None:
    """The indicators of a result that say something, and the total."""
    shown = [
        one
        for one in made.marks
        if one.code in INDICATORS and (one.evaluated or one.points is not None)
    ]
    headings = [
        say("编码", "code"),
        say("指标", "indicator"),
        say("得分", "score"),
        say("覆盖", "cover"),
        say("合格/评估", "satisfied/evaluated"),
    ]
    print_table(
        say(
            f"总分 {percent(made.total)}  等级 {made.grade or '–'}  覆盖率 {percent(made.coverage)}",
            f"total {percent(made.total)}  grade {made.grade or '–'}  coverage {percent(made.coverage)}",
        ),
        headings,
        [
            (
                one.code,
                "  " * (level_of(one.code) - 1)
                + say(INDICATORS[one.code].zh, INDICATORS[one.code].en),
                percent(one.points),
                percent(one.coverage_points),
                f"{one.satisfied:,}/{one.evaluated:,}",
            )
            for one in shown
        ],
        right=headings[2:],
    )


def print_outcomes(
    outcomes: Sequence[RuleOutcome] | Sequence[queries.Outcome],
    *,
    with_entry: bool = False,
    title: str = "",
) -> None:
    """What rules counted, a line each."""
    headings = [
        *([say("条目", "entry")] if with_entry else []),
        say("规则", "rule"),
        say("指标", "indicator"),
        say("程度", "severity"),
        say("不合格", "failing"),
        say("评估", "evaluated"),
        say("结果", "outcome"),
    ]
    print_table(
        title,
        headings,
        [
            (
                *([getattr(one, "entry", "")] if with_entry else []),
                one.rule,
                f"{one.indicator} {say(INDICATORS[one.indicator].zh, INDICATORS[one.indicator].en)}",
                say(*SEVERITY_LABELS[Severity(one.severity)]),
                f"{one.failing:,}",
                f"{one.evaluated:,}",
                _outcome(one),
            )
            for one in outcomes
        ],
        right=[say("不合格", "failing"), say("评估", "evaluated")],
        fold=[say("指标", "indicator"), say("结果", "outcome")],
    )


def _outcome(one: Any) -> str:  # noqa: ANN401 - a rule's outcome, from a result or from the mirror
    if one.state == State.ASSESSED.value:
        rate = (one.evaluated - one.failing) * 10_000 // one.evaluated
        return f"{percent(rate)}%"
    label = say(*STATE_LABELS[State(one.state)])
    return label if one.reason not in REASONS else f"{label}: {say(*REASONS[one.reason])}"
