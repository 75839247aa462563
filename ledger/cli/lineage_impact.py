"""``govledger lineage impact``: who is hit if a table changes or stops (影响分析)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ledger.canonical import printable
from ledger.cli.lineage_drawing import Drawing, Mermaid, ProvJson, ProvO, Svg, show
from ledger.cli.lineage_graph import Depth, Kinds, What, graph_of, walk_of
from ledger.cli.output import language, out, print_json, print_table, say
from ledger.cli.session import AsOf, Json

if TYPE_CHECKING:
    from ledger.codes import Library, OpenType, ShareType
    from ledger.lineage.impact import Impact


def impact(
    code: What,
    depth: Depth = 20,
    kind: Kinds = [],  # noqa: B006 - typer copies it
    tree: Annotated[bool, typer.Option("--tree", help="The way to each of them, too.")] = False,
    as_of: AsOf = None,
    svg: Svg = None,
    mermaid: Mermaid = None,
    prov_json: ProvJson = None,
    prov_o: ProvO = None,
    as_json: Json = False,
) -> None:
    """Who is hit if a table changes or stops: organisations, entries and libraries downstream.

    Example: govledger lineage impact 318001/000001
    """
    from ledger.lineage.impact import impact_of, requesters_of  # noqa: PLC0415
    from ledger.lineage.told import names_of, standing_of  # noqa: PLC0415

    with graph_of(as_of) as graph:
        found = walk_of(graph, code, "downstream", depth, kind)
        standing = standing_of(graph.connection, found.nodes, graph.as_of)
        asking = requesters_of(graph.connection, standing, graph.as_of)
        names = names_of(
            graph.connection,
            found.nodes,
            standing,
            graph.as_of,
            language=language(),
            others=[organisation for _, organisation, _ in asking],
        )
        hit = impact_of(found, standing, names.organisations, asking)
        if as_json:
            print_json({"of": code, "as_of": found.as_of, "journal": found.journal, "impact": hit})
        title = say(f"{code} 的影响", f"What {code} feeds")
        drawing = Drawing(title, svg, mermaid, prov_json, prov_o, as_json=False)
        show(graph, found, drawing, silent=as_json or not tree)
    if not as_json:
        _print_impact(code, hit)


def _print_impact(code: str, hit: Impact) -> None:
    if not hit.organisations and not hit.users:
        out.print(
            say(f"{code} 没有已知的下游", f"nothing is known to come from {code}"), markup=False
        )
        return
    print_table(
        say(f"{code} 变更或停用时受影响的机构", f"Organisations hit if {code} changes or stops"),
        [
            say("机构", "organisation"),
            say("名称", "name"),
            say("目录", "entries"),
            say("未编目数据集", "other data sets"),
            say("作业", "jobs"),
            say("距离", "jobs away"),
        ],
        [
            (
                one.code or "?",
                one.name or say("归属未知", "owner unknown"),
                "\n".join(one.entries),
                len(one.data_sets),
                len(one.jobs),
                one.depth,
            )
            for one in hit.organisations
        ],
        right=[
            say("作业", "jobs"),
            say("未编目数据集", "other data sets"),
            say("距离", "jobs away"),
        ],
        spare=[say("作业", "jobs"), say("未编目数据集", "other data sets")],
    )
    if hit.entries:
        out.print()
        _print_entries(hit)
    if hit.users:
        out.print()
        _print_users(hit)


def _print_entries(hit: Impact) -> None:
    from ledger.codes import Library, OpenType, ShareType  # noqa: PLC0415

    def named(codes: type[Library | ShareType | OpenType], value: str | None) -> str:
        if value is None:
            return "–"
        found = codes.of(value)
        return say(found.zh, found.en)

    print_table(
        say(f"受影响的目录：{len(hit.entries)}", f"Entries hit: {len(hit.entries)}"),
        [
            say("目录代码", "code"),
            say("名称", "name"),
            say("机构", "owner"),
            say("库", "library"),
            say("共享", "shared"),
            say("开放", "open"),
            say("分级", "grade"),
            say("距离", "jobs away"),
        ],
        [
            (
                one.code,
                one.name or say("（不公开）", "(not public)"),
                one.owner or "?",
                named(Library, one.library),
                named(ShareType, one.share_type),
                named(OpenType, one.open_type),
                one.grade if one.grade is not None else "–",
                one.depth,
            )
            for one in hit.entries
        ],
        right=[say("分级", "grade"), say("距离", "jobs away")],
        fold=[say("名称", "name")],
        spare=[say("开放", "open"), say("机构", "owner")],
    )


def _print_users(hit: Impact) -> None:
    whys = {
        "run": say("作业读取", "a job reads it"),
        "correction": say("申请校核", "asked for a correction"),
    }
    print_table(
        say("已知的用数单位", "Known users"),
        [
            say("机构", "organisation"),
            say("名称", "name"),
            say("目录代码", "entry"),
            say("依据", "why"),
            say("作业或申请", "job or request"),
        ],
        [
            (one.organisation, one.name or "?", one.entry, whys[one.why], printable(one.what))
            for one in hit.users
        ],
        fold=[say("作业或申请", "job or request")],
    )
