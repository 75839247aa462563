"""``govledger obligation``: what must be collected, by whom, and what answers it (归集义务)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any

import typer

from ledger.cli import obligation_acts, obligation_import
from ledger.cli.obligation_acts import Code, unknown
from ledger.cli.obligation_members import differences, organisations_in, spoken_member
from ledger.cli.obligation_page import (
    act,
    branches,
    entry_of,
    in_depth,
    named,
    print_next,
    print_one,
    speaker_name,
    spoken_act,
    spoken_exemption,
    spoken_objection,
    who,
)
from ledger.cli.organisations import word
from ledger.cli.output import (
    counted,
    out,
    print_fields,
    print_json,
    print_table,
    say,
)
from ledger.cli.session import AsOf, Json, Limit, demand_organisation, reading
from ledger.codes import (
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    UpdateCycle,
)
from ledger.log.readable import utc
from ledger.mirror.moments import day_at
from ledger.mirror.queries import size_of
from ledger.obligations import queries
from ledger.obligations.queries import Binding, Objection, Obligation, ObligationFilters
from ledger.organisations.queries import names
from ledger.statements import text_hash

app = typer.Typer(no_args_is_help=True, help="What must be collected / 归集义务.")
obligation_acts.add_to(app)
obligation_import.add_to(app)

ExpiringBefore = Annotated[
    datetime | None,
    typer.Option(
        "--expiring-before", formats=["%Y-%m-%d"], help="Whose last day lies before this day."
    ),
]
PageCursor = Annotated[str | None, typer.Option("--cursor", help="Continue where a page ended.")]
OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", help="Code of the responsible department.")
]


@app.command("list")
def list_(
    q: Annotated[str | None, typer.Argument(help="Words in names, code, legal basis.")] = None,
    organisation: OrganisationOption = None,
    type_: Annotated[ObligationType | None, typer.Option("--type", help="Type.")] = None,
    library: Annotated[Library | None, typer.Option(help="Target library.")] = None,
    status: Annotated[ObligationStatus | None, typer.Option(help="Status.")] = None,
    parent: Annotated[str | None, typer.Option(help="What it follows from.")] = None,
    bound: Annotated[
        bool | None, typer.Option("--bound/--unbound", help="Answered by an entry, or not.")
    ] = None,
    expiring_before: ExpiringBefore = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """List obligations. Example: govledger obligation list 许可 --type table --unbound"""
    filters = ObligationFilters(
        q=q,
        organisation=organisation,
        type=type_,
        library=library,
        status=status,
        parent=parent,
        bound=bound,
        expiring_before=expiring_before.date() if expiring_before else None,
    )
    with reading(as_of) as (connection, size):
        demand_organisation(connection, organisation, size)
        total = queries.count(connection, filters, as_of=size)
        found = queries.obligations(connection, filters, as_of=size, after=cursor, limit=limit + 1)
        shown = found[:limit]
        codes = [one.code for one in shown]
        held = queries.bindings(connection, codes, as_of=size)
        known = who(connection, [one.responsible for one in shown], size)
    following = shown[-1].code if len(found) > limit else None
    if json_output:
        print_json({"total": total, "obligations": shown, "next": following})
        return
    print_table(
        say(f"归集义务：{total}", f"Obligations: {total}"),
        [
            say("代码", "code"),
            say("名称", "name"),
            say("类型", "type"),
            say("责任单位", "responsible"),
            say("状态", "status"),
            say("周期", "cycle"),
            say("库", "library"),
            say("目录", "entry"),
            say("日志", "leaf"),
        ],
        [
            (
                one.code,
                one.name,
                word(ObligationType, one.type),
                named(known, one.responsible),
                word(ObligationStatus, one.status),
                word(UpdateCycle, one.update_cycle) or "–",
                word(Library, one.library) or "–",
                entry_of(held.get(one.code)) or "–",
                one.leaf_from,
            )
            for one in shown
        ],
        right=[say("日志", "leaf")],
        fold=[say("名称", "name"), say("责任单位", "responsible")],
        spare=[say("库", "library"), say("周期", "cycle")],
    )
    print_next(following)


@app.command("show")
def show(code: Code, as_of: AsOf = None, json_output: Json = False) -> None:
    """One obligation: its chain, what answers it, objection, exemptions. Example: govledger obligation show QP-07"""
    with reading(as_of) as (connection, size):
        chain = queries.chain_of(connection, code, as_of=size)
        if chain is None:
            raise unknown(code)
        objection = queries.objections_of(connection, [code], as_of=size).get(code)
        targets = [target for target in (code, entry_of(chain.binding)) if target is not None]
        exemptions = queries.exemptions_of(connection, targets, as_of=size)
        day = day_at(connection, size_of(connection) if size is None else size) or date.min
        effects = queries.effects_on(connection, exemptions, day, as_of=size)
        held = chain.links[-1]
        known = who(connection, [held.responsible], size)
    if json_output:
        print_json(
            {
                "obligation": held,
                "chain": [one.code for one in chain.links],
                "binding": chain.binding,
                "objection": objection,
                "exemptions": exemptions,
            }
        )
        return
    print_one(held, known, day)
    print_fields(
        "",
        [
            (
                say("链条", "chain"),
                "\n".join(
                    "  " * depth + f"{word(ObligationType, one.type)} {one.code} {one.name}"
                    for depth, one in enumerate(chain.links)
                ),
            ),
            (say("缺失的上级", "parent that is not there"), chain.missing),
            (say("应答目录", "answered by"), entry_of(chain.binding)),
            (say("异议", "objection"), spoken_objection(objection)),
            *(
                (
                    say("豁免", "exemption"),
                    spoken_exemption(one, effects[one.code]),
                )
                for one in exemptions
            ),
        ],
    )


@app.command("history")
def history(code: Code, as_of: AsOf = None, json_output: Json = False) -> None:
    """Every statement about an obligation, and who signed it. Example: govledger obligation history QP-07"""
    with reading(as_of) as (connection, size):
        told = queries.history(connection, code, as_of=size)
        changes = _changes(told)
        hashes = {bytes.fromhex(one.organisation[2:]) for one in told}
        hashes |= {text_hash(org) for one in changes.values() for org in organisations_in(one)}
        known = names(connection, hashes, size)
    if not told:
        raise unknown(code)
    if json_output:
        print_json({"code": code, "statements": [act(one) for one in told]})
        return
    print_table(
        code,
        [
            say("日志", "leaf"),
            say("时间", "time"),
            say("内容", "what"),
            say("版本", "version"),
            say("机构", "organisation"),
            say("签名密钥", "signer"),
            say("理由", "reasons"),
        ],
        [
            (
                one.leaf_from,
                utc(one.recorded_at),
                "\n".join(
                    [
                        spoken_act(one),
                        *(
                            spoken_member(name, was, now, known)
                            for name, (was, now) in changes.get(one.leaf_from, {}).items()
                        ),
                    ]
                ),
                one.version,
                speaker_name(known, one.organisation),
                one.signer,
                "；".join(one.reasons),
            )
            for one in told
        ],
        right=[say("日志", "leaf"), say("版本", "version")],
        fold=[say("内容", "what"), say("理由", "reasons"), say("签名密钥", "signer")],
    )


def _changes(
    told: Sequence[Obligation | Binding | Objection],
) -> dict[int, dict[str, tuple[Any, Any]]]:
    """What each later version of the obligation says otherwise, by leaf."""
    versions = [one for one in told if isinstance(one, Obligation)]
    return {now.leaf_from: differences(was, now) for was, now in pairwise(versions)}


@app.command("tree")
def tree(
    code: Annotated[str | None, typer.Argument(help="From this obligation down.")] = None,
    organisation: OrganisationOption = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Duty → system → table → entry, as a tree. Example: govledger obligation tree QP-07"""
    with reading(as_of) as (connection, size):
        if code is not None:
            top = queries.obligation(connection, code, as_of=size)
            if top is None:
                raise unknown(code)
            every = [top, *queries.below(connection, [code], as_of=size)]
        else:
            demand_organisation(connection, organisation, size)
            filters = ObligationFilters(organisation=organisation)
            every = queries.obligations(connection, filters, as_of=size)
        held = queries.bindings(connection, [one.code for one in every], as_of=size)
    if json_output:
        print_json(branches(every, held))
        return
    for depth, one in in_depth(every):
        entry = entry_of(held.get(one.code))
        gone = one.status == ObligationStatus.WITHDRAWN.value
        line = f"{'  ' * depth}{word(ObligationType, one.type)} {one.code} {one.name}"
        line += f" [{word(ObligationStatus, one.status)}]" if gone else ""
        line += f" → {entry}" if entry else ""
        out.print(line, markup=False, style="dim" if gone else None)
    out.print(say(f"共 {len(every)} 项", counted(len(every), "obligation")), style="dim")


@app.command("objections")
def objections(
    state: Annotated[
        ObjectionState | None, typer.Option(help="raised (open), upheld or dismissed.")
    ] = ObjectionState.RAISED,
    every: Annotated[bool, typer.Option("--all", help="Answered ones too.")] = False,
    organisation: OrganisationOption = None,
    limit: Limit = 50,
    cursor: PageCursor = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Open objections, or all of them with --all. Example: govledger obligation objections"""
    with reading(as_of) as (connection, size):
        demand_organisation(connection, organisation, size)
        found = queries.objections(
            connection,
            state=None if every else state,
            organisation=organisation,
            as_of=size,
            after=cursor,
            limit=limit + 1,
        )
        shown = found[:limit]
        standing = queries.standing(connection, [one.obligation for one in shown], as_of=size)
    following = shown[-1].obligation if len(found) > limit else None
    if json_output:
        print_json({"objections": shown, "next": following})
        return
    print_table(
        say("异议", "Objections"),
        [
            say("义务", "obligation"),
            say("名称", "name"),
            say("状态", "state"),
            say("理由", "reasons"),
            say("时间", "time"),
            say("日志", "leaf"),
        ],
        [
            (
                one.obligation,
                standing[one.obligation].name if one.obligation in standing else "",
                word(ObjectionState, one.state),
                "；".join(one.reasons),
                utc(one.recorded_at),
                one.leaf_from,
            )
            for one in shown
        ],
        right=[say("日志", "leaf")],
        fold=[say("名称", "name"), say("理由", "reasons")],
    )
    print_next(following)
