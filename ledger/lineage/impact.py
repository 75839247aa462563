"""Who is hit if a data set changes or stops (影响分析): what lies downstream, by organisation and library."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from sqlalchemy import Connection, func, select

from ledger.catalogue.queries import EntrySummary
from ledger.corrections import queries as corrections
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.walks import Node, Walk

_CHUNK = 500


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


class HitUser(msgspec.Struct, frozen=True):
    """An organisation that is known to use an entry of somebody else's (用数单位): of what the question began with,
    or of what lies downstream.
    """

    organisation: str
    name: str | None
    entry: str
    why: Literal["run", "correction"]
    """``run``: a job of its own reads it; ``correction``: it asked for a correction (校核) of it."""
    what: str
    """The job, or the request's code; the first of several."""


class Impact(msgspec.Struct, frozen=True):
    """What lies downstream. ``libraries``: codes of entries by library (综合库, 主题库 …), empty for none stated."""

    entries: tuple[HitEntry, ...]
    organisations: tuple[HitOrganisation, ...]
    users: tuple[HitUser, ...]
    libraries: dict[str, tuple[str, ...]]
    truncated: bool


def requesters_of(
    conn: Connection, entries: Iterable[str], as_of: int | None = None
) -> list[tuple[str, str, str]]:
    """Who asked for corrections of these entries: entry, organisation, the request's code; in order."""
    asked, found = sorted(set(entries)), list[tuple[str, str, str]]()
    requests = corrections.corrections_at(as_of).subquery("asked")
    for start in range(0, len(asked), _CHUNK):
        some = requests.c.entry.in_(asked[start : start + _CHUNK])
        rows = conn.execute(
            select(requests.c.entry, requests.c.requester, func.min(requests.c.code))
            .where(some)
            .group_by(requests.c.entry, requests.c.requester)
        )
        found += [(row[0], row[1], row[2]) for row in rows]
    return sorted(found)


def impact_of(
    walk: Walk,
    standing: Mapping[str, EntrySummary],
    names: Mapping[str, str],
    requesters: Iterable[tuple[str, str, str]] = (),
) -> Impact:
    """The impact of a downstream walk; what the question began with is not hit by itself.

    ``standing`` has the entries by code, ``names`` organisations' names by code, ``requesters`` what
    :func:`requesters_of` gives. Everything comes in order of distance, then of code.
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
        _users(walk, standing, names, requesters),
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


def _users(
    walk: Walk,
    standing: Mapping[str, EntrySummary],
    names: Mapping[str, str],
    requesters: Iterable[tuple[str, str, str]],
) -> tuple[HitUser, ...]:
    nodes = {node.id: node for node in walk.nodes}
    found: dict[tuple[str, str, str], HitUser] = {}

    def use(entry: str, organisation: str, why: Literal["run", "correction"], what: str) -> None:
        known = standing.get(entry)
        if known is None or known.provider != organisation:
            user = HitUser(organisation, names.get(organisation), entry, why, what)
            found.setdefault((entry, organisation, why), user)

    for edge in walk.edges:
        source, target = nodes.get(edge.source), nodes.get(edge.target)
        if source is None or target is None or target.kind != "job":
            continue
        if source.entry is not None and target.organisation is not None:
            use(source.entry, target.organisation, "run", _shown(target))
    for entry, organisation, code in requesters:
        use(entry, organisation, "correction", code)
    return tuple(found[key] for key in sorted(found))


def _shown(node: Node) -> str:
    return f"{node.namespace} {node.name}"
