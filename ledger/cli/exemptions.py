"""``govledger exemption``: what is exempt from collection, by which law, until when (豁免: 负面清单, 白名单)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins

from ledger.cli.drafts import draft_of, read_drafts
from ledger.cli.obligation_page import effect, named, print_next, speaker_name, who
from ledger.cli.obligations import ExpiringBefore, PageCursor
from ledger.cli.organisations import speaker_of, word
from ledger.cli.output import Exit, Problem, print_fields, print_json, print_table, say
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    Limit,
    demand_organisation,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import (
    EXEMPTION_SCOPES,
    ExemptionScope,
    ExemptionStatus,
    ExemptionTarget,
)
from ledger.log.readable import utc
from ledger.mirror.moments import day_at
from ledger.mirror.queries import size_of
from ledger.obligations import queries
from ledger.obligations.bodies import scope_mask
from ledger.obligations.queries import Exemption, ExemptionFilters
from ledger.obligations.statements import ExemptionDraft, exempt
from ledger.office import Office
from ledger.organisations.queries import names
from ledger.statements import EXEMPTION, MAX_BATCH

app = typer.Typer(no_args_is_help=True, help="Exemptions from collection / 豁免.")

Code = Annotated[str, typer.Argument(help="Code of the exemption.")]
Reasons = Annotated[list[str], typer.Option("--reason", help="Why; published. May be repeated.")]


@app.command("grant")
def grant(
    file: Annotated[
        Path,
        typer.Argument(help="YAML or JSON: one exemption, or a list (see docs/obligations.md)."),
    ],
    key: KeyName,
    json_output: Json = False,
) -> None:
    """Grant exemptions (批准豁免), or amend them; by an AUTHORITY, never of the organisation that profits.

    Each needs the law it rests on and the day it expires; after that day it counts no more.

    Example: govledger exemption grant negative-list.yaml --key authority
    """
    drafts = read_drafts(file, ExemptionDraft)
    codes = [draft.code for draft in drafts]
    for code in codes:
        if codes.count(code) > 1:
            raise Problem(
                say(f"豁免 {code} 在文件中出现两次", f"exemption {code} stands in the file twice"),
                say("每项豁免写一次", "write each exemption once"),
            )
    with opened() as office:
        prepare_to_sign(office)
        versions = office.next_versions(EXEMPTION, codes)
        following = [draft.model_copy(update={"version": versions[draft.code]}) for draft in drafts]
        _send(office, following, key, json_output=json_output)


@app.command("withdraw")
def withdraw(code: Code, key: KeyName, reason: Reasons, json_output: Json = False) -> None:
    """Withdraw an exemption (取消豁免): what it freed is owed again.

    Example: govledger exemption withdraw NEG-2026-01 --reason 已具备归集条件 --key authority
    """
    with opened() as office:
        prepare_to_sign(office)
        held = _known(office, code)
        draft = draft_of(
            ExemptionDraft,
            **{name: getattr(held, name) for name in ("code", "target", "law")},
            target_type=held.target_type,
            scope=held.scopes,
            valid_from=held.valid_from,
            expires=held.expires,
            status=ExemptionStatus.WITHDRAWN,
            reasons=reason,
            version=office.next_version(EXEMPTION, code),
        )
        _send(office, [draft], key, json_output=json_output)


@app.command("list")
def list_(
    organisation: Annotated[
        str | None, typer.Option(help="Code of the department that profits.")
    ] = None,
    approver: Annotated[str | None, typer.Option(help="Code of the approving one.")] = None,
    target: Annotated[str | None, typer.Option(help="Code of an obligation or entry.")] = None,
    target_type: Annotated[
        ExemptionTarget | None, typer.Option(help="obligation or entry.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="catalogue, collect, update, quality or share.")
    ] = None,
    status: Annotated[ExemptionStatus | None, typer.Option(help="Status.")] = None,
    counting: Annotated[
        bool, typer.Option("--counting", help="Only those that count on the day of the log size.")
    ] = False,
    expiring_before: ExpiringBefore = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """List exemptions; expired ones stand there as expired. Example: govledger exemption list --counting"""
    with reading(as_of) as (connection, size):
        for code in (organisation, approver):
            demand_organisation(connection, code, size)
        day = day_at(connection, size_of(connection) if size is None else size)
        filters = ExemptionFilters(
            organisation=organisation,
            approver=approver,
            target=target,
            target_type=target_type,
            scope=_scope(scope),
            status=status,
            expiring_before=expiring_before.date() if expiring_before else None,
            counting_on=day if counting else None,
        )
        found = queries.exemptions(connection, filters, as_of=size, after=cursor, limit=limit + 1)
        shown = found[:limit]
        effects = queries.effects_on(connection, shown, day or date.min, as_of=size)
        known = who(connection, [one.approver for one in shown], size)
    following = shown[-1].code if len(found) > limit else None
    if json_output:
        told = [{**to_builtins(one), "effect": effects[one.code]} for one in shown]
        print_json({"day": day and day.isoformat(), "exemptions": told, "next": following})
        return
    print_table(
        say(f"豁免（{day or '–'}）", f"Exemptions ({day or '–'})"),
        [
            say("代码", "code"),
            say("对象", "of"),
            say("范围", "from"),
            say("依据", "law"),
            say("批准机构", "approved by"),
            say("有效期", "valid"),
            say("状态", "state"),
            say("日志", "leaf"),
        ],
        [
            (
                one.code,
                one.target,
                spoken_scopes(one),
                one.law,
                named(known, one.approver),
                f"{one.valid_from} – {one.expires}",
                effect(effects[one.code]),
                one.leaf_from,
            )
            for one in shown
        ],
        right=[say("日志", "leaf")],
        fold=[say("依据", "law"), say("批准机构", "approved by")],
    )
    print_next(following)


@app.command("show")
def show(code: Code, as_of: AsOf = None, json_output: Json = False) -> None:
    """One exemption, and every version of it. Example: govledger exemption show NEG-2026-01"""
    with reading(as_of) as (connection, size):
        every = queries.exemption_history(connection, code, as_of=size)
        if not every:
            raise _unknown(code)
        day = day_at(connection, size_of(connection) if size is None else size)
        held = every[-1]
        told = queries.effects_on(connection, [held], day or date.min, as_of=size)[code]
        known = names(connection, {bytes.fromhex(one.organisation[2:]) for one in every}, size)
    if json_output:
        print_json({"exemption": held, "effect": told, "history": every})
        return
    print_fields(
        held.code,
        [
            (say("对象", "of"), f"{word(ExemptionTarget, held.target_type)} {held.target}"),
            (say("范围", "from"), spoken_scopes(held)),
            (say("依据", "law"), held.law),
            (say("批准机构", "approved by"), speaker_name(known, held.organisation)),
            (say("有效期", "valid"), f"{held.valid_from} – {held.expires}"),
            (say("状态", "state"), effect(told)),
            (say("理由", "reasons"), "\n".join(held.reasons)),
            (
                say("历次", "versions"),
                "\n".join(
                    f"{one.version}  {utc(one.recorded_at)}  {word(ExemptionStatus, one.status)}  "
                    f"{one.valid_from} – {one.expires}  {spoken_scopes(one)}  "
                    f"{say('日志', 'leaf')} {one.leaf_from}  {one.signer}"
                    for one in every
                ),
            ),
        ],
    )


def spoken_scopes(one: Exemption) -> str:
    """What an exemption frees from, in the reader's language."""
    told = [labels for bit, labels in EXEMPTION_SCOPES.items() if one.scope & bit]
    return say("、".join(zh for zh, _ in told), ", ".join(en for _, en in told))


def _scope(name: str | None) -> ExemptionScope | None:
    if name is None:
        return None
    try:
        return ExemptionScope(scope_mask([name]))
    except ValueError as error:
        raise Problem(say(getattr(error, "zh", str(error)), str(error)), code=Exit.USAGE) from error


def _known(office: Office, code: str) -> Exemption:
    with office.read() as connection:
        held = queries.exemption(connection, code)
    if held is None:
        raise _unknown(code)
    return held


def _unknown(code: str) -> Problem:
    return Problem(
        say(f"账本上没有豁免 {code}", f"no exemption {code} is on the ledger"),
        say("用 `govledger exemption list` 查找", "look for it with `govledger exemption list`"),
        Exit.NOT_FOUND,
    )


def _send(office: Office, drafts: list[ExemptionDraft], key: str, *, json_output: bool) -> None:
    speaker = speaker_of(office, unlock(office, key).address)
    deadline = office.deadline()
    batches = [
        exempt(drafts[at : at + MAX_BATCH], speaker=speaker, deadline=deadline)
        for at in range(0, len(drafts), MAX_BATCH)
    ]
    record(office, batches, key=key, json_output=json_output, what=("豁免", "exemption"))
