"""``govledger mirror``: follow the log into SQL, verify it, rebuild what follows from it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    out,
    print_fields,
    print_json,
    progress_bar,
    say,
)
from ledger.cli.session import Json, existing_file, opened
from ledger.cli.wording import problem_of
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.since import parse_checkpoint

if TYPE_CHECKING:
    from ledger.duty import OnDuty
    from ledger.office.office import Office

app = typer.Typer(no_args_is_help=True, help="The SQL mirror of the log / 账本镜像.")


@app.command("status")
def status(as_json: Json = False) -> None:
    """How far the mirror is, and how far the log. Example: govledger mirror status"""
    with opened() as office:
        found = office.mirror_status()
        duty = office.rota.on_duty()
    if as_json:
        print_json({**msgspec.to_builtins(found), "duty": duty})
        return
    print_fields(
        say("镜像", "Mirror"),
        [
            (say("声明数", "statements"), found.size),
            (say("根", "root"), found.root),
            (say("已核对至区块", "compared at block"), found.block_number),
            (say("链上最新区块", "newest block"), found.head_number),
            (say("落后区块", "blocks behind"), found.lag_blocks),
            (say("不合规声明", "malformed statements"), found.malformed),
            (say("投影", "projections"), _versions(found.projections)),
            (say("待重建投影", "to be filled afresh"), ", ".join(found.stale_projections)),
            (say("值班进程", "on duty"), _who(duty)),
            (say("问题", "trouble"), found.trouble),
        ],
    )


def _who(duty: OnDuty) -> str:
    """Who sends and follows the log: process, address and, where machines share, since which term."""
    if duty.process is None:
        return say("无", "nobody")
    term = "" if duty.term is None else say(f"，第 {duty.term} 任", f", term {duty.term}")
    return f"{duty.process}{f', {duty.url}' if duty.url else ''}{term}"


def _versions(projections: dict[str, int]) -> str:
    return ", ".join(f"{name} v{version}" for name, version in sorted(projections.items()))


@app.command("follow")
def follow(
    once: Annotated[bool, typer.Option("--once", help="Take over what there is, and end.")] = False,
) -> None:
    """Take over what the log has, and go on following it (Ctrl-C to stop).

    Example: govledger mirror follow --once
    """
    with opened() as office, office.duty() as on_duty:
        if not on_duty:
            raise Problem(
                say("另一个进程正在跟随日志", "another process follows the log already"),
                say("用 `govledger mirror status` 查看", "see `govledger mirror status`"),
                Exit.UNAVAILABLE,
            )
        with progress_bar(say("同步镜像", "Following the log")) as bar:
            cursor = office.mirror.catch_up(lambda step: bar(step.size))
        out.print(
            say(
                f"✓ 已核验 {cursor.size} 条声明，根 {cursor.root.hex()}",
                f"✓ {counted(cursor.size, 'statement')} verified, root {cursor.root.hex()}",
            ),
            style="green",
        )
        if not once:
            office.mirror.follow(threading.Event())


@app.command("verify")
def verify(
    since: Annotated[
        Path | None,
        typer.Option(help="A checkpoint kept earlier: proves that the log was only appended to."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Without the chain; says what could not be checked.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Re-derive every leaf, root, signature, rule and row, and compare; trusts no operator.

    Example: govledger mirror verify --since checkpoint-2026-01.json
    """
    kept = None
    if since is not None:
        try:
            kept = parse_checkpoint(existing_file(since).read_bytes())
        except ValueError as error:
            raise (problem_of(error) or error) from error
    with opened() as office:
        _refuse_outdated(office)
        with progress_bar(say("核验", "Verifying")) as bar:
            report = office.verify(kept, use_chain=not offline, progress=bar)
    if as_json:
        print_json(report)
    else:
        for line in report.lines(say("zh", "en")):
            out.print(line, markup=False)
    if not report.ok:
        raise _not_verified(report)


def _refuse_outdated(office: Office) -> None:
    """Tables that another version of this program made are not what this one makes, and nothing is wrong with that."""
    outdated = office.outdated_projections()
    if outdated:
        told = say("、", ", ").join(outdated)
        raise Problem(
            say(
                f"镜像的表由本程序的另一版本生成（{told}），无法与本版本的结果比对",
                f"another version of this program made tables of the mirror ({told}): they cannot be compared "
                "with what this one makes",
            ),
            say(
                "先运行 `govledger mirror rebuild`（只用日志中的声明重建），再核验",
                "run `govledger mirror rebuild` first, which makes them anew of the log's statements alone",
            ),
        )


def _not_verified(report: Report) -> Problem:
    """That the verification failed, from which leaf on, and what to do first."""
    leaf = report.first_leaf
    zh, en = "", ""
    if leaf is not None:
        zh, en = f"，首先在日志位置 {leaf}", f", first at leaf {leaf}"
    if set(report.totals) <= {"projection", "flag"}:
        hint = say(
            "声明本身完好：运行 `govledger mirror rebuild` 重建各表",
            "the statements themselves are whole: `govledger mirror rebuild` makes the tables anew",
        )
    elif set(report.totals) <= {"projection", "flag", "lineage"}:
        hint = say(
            "声明本身完好：血缘各表可用 `govledger journal fold --afresh` 重建，其余用 `govledger mirror rebuild`",
            "the statements themselves are whole: `govledger journal fold --afresh` makes the tables of "
            "lineage anew, `govledger mirror rebuild` the others",
        )
    else:
        hint = say(
            "保留现场，并与保存的检查点比对",
            "keep everything as it is, and compare kept checkpoints",
        )
    return Problem(
        say(
            f"镜像或日志未通过核验{zh}",
            f"the mirror or the log did not stand up to verification{en}",
        ),
        hint,
        Exit.NOT_PROVEN,
    )


@app.command("rebuild")
def rebuild() -> None:
    """Make the projections anew from the statements, side by side, and swap them in.

    Example: govledger mirror rebuild
    """
    with opened() as office, progress_bar(say("重建投影", "Rebuilding")) as bar:
        office.rebuild(bar)
    out.print(say("✓ 投影已重建", "✓ projections rebuilt"), style="green")
