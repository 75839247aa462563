"""``govledger correction overdue | findings | rate | reasons``: requests and their clocks counted."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli.correction_acts import vocabulary_of
from ledger.cli.correction_views import (
    Day,
    Provider,
    day_of,
    judged_on,
    names_of,
    no_calendar,
    worded,
)
from ledger.cli.output import Exit, Problem, print_json, print_table, say
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json, reading, settings
from ledger.codes import CorrectionState
from ledger.corrections import measures
from ledger.corrections.measures import AnswerRate
from ledger.corrections.words import Standing
from ledger.workdays import CalendarError


def add_to(app: typer.Typer) -> None:
    """Add these commands to the group."""
    for command in (overdue, findings, rate, reasons):
        app.command()(command)


def overdue(
    provider: Provider = None, day: Day = None, as_of: AsOf = None, json_output: Json = False
) -> None:
    """Unanswered requests whose time has run out, the longest first. Example: govledger correction overdue"""
    workdays = settings().correction_workdays
    with reading(as_of) as (connection, size):
        when = judged_on(connection, size, day)
        try:
            found = measures.overdue(
                connection, when, workdays=workdays, provider=provider, as_of=size
            )
        except CalendarError as error:
            raise no_calendar(error) from error
        known = names_of(connection, [one.request.provider for one in found], size)
    if json_output:
        print_json({"day": when, "workdays": workdays, "overdue": found})
        return
    print_table(
        say(f"{when} 逾期未答复：{len(found)}", f"Overdue on {when}: {len(found)}"),
        [
            say("编号", "code"),
            say("提供单位", "provider"),
            say("条目", "entry"),
            say("收到", "received"),
            say("到期日", "due"),
            say("逾期工作日", "days late"),
            say("事由", "title"),
        ],
        [
            (
                one.request.code,
                known.get(one.request.provider or "", one.request.provider or "?"),
                one.request.entry,
                one.request.received,
                one.due_on,
                one.days_late,
                one.request.title,
            )
            for one in found
        ],
        right=[say("逾期工作日", "days late")],
        fold=[say("事由", "title"), say("提供单位", "provider")],
        spare=[say("条目", "entry"), say("收到", "received")],
    )


def findings(
    provider: Provider = None,
    since: Annotated[str | None, typer.Option(help="Leave out what was due earlier.")] = None,
    day: Day = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Every clock that ran out unanswered, answered late since or not: finding 39(6) of 条例.

    Example: govledger correction findings --since 2026-01-01
    """
    workdays = settings().correction_workdays
    with reading(as_of) as (connection, size):
        when = judged_on(connection, size, day)
        first = None if since is None else day_of("--since", since)
        try:
            found = measures.breaches(
                connection, when, workdays=workdays, provider=provider, since=first, as_of=size
            )
        except CalendarError as error:
            raise no_calendar(error) from error
        known = names_of(connection, [one.provider for one in found], size)
    if json_output:
        print_json({"day": when, "workdays": workdays, "findings": found})
        return
    print_table(
        say(f"未按期校核（第三十九条第六项）：{len(found)}", f"Findings 39(6): {len(found)}"),
        [
            say("编号", "code"),
            say("提供单位", "provider"),
            say("条目", "entry"),
            say("到期日", "due"),
            say("至", "until"),
            say("逾期工作日", "days late"),
            say("情形", "how"),
            say("日志", "leaf"),
        ],
        [
            (
                one.code,
                known.get(one.provider or "", one.provider or "?"),
                one.entry,
                one.due_on,
                one.until or "–",
                one.days_late,
                worded(Standing, one.standing),
                one.filed_leaf,
            )
            for one in found
        ],
        right=[say("逾期工作日", "days late"), say("日志", "leaf")],
        fold=[say("提供单位", "provider")],
        spare=[say("条目", "entry"), say("日志", "leaf")],
    )


def rate(
    first: Annotated[str, typer.Option("--from", help="First due day of the window.")],
    last: Annotated[str, typer.Option("--to", help="Last due day of the window.")],
    day: Day = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """The share of requests answered on time (按时纠错率), by provider; those with none due stand there too.

    The last columns are medians in working days.

    Example: govledger correction rate --from 2026-01-01 --to 2026-03-31
    """
    workdays = settings().correction_workdays
    with reading(as_of) as (connection, size):
        when = judged_on(connection, size, day)
        window = (day_of("--from", first), day_of("--to", last))
        try:
            whole, by_provider = measures.answer_rates(
                connection, *window, when, workdays=workdays, as_of=size
            )
        except CalendarError as error:
            raise no_calendar(error) from error
        except ValueError as error:
            raise Problem(str(error), code=Exit.USAGE) from error
    if json_output:
        print_json({"day": when, "workdays": workdays, "all": whole, "providers": by_provider})
        return
    print_table(
        say(f"按时纠错率 {first} 至 {last}", f"Answered on time, due {first} to {last}"),
        [
            say("提供单位", "provider"),
            say("按时", "on time"),
            say("到期", "due"),
            say("比率", "rate"),
            say("受理", "to take"),
            say("答复", "to answer"),
            say("评价", "to evaluate"),
        ],
        [
            *(_rate_row(one.name or one.provider or "?", one) for one in by_provider),
            _rate_row(say("合计", "all"), whole),
        ],
        right=[
            say("按时", "on time"),
            say("到期", "due"),
            say("比率", "rate"),
            say("受理", "to take"),
            say("答复", "to answer"),
            say("评价", "to evaluate"),
        ],
        fold=[say("提供单位", "provider")],
    )


def _rate_row(name: str, one: AnswerRate) -> tuple[object, ...]:
    medians = (one.median_to_take, one.median_to_answer, one.median_to_evaluate)
    days = ("–" if median is None else str(median) for median in medians)
    return (name, one.numerator, one.denominator, percent(one.rate), *days)


def reasons(provider: Provider = None, as_of: AsOf = None, json_output: Json = False) -> None:
    """The reasons in use, and how often each was given. Example: govledger correction reasons"""
    vocabulary = vocabulary_of(settings())
    with reading(as_of) as (connection, size):
        found = measures.reason_counts(connection, vocabulary, provider=provider, as_of=size)
    if json_output:
        print_json({"reasons": found})
        return
    print_table(
        say("校核理由", "Reasons"),
        [
            say("步骤", "step"),
            say("代码", "code"),
            say("理由", "reason"),
            say("次数", "count"),
            say("未办结", "open"),
        ],
        [
            (worded(CorrectionState, one.stage), one.code, say(one.zh, one.en), one.count, one.open)
            for one in found
        ],
        right=[say("次数", "count"), say("未办结", "open")],
    )
