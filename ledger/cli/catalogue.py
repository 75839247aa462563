"""``govledger catalogue``: find, read and compare entries (目录查询)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.catalogue import labels, queries
from ledger.catalogue.differences import differences
from ledger.catalogue.history import acts_of
from ledger.catalogue.queries import (
    CatalogueQueryError,
    Edition,
    Filters,
)
from ledger.cli import catalogue_acts, catalogue_import
from ledger.cli.entry_page import name_of, print_entry, word
from ledger.cli.output import (
    Exit,
    Problem,
    as_json,
    counted,
    language,
    out,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.session import AsOf, Json, Limit, opened, reading
from ledger.cli.wording import problem_of
from ledger.codes import EntryState, Library, OpenType, ShareType
from ledger.log.readable import utc
from ledger.organisations.queries import Name, names
from ledger.statements import text_hash

app = typer.Typer(no_args_is_help=True, help="The catalogue of public data / 公共数据目录.")
catalogue_acts.add_to(app)
catalogue_import.add_to(app)

CodeArgument = Annotated[str, typer.Argument(help="Resource code, e.g. 318001/000001.")]


def _not_found(error: CatalogueQueryError) -> Problem:
    found = problem_of(error)
    if found is None or found.hint:
        return found or Problem(str(error))
    return Problem(str(found), "look for it with `govledger catalogue search`", Exit.NOT_FOUND)


@app.command("search")
def search(
    q: Annotated[str | None, typer.Argument(help="Words in name, items, codes, abstract.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Provider's code.")] = None,
    library: Annotated[Library | None, typer.Option(help="Library class.")] = None,
    share_type: Annotated[ShareType | None, typer.Option(help="Share type.")] = None,
    open_type: Annotated[OpenType | None, typer.Option(help="Open type.")] = None,
    grade: Annotated[int | None, typer.Option(min=1, max=4, help="Security grade.")] = None,
    state: Annotated[EntryState | None, typer.Option(help="State.")] = None,
    incomplete: Annotated[
        bool | None,
        typer.Option("--incomplete/--complete", help="Lacking what the law asks for, or not."),
    ] = None,
    limit: Limit = 20,
    cursor: Annotated[str | None, typer.Option(help="Continue where a page ended.")] = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Find entries. Chinese substrings work. Example: govledger catalogue search 许可 --state published"""
    filters = Filters(
        q=q,
        organisation=organisation,
        library=library.value if library else None,
        share_type=share_type.value if share_type else None,
        open_type=open_type.value if open_type else None,
        grade=grade,
        state=state.value if state else None,
        incomplete=incomplete,
    )
    with reading(as_of) as (connection, size):
        try:
            page = queries.search(
                connection, filters, as_of=size, limit=limit, cursor=cursor, counted=True
            )
            # of restricted entries the provider's code alone is public; its name is known all the same
            known = names(connection, [text_hash(e.provider) for e in page.entries], size)
        except CatalogueQueryError as error:
            raise (problem_of(error, Exit.USAGE) or error) from error
    if json_output:
        print_json(
            {
                "total": page.total,
                "total_exact": page.total_exact,
                "entries": page.entries,
                "next": page.next,
            }
        )
        return
    more = "" if page.total_exact else say("条以上", " and more")
    print_table(
        say(f"目录条目：{page.total}{more}", f"Catalogue entries: {page.total}{more}"),
        [
            say("代码", "code"),
            say("名称", "name"),
            say("提供单位", "provider"),
            say("状态", "state"),
            say("版本", "edition"),
            say("共享", "sharing"),
            say("级", "grade"),
            say("周期", "cycle"),
            say("日志", "leaf"),
        ],
        [
            (
                e.code,
                name_of(e) + ("" if e.complete else say(" [不完整]", " [incomplete]")),
                e.provider_name or _provider(known, e.provider),
                word("state", e.state),
                e.edition,
                word("share_type", e.share_type),
                e.grade or "–",
                word("update_cycle", e.update_cycle),
                e.leaf,
            )
            for e in page.entries
        ],
        right=[say("版本", "edition"), say("日志", "leaf")],
        fold=[say("名称", "name"), say("提供单位", "provider")],
        spare=[say("共享", "sharing"), say("版本", "edition"), say("周期", "cycle")],
    )
    if page.next:
        out.print(
            say(f"下一页：--cursor {page.next}", f"next page: --cursor {page.next}"), style="dim"
        )


def _provider(known: dict[bytes, Name], code: str) -> str:
    found = known.get(text_hash(code))
    return found.name if found else code


@app.command("show")
def show(
    code: CodeArgument,
    unseal: Annotated[
        bool, typer.Option("--unseal", help="With the vault key: the text of a restricted entry.")
    ] = False,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """One entry: the edition in force, a newer one if there is one. Example: govledger catalogue show 318001/000001"""
    with reading(as_of) as (connection, size):
        try:
            found = queries.show(connection, code, as_of=size)
        except CatalogueQueryError as error:
            raise _not_found(error) from error
    text = catalogue_acts.unsealed(found) if unseal else None
    if json_output:
        print_json(
            {
                "entry": found.entry,
                "published": found.published,
                "pending": found.pending,
                "unsealed": text,
            }
        )
        return
    print_entry(found, text)


@app.command("history")
def history(code: CodeArgument, as_of: AsOf = None, json_output: Json = False) -> None:
    """Every act in an entry's life, who signed it, when. Example: govledger catalogue history 318001/000001"""
    with reading(as_of) as (connection, size):
        try:
            acts = acts_of(connection, code, as_of=size)
        except CatalogueQueryError as error:
            raise _not_found(error) from error
        hashes = {act.organisation: bytes.fromhex(act.organisation[2:]) for act in acts}
        known = names(connection, hashes.values(), size)
    if json_output:
        print_json({"code": code, "acts": acts})
        return
    print_table(
        f"{code}",
        [
            say("日志", "leaf"),
            say("序号", "version"),
            say("行为", "act"),
            say("状态", "state"),
            say("版本", "edition"),
            say("机构", "organisation"),
            say("时间", "time"),
            say("理由", "reasons"),
        ],
        [
            (
                act.leaf,
                act.version,
                say(*_ACTS.get(act.act, (act.act, act.act))),
                word("state", act.state),
                act.edition,
                known[hashes[act.organisation]].name if hashes[act.organisation] in known else "?",
                utc(act.recorded_at),
                "; ".join(act.reasons),
            )
            for act in acts
        ],
        fold=[say("机构", "organisation"), say("理由", "reasons")],
        spare=[say("序号", "version")],
    )


_ACTS = {"filed": ("报送", "filed"), "decided": ("审核决定", "decided")}


@app.command("diff")
def diff(
    code: CodeArgument,
    old: Annotated[
        int | None, typer.Option("--from", min=1, help="Edition; the last but one.")
    ] = None,
    new: Annotated[int | None, typer.Option("--to", min=1, help="Edition; the newest.")] = None,
    json_output: Json = False,
) -> None:
    """What changed between two editions, field by field. Example: govledger catalogue diff 318001/000001"""
    with reading() as (connection, _):
        first, second = _two(connection, code, old, new)
    changes = differences(first.document, second.document)
    if json_output:
        print_json({"code": code, "from": first.edition, "to": second.edition, "changes": changes})
        return
    print_table(
        say(
            f"{code}：第 {first.edition} 版 → 第 {second.edition} 版，{len(changes)} 处变化",
            f"{code}: edition {first.edition} → {second.edition}, {counted(len(changes), 'change')}",
        ),
        [say("字段", "field"), say("变化", "change"), say("原值", "before"), say("新值", "after")],
        [
            (
                c.pointer,
                say(*_CHANGES[c.kind]),
                labels.spoken(_field(c.pointer), c.before, language()),
                labels.spoken(_field(c.pointer), c.after, language()),
            )
            for c in changes
        ],
        fold=[say("字段", "field"), say("原值", "before"), say("新值", "after")],
    )


_CHANGES = {
    "added": ("新增", "added"),
    "removed": ("删除", "removed"),
    "changed": ("变更", "changed"),
}


def _field(pointer: str) -> str:
    """The field that a change is about: of an item, the item itself (``items``) or its field."""
    first, *rest = pointer.lstrip("/").split("/")
    return rest[-1] if len(rest) > 1 else first


def _two(
    connection: Connection, code: str, old: int | None, new: int | None
) -> tuple[Edition, Edition]:
    try:
        known = queries.editions(connection, code)
        newest = new or known[-1].edition
        before = old or max(newest - 1, 1)
        return (
            queries.edition(connection, code, before),
            queries.edition(connection, code, newest),
        )
    except CatalogueQueryError as error:
        raise _not_found(error) from error


@app.command("export")
def export(
    file: Annotated[
        Path | None, typer.Argument(help="Where to; standard output if not given.")
    ] = None,
    state: Annotated[EntryState | None, typer.Option(help="Only this state.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    as_of: AsOf = None,
) -> None:
    """All matching entries, one JSON document a line, by code. Example: govledger catalogue export all.ndjson"""
    filters = Filters(organisation=organisation, state=state.value if state else None)
    with reading(as_of) as (connection, size):
        lines = (
            as_json({"entry": entry, "document": document}, indent=None)
            for entry, document in queries.export(connection, filters, as_of=size)
        )
        if file is None:
            for line in lines:
                sys.stdout.write(line + "\n")
            return
        written = write_whole(file, (f"{line}\n".encode() for line in lines))
    out.print(
        say(f"✓ 已导出 {written} 条到 {file}", f"✓ {written} entries in {file}"), style="green"
    )


__all__ = ["app", "opened"]
