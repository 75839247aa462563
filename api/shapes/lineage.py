"""Shapes of answers about lineage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from api.shapes.base import Hex32, Index, Named, Shape, Size, Time

Count = Annotated[int, Field(ge=0)]


class KeptEvent(Shape):
    """An event that stands in the lineage journal, and where."""

    position: Annotated[
        int, Field(ge=0, description="日志中的位置 position in the journal, from 0")
    ]


class BatchCounts(Shape):
    """What became of the events of a batch."""

    received: Count
    successful: Count
    failed: Count
    retriable: Count
    non_retriable: Count


class FailedEvent(Shape):
    """An event of a batch that was not kept."""

    index: Annotated[int, Field(ge=0, description="在批中的位置 place in the batch, from 0")]
    reason: str
    retriable: bool


class BatchSummary(Shape):
    """A batch of which some events, or all, were not kept."""

    status: Literal["partial_success", "failure"]
    summary: BatchCounts
    failed_events: list[FailedEvent]


class StepEndShape(Shape):
    """A data set by namespace and name, or a catalogue entry by its code."""

    namespace: str | None
    name: str | None
    entry: str | None


class StepColumnEnd(StepEndShape):
    """A column of an end; null: the whole of it."""

    field: str | None


class StepColumnShape(Shape):
    """From column to column."""

    output: StepColumnEnd
    input: StepColumnEnd
    kind: Literal["DIRECT", "INDIRECT"]
    subtype: str | None
    masking: bool


class StepName(Shape):
    """What a step is called."""

    zh: str
    en: str | None


class DeidentificationShape(BaseModel):
    """How a step de-identifies."""

    method: str
    standard: str | None = None
    grade_before: int | None = None
    grade_after: int | None = None
    note: str | None = None


class _Stated(Shape):
    version: Annotated[int, Field(ge=1)]
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class StepDocument(_Stated):
    """A declared step of processing."""

    code: str
    active: bool
    name: StepName
    type: Named
    organisation: str | None
    deidentification: DeidentificationShape | None
    inputs: list[StepEndShape]
    outputs: list[StepEndShape]
    columns: list[StepColumnShape]
    note: str | None


class RuleDocument(_Stated):
    """A rule that ties data sets to a catalogue entry."""

    code: str
    active: bool
    holder: str
    entry: str
    namespace: str
    name: str
    system: str | None
    priority: int
    note: str | None


class AnchoredCheckpointDocument(_Stated):
    """A journal's checkpoint on the ledger."""

    origin: str
    size: Size
    root: Hex32
    organisation: str | None


class RulePage(Shape):
    """Rules by code."""

    as_of: Size
    log_size: Size
    items: list[RuleDocument]
    next: str | None


class StepPage(Shape):
    """Steps by code."""

    as_of: Size
    log_size: Size
    items: list[StepDocument]
    next: str | None


class CheckpointPage(Shape):
    """Anchored checkpoints, newest first."""

    as_of: Size
    log_size: Size
    items: list[AnchoredCheckpointDocument]
    next: str | None


class OwnerShape(Shape):
    """Whose a data set most likely is, and by which rule: so many of so many spoke for it."""

    organisation: str
    by: Literal["namespace", "writer", "neighbours"]
    count: Count
    of: Count


class UseShape(Shape):
    """How much a data set is used now."""

    jobs: Count
    reads: Count
    writes: Count
    runs: Count
    last_seen: Time | None


class PlaceShape(Shape):
    """A data set or job on a path, and the entry that a data set belongs to."""

    kind: Literal["dataset", "job"]
    namespace: str
    name: str
    entry: str | None


class ClassShape(Shape):
    """A security grade (1 to 4) or a share class."""

    code: int | str
    zh: str
    en: str


class WayShape(Shape):
    """What to do about it."""

    zh: str
    en: str


class LineageFinding(Shape):
    """One finding; what its kind has nothing to say of is null."""

    id: str
    kind: Named
    way: WayShape
    namespace: str
    name: str
    entry: str | None
    entry_name: str | None
    organisation: str | None
    owner: OwnerShape | None
    use: UseShape | None
    stated: ClassShape | None
    flowing: ClassShape | None
    source: str | None
    path: list[PlaceShape]
    made: Time | None
    delivered: Time | None
    item: str | None
    edition: int | None
    jobs: Count | None
    leaf: Index | None


class LineageFindingPage(Shape):
    """Findings by kind, and how many of each there are."""

    as_of: Size
    log_size: Size
    total: Count
    counts: dict[str, Count]
    items: list[LineageFinding]
    next: str | None


class LibraryCount(Shape):
    """Entries in force of a library, and how many of them derive from a registered one."""

    library: Named
    entries: Count
    sourced: Count


class ComposedEntry(Shape):
    """An entry of a library: its nearest registered sources, and the data sets of nobody on the way."""

    library: Named
    entry: str
    name: str | None
    organisation: str
    sources: list[str]
    dark: Count
    known: bool
    leaf: Index


class CompositionPage(Shape):
    """Entries of the shared libraries by library and code."""

    as_of: Size
    log_size: Size
    total: Count
    libraries: list[LibraryCount]
    items: list[ComposedEntry]
    next: str | None


class EntryDraft(Shape):
    """A draft entry, incomplete as it is, and the rule that would tie the data set to it."""

    as_of: Size
    namespace: str
    name: str
    owner: OwnerShape | None
    entry: dict[str, Any]
    rule: dict[str, Any]
