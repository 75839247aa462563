"""``govledger audit``: what should have been collected and was not (应归尽归审计)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.audits.ladder import REASONS, RUNGS, rung_code
from ledger.audits.metrics import BY_ID, STATE_LABELS, State
from ledger.cli.denominator import denominator
from ledger.cli.output import (
    Exit,
    Problem,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
)
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json, reading
from ledger.codes import Level, Library

if TYPE_CHECKING:
    from ledger.audits.audit import Audit

app = typer.Typer(no_args_is_help=True, help="Completeness audits / 应归尽归审计.")
app.command("denominator")(denominator)

OrganisationOption = Annotated[
    str | None, typer.Option("--org", help="Only this organisation's obligations and entries.")
]
LibraryOption = Annotated[
    Library | None,
    typer.Option("--library", help="Only what belongs to this library.", case_sensitive=False),
]
LevelOption = Annotated[
    Level | None,
    typer.Option("--level", help="Only organisations of this level.", case_sensitive=False),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", help="JSON file with grace, thresholds and clocks (docs/audits.md)."),
]


@contextmanager
def audit_of(
    as_of: str | None,
    *,
    organisation: str | None = None,
    library: Library | None = None,
    level: Level | None = None,
    policy: Path | None = None,
) -> Iterator[Audit]:
    """The audit that a command's options ask for, with a progress bar; refusals name what to change."""
    from ledger.audits.audit import audited  # noqa: PLC0415 - it brings every capability along
    from ledger.audits.policy import read_policy  # noqa: PLC0415
    from ledger.audits.scope import Scope  # noqa: PLC0415
    from ledger.organisations import queries as organisations  # noqa: PLC0415

    rules = read_policy(policy)
    with reading(as_of) as (connection, size):
        if organisation is not None and not organisations.organisation(
            connection, organisation, size
        ):
            raise Problem(
                say(f"账本上没有机构 {organisation}", f"no organisation {organisation} is known"),
                say("用 `govledger org list` 查找代码", "find its code with `govledger org list`"),
                Exit.NOT_FOUND,
            )
        scope = Scope(organisation, library, level)
        with (
            progress_bar(say("审计", "Auditing")) as bar,
            audited(connection, size, scope=scope, policy=rules, progress=bar) as found,
        ):
            yield found


@app.command("completeness")
def completeness(
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    policy: PolicyOption = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Every metric, and every organisation, those at zero first.

    Example: govledger audit completeness --as-of 2026-06-30
    """
    from ledger.audits.report import measures, report_head  # noqa: PLC0415

    with audit_of(
        as_of, organisation=organisation, library=library, level=level, policy=policy
    ) as found:
        head, told = report_head(found), measures(found)
        names = {one.code: one.name or one.code for one in found.organisations()}
    if json_output:
        print_json({**head, "metrics": told})
        return
    _print_head(head)
    _print_metrics(told)
    _print_organisations(told, names)


def _print_head(head: dict[str, Any]) -> None:
    scope = "、".join(f"{name}={value}" for name, value in head["scope"].items())
    print_fields(
        say("应归尽归审计", "Completeness audit"),
        [
            (say("日志大小", "log size"), head["size"]),
            (say("审计日", "day"), head["day"]),
            (say("范围", "scope"), scope or say("全部", "everything")),
            (say("口径", "policy"), f"{head['policy']['name']} {head['policy_digest'][:12]}"),
        ],
    )


def _print_metrics(told: list[dict[str, Any]]) -> None:
    counts = [state.word for state in State if state is not State.MET]
    print_table(
        "",
        [
            say("指标", "metric"),
            say("比率 %", "rate %"),
            say("分子", "numerator"),
            say("分母", "denominator"),
            *(say(*STATE_LABELS[State[word.upper()]]) for word in counts),
        ],
        [
            (
                say(BY_ID[one["id"]].zh, BY_ID[one["id"]].en),
                percent(one["rate_basis_points"]),
                one["numerator"],
                one["denominator"],
                *(one[word] for word in counts),
            )
            for one in told
        ],
        right=[
            say("比率 %", "rate %"),
            say("分子", "numerator"),
            say("分母", "denominator"),
            *(say(*STATE_LABELS[State[word.upper()]]) for word in counts),
        ],
        spare=[say(*STATE_LABELS[State.NOT_APPLICABLE]), say(*STATE_LABELS[State.EXEMPTED])],
    )


def _print_organisations(told: list[dict[str, Any]], names: dict[str, str]) -> None:
    shown = ("cataloguing", "mount", "collection", "timeliness", "quality_pass")
    rates = {
        metric["id"]: {one["organisation"]: one for one in metric["organisations"]}
        for metric in told
    }
    order = [
        one["organisation"]
        for one in next(m for m in told if m["id"] == "collection")["organisations"]
    ]
    print_table(
        say("各机构（归集率低者在前），%", "By organisation, lowest collection first, %"),
        [say("机构", "organisation"), *(say(BY_ID[name].zh, BY_ID[name].en) for name in shown)],
        [
            (
                names.get(code, code or say("（无法读取）", "(unreadable)")),
                *(
                    percent(rates[name][code]["rate_basis_points"]) if code in rates[name] else "–"
                    for name in shown
                ),
            )
            for code in order
        ],
        right=[say(BY_ID[name].zh, BY_ID[name].en) for name in shown],
        fold=[say("机构", "organisation")],
    )


@app.command("gaps")
def gaps(
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    rung: Annotated[
        str | None, typer.Option(help=f"Only this rung: {', '.join(one[0] for one in RUNGS)}.")
    ] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those whose working day has passed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most rows shown.")] = 50,
    policy: PolicyOption = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Every obligation that is not met: where it stops, who must act, since when and by when.

    Example: govledger audit gaps --overdue
    """
    from ledger.audits.report import gap_line  # noqa: PLC0415

    number = _rung(rung)
    with audit_of(
        as_of, organisation=organisation, library=library, level=level, policy=policy
    ) as found:
        rows = found.gaps(rung=number, overdue=True if overdue else None, limit=limit)
        told = [gap_line(found, row) for row in rows]
        names = {one.code: one.name or one.code for one in found.organisations()}
    if json_output:
        print_json({"gaps": told})
        return
    labels = {code: say(zh, en) for code, zh, en in RUNGS}
    print_table(
        say(f"缺口：{len(told)}", f"Gaps: {len(told)}"),
        [
            say("义务", "obligation"),
            say("环节", "rung"),
            say("原因", "reason"),
            say("条款", "article"),
            say("应办单位", "who must act"),
            say("始于", "since"),
            say("期限", "due"),
        ],
        [
            (
                one["obligation"],
                labels[one["rung"]],
                say(REASONS[one["reason"]].zh, REASONS[one["reason"]].en),
                one["article"],
                names.get(one["acts"], one["acts"]),
                one["since"],
                (one["due"] or "–") + (" !" if one["overdue"] else ""),
            )
            for one in told
        ],
        fold=[say("原因", "reason"), say("应办单位", "who must act")],
        spare=[say("条款", "article"), say("始于", "since")],
    )


def _rung(code: str | None) -> int | None:
    """The number of a rung; raises :class:`Problem` naming the rungs that there are."""
    if code is None:
        return None
    for number in range(1, len(RUNGS) + 1):
        if rung_code(number) == code:
            return number
    known = ", ".join(one[0] for one in RUNGS)
    raise Problem(
        say(f"没有环节 {code}", f"there is no rung {code}"),
        say(f"可用：{known}", f"there are {known}"),
        Exit.USAGE,
    )
