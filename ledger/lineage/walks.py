"""What walks over the graph of lineage answer with (血缘图遍历的结果), and how they refuse."""

from __future__ import annotations

from typing import Literal

import msgspec

Direction = Literal["upstream", "downstream", "both", "around"]
"""``both``: what it comes from, and what comes from it. ``around``: in either direction at every node, so that
siblings (other outputs of a job, other readers of a data set) are found as well."""
Origin = Literal["run", "design", "step", "rule"]
"""Why an edge holds: a run, a design (JobEvent, SQL, dbt), a declared step; ``rule`` ties a data set to the
catalogue entry that a rule attributes it to."""


class LineageQueryError(LookupError):
    """A question about lineage that has no answer; the text says what is wrong, ``hint`` what to do."""

    def __init__(self, what: str, hint: str, *, zh: str, hint_zh: str) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class Node(msgspec.Struct, frozen=True):
    """A data set or job of a walk."""

    id: int
    """Its number (:mod:`ledger.lineage.identity`)."""
    kind: Literal["dataset", "job"]
    namespace: str
    """``govledger:entry`` for a catalogue entry, ``govledger:step`` for a declared step."""
    name: str
    entry: str | None
    """Code of the catalogue entry that it belongs to; its own for an entry."""
    organisation: str | None
    """Code of the entry's owner; else of the rule's holder, the step's speaker, or the one whose token
    brought the run."""
    depth: int
    """Jobs on the shortest way from a root, a job itself counted; 0 for the roots."""
    rule: str | None = None
    """Code of the rule that says so, where one does."""
    leaf: int | None = None
    """The statement of that rule, or of a declared step."""


class Edge(msgspec.Struct, frozen=True):
    """From where data flow to where: data set to job (it reads), job to data set (it writes).

    An edge with origin ``rule`` is no flow: data set and entry are the same thing. Its direction is the one
    in which a reader, who follows edges in the direction of the walk, comes from the one to the other.
    """

    source: int
    target: int
    origin: Origin
    pos: int | None
    """The journal's entry that made it hold."""
    leaf: int | None
    """The statement of the declared step, or of the rule."""
    run: str | None
    """The run that named it, by its UUID."""


class Walk(msgspec.Struct, frozen=True):
    """A part of the graph; nodes in the order in which they were reached."""

    roots: tuple[int, ...]
    direction: Direction
    as_of: int | None
    """The ledger size that was asked for."""
    journal: int | None
    """The size of the lineage journal that edges are of."""
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[int, ...], ...]
    """Closed walks, first number again at the end: one, of the shortest, for each set of nodes that lead to
    one another."""
    truncated: bool
    continuation: str | None
    """Give it to the same question for the following nodes; null at the end."""


class Column(msgspec.Struct, frozen=True):
    """A column (数据项) of a data set; an empty ``field`` is the whole of it."""

    dataset: int
    field: str
    depth: int


class ColumnEdge(msgspec.Struct, frozen=True):
    """From a column to one that is made of it; an empty field means the whole data set."""

    input: int
    input_field: str
    output: int
    output_field: str
    job: int
    """0 where a data set and its entry are the same thing (``kind`` RULE)."""
    kind: str
    """DIRECT; INDIRECT for filters, joins and the like; RULE; empty where nobody says."""
    subtype: str
    masking: bool
    pos: int | None
    leaf: int | None


class ColumnWalk(msgspec.Struct, frozen=True):
    """Columns and what leads from one to another; ``nodes`` are the data sets and jobs concerned."""

    starts: tuple[tuple[int, str], ...]
    direction: Direction
    as_of: int | None
    journal: int | None
    columns: tuple[Column, ...]
    """In the order in which they were reached."""
    nodes: tuple[Node, ...]
    edges: tuple[ColumnEdge, ...]
    cycles: tuple[tuple[tuple[int, str], ...], ...]
    """Closed walks of columns, the first again at the end."""
    truncated: bool
    continuation: str | None
