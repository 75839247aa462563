"""``govledger drills``: what the integrity drills found, and doing one now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.output import Exit, Problem, err, out, print_json, print_table, say
from ledger.cli.session import Json, opened
from ledger.days import CHINA_TIME
from ledger.drills.models import Outcome

if TYPE_CHECKING:
    from ledger.drills.drills import Run

WORDS = {
    Outcome.RUNNING: ("进行中", "running"),
    Outcome.PASSED: ("通过", "passed"),
    Outcome.FAILED: ("未通过", "failed"),
    Outcome.UNFINISHED: ("未完成", "unfinished"),
}


def drills(
    now: Annotated[
        str | None,
        typer.Option(
            "--run", help="Do a drill now, as fast as it goes: mirror, fsck, replay or all."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """What the integrity drills of this office found last. A server does them on a schedule.

    Exit code 5 where one found something wrong; docs/runbook.md says what to do then.

    Example: govledger drills --run mirror
    """
    from ledger.drilling import NAMES  # noqa: PLC0415

    with opened() as office:
        _ = office.deployment
        held = office.drills
        wanted = list(held.drills) if now == "all" else [now] if now else []
        for name in wanted:
            if name not in held.drills:
                known = ", ".join([*held.drills, "all"])
                raise Problem(
                    say(f"没有名为 {name!r} 的演练", f"there is no drill {name!r} here"),
                    say(f"可用：{known}", f"there are {known}"),
                    Exit.USAGE,
                )
            held.run(name, share=100)
        newest, overdue = held.newest(), held.overdue()
    if as_json:
        print_json({"newest": newest, "overdue": overdue})
    else:
        print_table(
            say("完整性演练", "Integrity drills"),
            [
                say("演练", "drill"),
                say("结果", "outcome"),
                say("开始", "begun"),
                say("用时（秒）", "seconds"),
                say("检查数", "looked at"),
            ],
            [_row(name, newest.get(name), NAMES[name]) for name in held.drills],
        )
        for run in newest.values():
            for zh, en in run.said:
                err.print(f"! {run.name}: {say(zh, en)}", markup=False, style="yellow")
        for name in overdue:
            late = say(f"演练 {name} 逾期", f"drill {name} is overdue")
            err.print(f"! {late}", markup=False, style="yellow")
    failed = sorted(name for name, run in newest.items() if run.outcome is Outcome.FAILED)
    if failed:
        raise Problem(
            say(f"演练未通过：{', '.join(failed)}", f"drills failed: {', '.join(failed)}"),
            say(
                "保留现场，并按 docs/runbook.md 处理",
                "keep everything as it is; docs/runbook.md says what to do",
            ),
            Exit.NOT_PROVEN,
        )
    if not as_json and not newest:
        out.print(
            say(
                "尚无演练；服务运行时会自动进行，也可用 --run all 立即进行",
                "no drill was done yet; a server does them by itself, --run all does them now",
            )
        )


def _row(name: str, run: Run | None, words: tuple[str, str]) -> tuple[str, str, str, str, str]:
    told = f"{name} ({say(*words)})"
    if run is None:
        return told, "-", "-", "-", "-"
    begun = datetime.fromtimestamp(run.started_at / 1000, UTC).astimezone(CHINA_TIME)
    took = "-" if run.ended_at is None else f"{(run.ended_at - run.started_at) / 1000:.1f}"
    outcome = say(*WORDS[run.outcome])
    return told, outcome, begun.isoformat(sep=" ", timespec="seconds"), took, str(run.checked)
