"""``govledger audit``: what should have been collected and was not (应归尽归审计)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS, RUNGS, rung_code
from ledger.audits.metrics import BY_ID, STATE_LABELS, State
from ledger.cli import audit_reading, audit_reports
from ledger.cli.audit_options import (
    JournalOption,
    LevelOption,
    LibraryOption,
    OrganisationOption,
    PolicyOption,
    audit_of,
)
from ledger.cli.denominator import denominator
from ledger.cli.listing import counted
from ledger.cli.output import Exit, Problem, err, print_fields, print_json, print_table, say
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json

app = typer.Typer(no_args_is_help=True, help="Completeness audits / 应归尽归审计.")

Most = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Most rows shown.")]
_SPARE = (State.NOT_APPLICABLE, State.EXEMPTED)
_SHOWN = ("cataloguing", "mount", "collection", "timeliness", "quality_pass")


@app.command("completeness")
def completeness(
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    policy: PolicyOption = None,
    journal: JournalOption = False,
    place: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write the whole report: .json (canonical), .xlsx or .md."
        ),
    ] = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Every metric over all, and over every organisation, those at zero first.

    Example: govledger audit completeness --as-of 2026-06-30 -o report.xlsx
    """
    from ledger.audits.report import measures, report_head  # noqa: PLC0415

    if place is not None:
        audit_reports.check_place(place)
    with audit_of(
        as_of,
        organisation=organisation,
        library=library,
        level=level,
        policy=policy,
        journal=journal,
    ) as found:
        head, told = report_head(found), measures(found)
        names = {one.code: one.name or one.code for one in found.organisations()}
        digest = None if place is None else audit_reports.write_report(found, place)
    if json_output:
        print_json({**head, "metrics": told})
        return
    _print_head(head)
    _print_metrics(told)
    _print_organisations(told, names)
    if place is not None:
        err.print(say(f"✓ 已写入 {place}", f"✓ written to {place}"), style="green")
        if digest is not None:
            err.print(f"  SHA-256 {digest}")


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
    limit: Most = 50,
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
        listed = counted(found.gaps(rung=number, overdue=True if overdue else None), limit)
        told = [gap_line(found, row) for row in listed.rows]
        names = {one.code: one.name or one.code for one in found.organisations()}
    if json_output:
        print_json({"total": listed.total, "gaps": told})
        return
    labels = {code: say(zh, en) for code, zh, en in RUNGS}
    print_table(
        say(f"缺口：{listed.size}", f"Gaps: {listed.size}"),
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
    listed.print_more()


@app.command("findings")
def findings(
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    name: Annotated[
        str | None, typer.Option(help="Only findings of this name (docs/audits.md).")
    ] = None,
    limit: Most = 50,
    policy: PolicyOption = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """What an auditor must look at beside the gaps: cheats, exemptions, what moved the denominator.

    Example: govledger audit findings --name old_snapshot
    """
    from ledger.audits.report import finding_line  # noqa: PLC0415

    if name is not None and name not in SIGNALS:
        raise Problem(
            say(f"没有审计发现 {name}", f"there is no finding {name}"),
            say("名称见 docs/audits.md", "docs/audits.md lists the names"),
            Exit.USAGE,
        )
    with audit_of(
        as_of, organisation=organisation, library=library, level=level, policy=policy
    ) as found:
        kinds: Counter[str] = Counter()
        listed = counted(_noting(found.findings(name=name), kinds), limit)
        told = [finding_line(found, row) for row in listed.rows]
        names = {one.code: one.name or one.code for one in found.organisations()}
    if json_output:
        print_json({"total": listed.total, "findings": told})
        return
    if len(kinds) > 1:
        _print_kinds(kinds)
    print_table(
        say(f"审计发现：{listed.size}", f"Findings: {listed.size}"),
        [
            say("发现", "finding"),
            say("对象", "subject"),
            say("机构", "organisation"),
            say("条款", "article"),
            say("数值", "number"),
            say("说明", "detail"),
            say("日志", "leaves"),
        ],
        [
            (
                say(SIGNALS[one["name"]].zh, SIGNALS[one["name"]].en),
                one["subject"],
                names.get(one["organisation"], one["organisation"]),
                one["article"],
                one["number"],
                one["detail"],
                " ".join(map(str, one["leaves"])),
            )
            for one in told
        ],
        fold=[say("发现", "finding"), say("机构", "organisation"), say("说明", "detail")],
        spare=[say("说明", "detail"), say("条款", "article"), say("日志", "leaves")],
    )
    listed.print_more()


app.command("explain")(audit_reading.explain)
app.command("compare")(audit_reading.compare)
app.command("denominator")(denominator)
app.command("publish")(audit_reports.publish)
app.command("reports")(audit_reports.reports)
app.command("verify")(audit_reports.verify)


def _noting(rows: Iterator[Any], kinds: Counter[str]) -> Iterator[Any]:
    """The findings as they come, counted by name on their way."""
    for row in rows:
        kinds[row.name] += 1
        yield row


def _print_kinds(kinds: Counter[str]) -> None:
    """How many there are of each name, the rarest first: a long list hides what happened once."""
    number = say("数量", "how many")
    print_table(
        say("按名称", "By name"),
        [number, say("发现", "finding"), "--name"],
        [
            (count, say(SIGNALS[name].zh, SIGNALS[name].en), name)
            for name, count in sorted(kinds.items(), key=lambda one: (one[1], one[0]))
        ],
        right=[number],
    )


def _print_head(head: dict[str, Any]) -> None:
    scope = "、".join(f"{name}={value}" for name, value in head["scope"].items())
    print_fields(
        say("应归尽归审计", "Completeness audit"),
        [
            (say("日志大小", "log size"), head["size"]),
            (say("审计日", "day"), head["day"]),
            (say("范围", "scope"), scope or say("全部", "everything")),
            (say("口径", "policy"), f"{head['policy']['name']} {head['policy_digest'][:12]}"),
            (say("与默认口径不同", "other than by default"), _departures(head["policy"])),
        ],
    )


def _departures(policy: dict[str, Any]) -> str | None:
    """Where the policy is not the default one, None where it is."""
    from ledger.audits.policy import policy_of  # noqa: PLC0415

    found = policy_of(policy).departures()
    told = (
        say(f"{name} {here}（默认 {usual}）", f"{name} {here} (default {usual})")
        for name, (here, usual) in found.items()
    )
    return say("、", ", ").join(told) or None


def _print_metrics(told: list[dict[str, Any]]) -> None:
    counts = [state for state in State if state is not State.MET]
    numbers = [
        say("比率 %", "rate %"),
        say("分子", "numerator"),
        say("分母", "denominator"),
        *(say(*STATE_LABELS[state]) for state in counts),
    ]
    print_table(
        "",
        [say("指标", "metric"), *numbers],
        [
            (
                say(BY_ID[one["id"]].zh, BY_ID[one["id"]].en),
                percent(one["rate_basis_points"]),
                one["numerator"],
                one["denominator"],
                *(one[state.word] for state in counts),
            )
            for one in told
        ],
        right=numbers,
        spare=[say(*STATE_LABELS[state]) for state in _SPARE],
    )


def _print_organisations(told: list[dict[str, Any]], names: dict[str, str]) -> None:
    rates = {
        metric["id"]: {one["organisation"]: one for one in metric["organisations"]}
        for metric in told
    }
    if not rates["collection"]:
        err.print(say("! 该范围内没有机构", "! no organisation is in this scope"), style="yellow")
        return
    labels = [say(BY_ID[name].zh, BY_ID[name].en) for name in _SHOWN]
    print_table(
        say("各机构（归集率低者在前），%", "By organisation, lowest collection first, %"),
        [say("机构", "organisation"), *labels],
        [
            (
                names.get(code, code or say("（无法读取）", "(unreadable)")),
                *(
                    percent(rates[name][code]["rate_basis_points"]) if code in rates[name] else "–"
                    for name in _SHOWN
                ),
            )
            for code in rates["collection"]
        ],
        right=labels,
        fold=[say("机构", "organisation")],
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
