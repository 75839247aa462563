"""``govledger obligation import``: a whole list of duties, systems, tables or data sets (归集义务批量导入).

Without ``--apply`` it only says what it would do: counts, the reason for every refused row, and what was decided
about every department's code. Departments that the ledger does not know are registered by the authority.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.catalogue.columns import MappingError
from ledger.catalogue.publishers import Publishers, harmless, read_publishers
from ledger.catalogue.rows import TableError
from ledger.cli.importing import (
    send,
    show_not_turned,
    show_refused,
    tell_finished_first,
    tell_preview,
    tell_recorded,
)
from ledger.cli.organisations import speaker_of
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    language,
    out,
    print_json,
    print_table,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.registering import Party, register_parties
from ledger.cli.session import Json, existing_file, opened, prepare_to_sign, unlock
from ledger.cli.wording import problem_of
from ledger.obligations.departments import HOW, departments_csv
from ledger.obligations.importing import resume_import, run_import
from ledger.obligations.mapping import ObligationMapping, load_mapping
from ledger.obligations.plan import Plan
from ledger.obligations.planning import plan_import

if TYPE_CHECKING:
    from ledger.office import Office

SHOWN_ROWS = 30
SHOWN_CODES = 3
MAX_EVIDENCE = 4000


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("import")(import_command)


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GBK) or XLSX.")],
    mapping: Annotated[
        str,
        typer.Option(
            help="A mapping file, or a built-in one: template, guangan, sf_inventory (docs/obligations.md)."
        ),
    ],
    departments: Annotated[
        Path | None,
        typer.Option(help="CSV table of departments with their codes, completed by you."),
    ] = None,
    departments_out: Annotated[
        Path | None, typer.Option(help="Write the table of departments here, to be completed.")
    ] = None,
    published_out: Annotated[
        Path | None,
        typer.Option(help="Write what the list calls published here, to be bound to entries."),
    ] = None,
    valid_from: Annotated[
        datetime | None,
        typer.Option(
            "--valid-from",
            formats=["%Y-%m-%d"],
            help="First day of obligations for which the list gives none.",
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; otherwise only a preview.")
    ] = False,
    authority: Annotated[
        str | None, typer.Option(help="Key of the authority, who files the obligations.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Import a list of obligations: preview first, then --apply. A second run records nothing twice.

    Example: govledger obligation import items.csv --mapping guangan --valid-from 2026-01-01
    Example: govledger obligation import items.csv --mapping guangan --apply --authority authority
    """
    try:
        rules = load_mapping(mapping)
        table = (
            read_publishers(existing_file(departments), rules.name)
            if departments is not None
            else Publishers.empty(rules.name)
        )
    except (MappingError, TableError) as error:
        raise (problem_of(error) or error) from error
    if apply and authority is None:
        raise Problem(
            say("导入须给出 --authority", "an import needs --authority"),
            say("主管部门的密钥，用于登记义务", "the authority's key, which files the obligations"),
            Exit.USAGE,
        )
    with opened() as office:
        _ = office.deployment
        if apply:
            prepare_to_sign(office)
            unlock(office, authority or "")
            _resume(office, rules, authority or "")
        else:
            office.refresh()
        with (
            progress_bar(say("读取与检查", "Reading and checking")) as bar,
            office.read() as mirror,
            office.desk_engine.connect() as desk,
        ):
            plan = plan_import(
                existing_file(file),
                rules,
                table,
                mirror,
                desk,
                valid_from=valid_from.date() if valid_from else None,
                progress=bar,
            )
        _write(plan, departments_out, published_out)
        if not json_output:
            _show(plan)
        started = time.monotonic()
        recorded = _apply(office, plan, authority) if apply and authority else 0
    if json_output:
        print_json({"plan": plan.summary(), "recorded": recorded})
    elif apply:
        tell_recorded(recorded, time.monotonic() - started, "项义务", "obligation")
    else:
        tell_preview()


def _write(plan: Plan, departments_out: Path | None, published_out: Path | None) -> None:
    """The two tables that a person completes: departments, and what may be bound."""
    if departments_out is not None:
        text = departments_csv(plan.departments.values())
        write_whole(departments_out, [text.encode("utf-8-sig")])
    if published_out is not None:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(("obligation", "entry", "name", "published", "link"))
        for one in plan.published:
            writer.writerow(
                (one.obligation, "", *map(harmless, (one.name, one.published, one.link)))
            )
        write_whole(published_out, [table.getvalue().encode("utf-8-sig")])


def _show(plan: Plan) -> None:
    count = say("数量", "count")
    provisional = sum(1 for decision, _ in plan.departments.values() if decision.is_provisional)
    print_table(
        say(f"导入预览：{plan.mapping.title}", f"Import preview: {plan.mapping.title}"),
        [say("项目", "what"), count],
        [
            (say("数据行", "rows"), plan.rows),
            (say("新义务", "new obligations"), plan.new),
            (say("上级义务（每单位一项）", "obligations above them"), plan.above),
            (say("调整", "amendments"), plan.revised),
            (say("无变化", "unchanged"), plan.unchanged),
            (say("拒绝", "refused"), len(plan.refused)),
            (say("责任单位", "departments"), len(plan.departments)),
            (say("其中使用临时代码", "of these with a provisional code"), provisional),
            (
                say("清单称已发布（可供绑定）", "called published (may be bound)"),
                len(plan.published),
            ),
            (
                say("清单中已没有（不自动取消）", "no longer in the list (not withdrawn)"),
                len(plan.gone),
            ),
        ],
        right=[count],
    )
    print_table(
        say("责任单位代码的判定", "What was decided about each department's code"),
        [
            say("单位", "department"),
            say("代码", "code"),
            say("判定", "how"),
            say("依据", "why"),
            say("行数", "rows"),
        ],
        [
            (
                decision.name,
                decision.code,
                say(*HOW[decision.how]),
                decision.told(language(), SHOWN_CODES),
                rows,
            )
            for decision, rows in plan.departments.values()
        ],
        right=[say("行数", "rows")],
        fold=[say("依据", "why"), say("单位", "department")],
    )
    _show_refused(plan)
    _show_codes(say("清单中已没有", "No longer in the list"), plan.gone)
    show_not_turned(
        (name, spelling, rows) for (name, spelling), rows in sorted(plan.not_turned.items())
    )


def _show_refused(plan: Plan) -> None:
    show_refused(plan.refused, plan.reasons())
    if any(one.pointer == "/valid_from" for row in plan.refused for one in row.problems):
        err.print(
            say(
                "  → 清单没有起始日：用 --valid-from 给出，如 --valid-from 2026-01-01",
                "  → the list gives no first day: give one, such as --valid-from 2026-01-01",
            ),
            style="yellow",
        )


def _show_codes(title: str, codes: Sequence[str]) -> None:
    if codes:
        shown = codes[:SHOWN_ROWS]
        rest = len(codes) - len(shown)
        more = say(f" … 另有 {rest} 项", f" … and {rest} more") if rest else ""
        out.print(f"{title}: {', '.join(shown)}{more}", markup=False)


def _resume(office: Office, rules: ObligationMapping, authority: str) -> None:
    with office.read() as mirror:
        outcome = resume_import(
            rules,
            office.desk_engine,
            mirror,
            lambda batch: send(office, batch, unlock(office, authority)),
            office.chain.head().timestamp,
        )
    tell_finished_first(outcome.entries, "项", "obligation")


def _apply(office: Office, plan: Plan, authority: str) -> int:
    parties = [
        Party(
            decision.code,
            decision.name,
            decision.parent,
            None
            if decision.how == "given"
            else f"{plan.mapping.title}：{decision.told('zh')}"[:MAX_EVIDENCE],
        )
        for decision, rows in plan.departments.values()
        if rows
    ]
    register_parties(office, parties, authority, ("责任单位", "department"))
    speaker = speaker_of(office, unlock(office, authority).address)
    with progress_bar(say("上链", "Recording"), total=len(plan.planned)) as bar:
        outcome = run_import(
            plan,
            speaker,
            office.desk_engine,
            lambda batch: send(office, batch, unlock(office, authority)),
            office.deadline,
            progress=bar,
        )
    return outcome.entries
