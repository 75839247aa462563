"""``govledger correction``: requests to correct an entry, their answers, and the clock (校核纠错, 条例 Art. 26)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.cli import correction_acts
from ledger.cli.correction_acts import vocabulary_of
from ledger.cli.output import Exit, Problem, err, out, print_fields, print_json, print_table, say
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json, Limit, reading, settings
from ledger.codes import Code, CorrectionState, CorrectionType
from ledger.corrections import measures, queries
from ledger.corrections.answers import Request, Step
from ledger.corrections.measures import AnswerRate, Clock, clock_of
from ledger.corrections.queries import Filters
from ledger.corrections.vocabulary import Vocabulary
from ledger.corrections.words import Category, Outcome, Standing
from ledger.days import CHINA_TIME, day_in
from ledger.mirror.queries import day_at
from ledger.organisations.queries import names
from ledger.statements import text_hash
from ledger.workdays import CalendarError

app = typer.Typer(
    no_args_is_help=True, help="Requests to correct an entry, answers and clocks / 校核纠错."
)
correction_acts.add_to(app)

Day = Annotated[
    str | None,
    typer.Option("--day", help="The day of judgement, YYYY-MM-DD; today, or the day of --as-of."),
]
Provider = Annotated[str | None, typer.Option(help="Only entries of this organisation.")]


def judged_on(connection: Connection, size: int | None, day: str | None) -> date:
    """The day on which clocks are read: as given; else that of the log size asked for; else today in China."""
    if day is not None:
        return _day("--day", day)
    told = day_at(connection, size) if size is not None else None
    return told or datetime.now(UTC).astimezone(CHINA_TIME).date()


def _day(option: str, text: str) -> date:
    try:
        return day_in(text)
    except ValueError as error:
        raise Problem(f"{option}: {error}", code=Exit.USAGE) from error


def in_china(seconds: int | None) -> str:
    """A moment as ``YYYY-MM-DD hh:mm`` in China; a dash for none."""
    if seconds is None:
        return "–"
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA_TIME).strftime("%Y-%m-%d %H:%M")


def worded(table: type[Code], value: str | None) -> str:
    """A word of a code table in the reader's language; a dash for none."""
    if value is None:
        return "–"
    member = table.of(value)
    return say(member.zh, member.en)


def clock_words(clock: Clock) -> str:
    """The clock in words: how it stands, and by how many working days."""
    if clock.standing is None:
        return say("期限未知", "unknown")
    told = worded(Standing, clock.standing)
    if clock.days_left is not None:
        return say(f"{told}，余 {clock.days_left} 个工作日", f"{told}, {clock.days_left} left")
    if clock.days_late is not None:
        return say(f"{told} {clock.days_late} 个工作日", f"{told} by {clock.days_late}")
    return told


def _names(connection: Connection, codes: Sequence[str | None], size: int | None) -> dict[str, str]:
    known = names(connection, [text_hash(code) for code in codes if code], size)
    return {found.code: found.name for found in known.values()}


@app.command("list")
def list_command(
    state: Annotated[CorrectionState | None, typer.Option(help="State.")] = None,
    type_: Annotated[CorrectionType | None, typer.Option("--type", help="Type.")] = None,
    entry: Annotated[str | None, typer.Option(help="Only about this entry.")] = None,
    requester: Annotated[str | None, typer.Option(help="Only filed by this organisation.")] = None,
    provider: Provider = None,
    open_: Annotated[
        bool | None, typer.Option("--open/--closed", help="Waiting for an answer, or not.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Only with this reason.")] = None,
    day: Day = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Requests, the newest first, and how their clocks stand. Example: govledger correction list --open"""
    filters = Filters(
        state=state,
        type=type_,
        entry=entry,
        requester=requester,
        provider=provider,
        open=open_,
        reason=reason,
    )
    with reading(as_of) as (connection, size):
        found = queries.requests(connection, filters, as_of=size, limit=limit)
        total = queries.count(connection, filters, as_of=size)
        when = judged_on(connection, size, day)
        known = _names(
            connection, [c for one in found for c in (one.provider, one.requester)], size
        )
    clocks = [clock_of(one, when, settings().correction_workdays) for one in found]
    if json_output:
        told = [_as_json(one, clock) for one, clock in zip(found, clocks, strict=True)]
        print_json({"total": total, "day": when, "requests": told})
        return
    print_table(
        say(f"校核申请：{total}", f"Correction requests: {total}"),
        [
            say("编号", "code"),
            say("状态", "state"),
            say("条目", "entry"),
            say("提供单位", "provider"),
            say("申请单位", "requester"),
            say("事由", "title"),
            say("到期日", "due"),
            say("时限", "clock"),
            say("日志", "leaf"),
        ],
        [
            (
                one.code,
                worded(CorrectionState, one.state),
                one.entry,
                known.get(one.provider or "", one.provider or "?"),
                known.get(one.requester, one.requester),
                one.title,
                clock.due_on or "–",
                clock_words(clock),
                one.leaf,
            )
            for one, clock in zip(found, clocks, strict=True)
        ],
        right=[say("日志", "leaf")],
        fold=[say("事由", "title"), say("提供单位", "provider"), say("申请单位", "requester")],
        spare=[say("条目", "entry"), say("日志", "leaf"), say("申请单位", "requester")],
    )
    _warn_of_calendar(clocks)


@app.command("show")
def show(
    code: correction_acts.CodeArgument,
    day: Day = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """One request, its clock, and every step of its life. Example: govledger correction show JH-…"""
    office_settings = settings()
    vocabulary = vocabulary_of(office_settings)
    with reading(as_of) as (connection, size):
        one = queries.request(connection, code, as_of=size)
        if one is None:
            raise Problem(
                say(f"没有校核申请 {code}", f"there is no correction request {code}"),
                say(
                    "用 `govledger correction list` 查找",
                    "look for it with `govledger correction list`",
                ),
                Exit.NOT_FOUND,
            )
        story = queries.history(connection, code, as_of=size)
        after = queries.followers(connection, code, as_of=size)
        when = judged_on(connection, size, day)
        known = _names(connection, [one.provider, one.requester], size)
    clock = clock_of(one, when, office_settings.correction_workdays)
    if json_output:
        print_json(
            {
                "request": _as_json(one, clock),
                "steps": story,
                "followed_by": [later.code for later in after],
            }
        )
        return
    _print_request(one, clock, story, known, vocabulary)
    if after:
        codes = ", ".join(later.code for later in after)
        out.print(say(f"后续申请：{codes}", f"taken up again by: {codes}"))
    _warn_of_calendar([clock])


def _print_request(
    one: Request,
    clock: Clock,
    story: Sequence[Step],
    known: Mapping[str, str],
    vocabulary: Vocabulary,
) -> None:
    filed = story[0]
    provider = known.get(one.provider or "", one.provider or "?")
    fields: list[tuple[str, object]] = [
        (say("状态", "state"), worded(CorrectionState, one.state)),
        (say("条目", "entry"), f"{one.entry}  {one.entry_name or ''}".rstrip()),
        (say("提供单位", "provider"), provider),
        (say("申请单位", "requester"), known.get(one.requester, one.requester)),
        (say("类型", "type"), worded(CorrectionType, one.type)),
        (say("类别", "category"), worded(Category, one.category)),
        (say("理由", "reasons"), _reasons(vocabulary, one.reasons)),
        (say("说明", "description"), filed.text or "–"),
        (say("依据", "basis"), filed.basis),
        (say("数据项", "items"), ", ".join(filed.items)),
        (say("资源", "resource"), filed.resource),
        (say("联系处室", "contact"), filed.contact),
        (say("承接申请", "follows"), one.follows),
        (say("收到日期", "received"), clock.received_on),
        (say("到期日", "due"), clock.due_on or "–"),
        (say("时限", "clock"), f"{clock_words(clock)} ({clock.day})"),
    ]
    print_fields(f"{one.title}  {one.code}", [(name, value) for name, value in fields if value])
    out.print()
    print_table(
        say("经过", "Steps"),
        [
            say("日志", "leaf"),
            say("时间", "time"),
            say("步骤", "step"),
            say("内容", "what was said"),
        ],
        [
            (
                step.leaf_from,
                in_china(step.recorded_at),
                worded(CorrectionState, step.state),
                _said(step, vocabulary),
            )
            for step in story
        ],
        right=[say("日志", "leaf")],
        fold=[say("内容", "what was said")],
    )


def _said(step: Step, vocabulary: Vocabulary) -> str:
    told = []
    if step.outcome is not None:
        told.append(worded(Outcome, step.outcome))
    if step.score is not None:
        told.append(say(f"{step.score} 分", f"{step.score} of 5"))
        told.append(say("已解决", "solved") if step.solved else say("未解决", "not solved"))
    if step.reasons:
        told.append(_reasons(vocabulary, step.reasons))
    if step.edition is not None:
        told.append(say(f"见第 {step.edition} 版", f"see edition {step.edition}"))
    if step.delivery is not None:
        told.append(say(f"见第 {step.delivery} 次交付", f"see delivery {step.delivery}"))
    if step.text:
        told.append(step.text)
    told += [
        say(f"附件 {one.name}（{one.sha256}）", f"attached {one.name} ({one.sha256})")
        for one in step.attachments
    ]
    return say("；", "; ").join(told)


def _reasons(vocabulary: Vocabulary, codes: Sequence[str]) -> str:
    return say("、", ", ").join(say(*vocabulary.names(code)) for code in codes)


@app.command("overdue")
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
            raise _no_calendar(error) from error
        known = _names(connection, [one.request.provider for one in found], size)
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


@app.command("findings")
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
        first = None if since is None else _day("--since", since)
        try:
            found = measures.breaches(
                connection, when, workdays=workdays, provider=provider, since=first, as_of=size
            )
        except CalendarError as error:
            raise _no_calendar(error) from error
        known = _names(connection, [one.provider for one in found], size)
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


@app.command("rate")
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
        window = (_day("--from", first), _day("--to", last))
        try:
            whole, by_provider = measures.answer_rates(
                connection, *window, when, workdays=workdays, as_of=size
            )
        except CalendarError as error:
            raise _no_calendar(error) from error
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


@app.command("reasons")
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


def _as_json(one: Request, clock: Clock) -> dict[str, object]:
    named = {name: getattr(one, name) for name in Request.__struct_fields__}
    return {**named, "clock": clock}


def _no_calendar(error: CalendarError) -> Problem:
    return Problem(
        say(f"工作日历不全：{error}", str(error)),
        say(
            "请升级软件包 chinesecalendar，或用 --day 询问日历已知的日期",
            "install a newer chinesecalendar, or ask with --day about a day that the calendar knows",
        ),
        Exit.UNAVAILABLE,
    )


def _warn_of_calendar(clocks: Sequence[Clock]) -> None:
    problems = sorted({clock.problem for clock in clocks if clock.problem})
    if problems:
        err.print(
            say(f"! 部分到期日未知：{problems[0]}", f"! some due days are unknown: {problems[0]}"),
            markup=False,
            style="yellow",
        )
