"""``govledger catalogue``: find, read and compare entries (目录查询)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ledger.catalogue import queries
from ledger.catalogue.differences import differences
from ledger.catalogue.queries import CatalogueQueryError, Edition, EntrySummary, Filters
from ledger.cli import catalogue_acts, catalogue_import
from ledger.cli.output import (
    Exit,
    Problem,
    as_json,
    out,
    print_fields,
    print_json,
    print_table,
    say,
    write_whole,
)
from ledger.cli.session import AsOf, Json, Limit, opened, reading
from ledger.codes import Code, EntryState, Library, OpenType, ShareType, UpdateCycle
from ledger.log.readable import utc
from ledger.organisations.queries import names

app = typer.Typer(no_args_is_help=True, help="The catalogue of public data / 公共数据目录.")
catalogue_acts.add_to(app)
catalogue_import.add_to(app)

CodeArgument = Annotated[str, typer.Argument(help="Resource code, e.g. 318001/000001.")]
_LABELS: dict[str, type[Code]] = {
    "state": EntryState,
    "share_type": ShareType,
    "open_type": OpenType,
    "update_cycle": UpdateCycle,
    "library": Library,
}


def label(table: str, value: str | None) -> str:
    """A string code in the reader's language; a dash where nothing is stated."""
    if not value:
        return "–"
    member = _LABELS[table].of(value)
    return say(member.zh, member.en)


def name_of(entry: EntrySummary) -> str:
    """The entry's name; restricted ones have none on the ledger."""
    return entry.name or say("（受限，名称不公开）", "(restricted, name not public)")


def _not_found(error: CatalogueQueryError) -> Problem:
    return Problem(
        str(error),
        say(
            "用 `govledger catalogue search` 查找", "look for it with `govledger catalogue search`"
        ),
        Exit.NOT_FOUND,
    )


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
            page = queries.search(connection, filters, as_of=size, limit=limit, cursor=cursor)
            total = queries.count(connection, filters, as_of=size)
        except CatalogueQueryError as error:
            raise Problem(str(error), code=Exit.USAGE) from error
    if json_output:
        print_json({"total": total, "entries": page.entries, "next": page.next})
        return
    print_table(
        say(f"目录条目：{total}", f"Catalogue entries: {total}"),
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
                e.provider_name or e.provider,
                label("state", e.state),
                e.edition,
                label("share_type", e.share_type),
                e.grade or "–",
                label("update_cycle", e.update_cycle),
                e.leaf,
            )
            for e in page.entries
        ],
        right=[say("版本", "edition"), say("级", "grade"), say("日志", "leaf")],
    )
    if page.next:
        out.print(
            say(f"下一页：--cursor {page.next}", f"next page: --cursor {page.next}"), style="dim"
        )


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
    entry = found.entry
    print_fields(
        f"{name_of(entry)}  {entry.code}",
        [
            (say("提供单位", "provider"), f"{entry.provider_name or ''} {entry.provider}"),
            (say("状态", "state"), label("state", entry.state)),
            (
                say("版本", "edition"),
                f"{entry.edition} ({say('已发布', 'published')}: {entry.published_edition or '–'})",
            ),
            (say("共享类型", "share type"), label("share_type", entry.share_type)),
            (say("开放类型", "open type"), label("open_type", entry.open_type)),
            (say("安全等级", "grade"), entry.grade),
            (say("更新周期", "update cycle"), label("update_cycle", entry.update_cycle)),
            (say("库", "library"), label("library", entry.library)),
            (say("尚缺", "missing"), ", ".join(entry.missing)),
            (say("日志位置", "log index"), entry.leaf),
            (say("上链时间", "recorded"), utc(entry.recorded_at)),
        ],
    )
    _print_document(text or (found.published or found.pending or _none(code)).document)
    if found.pending and found.published:
        out.print(
            say(
                f"另有第 {found.pending.edition} 版待审核，见 `catalogue diff {code}`",
                f"edition {found.pending.edition} is not published yet; see `catalogue diff {code}`",
            ),
            style="yellow",
        )


def _none(code: str) -> Edition:
    raise Problem(
        say(
            f"{code} 的内容无法读取（原文不合规）",
            f"{code}: its text is malformed and was not projected",
        ),
        code=Exit.NOT_FOUND,
    )


def _print_document(document: dict[str, Any]) -> None:
    plain = {name: value for name, value in document.items() if name != "items"}
    print_fields(
        "",
        [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in plain.items()
        ],
    )
    items = document.get("items") or []
    if items:
        print_table(
            say(f"信息项：{len(items)}", f"Information items: {len(items)}"),
            [say("名称", "name"), say("类型", "type"), say("长度", "length"), say("级", "grade")],
            [(i["name"], i.get("data_type"), i.get("length"), i.get("grade")) for i in items],
            right=[say("长度", "length"), say("级", "grade")],
        )


@app.command("history")
def history(code: CodeArgument, as_of: AsOf = None, json_output: Json = False) -> None:
    """Every act in an entry's life, who signed it, when. Example: govledger catalogue history 318001/000001"""
    with reading(as_of) as (connection, size):
        try:
            acts = queries.history(connection, code, as_of=size)
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
                act.act,
                label("state", act.state),
                act.edition,
                known[hashes[act.organisation]].name if hashes[act.organisation] in known else "?",
                utc(act.recorded_at),
                "; ".join(act.reasons),
            )
            for act in acts
        ],
    )


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
            f"{code}: edition {first.edition} → {second.edition}, {len(changes)} changes",
        ),
        [say("字段", "field"), say("变化", "change"), say("原值", "before"), say("新值", "after")],
        [(c.pointer, c.kind, _short(c.before), _short(c.after)) for c in changes],
    )


def _short(value: object) -> str:
    return (
        ""
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )


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
