"""``govledger journal``: the lineage journal, its anchors on the ledger, and whether it is whole (血缘日志)."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.output import (
    Exit,
    Problem,
    as_json,
    counted,
    out,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.session import Json, opened, prepare_to_sign
from ledger.journal.errors import UnknownEntry
from ledger.journal.fsck import check
from ledger.journal.journal import Checkpoint
from ledger.lineage import queries
from ledger.office import Office

app = typer.Typer(no_args_is_help=True, help="The lineage journal and its anchors / 血缘日志.")


@app.command("status")
def status(json_output: Json = False) -> None:
    """How much the journal holds, what of it is anchored, and how far the edges are.

    Example: govledger journal status
    """
    with opened() as office:
        _ = office.deployment
        office.refresh()
        told = _status(office)
    if json_output:
        print_json(told)
        return
    anchored = told["anchored"]
    print_fields(
        say("血缘日志", "Lineage journal"),
        [
            (say("名称", "origin"), told["origin"]),
            (say("事件数", "entries"), told["size"]),
            (say("根", "root"), told["root"]),
            (
                say("已锚定", "anchored"),
                say("无", "nothing")
                if anchored is None
                else say(
                    f"{anchored['size']} 条，账本第 {anchored['leaf_from']} 条，{_time(anchored['recorded_at'])}",
                    f"{anchored['size']}, at leaf {anchored['leaf_from']}, {_time(anchored['recorded_at'])}",
                ),
            ),
            (
                say("锚定密钥", "anchoring key"),
                told["key"] or say("未设置 journal_key", "none: set journal_key"),
            ),
            (say("已生成血缘", "folded into edges"), told["counts"]["folded"]),
            (say("数据集", "data sets"), told["counts"]["datasets"]),
            (say("作业", "jobs"), told["counts"]["jobs"]),
            (say("运行", "runs"), told["counts"]["runs"]),
            (say("血缘边", "edges"), told["counts"]["edges"]),
            (say("无法解析", "unreadable"), told["counts"]["flagged"] or None),
        ],
    )


def _status(office: Office) -> dict[str, Any]:
    keeper = office.lineage
    checkpoint = keeper.journal.checkpoint() if keeper.exists else None
    with office.read() as connection:
        counts = queries.counts(connection)
        last = queries.newest_checkpoint(connection, checkpoint.origin) if checkpoint else None
    return {
        "origin": checkpoint.origin if checkpoint else None,
        "size": checkpoint.size if checkpoint else 0,
        "root": "0x" + checkpoint.root.hex() if checkpoint else None,
        "anchored": None
        if last is None
        else {
            "size": last.size,
            "root": last.root,
            "leaf_from": last.leaf_from,
            "recorded_at": last.recorded_at,
        },
        "key": office.settings.journal_key or None,
        "counts": {name: getattr(counts, name) for name in counts.__struct_fields__},
    }


@app.command("anchors")
def anchors(json_output: Json = False) -> None:
    """Every checkpoint that was anchored, of all journals. Example: govledger journal anchors"""
    with opened() as office:
        _ = office.deployment
        office.refresh()
        with office.read() as connection:
            found = queries.checkpoints(connection)
    if json_output:
        print_json({"checkpoints": found})
        return
    print_table(
        say(f"已锚定的检查点：{len(found)}", f"Anchored checkpoints: {len(found)}"),
        [
            say("日志", "leaf"),
            say("时间", "time"),
            say("血缘日志", "journal"),
            say("事件数", "entries"),
            say("根", "root"),
            say("归集方", "collector"),
        ],
        [
            (
                one.leaf_from,
                _time(one.recorded_at),
                one.origin,
                one.size,
                one.root,
                one.organisation or "?",
            )
            for one in found
        ],
        right=[say("日志", "leaf"), say("事件数", "entries")],
        fold=[say("血缘日志", "journal"), say("根", "root")],
        spare=[say("归集方", "collector"), say("根", "root")],
    )


@app.command("anchor")
def anchor(json_output: Json = False) -> None:
    """Anchor what came into the journal now, with the key that the setting ``journal_key`` names.

    Example: govledger journal anchor
    """
    with opened() as office:
        if not office.settings.journal_key:
            raise Problem(
                say("没有设置锚定密钥", "no key is set for anchoring"),
                say(
                    "在 config.toml 中设置 journal_key 为一把 COLLECTOR 密钥的名称",
                    "set journal_key in config.toml to the name of a COLLECTOR key",
                ),
                Exit.USAGE,
            )
        prepare_to_sign(office)
        receipt = office.anchor_journal(at_once=True)
        if receipt is None:
            if json_output:
                print_json({"receipt": None})
                return
            out.print(say("没有新的内容需要锚定", "nothing new to anchor"))
            return
        (done,) = office.settle([receipt.id])
    if json_output:
        print_json({"receipt": done})
    if done.error is not None:
        error = done.error
        raise Problem(say(error.message_zh, error.message_en), say(error.hint_zh, error.hint_en))
    if not json_output:
        out.print(
            say(
                f"✓ 已锚定，日志位置 {done.first_index}",
                f"✓ anchored, log index {done.first_index}",
            ),
            style="green",
        )


@app.command("fsck")
def fsck(json_output: Json = False) -> None:
    """Check every entry, every hash and every anchor of the journal. Example: govledger journal fsck"""
    with opened() as office:
        _ = office.deployment
        office.refresh()
        keeper = office.lineage
        with office.read() as connection:
            known = queries.checkpoints(connection)
        kept = [Checkpoint(one.origin, one.size, bytes.fromhex(one.root[2:])) for one in known]
        findings = []
        if keeper.exists:
            with progress_bar(say("检查日志", "Checking the journal")) as bar:
                findings = list(check(keeper.journal, kept, bar))
            size, origin = keeper.journal.size, keeper.journal.origin
        else:
            size, origin = 0, ""
    ours = [one for one in kept if one.origin == origin]
    if json_output:
        told = [
            {"what": one.what, "position": one.position, "detail": one.detail} for one in findings
        ]
        print_json({"size": size, "anchors": len(ours), "findings": told})
    if findings:
        first = findings[0]
        raise Problem(
            say(
                f"日志有 {len(findings)} 处问题，首处：{first.what} {first.position}：{first.detail}",
                f"{len(findings)} things are wrong, first: {first.what} {first.position}: {first.detail}",
            ),
            say("请从备份恢复日志目录", "restore the journal's directory from a backup"),
            Exit.NOT_PROVEN,
        )
    if not json_output:
        out.print(
            say(
                f"✓ {size} 条事件完整，与 {len(ours)} 个锚定的检查点一致",
                f"✓ whole: {counted(size, 'entry')}, which agree with {counted(len(ours), 'anchored checkpoint')}",
            ),
            style="green",
        )


@app.command("fold")
def fold(
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Throw the edges away and make them anew.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Make edges of what is in the journal and has none yet. Example: govledger journal fold --afresh"""
    with opened() as office:
        _ = office.deployment
        keeper, done = office.lineage, 0
        if keeper.exists:
            with progress_bar(say("生成血缘", "Making edges")) as bar:
                done = keeper.edges.rebuild(bar) if afresh else keeper.edges.catch_up(bar)
        with office.read() as connection:
            counts = queries.counts(connection)
    if json_output:
        print_json({"folded": done, "counts": counts})
        return
    out.print(
        say(
            f"✓ 处理 {done} 条事件；现有数据集 {counts.datasets}、作业 {counts.jobs}、血缘边 {counts.edges}",
            f"✓ {counted(done, 'entry')} folded; there are now {counted(counts.datasets, 'data set')}, "
            f"{counted(counts.jobs, 'job')} and {counted(counts.edges, 'edge')}",
        ),
        style="green",
    )


@app.command("entry")
def entry(
    position: Annotated[int, typer.Argument(min=0, help="Its position in the journal, from 0.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it there.")] = None,
    json_output: Json = False,
) -> None:
    """One entry of the journal, with its path to the anchored checkpoint that vouches for it.

    Example: govledger journal entry 0 --json
    """
    with opened() as office:
        _ = office.deployment
        office.refresh()
        if not office.lineage.exists:
            raise UnknownEntry(f"the journal has no entry {position}: nothing came in yet")
        journal = office.lineage.journal
        text = journal.entry(position)
        with office.read() as connection:
            over = queries.checkpoint_over(connection, journal.origin, position)
        path = journal.inclusion(position, over.size) if over is not None else []
    told = {
        "origin": journal.origin,
        "position": position,
        "entry": base64.b64encode(text).decode(),
        "checkpoint": over,
        "path": ["0x" + part.hex() for part in path],
    }
    if output is not None:
        write_whole(output, [(as_json(told) + "\n").encode()])
        return
    if json_output:
        print_json(told)
        return
    line, _, event = text.partition(b"\n")
    out.print(line.decode(), markup=False, style="dim")
    out.print(event.decode(), markup=False)
    out.print(
        say("尚未锚定", "not anchored yet")
        if over is None
        else say(
            f"由账本第 {over.leaf_from} 条锚定（日志 {over.size} 条）",
            f"anchored at leaf {over.leaf_from} (journal of {over.size} entries)",
        ),
        style="dim",
    )


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(sep=" ", timespec="minutes")
