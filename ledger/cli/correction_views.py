"""What every command about corrections shares: the day of judgement, clocks and names in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.cli.output import Exit, Problem, err, say
from ledger.codes import Code
from ledger.corrections.measures import Clock
from ledger.corrections.words import Standing
from ledger.days import CHINA_TIME, day_in
from ledger.mirror.moments import day_at
from ledger.organisations.queries import names
from ledger.statements import text_hash
from ledger.workdays import CalendarError

Day = Annotated[
    str | None,
    typer.Option("--day", help="The day of judgement, YYYY-MM-DD; today, or the day of --as-of."),
]
Provider = Annotated[str | None, typer.Option(help="Only entries of this organisation.")]


def judged_on(connection: Connection, size: int | None, day: str | None) -> date:
    """The day on which clocks are read: as given; else that of the log size asked for; else today in China."""
    if day is not None:
        return day_of("--day", day)
    told = day_at(connection, size) if size is not None else None
    return told or datetime.now(UTC).astimezone(CHINA_TIME).date()


def day_of(option: str, text: str) -> date:
    """The day that an option names; refused where it is none."""
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


def names_of(
    connection: Connection, codes: Sequence[str | None], size: int | None
) -> dict[str, str]:
    """Names of organisations, by their codes."""
    known = names(connection, [text_hash(code) for code in codes if code], size)
    return {found.code: found.name for found in known.values()}


def no_calendar(error: CalendarError) -> Problem:
    """The answer depends on a year whose working days are not known."""
    return Problem(
        say(f"工作日历不全：{error}", str(error)),
        say(
            "请升级软件包 chinesecalendar，或用 --day 询问日历已知的日期",
            "install a newer chinesecalendar, or ask with --day about a day that the calendar knows",
        ),
        Exit.UNAVAILABLE,
    )


def warn_of_calendar(clocks: Sequence[Clock]) -> None:
    """Tell that some clocks stand in a year whose working days are not known."""
    problems = sorted({clock.problem for clock in clocks if clock.problem})
    if problems:
        err.print(
            say(f"! 部分到期日未知：{problems[0]}", f"! some due days are unknown: {problems[0]}"),
            markup=False,
            style="yellow",
        )
