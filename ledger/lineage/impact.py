"""Who is hit if a data set changes or stops (影响分析): what lies downstream, by organisation and library."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from ledger.catalogue.queries import EntrySummary
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.walks import Node, Walk


class HitEntry(msgspec.Struct, frozen=True):
    """A catalogue entry downstream; ``depth`` is the number of jobs between.

    Whoever may use it follows from ``share_type`` and ``open_type``: unconditional for every department, or for the
    public. ``data_sets`` are those by which it is reached.
    """

    code: str
    name: str | None
    owner: str | None
    library: str | None
    share_type: str | None
    open_type: str | None
    grade: int | None
    depth: int
    data_sets: tuple[str, ...]


class HitOrganisation(msgspec.Struct, frozen=True):
    """An organisation (机构) and what of its own is hit; ``code`` None for what nobody is known to own."""

    code: str | None
    name: str | None
    entries: tuple[str, ...]
    data_sets: tuple[str, ...]
    """Those that no entry covers."""
    jobs: tuple[str, ...]
    depth: int
    """Of the nearest."""


class Impact(msgspec.Struct, frozen=True):
    """What lies downstream. ``libraries``: codes of entries by library (综合库, 主题库 …), empty for none stated."""

    entries: tuple[HitEntry, ...]
    organisations: tuple[HitOrganisation, ...]
    libraries: dict[str, tuple[str, ...]]
    truncated: bool


def impact_of(walk: Walk, standing: Mapping[str, EntrySummary], names: Mapping[str, str]) -> Impact:
    """The impact of a downstream walk; what the question began with is not hit by itself.

    ``standing`` has the entries by code, ``names`` organisations' names by code. Everything comes in order of
    distance, then of code.
    """
    roots = set(walk.roots)
    own = {node.entry for node in walk.nodes if node.id in roots and node.entry is not None}
    hit = [
        node
        for node in walk.nodes
        if node.id not in roots and not (node.kind == "dataset" and node.entry in own)
    ]
    by_entry: dict[str, list[Node]] = defaultdict(list)
    for node in hit:
        if node.kind == "dataset" and node.entry is not None:
            by_entry[node.entry].append(node)
    entries = [_entry(code, nodes, standing.get(code)) for code, nodes in by_entry.items()]
    entries.sort(key=lambda one: (one.depth, one.code))
    libraries: dict[str, list[str]] = defaultdict(list)
    for one in entries:
        libraries[one.library or ""].append(one.code)
    return Impact(
        tuple(entries),
        _organisations(hit, entries, names),
        {library: tuple(codes) for library, codes in sorted(libraries.items())},
        walk.truncated,
    )


def _entry(code: str, nodes: list[Node], known: EntrySummary | None) -> HitEntry:
    return HitEntry(
        code=code,
        name=known.name if known else None,
        owner=known.provider if known else nodes[0].organisation,
        library=known.library if known else None,
        share_type=known.share_type if known else None,
        open_type=known.open_type if known else None,
        grade=known.grade if known else None,
        depth=min(node.depth for node in nodes),
        data_sets=tuple(
            sorted(_shown(node) for node in nodes if node.namespace != ENTRY_NAMESPACE)
        ),
    )


def _organisations(
    hit: list[Node], entries: list[HitEntry], names: Mapping[str, str]
) -> tuple[HitOrganisation, ...]:
    owned: dict[str | None, list[str]] = defaultdict(list)
    data_sets: dict[str | None, list[str]] = defaultdict(list)
    jobs: dict[str | None, list[str]] = defaultdict(list)
    nearest: dict[str | None, int] = {}

    def near(code: str | None, depth: int) -> None:
        nearest[code] = min(depth, nearest.get(code, depth))

    for one in entries:
        owned[one.owner].append(one.code)
        near(one.owner, one.depth)
    for node in hit:
        if node.kind == "job":
            jobs[node.organisation].append(_shown(node))
            near(node.organisation, node.depth)
        elif node.entry is None:
            data_sets[node.organisation].append(_shown(node))
            near(node.organisation, node.depth)
    found = [
        HitOrganisation(
            code=code,
            name=names.get(code) if code else None,
            entries=tuple(sorted(owned[code])),
            data_sets=tuple(sorted(data_sets[code])),
            jobs=tuple(sorted(jobs[code])),
            depth=depth,
        )
        for code, depth in nearest.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.code is None, one.depth, one.code or "")))


def _shown(node: Node) -> str:
    return f"{node.namespace} {node.name}"
