"""``govledger org``: register, amend, list and show organisations (机构)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ledger.catalogue.dictionaries import ProviderCheck
from ledger.catalogue.rows import read_rows
from ledger.cli.output import Exit, Problem, print_fields, print_json, print_table, say
from ledger.cli.session import (
    AsOf,
    Json,
    KeyName,
    existing_file,
    opened,
    prepare_to_sign,
    reading,
    record,
    unlock,
)
from ledger.codes import ROLE_LABELS, Code, KeyStatus, Level, OrganisationStatus, Role
from ledger.office import Office
from ledger.organisations import queries
from ledger.organisations.statements import OrganisationDraft, parents_first, register
from ledger.statements import MAX_BATCH, ORGANISATION

app = typer.Typer(no_args_is_help=True, help="Organisations: register, amend, list / 机构.")


def speaker_of(office: Office, address: str) -> str:
    """The code of the organisation that a key speaks for; raises :class:`Problem` where there is none."""
    with office.read() as connection:
        held = queries.holder(connection, address)
        if held is not None and held.may_sign:
            return held.key.organisation
        if held is None and address == office.deployment.genesis_authority:
            tops = queries.organisations(connection, parent="")
            if tops:
                return tops[0].code
    if held is not None and held.key.status == KeyStatus.REVOKED.value:
        raise Problem(
            say(
                f"密钥 {address} 已于日志位置 {held.key.leaf_from} 吊销，不能再签名",
                f"key {address} was revoked at log index {held.key.leaf_from} and signs nothing more",
            ),
            say(
                "此前所签仍然有效；请换用密钥，或请主管部门授权新密钥",
                "what it signed before stays valid: use another key, or have one granted",
            ),
        )
    if held is not None:
        raise Problem(
            say(
                f"密钥 {address} 所属机构 {held.key.organisation} 已撤并，不能再作声明",
                f"key {address} belongs to {held.key.organisation}, which is dissolved",
            ),
            say("请由承接机构声明", "let the organisation that took over speak"),
        )
    raise Problem(
        say(f"密钥 {address} 不能代表任何机构签名", f"key {address} may sign for no organisation"),
        say(
            "请用 `govledger key list` 查看可用密钥，或请主管部门授权",
            "see `govledger key list`, or ask the authority to grant it a role",
        ),
    )


def _speaker_for(office: Office, address: str, drafts: Sequence[OrganisationDraft]) -> str:
    """The speaker of a registration. The first one of a ledger registers the root organisation, for
    which the genesis authority speaks before anything is recorded.
    """
    with office.read() as connection:
        empty = not queries.organisations(connection)
    roots = [draft.code for draft in drafts if not draft.parent]
    if empty and roots and address == office.deployment.genesis_authority:
        return roots[0]
    return speaker_of(office, address)


def word(table: type[Code], value: str | None) -> str:
    """A string code in the reader's language; itself where the table does not know it."""
    for member in table:
        if member.value == value:
            return say(member.zh, member.en)
    return value or ""


def spoken_roles(mask: int) -> str:
    """Roles by their names, in the reader's language."""
    names = [(ROLE_LABELS[role][0], str(role.name).lower()) for role in Role if mask & role]
    return say("、".join(zh for zh, _ in names), " ".join(en for _, en in names))


def drafts_from(rows: Iterable[tuple[str, Mapping[str, str | None]]]) -> list[OrganisationDraft]:
    """Organisations out of rows of text, each with where it stands.

    Raises :class:`Problem` naming row and field.
    """
    found = []
    for where, row in rows:
        given: dict[str, object] = {name: value for name, value in row.items() if name and value}
        if "aliases" in given:
            aliases = [alias.strip() for alias in str(given["aliases"]).split("|")]
            given["aliases"] = [alias for alias in aliases if alias]
        try:
            found.append(OrganisationDraft.model_validate(given))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = "/".join(str(step) for step in first["loc"]) or "row"
            raise Problem(
                f"{where}, {field}: {first['msg'].removeprefix('Value error, ')}",
                say(
                    "更正后重试；尚未写入任何内容", "correct it and try again; nothing was written"
                ),
            ) from error
    return found


@app.command("register")
def register_command(
    key: KeyName,
    code: Annotated[str | None, typer.Option(help="USCC, or TMP-… where none is known.")] = None,
    name: Annotated[str | None, typer.Option(help="Official name.")] = None,
    parent: Annotated[str | None, typer.Option(help="Code of the organisation above it.")] = None,
    level: Annotated[str, typer.Option(help="city, district or town.")] = "district",
    name_en: Annotated[str | None, typer.Option(help="English name.")] = None,
    evidence: Annotated[
        str | None, typer.Option(help="Where a code that fails its check comes from.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="CSV with code,name,parent,level,name_en,aliases,evidence instead."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Register organisations, or amend those that exist; signed by an AUTHORITY.

    Example: govledger org register --key authority --code 11990118000000019J --name 某区教育局 --parent …
    """
    if file is not None:
        rows = [
            (say(f"{file.name} 第 {row.line} 行", f"{file.name}, line {row.line}"), row.cells)
            for row in read_rows(existing_file(file))
        ]
    elif code and name:
        one = {"code": code, "name": name, "parent": parent, "level": level}
        more = {"name_en": name_en, "evidence": evidence}
        rows = [(f"--code {code}", {k: v for k, v in {**one, **more}.items() if v})]
    else:
        raise Problem(
            say("请给出 --code 和 --name，或 --file", "give --code and --name, or --file"),
            code=Exit.USAGE,
        )
    drafts = drafts_from(rows)
    with opened() as office:
        prepare_to_sign(office)
        speaker = _speaker_for(office, unlock(office, key).address, drafts)
        versioned = [
            draft.model_copy(update={"version": office.next_version(ORGANISATION, draft.code)})
            for draft in parents_first(drafts)
        ]
        deadline = office.deadline()
        batches = [
            register(versioned[at : at + MAX_BATCH], speaker=speaker, deadline=deadline)
            for at in range(0, len(versioned), MAX_BATCH)
        ]
        record(office, batches, key=key, json_output=as_json, what=("机构", "organisation"))


@app.command("list")
def list_command(
    q: Annotated[str | None, typer.Argument(help="Part of a code, name or alias.")] = None,
    level: Annotated[Level | None, typer.Option(help="Only this level.")] = None,
    status: Annotated[OrganisationStatus | None, typer.Option(help="Only this status.")] = None,
    without_uscc: Annotated[
        bool, typer.Option("--without-uscc", help="Only those whose credit code is missing.")
    ] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Organisations, by code. Example: govledger org list 教育"""
    with reading(as_of) as (connection, size):
        found = queries.organisations(
            connection,
            q=q,
            level=level,
            status=status,
            uscc="missing" if without_uscc else None,
            as_of=size,
        )
    if as_json:
        print_json({"organisations": found})
        return
    print_table(
        say(f"机构：{len(found)}", f"Organisations: {len(found)}"),
        [
            say("代码", "code"),
            say("名称", "name"),
            say("上级", "parent"),
            say("层级", "level"),
            say("状态", "status"),
            say("信用代码", "USCC"),
        ],
        [
            (
                o.code,
                o.name,
                o.parent,
                word(Level, o.level),
                word(OrganisationStatus, o.status),
                word(ProviderCheck, o.uscc),
            )
            for o in found
        ],
        fold=[say("名称", "name")],
        spare=[say("信用代码", "USCC"), say("层级", "level"), say("上级", "parent")],
    )


@app.command("show")
def show_command(code: str, as_of: AsOf = None, as_json: Json = False) -> None:
    """One organisation, its keys, its history. Example: govledger org show 11990118000002006N"""
    with reading(as_of) as (connection, size):
        found = queries.organisation(connection, code, size)
        if found is None:
            raise Problem(
                say(f"账本上没有机构 {code}", f"no organisation {code} on the ledger"),
                say("用 `govledger org list` 查找", "look for it with `govledger org list`"),
                Exit.NOT_FOUND,
            )
        history = queries.organisation_history(connection, code, size)
        keys = queries.keys(connection, organisation=code, as_of=size)
    if as_json:
        print_json({"organisation": found, "history": history, "keys": keys})
        return
    print_fields(
        f"{found.name}  {found.code}",
        [
            (say("英文名", "English"), found.name_en),
            (say("上级", "parent"), found.parent),
            (say("层级", "level"), word(Level, found.level)),
            (say("状态", "status"), word(OrganisationStatus, found.status)),
            (say("区划", "region"), found.region),
            (say("别名", "aliases"), ", ".join(found.aliases)),
            (say("信用代码", "USCC"), word(ProviderCheck, found.uscc)),
            (say("依据", "evidence"), found.evidence),
            (say("版本", "version"), found.version),
            (say("日志位置", "log index"), found.leaf_from),
        ],
    )
    print_table(
        say("密钥", "Keys"),
        [say("地址", "address"), say("角色", "roles"), say("状态", "status"), say("说明", "label")],
        [(k.address, spoken_roles(k.role_mask), word(KeyStatus, k.status), k.label) for k in keys],
        fold=[say("角色", "roles"), say("说明", "label")],
    )
    active = sum(k.status == KeyStatus.ACTIVE.value for k in keys)
    if not active:
        print_fields("", [(say("提示", "note"), say("没有有效密钥", "no active key"))])
