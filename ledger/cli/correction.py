"""``govledger correction``: requests to correct an entry, their answers, and the clock (校核纠错, 条例 Art. 26)."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.cli import correction_acts, correction_from_score, correction_measures
from ledger.cli.correction_acts import vocabulary_of
from ledger.cli.correction_page import print_request
from ledger.cli.correction_views import (
    Day,
    Provider,
    clock_words,
    judged_on,
    names_of,
    warn_of_calendar,
    worded,
)
from ledger.cli.output import Exit, Problem, out, print_json, print_table, say
from ledger.cli.session import AsOf, Json, Limit, reading, settings
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections import queries
from ledger.corrections.answers import Request
from ledger.corrections.measures import Clock, clock_of
from ledger.corrections.queries import Filters

app = typer.Typer(
    no_args_is_help=True, help="Requests to correct an entry, answers and clocks / 校核纠错."
)
correction_acts.add_to(app)
app.command("open-from-score")(correction_from_score.open_from_score)


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
        known = names_of(
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
    warn_of_calendar(clocks)


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
        known = names_of(connection, [one.provider, one.requester], size)
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
    print_request(one, clock, story, known, vocabulary)
    if after:
        codes = ", ".join(later.code for later in after)
        out.print(say(f"后续申请：{codes}", f"taken up again by: {codes}"))
    warn_of_calendar([clock])


def _as_json(one: Request, clock: Clock) -> dict[str, object]:
    named = {name: getattr(one, name) for name in Request.__struct_fields__}
    return {**named, "clock": clock}


correction_measures.add_to(app)
