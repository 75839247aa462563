"""``govledger catalogue import``: a whole catalogue out of a CSV or XLSX file (目录批量导入).

Without ``--apply`` it only says what it would do. Publishers that the ledger does not know are registered by
the authority; their entries are filed as drafts with a *deputy* key that this office holds for each of them
until they bring a key of their own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ledger.catalogue.importing import resume_import, run_import
from ledger.catalogue.mapping import Mapping, MappingError, load_mapping
from ledger.catalogue.planning import Plan, plan_import
from ledger.catalogue.publishers import Publisher, Publishers, publishers_csv, read_publishers
from ledger.catalogue.rows import TableError
from ledger.catalogue.sealing import seal
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
    out,
    print_json,
    print_table,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.registering import Party, register_parties
from ledger.cli.session import Json, existing_file, opened, prepare_to_sign, record, unlock
from ledger.cli.wording import problem_of
from ledger.codes import KeyStatus, Role
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.organisations.statements import (
    KeyDraft,
    set_keys,
)
from ledger.statements import KEY, MAX_BATCH


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("import")(import_command)


def import_command(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GBK) or XLSX.")],
    mapping: Annotated[
        str,
        typer.Option(help="A mapping file, or the name of a built-in one (see docs/catalogue.md)."),
    ],
    publishers: Annotated[
        Path | None,
        typer.Option(help="CSV table of publishers with their codes, completed by you."),
    ] = None,
    publishers_out: Annotated[
        Path | None, typer.Option(help="Write the table of publishers here, to be completed.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; otherwise only a preview.")
    ] = False,
    authority: Annotated[
        str | None, typer.Option(help="Key of the authority, who registers unknown publishers.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Import a catalogue: preview first, then --apply. A second run imports nothing twice.

    Example: govledger catalogue import luzhou.csv --mapping luzhou --publishers-out publishers.csv
    Example: govledger catalogue import luzhou.csv --mapping luzhou --apply --authority authority
    """
    try:
        rules = load_mapping(mapping)
        table = (
            read_publishers(existing_file(publishers), rules.name)
            if publishers is not None
            else Publishers.empty(rules.name)
        )
    except (MappingError, TableError) as error:
        raise (problem_of(error) or error) from error
    if apply and authority is None:
        raise Problem(
            say("导入须给出 --authority", "an import needs --authority"),
            say("主管部门的密钥，用于登记发布单位", "the authority's key, to register publishers"),
            Exit.USAGE,
        )
    with opened() as office:
        _ = office.deployment
        if apply:
            prepare_to_sign(office)
            unlock(office, authority or "")
            _resume(office, rules)
        else:
            office.refresh()
        plan = _plan(office, existing_file(file), rules, table)
        if publishers_out is not None:
            table_text = publishers_csv(plan.publishers.values())
            write_whole(publishers_out, [table_text.encode("utf-8-sig")])
        if not json_output:
            _show(plan, publishers_out)
        started = time.monotonic()
        recorded = _apply(office, plan, authority) if apply and authority else 0
    if json_output:
        print_json({"plan": plan.summary(), "recorded": recorded})
    elif apply:
        tell_recorded(recorded, time.monotonic() - started, "条", "entry")
    else:
        tell_preview()


def _plan(office: Office, file: Path, rules: Mapping, table: Publishers) -> Plan:
    with (
        progress_bar(say("读取与检查", "Reading and checking")) as bar,
        office.read() as mirror,
        office.desk_engine.connect() as desk,
    ):
        return plan_import(file, rules, table, mirror, desk, progress=bar)


def _show(plan: Plan, publishers_out: Path | None) -> None:
    summary = plan.summary()
    print_table(
        say(f"导入预览：{plan.mapping.title}", f"Import preview: {plan.mapping.title}"),
        [say("项目", "what"), say("数量", "count")],
        [
            (say("数据行", "rows"), plan.rows),
            (say("新条目", "new entries"), plan.new),
            (say("修订", "revisions"), plan.revised),
            (say("无变化", "unchanged"), plan.unchanged),
            (say("拒绝", "refused"), len(plan.refused)),
            (say("不完整（存为草案）", "incomplete (filed as drafts)"), plan.incomplete),
            (say("发布单位", "publishers"), len(plan.publishers)),
            (say("其中缺少信用代码", "of these without a credit code"), summary["provisional"]),
        ],
        right=[say("数量", "count")],
    )
    show_refused(plan.refused, plan.reasons())
    show_not_turned((row["field"], row["spelling"], row["rows"]) for row in summary["not_turned"])
    if publishers_out is not None:
        out.print(
            say(
                f"发布单位表：{publishers_out}，请补全代码",
                f"publishers: {publishers_out}, to be completed",
            ),
            style="dim",
        )


def _resume(office: Office, rules: Mapping) -> None:
    with office.read() as mirror:
        outcome = resume_import(
            rules.name,
            office.desk_engine,
            mirror,
            lambda batch: send(office, batch, office.deputy(batch.organisation)),
            office.chain.head().timestamp,
        )
    tell_finished_first(outcome.entries, "条", "entry")


def _apply(office: Office, plan: Plan, authority: str) -> int:
    known = [publisher for publisher, entries in plan.publishers.values() if entries]
    register_parties(office, [_party(plan.mapping, one) for one in known], authority)
    _grant(office, known, authority)
    with progress_bar(say("上链", "Recording"), total=len(plan.planned)) as bar:
        outcome = run_import(
            plan,
            office.desk_engine,
            lambda batch: send(office, batch, office.deputy(batch.organisation)),
            office.deadline,
            seal=lambda connection, envelopes: seal(connection, envelopes, office.vault_key),
            progress=bar,
        )
    return outcome.entries


def _party(rules: Mapping, publisher: Publisher) -> Party:
    unchecked = f"{rules.title} 发布单位表" if publisher.flag == "unchecked" else None
    return Party(publisher.code, publisher.name, publisher.parent, unchecked)


def _grant(office: Office, publishers: Sequence[Publisher], authority: str) -> None:
    """Let this office's deputy key file drafts for publishers that have granted it nothing yet."""
    with progress_bar(say("代管密钥", "Deputy keys"), total=len(publishers)) as bar:
        drafts = []
        for done, publisher in enumerate(publishers, start=1):
            address = office.deputy(publisher.code).address
            with office.read() as connection:
                held = organisations.key_history(connection, address)
            if held and held[-1].status == KeyStatus.REVOKED.value:
                raise Problem(
                    say(
                        f"{publisher.name} 的代管密钥已吊销",
                        f"the deputy key of {publisher.name} is revoked",
                    ),
                    say("请由该单位自行报送", "the organisation files its entries itself"),
                )
            if not held:
                drafts.append(
                    KeyDraft(
                        address=address,
                        holder=publisher.code,
                        roles=(str(Role.STEWARD.name).lower(),),
                        label="导入代管密钥 / deputy key of the importing office",
                        version=office.next_version(KEY, address),
                    )
                )
            bar(done)
    speaker = speaker_of(office, unlock(office, authority).address)
    batches = [
        set_keys(drafts[at : at + MAX_BATCH], speaker=speaker, deadline=office.deadline())
        for at in range(0, len(drafts), MAX_BATCH)
    ]
    if batches:
        record(office, batches, key=authority, what=("代管密钥", "deputy key"), told=err)
