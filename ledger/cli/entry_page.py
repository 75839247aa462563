"""An entry as a person reads it (目录条目): how it stands, then every field of an edition in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.catalogue import labels
from ledger.catalogue.queries import Edition, EntryDetail, EntrySummary
from ledger.cli.output import Exit, Problem, language, out, print_fields, print_table, say
from ledger.log.readable import utc

_ON_CHAIN = ("provider_name", "share_type", "open_type", "update_cycle", "library", "grade")
"""What is known of a restricted entry beside its commitment."""
_ITEM_COLUMNS = ("name", "data_type", "length", "precision", "unit", "grade", "share_type")
_ITEM_NOTES = ("open_type", "primary_key", "sensitive", "code_set", "description")


def word(field: str, value: object) -> str:
    """A value in the reader's language; a dash where nothing is stated."""
    return labels.spoken(field, value, language()) or "–"


def name_of(entry: EntrySummary) -> str:
    """The entry's name; restricted ones have none on the ledger."""
    return entry.name or say("（受限条目）", "(restricted)")


def print_entry(found: EntryDetail, text: dict[str, Any] | None) -> None:
    """The entry as it stands, then the edition in force (or the newest) with every field in words."""
    entry = found.entry
    edition = found.published or found.pending or _none(entry.code)
    document = text or edition.document
    print_fields(
        f"{name_of(entry)}  {entry.code}",
        [
            (say("状态", "state"), word("state", entry.state)),
            (
                say("版本", "edition"),
                f"{entry.edition} ({say('已发布', 'published')}: {entry.published_edition or '–'})",
            ),
            (say("尚缺", "missing"), spoken_list(entry.missing)),
            (say("日志位置", "log index"), entry.leaf),
            (say("上链时间", "recorded"), utc(entry.recorded_at)),
        ],
    )
    out.print()
    state = say("已发布", "published") if found.published else word("state", edition.state)
    stated = {name: getattr(entry, name) for name in _ON_CHAIN} if entry.restricted else {}
    whole = {name: value for name, value in {**stated, **document}.items() if value is not None}
    print_fields(
        say(
            f"第 {edition.edition} 版（{state}，日志位置 {edition.leaf}）",
            f"Edition {edition.edition} ({state}, log index {edition.leaf})",
        ),
        [
            (labels.label(name, language()), labels.spoken(name, whole[name], language()))
            for name in labels.in_order(whole)
            if name not in ("items", "code")
        ],
    )
    _print_items(document.get("items") or [])
    if entry.restricted and text is None:
        out.print(
            say(
                "受限条目：原文加密存于提供方，用 --unseal 查看",
                "restricted: its text is sealed with its office; --unseal shows it there",
            ),
            style="dim",
        )
    if found.pending and found.published:
        out.print(
            say(
                f"另有第 {found.pending.edition} 版待审核，见 `catalogue diff {entry.code}`",
                f"edition {found.pending.edition} is not published yet; see `catalogue diff {entry.code}`",
            ),
            style="yellow",
        )


def spoken_list(fields: Sequence[str]) -> str:
    """Field names in words."""
    return say("、", ", ").join(labels.label(field, language()) for field in fields)


def _none(code: str) -> Edition:
    raise Problem(
        say(
            f"{code} 的内容无法读取（原文不合规）",
            f"{code}: its text is malformed and was not projected",
        ),
        say("用 `govledger log list` 查看原文", "see the statement with `govledger log list`"),
        Exit.NOT_FOUND,
    )


def _print_items(items: Sequence[dict[str, Any]]) -> None:
    if not items:
        return
    columns = [
        field
        for field in (*_ITEM_COLUMNS, *_ITEM_NOTES)
        if any(item.get(field) is not None for item in items)
    ]
    names = {field: labels.label(field, language()) for field in columns}
    print_table(
        say(f"信息项：{len(items)}", f"Information items: {len(items)}"),
        [names[field] for field in columns],
        [
            [labels.spoken(field, item.get(field), language()) for field in columns]
            for item in items
        ],
        right=[names[field] for field in ("length", "precision") if field in names],
        fold=[names[field] for field in ("name", "description", "code_set") if field in names],
        spare=[names[field] for field in _ITEM_NOTES if field in names],
    )
