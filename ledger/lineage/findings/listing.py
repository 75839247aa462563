"""Findings as people and programs read them (血缘发现清单), in one order: by kind, the gravest or most used first.

=================  ===========================================================================================
``dark_data``      应归未归：jobs use the data set, and no entry covers it
``grade_lowered``  分级偏低：graded lower than what flows in
``share_widened``  共享放宽：shared wider than what flows in
``stale_chain``    链路陈旧：made before the last delivery of a source
``broken_item``    数据项断链：lineage names an item that a later edition dropped
``broken_entry``   目录断链：jobs use data of an entry that was revoked, or is not in the catalogue
=================  ===========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from ledger.lineage.findings.chains import (
    BrokenEntry,
    BrokenItem,
    Stale,
    broken_entries,
    broken_items,
    stale,
)
from ledger.lineage.findings.composition import Composed, composition
from ledger.lineage.findings.dark import Dark, Owner, dark_data
from ledger.lineage.findings.flow import Breach, breaches, flow
from ledger.lineage.findings.hops import hops
from ledger.lineage.findings.picture import Picture, picture


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: what it says, and what to do."""

    name: str
    zh: str
    en: str
    way_zh: str
    way_en: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "dark_data",
            "应归未归：在用而未编目",
            "in use, and no entry covers it",
            "编制目录，或以规则归入已有目录",
            "catalogue it, or tie it to an entry by a rule",
        ),
        Kind(
            "grade_lowered",
            "分级低于数据来源",
            "graded lower than a source",
            "提高分级，或登记去标识化步骤",
            "raise its grade, or declare the step that de-identifies",
        ),
        Kind(
            "share_widened",
            "共享范围宽于数据来源",
            "shared wider than a source",
            "收窄共享属性，或登记去标识化步骤",
            "narrow its sharing, or declare the step that de-identifies",
        ),
        Kind(
            "stale_chain",
            "早于来源的最近一次归集",
            "made before the last delivery of a source",
            "重新加工",
            "make it again",
        ),
        Kind(
            "broken_item",
            "血缘所用数据项已从目录中删除",
            "lineage names an item that its entry has no more",
            "修改作业，或恢复数据项",
            "mend the job, or file the item again",
        ),
        Kind(
            "broken_entry",
            "所属目录已撤销或不存在，数据仍在使用",
            "its entry was revoked or is unknown, and jobs go on using it",
            "停用作业，或重新编目",
            "stop the jobs, or catalogue it again",
        ),
    )
}


class Place(msgspec.Struct, frozen=True):
    """A data set or job on a path; ``entry`` is the one that it belongs to."""

    kind: str
    namespace: str
    name: str
    entry: str | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. Members that a kind has nothing to say of are null; times are Unix seconds."""

    kind: str
    namespace: str
    name: str
    """Of the data set that it is about."""
    entry: str | None = None
    entry_name: str | None = None
    organisation: str | None = None
    """Who should see to it: the provider of the entry; of dark data the likely owner."""
    owner: Owner | None = None
    """Of dark data: who said so."""
    jobs: int | None = None
    reads: int | None = None
    writes: int | None = None
    runs: int | None = None
    last_seen: int | None = None
    stated: int | None = None
    """The grade (1 to 4) or share class (1 to 3) of the entry."""
    flowing: int | None = None
    """The one that flows in."""
    source: str | None = None
    """Code of the entry from which it comes."""
    path: tuple[Place, ...] = ()
    """From there to the data set, by the fewest hops."""
    made: int | None = None
    delivered: int | None = None
    item: str | None = None
    edition: int | None = None
    """The last edition that had the item."""
    leaf: int | None = None
    """The newest statement about the entry; of a stale chain the source's delivery."""

    @property
    def id(self) -> str:
        """``kind:namespace:name``, and the item where it is about one; good for one size of the ledger."""
        told = (self.kind, self.namespace, self.name, *([self.item] if self.item else []))
        return ":".join(told)


Progress = Callable[[int, int], object]
_PARTS = 6


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Found:
    """All findings at one size of the ledger; ``journal`` is that of the journal, None: all of it."""

    as_of: int | None
    journal: int | None
    findings: tuple[Finding, ...]

    def of(self, kind: str | None = None, organisation: str | None = None) -> list[Finding]:
        """Those of a kind, and that an organisation should see to."""
        return [
            one
            for one in self.findings
            if kind in (None, one.kind) and organisation in (None, one.organisation)
        ]

    def counts(self) -> dict[str, int]:
        """How many of each kind, those of which there are none too."""
        return {kind: sum(one.kind == kind for one in self.findings) for kind in KINDS}


def findings(
    connection: Connection,
    as_of: int | None = None,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    progress: Progress = _silent,
) -> Found:
    """Everything that lineage finds of these kinds; only what they ask for is worked out.

    ``progress`` hears how many of how many parts are done.
    """
    progress(0, _PARTS)
    whole = picture(connection, as_of)
    found: list[Finding] = []
    for done, part in enumerate(_findings(connection, whole, frozenset(kinds))):
        progress(1 + done, _PARTS)
        found += part
    progress(_PARTS, _PARTS)
    return Found(as_of, whole.journal, tuple(found))


def composed(
    connection: Connection, as_of: int | None = None, *, progress: Progress = _silent
) -> list[Composed]:
    """What the libraries are made of; ``progress`` as for :func:`findings`."""
    progress(0, 3)
    whole = picture(connection, as_of)
    progress(1, 3)
    ways = hops(whole)
    progress(2, 3)
    found = composition(whole, ways)
    progress(3, 3)
    return found


def _findings(
    connection: Connection, whole: Picture, kinds: frozenset[str]
) -> Iterator[Iterable[Finding]]:
    """In :data:`_PARTS` parts at the most, the picture itself counted."""
    if "dark_data" in kinds:
        yield (_dark(whole, one) for one in dark_data(connection, whole))
    ways = hops(whole) if kinds & {"grade_lowered", "share_widened", "stale_chain"} else None
    if ways is not None and kinds & {"grade_lowered", "share_widened"}:
        told = [one for one in breaches(whole, flow(whole, ways)) if one.kind in kinds]
        order = list(KINDS)
        told.sort(key=lambda one: (order.index(one.kind), one.stated - one.flowing, one.entry))
        yield (_breach(whole, one) for one in told)
    if ways is not None and "stale_chain" in kinds:
        late = sorted(stale(connection, whole, ways), key=lambda one: one.made - one.delivered)
        yield (_stale(whole, one) for one in late)
    if "broken_item" in kinds:
        yield (_item(whole, one) for one in broken_items(connection, whole))
    if "broken_entry" in kinds:
        yield (_entry(whole, one) for one in broken_entries(whole))


def _dark(whole: Picture, one: Dark) -> Finding:
    namespace, name = whole.datasets[one.dataset]
    return Finding(
        kind="dark_data",
        namespace=namespace,
        name=name,
        organisation=one.owner.organisation if one.owner else None,
        owner=one.owner,
        jobs=one.jobs,
        reads=one.reads,
        writes=one.writes,
        runs=one.runs,
        last_seen=None if one.last_seen is None else one.last_seen // 1_000_000,
    )


def _breach(whole: Picture, one: Breach) -> Finding:
    namespace, name = whole.datasets[one.dataset]
    entry = whole.entries[one.entry]
    path = _places(whole, one.path)
    return Finding(
        kind=one.kind,
        namespace=namespace,
        name=name,
        entry=entry.code,
        entry_name=entry.name,
        organisation=entry.provider,
        stated=one.stated,
        flowing=one.flowing,
        source=path[0].entry,
        path=path,
        leaf=entry.leaf,
    )


def _stale(whole: Picture, one: Stale) -> Finding:
    path = _places(whole, one.path)
    entry = whole.entries[one.entry]
    return Finding(
        kind="stale_chain",
        namespace=path[-1].namespace,
        name=path[-1].name,
        entry=entry.code,
        entry_name=entry.name,
        organisation=entry.provider,
        source=one.source,
        path=path,
        made=one.made,
        delivered=one.delivered,
        leaf=one.leaf,
    )


def _item(whole: Picture, one: BrokenItem) -> Finding:
    namespace, name = whole.datasets[one.dataset]
    entry = whole.entries[one.entry]
    return Finding(
        kind="broken_item",
        namespace=namespace,
        name=name,
        entry=entry.code,
        entry_name=entry.name,
        organisation=entry.provider,
        item=one.item,
        edition=one.edition,
        leaf=entry.leaf,
    )


def _entry(whole: Picture, one: BrokenEntry) -> Finding:
    namespace, name = whole.datasets[one.dataset]
    entry = whole.entries.get(one.entry)
    rule = whole.rules.get(one.dataset)
    return Finding(
        kind="broken_entry",
        namespace=namespace,
        name=name,
        entry=one.entry,
        entry_name=entry.name if entry else None,
        organisation=entry.provider if entry else rule.holder if rule else None,
        jobs=one.jobs,
        leaf=entry.leaf if entry else None,
    )


def _places(whole: Picture, path: Sequence[tuple[str, int]]) -> tuple[Place, ...]:
    """The nodes of a path by name; where an entry is read stands for itself once."""
    found: list[Place] = []
    for kind, number in path:
        if kind == "job":
            found.append(Place("job", *whole.jobs[number], None))
            continue
        place = Place("dataset", *whole.datasets[number], whole.entry_of(number))
        if not found or found[-1] != place:
            found.append(place)
    return tuple(found)
