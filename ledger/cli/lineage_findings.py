"""``govledger lineage findings | composition | draft``: what lineage finds (血缘发现)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    err,
    out,
    print_json,
    print_table,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.session import AsOf, Json, demand_organisation, reading
from ledger.codes import GRADES, Library, ShareType

if TYPE_CHECKING:
    from ledger.lineage.findings.composition import Composed
    from ledger.lineage.findings.drafting import Draft
    from ledger.lineage.findings.listing import Finding

Organisation = Annotated[
    str | None,
    typer.Option("--organisation", "--org", help="Only what this organisation should see to."),
]
Most = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Most rows shown.")]
_OWNERS = {
    "namespace": ("同一命名空间多数规则归其所有", "its rules cover most of the namespace"),
    "writer": ("由其写入", "it is written for it"),
    "neighbours": ("相邻数据多数由其提供", "it provides most of its neighbours"),
}


def findings(
    kind: Annotated[
        str | None,
        typer.Option(
            help="dark_data, grade_lowered, share_widened, stale_chain, broken_item, broken_entry."
        ),
    ] = None,
    organisation: Organisation = None,
    limit: Most = 50,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Data that nobody catalogued, grades that fall along the flow, chains that are stale or broken.

    Example: govledger lineage findings --kind dark_data
    """
    from ledger.lineage.findings.listing import KINDS  # noqa: PLC0415 - numpy only here
    from ledger.lineage.findings.listing import findings as found_in  # noqa: PLC0415

    if kind is not None and kind not in KINDS:
        raise Problem(
            say(f"没有这类发现：{kind}", f"there is no kind of finding {kind}"),
            say(f"可用：{', '.join(KINDS)}", f"there are {', '.join(KINDS)}"),
            Exit.USAGE,
        )
    with (
        reading(as_of, edges=True) as (connection, size),
        progress_bar(say("血缘发现", "Findings")) as bar,
    ):
        demand_organisation(connection, organisation, size)
        some = tuple(KINDS) if kind is None else (kind,)
        found = found_in(connection, size, kinds=some, progress=bar)
    told = found.of(organisation=organisation)
    if json_output:
        counts = {name: sum(one.kind == name for one in told) for name in KINDS}
        print_json({"as_of": size, "counts": counts, "findings": told[:limit]})
        return
    print_table(
        say(f"血缘发现：{len(told)}", f"Findings: {len(told)}"),
        [
            say("发现", "finding"),
            say("数据集", "data set"),
            say("目录", "entry"),
            say("说明", "what"),
            say("应办单位", "organisation"),
        ],
        [
            (
                say(KINDS[one.kind].zh, KINDS[one.kind].en),
                f"{one.namespace}\n{one.name}",
                one.entry or "–",
                _what(one),
                one.organisation or "?",
            )
            for one in told[:limit]
        ],
        fold=[say("发现", "finding"), say("数据集", "data set"), say("说明", "what")],
        spare=[say("应办单位", "organisation")],
    )
    if len(told) > limit:
        more = len(told) - limit
        err.print(say(f"另有 {more} 条（--limit）", f"and {more} more (--limit)"))


def _what(one: Finding) -> str:
    """What a finding says beside its kind, in a line or two."""
    match one.kind:
        case "dark_data":
            used = say(
                f"作业 {one.jobs}，运行 {one.runs}，最近 {_time(one.last_seen)}",
                f"{counted(one.jobs or 0, 'job')}, {counted(one.runs or 0, 'run')}, last {_time(one.last_seen)}",
            )
            if one.owner is None:
                return used
            why = say(*_OWNERS[one.owner.by])
            return f"{used}\n{why} ({one.owner.count}/{one.owner.of})"
        case "grade_lowered" | "share_widened":
            stated, flowing = _class(one.kind, one.stated), _class(one.kind, one.flowing)
            return f"{stated} < {flowing} ({one.source})\n{_path(one)}"
        case "stale_chain":
            return say(
                f"{_time(one.made)} 加工，来源 {one.source} 于 {_time(one.delivered)} 更新\n{_path(one)}",
                f"made {_time(one.made)}, source {one.source} delivered {_time(one.delivered)}\n{_path(one)}",
            )
        case "broken_item":
            return say(
                f"数据项“{one.item}”只到第 {one.edition} 版",
                f"item {one.item!r}, last in edition {one.edition}",
            )
    return say(f"{one.jobs} 个作业仍在使用", f"{one.jobs} jobs use it")


def _class(kind: str, number: int | None) -> str:
    if kind == "grade_lowered":
        return say(*GRADES[number or 1])
    share = ShareType.of_number(number or 1)
    return say(share.zh, share.en)


def _path(one: Finding) -> str:
    return " → ".join(place.name for place in one.path)


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def composition(
    library: Annotated[
        str | None, typer.Option(help="comprehensive, theme or special; all by default.")
    ] = None,
    unsourced: Annotated[
        bool, typer.Option("--unsourced", help="Only what derives from no registered source.")
    ] = False,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """Which entries feed the comprehensive, theme and special libraries, and what derives from none.

    Example: govledger lineage composition --library theme
    """
    from ledger.lineage.findings.composition import SHARED_LIBRARIES  # noqa: PLC0415
    from ledger.lineage.findings.listing import composed  # noqa: PLC0415

    if library is not None and library not in SHARED_LIBRARIES:
        raise Problem(
            say(f"没有这个库：{library}", f"there is no library {library}"),
            say(f"可用：{', '.join(SHARED_LIBRARIES)}", f"there are {', '.join(SHARED_LIBRARIES)}"),
            Exit.USAGE,
        )
    with (
        reading(as_of, edges=True) as (connection, size),
        progress_bar(say("库的构成", "Composition")) as bar,
    ):
        whole = composed(connection, size, progress=bar)
    every = [one for one in whole if library in (None, one.library)]
    told = [one for one in every if not (unsourced and one.sources)]
    counts = {
        name: {
            "entries": sum(one.library == name for one in every),
            "sourced": sum(one.library == name and bool(one.sources) for one in every),
        }
        for name in SHARED_LIBRARIES
        if library in (None, name)
    }
    if json_output:
        print_json({"as_of": size, "libraries": counts, "entries": told})
        return
    for name, count in counts.items():
        label = Library.of(name)
        out.print(
            say(
                f"{label.zh}：{count['entries']} 条目录，{count['sourced']} 条有登记的来源",
                f"{label.en}: {counted(count['entries'], 'entry')}, {count['sourced']} with a registered source",
            )
        )
    print_table("", *_composed_table(told))


def _composed_table(told: Sequence[Composed]) -> tuple[list[str], list[tuple[Any, ...]]]:
    columns = [
        say("库", "library"),
        say("目录", "entry"),
        say("名称", "name"),
        say("来源目录", "sources"),
        say("未编目来源", "dark"),
    ]
    rows: list[tuple[Any, ...]] = []
    for one in told:
        none = say("无登记来源", "none registered") if one.known else say("血缘未知", "unknown")
        label = Library.of(one.library)
        sources = "\n".join(one.sources) or none
        name = one.name or say("（受限条目）", "(restricted)")
        rows.append((say(label.zh, label.en), one.entry, name, sources, one.dark or "–"))
    return columns, rows


def draft(
    dataset: Annotated[
        str, typer.Argument(metavar="NAMESPACE:NAME", help="A data set that nobody catalogued.")
    ],
    place: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the draft to this YAML file.")
    ] = None,
    as_of: AsOf = None,
    json_output: Json = False,
) -> None:
    """A draft entry for a data set that jobs use: its items, its likely owner, the strictest class that flows in.

    Example: govledger lineage draft postgres://dw:5432:ods.cameras --out cameras.yaml
    """
    from ledger.lineage.findings.drafting import NoDraft  # noqa: PLC0415

    with reading(as_of, edges=True) as (connection, size):
        try:
            made = _drafted(connection, dataset, size)
        except NoDraft as error:
            raise Problem(
                say(error.zh, str(error)),
                say(error.hint_zh, error.hint),
                Exit.REFUSED if error.covered else Exit.NOT_FOUND,
            ) from error
    if json_output:
        print_json(made)
        return
    text = _yaml(made, place)
    if place is None:
        out.out(text, end="")
        return
    write_whole(place, [text.encode()])
    err.print(say(f"✓ 草案已写入 {place}", f"✓ the draft is in {place}"), style="green")


def _drafted(connection: Any, dataset: str, size: int | None) -> Draft:  # noqa: ANN401 - a connection
    """The draft for the first way to read ``dataset`` that names one: namespaces have colons in them too."""
    from ledger.lineage.findings.drafting import NoDraft  # noqa: PLC0415
    from ledger.lineage.findings.drafting import draft as drafted  # noqa: PLC0415

    places = [at for at, character in enumerate(dataset) if character == ":"]
    if not places:
        raise Problem(
            say(f"{dataset} 不是“命名空间:名称”", f"{dataset} is no NAMESPACE:NAME"),
            say(
                "例如 postgres://dw:5432:ods.cameras",
                "such as postgres://dw:5432:ods.cameras",
            ),
            Exit.USAGE,
        )
    refused: NoDraft | None = None
    for at in reversed(places):
        try:
            return drafted(connection, dataset[:at], dataset[at + 1 :], as_of=size)
        except NoDraft as error:
            if error.covered:
                raise
            refused = refused or error
    raise refused or LookupError(dataset)


def _yaml(made: Draft, place: Path | None) -> str:
    """The draft as `catalogue register` takes it, and above it what is still to be done."""
    import yaml  # noqa: PLC0415

    file = place or Path("entry.yaml")
    lines = [say("由血缘生成的目录草案", "Drafted from lineage"), f"{made.namespace}:{made.name}"]
    if made.owner is not None:
        why = say(*_OWNERS[made.owner.by])
        lines.append(f"{made.owner.organisation}: {why} ({made.owner.count}/{made.owner.of})")
    missing = [name for name in ("code", "provider") if name not in made.entry]
    if missing:
        lines.append(say(f"请补充：{'、'.join(missing)}", f"to be filled in: {', '.join(missing)}"))
    lines.append(f"govledger catalogue register {file} --draft --key …")
    entry = made.rule.get("entry", "…")
    rule = f'--entry {entry} --namespace "{made.namespace}" --name "{made.name}" --key …'
    lines.append(f"govledger lineage rule add --code {made.rule['code']} {rule}")
    told: str = yaml.safe_dump(made.entry, allow_unicode=True, sort_keys=False, width=120)
    return "".join(f"# {line}\n" for line in lines) + told
