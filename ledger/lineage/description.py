"""What is known of the nodes and edges of a walk: names, entries, organisations; few statements for all of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from ledger.catalogue import queries as catalogue
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.projection import STEP_NAMESPACE
from ledger.lineage.reading import Reader
from ledger.lineage.search import Flow
from ledger.lineage.walks import Edge, Node
from ledger.organisations import queries as organisations

_CHUNK = 500
Runs = Mapping[int, tuple[str, str | None]]
"""Run -> its UUID, and the organisation whose token brought it."""


def edges_of(flows: Sequence[Flow], runs: Runs) -> list[Edge]:
    """Edges as they are told."""
    uuids = {None: None} | {run: told[0] for run, told in runs.items()}
    return [
        Edge(source, target, origin, pos, leaf, uuids.get(run))
        for source, target, origin, pos, leaf, run in flows
    ]


def described(
    reader: Reader,
    placed: Sequence[tuple[int, int]],
    jobs: Collection[int],
    flows: Sequence[Flow],
    runs: Runs,
) -> list[Node]:
    """The nodes with these numbers and depths, in this order."""
    datasets = [number for number, _ in placed if number not in jobs]
    working = [number for number, _ in placed if number in jobs]
    names = reader.names(datasets)
    told, steps = reader.job_names(working), reader.steps(working)
    speakers = organisations.names(reader.conn, {row[2] for row in steps.values()}, reader.held)
    bringers = _bringers(flows, runs)
    rules = {number: reader.rule_of(number) for number in datasets}
    entries = {
        number: rule.entry if rule is not None else _own_entry(names[number])
        for number, rule in rules.items()
    }
    owners = _owners(reader, {entry for entry in entries.values() if entry is not None})
    found = []
    for number, depth in placed:
        if number in jobs:
            step = steps.get(number)
            space, name = (STEP_NAMESPACE, step[0]) if step else told[number]
            speaker = speakers.get(step[2]) if step else None
            by = speaker.code if speaker else bringers.get(number)
            found.append(Node(number, "job", space, name, None, by, depth, None, step and step[1]))
            continue
        (space, name), rule, entry = names[number], rules[number], entries[number]
        by = owners.get(entry) if entry is not None else None
        if by is None:
            by = rule.holder if rule is not None else bringers.get(number)
        said = (rule.code, rule.leaf_from) if rule is not None else (None, None)
        found.append(Node(number, "dataset", space, name, entry, by, depth, *said))
    return found


def _own_entry(names: tuple[str, str]) -> str | None:
    return names[1] if names[0] == ENTRY_NAMESPACE else None


def _bringers(flows: Sequence[Flow], runs: Runs) -> dict[int, str]:
    """Node -> the organisation whose token brought a run at it; a data set's writer before its readers."""
    found: dict[int, str] = {}
    brought = {None: None} | {run: told[1] for run, told in runs.items()}
    for source, target, _, _, _, run in flows:
        by = brought.get(run)
        if by is not None:
            found[target] = by
            found.setdefault(source, by)
    return found


def _owners(reader: Reader, entries: set[str]) -> dict[str, str]:
    """Entry -> the organisation that provides it."""
    listed = sorted(entries)
    found: dict[str, str] = {}
    for first in range(0, len(listed), _CHUNK):
        at = catalogue.entries_at(reader.held).subquery()
        asked = select(at.c.code, at.c.provider).where(
            at.c.code.in_(listed[first : first + _CHUNK])
        )
        found.update({row.code: row.provider for row in reader.conn.execute(asked)})
    return found
