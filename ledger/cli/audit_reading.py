"""``govledger audit explain`` and ``compare``: one obligation, and two audits (缺口说明、审计比对)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ledger.audits.ladder import REASONS, RUNGS
from ledger.audits.metrics import BY_ID, STATE_LABELS, State
from ledger.cli.audit_options import (
    LevelOption,
    LibraryOption,
    OrganisationOption,
    PolicyOption,
    audit_of,
    rules_of,
    scope_of,
)
from ledger.cli.listing import Listed
from ledger.cli.output import Exit, out, print_fields, print_json, print_table, progress_bar, say
from ledger.cli.quality_views import percent
from ledger.cli.session import AsOf, Json, reading
from ledger.cli.wording import problem_of
from ledger.codes import EXEMPTION_SCOPES

_STATES = {
    "passed": ("✓", "✓"),
    "broken": ("✗ 缺口", "✗ gap"),
    "skipped": ("– 不要求", "– not asked"),
    "not_reached": ("· 未到", "· not reached"),
}
_STANDINGS = {
    "in_force": ("有效", "in force"),
    "withdrawn": ("已取消", "withdrawn"),
    "not_yet": ("尚未生效", "not in force yet"),
    "ended": ("已终止", "ended"),
    "no_data": ("不产生数据", "produces no data"),
}


def explain(
    gap: Annotated[str, typer.Argument(help="A gap's id, or an obligation's code.")],
    policy: PolicyOption = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """One obligation: every rung of its ladder, what it rests on, who must act and how it is mended.

    Example: govledger audit explain delivered:QP-1-S1-T1
    """
    from ledger.audits.explaining import explained  # noqa: PLC0415

    with audit_of(as_of, policy=policy) as found:
        told = explained(found, gap)
        day = found.question.day
        names = {one.code: one.name for one in found.organisations() if one.name}
    if json_output:
        print_json({"day": day, **told})
        return
    one = told["obligation"]
    print_fields(
        f"{one['code']}  {one['name']}",
        [
            (say("责任单位", "responsible"), _named(one["organisation"], names)),
            (say("依据", "legal basis"), "；".join(one["legal_basis"])),
            (say("上级", "parent"), one["parent"]),
            (say("下级", "below"), " ".join(one["below"])),
            (say("目录", "entry"), told["line"].get("entry")),
            (say("声明位置", "log index"), one["leaf"]),
        ],
    )
    if "ladder" in told:
        _print_ladder(told, names)
    else:
        _print_upper(told["line"])
    _print_beside(told)


def _named(code: str, names: Mapping[str, str]) -> str:
    """An organisation as people know it, with its code."""
    return f"{names[code]} {code}" if code in names else code


def _print_upper(line: dict[str, Any]) -> None:
    """How a duty or system stands, and the tables below it."""
    state = STATE_LABELS[State[line["state"].upper()]]
    print_fields(
        "",
        [
            (say("有效状态", "standing"), say(*_STANDINGS[line["standing"]])),
            (say("其下业务表", "tables below"), line["tables"]),
            (say("已编目", "catalogued"), line["catalogued"]),
            (say("豁免", "exempt"), line["exempted"]),
            (say("结果", "state"), say(*state)),
        ],
    )


def _print_ladder(told: dict[str, Any], names: Mapping[str, str]) -> None:
    labels = {code: say(zh, en) for code, zh, en in RUNGS}
    print_table(
        "",
        [say("环节", "rung"), say("状态", "state"), say("日志", "leaf")],
        [
            (labels[rung["rung"]], say(*_STATES[rung["state"]]), rung["leaf"])
            for rung in told["ladder"]
        ],
        right=[say("日志", "leaf")],
    )
    gap = told["gap"]
    if gap is None:
        return
    reason = REASONS[gap["reason"]]
    overdue = say("（已逾期）", " (overdue)") if gap["overdue"] else ""
    print_fields(
        say("缺口", "Gap"),
        [
            (say("编号", "id"), gap["id"]),
            (say("原因", "reason"), say(reason.zh, reason.en)),
            (say("条款", "article"), gap["article"]),
            (say("应办单位", "who must act"), _named(gap["acts"], names)),
            (say("应办事项", "what to do"), say(reason.way_zh, reason.way_en)),
            (say("始于", "since"), gap["since"]),
            (say("期限", "due"), f"{gap['due'] or '–'}{overdue}"),
        ],
    )


def _print_beside(told: dict[str, Any]) -> None:
    from ledger.audits.findings import SIGNALS  # noqa: PLC0415

    scopes = {code: zh for zh, code in EXEMPTION_SCOPES.values()}
    for one in told["exemptions"]:
        out.print(
            say(
                f"豁免：{scopes[one['scope']]}，至 {one['expires']}（日志 {one['leaf']}）",
                f"exempt: {one['scope']} until {one['expires']} (leaf {one['leaf']})",
            ),
            markup=False,
        )
    for one in told["findings"]:
        signal = SIGNALS[one["name"]]
        leaves = " ".join(map(str, one["leaves"]))
        more = " ".join(str(one[name]) for name in ("number", "detail") if one[name] is not None)
        out.print(
            say(
                f"! {signal.zh}：{one['subject']}{more and '，' + more}（日志 {leaves}）",
                f"! {signal.en}: {one['subject']}{more and ', ' + more} (leaf {leaves})",
            ),
            markup=False,
        )


def compare(
    before: Annotated[str, typer.Argument(help="The earlier log size, or a time.")],
    after: Annotated[str, typer.Argument(help="The later log size, or a time.")],
    organisation: OrganisationOption = None,
    library: LibraryOption = None,
    level: LevelOption = None,
    policy: PolicyOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, max=100_000, help="Most gaps shown.")
    ] = 50,
    json_output: Json = False,
) -> None:
    """How every rate moved between two sizes, and which gaps were opened, closed or changed.

    Example: govledger audit compare 2026-03-31 2026-06-30
    """
    from ledger.audits.comparing import compared  # noqa: PLC0415
    from ledger.mirror.moments import resolve_as_of  # noqa: PLC0415
    from ledger.mirror.queries import MirrorQueryError  # noqa: PLC0415
    from ledger.organisations.queries import organisations_at  # noqa: PLC0415

    rules = rules_of(policy)
    with reading() as (connection, _):
        try:
            sizes = [resolve_as_of(connection, text) for text in (before, after)]
        except MirrorQueryError as error:
            raise (problem_of(error, Exit.USAGE) or error) from error
        scope = scope_of(connection, None, organisation, library, level)
        with progress_bar(say("审计", "Auditing")) as bar:
            told = compared(connection, *sizes, scope=scope, policy=rules, progress=bar)
        names = {
            one.code: one.name or one.code
            for one in connection.execute(organisations_at(sizes[1])).all()
        }
    if json_output:
        print_json(told)
        return
    _print_comparison(told, names, limit)


def _print_comparison(told: dict[str, Any], names: Mapping[str, str], limit: int) -> None:
    sides = ("before", "after")
    days = [f"{told[side]['day']} ({told[side]['size']})" for side in ("from", "to")]
    counts = [
        say(f"分子/分母（{told[side]['size']}）", f"counts ({told[side]['size']})")
        for side in ("from", "to")
    ]
    print_table(
        say("指标变化", "Metrics"),
        [say("指标", "metric"), *days, say("变化", "change"), *counts],
        [
            (
                say(BY_ID[one["id"]].zh, BY_ID[one["id"]].en),
                *(percent(one[side]["rate_basis_points"]) for side in sides),
                _change(*(one[side]["rate_basis_points"] for side in sides)),
                *(f"{one[side]['numerator']}/{one[side]['denominator']}" for side in sides),
            )
            for one in told["metrics"]
        ],
        right=[*days, say("变化", "change"), *counts],
    )
    if told["gaps"]:
        _print_moved(told["gaps"], names, limit)
    else:
        out.print(say("没有缺口变化", "no gap moved"))
    out.print(
        say(
            "分母的变化及签署人：govledger audit denominator --from {} --to {}",
            "what moved the denominators, and who signed it: govledger audit denominator --from {} --to {}",
        ).format(told["from"]["size"], told["to"]["size"]),
        style="dim",
    )


def _print_moved(gaps: list[dict[str, Any]], names: Mapping[str, str], limit: int) -> None:
    """Gaps that came, went or changed, with rung and reason on either side."""
    sides = ("before", "after")
    labels = {code: say(zh, en) for code, zh, en in RUNGS}
    moved = {
        "opened": ("新增", "opened"),
        "closed": ("消除", "closed"),
        "changed": ("变化", "changed"),
    }
    listed = Listed(gaps[:limit], len(gaps))
    columns = [say("原缺口", "was"), say("现缺口", "is")]

    def stop(gap: dict[str, Any] | None) -> str:
        if gap is None:
            return "–"
        reason = REASONS[gap["reason"]]
        return f"{labels[gap['rung']]}{say('：', ': ')}{say(reason.zh, reason.en)}"

    print_table(
        say(f"缺口变化：{listed.size}", f"Gaps that moved: {listed.size}"),
        [say("义务", "obligation"), say("机构", "organisation"), say("变化", "moved"), *columns],
        [
            (
                one["obligation"],
                names.get(one["organisation"], one["organisation"]),
                say(*moved[one["moved"]]),
                *(stop(one[side]) for side in sides),
            )
            for one in listed.rows
        ],
        fold=columns,
    )
    listed.print_more()


def _change(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "–"
    points = after - before
    return f"{'+' if points >= 0 else '-'}{percent(abs(points))}"
