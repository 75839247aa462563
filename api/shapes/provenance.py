"""Shapes of answers about the graph of lineage: one screen of provenance, Marquez's graphs, raw events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.shapes.base import Hex32, Index, Named, PartyName, Shape, Size, Time

Count = Annotated[int, Field(ge=0)]
NodeId = Annotated[
    str, Field(description="dataset:<命名空间>:<名称> 或 job:…  kind, namespace, name")
]


class HeldDelivery(Shape):
    """The newest delivery of an entry."""

    number: Count
    edition: Count
    period_start: str
    period_end: str
    rows: Count
    root: Hex32
    complete: bool
    recorded_at: Time
    leaf: Index


class ProvenanceEntry(Shape):
    """A catalogue entry in the graph; of one that the catalogue does not know, code and delivery alone."""

    code: str
    name: str | None
    state: Named | None
    edition: int | None
    published_edition: int | None
    provider: PartyName | None
    library: Named | None
    share_type: Named | None
    grade: int | None
    leaf: Index | None
    delivery: HeldDelivery | None


class ProvenanceNode(Shape):
    """A data set or job; ``entry`` is a key of ``entries``. ``rule`` attributes it, ``leaf`` is its statement."""

    id: NodeId
    kind: Literal["dataset", "job"]
    namespace: str
    name: str
    entry: str | None
    organisation: PartyName | None
    depth: Annotated[int, Field(ge=0)]
    rule: str | None
    leaf: Index | None


class EdgeDelivery(Shape):
    """The delivery that a job read or wrote, and what tells so: its number, its root, or the time of the run."""

    entry: str
    number: Count
    leaf: Index
    by: Literal["number", "root", "time"]
    run: str


class ProvenanceEdge(Shape):
    """From where data flow to where; ``rule`` ties a data set to its entry."""

    source: NodeId
    target: NodeId
    origin: Literal["run", "design", "step", "rule"]
    position: Annotated[int | None, Field(ge=0, description="日志位置 journal position")]
    leaf: Index | None
    run: str | None
    delivery: EdgeDelivery | None


class ColumnPlace(Shape):
    """A column of a data set; an empty field is the whole of it."""

    dataset: NodeId
    field: str


class ProvenanceColumn(ColumnPlace):
    """A column that was reached."""

    depth: Annotated[int, Field(ge=0)]


class ProvenanceColumnEdge(Shape):
    """From column to column; without a job a data set and its entry are the same."""

    input: ColumnPlace
    output: ColumnPlace
    job: NodeId | None
    kind: str
    subtype: str
    masking: bool
    position: Annotated[int | None, Field(ge=0)]
    leaf: Index | None


class ProvenanceDocument(Shape):
    """One screen: nodes and edges, or with ``column`` columns and their edges, and all that stands beside them."""

    as_of: Size
    log_size: Size
    journal: Annotated[int, Field(ge=0, description="血缘日志大小 size of the lineage journal")]
    code: str
    column: str | None
    direction: Literal["upstream", "downstream", "both", "around"]
    depth: Count
    roots: list[NodeId]
    entries: dict[str, ProvenanceEntry]
    nodes: list[ProvenanceNode]
    edges: list[ProvenanceEdge]
    columns: list[ProvenanceColumn]
    column_edges: list[ProvenanceColumnEdge]
    cycles: list[list[NodeId]]
    column_cycles: list[list[ColumnPlace]]
    truncated: bool
    continuation: str | None


class MarquezEdge(Shape):
    """An edge by the ids of its ends."""

    origin: str
    destination: str


class MarquezNode(Shape):
    """A node as Marquez shows it; ``data`` is open."""

    id: str
    type: Literal["JOB", "DATASET", "DATASET_FIELD"]
    data: dict[str, Any]
    inEdges: list[MarquezEdge]  # noqa: N815 - Marquez's name
    outEdges: list[MarquezEdge]  # noqa: N815 - Marquez's name


class MarquezGraph(Shape):
    """A graph as Marquez shows it; beside ``graph``, whether there is more and how to ask for it."""

    graph: list[MarquezNode]
    truncated: bool
    continuation: str | None


class LineageEvents(BaseModel):
    """Raw events, byte for byte; ``totalCount`` of all that match."""

    events: list[dict[str, Any]]
    totalCount: Count  # noqa: N815 - Marquez's name
    next: str | None
