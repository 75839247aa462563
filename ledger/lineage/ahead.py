"""What a walk will ask for next, read in one statement where every statement is a journey (血缘图预读).

A walk over a graph that a database server keeps would wait for the server twice a level. So the edges of what
lies ahead are read together, by a statement that goes from level to level itself, and the walk then finds them in
memory. It finds what it would have read: nothing here decides what belongs to a page. What has more edges than
:data:`MANY` is left to the walk, which knows for how much of it there is room, and so are levels of many nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal

from ledger.lineage.reading import INPUT, OUTPUT, Reader, Row, entry_number

Way = Literal["upstream", "downstream"]
MANY = 64
"""From so many edges on, those of a node are not read ahead."""
_WIDE = 64
"""A level of so many unknown data sets is worth a journey of its own."""
_MOST = 2_048
"""Edges that are read ahead at once."""
_FEWEST, _GROWTH = 16, 4
"""Edges for each data set that begins, of two levels, and how many times more for each further level."""
_Known = dict[int, list[Row]]


class Ahead:
    """Edges ahead of a search in one way."""

    def __init__(self, reader: Reader, way: Way) -> None:
        self._reader = reader
        self._ends = (OUTPUT, INPUT) if way == "upstream" else (INPUT, OUTPUT)
        """Directions of the edges that lead on: from a data set, from a job."""
        self._known: tuple[_Known, _Known] = ({}, {})
        """Edges of data sets, and of jobs."""
        self._large: set[int] = set()
        """Data sets that are left to the walk."""
        self._left = _MOST
        """Edges that may still be read."""

    def read(self, datasets: Collection[int], *, levels: int, room: int) -> None:
        """Read what is reached from data sets, unless it is known.

        ``levels`` are still to be walked, these data sets' own counted; ``room`` nodes fit on the page.
        """
        missing = self._missing(datasets)
        if levels == 1 or not 0 < len(missing) < _WIDE or self._left <= 0:
            return
        ahead = len(missing) * _FEWEST * _GROWTH ** min(levels - 2, 6)
        # A power of two, so that the server plans few statements.
        most = 1 << (min(self._left, 2 * room, ahead) - 1).bit_length()
        self._left -= most
        reached = self._read(missing, most)
        reader = self._reader
        if reader.crosses:
            # The walk goes on from the entries of what it reaches, too.
            reader.names(reached)
            rules = [reader.rule_of(dataset) for dataset in reached]
            entries = {entry_number(rule.entry) for rule in rules if rule is not None}
            self._read(self._missing(sorted(entries)), _MOST, beyond=False)

    def edges(self, nears: Iterable[int], *, jobs: bool) -> tuple[list[Row], list[int]]:
        """The edges that are known of these, and those of which none are."""
        known = self._known[jobs]
        found: list[Row] = []
        missing = []
        for near in nears:
            rows = known.get(near)
            if rows is None:
                missing.append(near)
            else:
                found += rows
        return found, missing

    def _missing(self, datasets: Collection[int]) -> list[int]:
        known, large = self._known[False], self._large
        return [one for one in datasets if one not in known and one not in large]

    def _read(self, datasets: list[int], most: int, *, beyond: bool = True) -> list[int]:
        """Read ``most`` edges from data sets on, level by level; gives the data sets that came into sight."""
        if not datasets:
            return []
        rows = self._rows(datasets, most, beyond=beyond)
        found: tuple[_Known, _Known] = ({}, {})
        for jobs, far, near, *said in rows:
            edges = found[jobs].setdefault(near, [])
            if far is not None:
                edges.append(Row(far, near, *said))
        if len(rows) == most:
            # The last one may have more edges than were read.
            del found[rows[-1][0]][rows[-1][2]]
        for known, fresh in zip(self._known, found, strict=True):
            known.update({near: edges for near, edges in fresh.items() if len(edges) < MANY})
        self._large.update(near for near, edges in found[False].items() if len(edges) >= MANY)
        beside = (edge.far for edges in found[True].values() for edge in edges)
        return list(dict.fromkeys((*found[False], *beside)))

    def _rows(self, datasets: list[int], most: int, *, beyond: bool) -> Sequence[Any]:
        """Edges of data sets and what they lead to, level by level: whether the near end is a job, and a :class:`Row`.

        Where nothing leads on, all but ``near`` is null. A node's rows stand together.
        """
        reader = self._reader
        parts = [
            f"({part} LIMIT {MANY})"
            for jobs, direction in enumerate(self._ends)
            for part in reader.edges_where(
                "r.job AND job_id = r.id" if jobs else "NOT r.job AND dataset_id = r.id",
                jobs=bool(jobs),
                direction=direction,
            )
        ]
        if not parts:
            return ()
        edges = (
            "SELECT r.job, e.far, r.id, e.origin, e.pos, e.leaf, e.run"  # noqa: S608 - ours
            " FROM ({}) AS r"
            f" LEFT JOIN LATERAL ({' UNION ALL '.join(parts)}) AS e ON true"
        )
        # Behind a SELECT their number is hidden from the planner, so that one plan serves for all.
        given = edges.format("SELECT unnest((SELECT %s::bigint[])) AS id, false AS job")
        further = edges.format(
            "SELECT DISTINCT far AS id, NOT job AS job FROM reached"  # noqa: S608 - ours
            f" WHERE far IS NOT NULL AND {beyond}"
        )
        return reader.conn.exec_driver_sql(
            "WITH RECURSIVE reached (job, far, near, origin, pos, leaf, run) AS"  # noqa: S608 - ours
            f" ({given} UNION {further}) SELECT * FROM reached LIMIT {most}",
            (reader.numbers(datasets),),
        ).fetchall()
