"""One screen of provenance (溯源视图): a walk with all that a reader wants to see beside it.

Entries, their newest deliveries, what runs read and wrote, and the names of organisations, whatever the number of
nodes: a handful of questions for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import EntrySummary
from ledger.deliveries.answers import Delivery
from ledger.lineage.delivered import Hung, deliveries_of, hung
from ledger.lineage.description import described
from ledger.lineage.reading import Reader
from ledger.lineage.walks import ColumnWalk, Edge, Node, Walk
from ledger.organisations import queries as organisations
from ledger.organisations.queries import Name
from ledger.statements import text_hash


class Screen(msgspec.Struct, frozen=True):
    """What stands beside a walk."""

    nodes: Mapping[int, Node]
    """The nodes of the walk, and those of other pages to which its edges lead."""
    entries: Mapping[str, EntrySummary]
    """By code; an entry that rules name and the catalogue does not know is not there."""
    deliveries: Mapping[str, Delivery]
    """The newest delivery of each entry."""
    hung: Mapping[Edge, Hung]
    """Which delivery a job read or wrote, by edge."""
    organisations: Mapping[str, Name]


def screen(
    conn: Connection,
    walk: Walk | ColumnWalk,
    *,
    codes: Collection[str] = (),
    as_of: int | None = None,
) -> Screen:
    """What stands beside a walk; ``codes`` are further entries to tell of, ``as_of`` the ledger size of it all."""
    nodes = with_others(conn, walk, as_of)
    entries = {node.id: node.entry for node in nodes.values() if node.entry is not None}
    wanted = {*entries.values(), *codes}
    standing = catalogue.standing(conn, sorted(wanted), as_of=as_of)
    whose = {node.organisation for node in nodes.values() if node.organisation is not None}
    whose |= {entry.provider for entry in standing.values()}
    known = organisations.names(conn, {text_hash(code) for code in whose}, as_of)
    return Screen(
        nodes=nodes,
        entries=standing,
        deliveries=deliveries_of(conn, wanted, as_of),
        hung=hung(conn, walk, entries, as_of) if isinstance(walk, Walk) else {},
        organisations={name.code: name for name in known.values()},
    )


def with_others(
    conn: Connection, walk: Walk | ColumnWalk, as_of: int | None = None
) -> dict[int, Node]:
    """The nodes of a walk by number, and those that its edges and cycles name beside them; their depth is -1."""
    found = {node.id: node for node in walk.nodes}
    named = set(_named(walk)) - found.keys()
    if named:
        reader = Reader(conn, as_of, journal=walk.journal)
        _, jobs = reader.standing(sorted(named))
        others = described(reader, [(number, -1) for number in sorted(named)], jobs, (), {})
        found |= {node.id: node for node in others}
    return found


def _named(walk: Walk | ColumnWalk) -> Sequence[int]:
    if isinstance(walk, Walk):
        ends = [end for edge in walk.edges for end in (edge.source, edge.target)]
        return [*walk.roots, *ends, *(number for closed in walk.cycles for number in closed)]
    numbers = [dataset for dataset, _ in walk.starts]
    numbers += [end for edge in walk.edges for end in (edge.input, edge.output)]
    return numbers + [dataset for closed in walk.cycles for dataset, _ in closed]
