"""Tables of lineage (血缘). Two families, by what they follow from.

**From the lineage journal**, kept by :mod:`ledger.lineage.edges`. Positions are those of entries in the
journal. A ranged row holds from the entry at ``pos_from`` until, not including, the one at ``pos_until``
(null: now); at a journal of size J that is ``pos_from < J and (pos_until is null or pos_until >= J)``. For
``as_of`` a size of the *ledger*, :func:`ledger.lineage.queries.journal_size` gives J: the size that the
newest checkpoint anchored by then vouches for. Everything that is anchored or not yet is at ``J = None``.

=========================  =================================================================================
``lineage_dataset``        a data set (数据集), by namespace and name
``lineage_job``            a job (作业), and what the fold needs to know of it
``lineage_run``            one run of a job: state, times, parent
``lineage_run_io``         which data sets a run named, and at which entry: the evidence behind an edge
``lineage_edge``           job and data set, in one direction; ranged
``lineage_facet``          a slowly changing facet of a data set or job; ranged
``lineage_facet_value``    its JSON, once for all who say the same
``lineage_column_set``     what a job says of the columns of one of its outputs; ranged
``lineage_column_edge``    from column to column, by set
``lineage_event``          every entry that was folded, with its event time
``lineage_flag``           entries that could not be folded, and why
``lineage_cursor``         how far the journal was folded, by which version of the fold
=========================  =================================================================================

*Data set to data set* is ``lineage_edge`` twice: input of a job, output of the same job.

*Which edges hold.* Of runs (``source`` ``run``): those that the newest completed run named in any of its
events, and those that any run named later than that completion. Of a design (``source`` ``design``: JobEvents,
SQL files, dbt): what the newest one named. Newest is by event time, not by arrival, so that events may come
late, twice and out of order; arrival gives the positions.

*Columns.* ``output_field`` is empty where the whole output is meant (INDIRECT: filters, joins). A set counts
while the job's edge to that output holds.

Columns marked *bookkeeping* change in place and mean nothing as of an earlier size.

**From the ledger**: projections (:mod:`ledger.lineage.projection`), ranged by leaf as everywhere.

=========================  =================================================================================
``journal_checkpoint``     anchored checkpoints: leaf -> origin, size, root
``lineage_rule``           which data sets belong to which catalogue entry (归属规则)
``lineage_step``           steps that stewards declare (加工步骤), with de-identification
``lineage_step_edge``      their inputs and outputs, data sets or entries
``lineage_step_column``    their columns
=========================  =================================================================================

Data sets of both families have the same numbers (:mod:`ledger.lineage.identity`), so a declared step joins
to edges that came from events.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import MirrorTable, Ranged, table_of
from ledger.store.types import BIG

NAME = String().with_variant(String(collation="C"), "postgresql")
_TOLD = ("source", "pos_from", "run")
INPUT, OUTPUT = 0, 1
"""Directions of an edge, seen from the job."""
Source = Literal["run", "design"]
LONGEST_NAME = 640
"""Longest namespace or name that is shown whole, in characters; numbers are of the whole name."""


class DatasetRow(MirrorTable, table=True):
    """A data set that an event, a file or a step named."""

    __tablename__ = "lineage_dataset"
    __table_args__ = (Index(None, "namespace", "name"),)

    id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    namespace: str = Field(sa_type=NAME)
    name: str = Field(sa_type=NAME, index=True)
    first_pos: int = Field(sa_type=BIG, index=True)
    """The entry that named it first."""


class JobRow(MirrorTable, table=True):
    """A job, and (bookkeeping) up to when its edges are decided. Times in microseconds since 1970, UTC."""

    __tablename__ = "lineage_job"

    id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    namespace: str = Field(sa_type=NAME, index=True)
    name: str = Field(sa_type=NAME, index=True)
    first_pos: int = Field(sa_type=BIG, index=True)
    completed_at: int | None = Field(sa_type=BIG)
    """Event time of the newest completion; bookkeeping."""
    completed_run: int | None = Field(sa_type=BIG)
    """The run that completed then; bookkeeping."""
    inputs_at: int | None = Field(sa_type=BIG)
    """Event time of the newest design that names inputs; bookkeeping."""
    outputs_at: int | None = Field(sa_type=BIG)
    """The same for outputs; bookkeeping."""


class RunRow(MirrorTable, table=True):
    """One run of a job. ``state`` and times are by event time; bookkeeping but for the positions."""

    __tablename__ = "lineage_run"
    __table_args__ = (Index(None, "job_id", "event_at"),)

    id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    run_id: str = Field(sa_type=NAME)
    """The run's UUID, as the client gave it."""
    job_id: int = Field(sa_type=BIG)
    state: str | None
    """START, RUNNING, COMPLETE, ABORT or FAIL: the newest one said; null where none was."""
    state_at: int | None = Field(sa_type=BIG)
    started_at: int | None = Field(sa_type=BIG)
    ended_at: int | None = Field(sa_type=BIG)
    event_at: int = Field(sa_type=BIG)
    """Time of the newest event."""
    nominal_start: str | None
    nominal_end: str | None
    parent_run: str | None
    parent_namespace: str | None = Field(sa_type=Text)
    parent_name: str | None = Field(sa_type=Text)
    organisation: str | None = Field(sa_type=NAME)
    """Code of the organisation whose token brought the first event; null for none."""
    first_pos: int = Field(sa_type=BIG, index=True)
    last_pos: int = Field(sa_type=BIG)
    ended_pos: int | None = Field(sa_type=BIG)
    """The entry that said first that the run ended."""


class RunIoRow(MirrorTable, table=True):
    """A data set that a run named, and the entry that did so first."""

    __tablename__ = "lineage_run_io"
    __table_args__ = (Index(None, "dataset_id", "direction"),)

    run: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    direction: int = Field(primary_key=True)
    dataset_id: int = Field(sa_type=BIG, primary_key=True)
    pos: int = Field(sa_type=BIG)
    said_at: int = Field(sa_type=BIG)
    """Event time of that entry."""
    version: str | None = Field(sa_type=Text)
    """``datasetVersion`` of its facet ``version``, where that entry has one."""


class EdgeRow(MirrorTable, table=True):
    """A job reads (``direction`` 0) or writes (1) a data set, while the row holds."""

    __tablename__ = "lineage_edge"
    # Whoever walks the graph reads these indexes alone.
    __table_args__ = (
        Index("ix_lineage_edge_dataset", "dataset_id", "direction", "pos_until", "job_id", *_TOLD),
        Index("ix_lineage_edge_job", "job_id", "pos_until", "direction", "dataset_id", *_TOLD),
    )

    job_id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    direction: int = Field(primary_key=True)
    dataset_id: int = Field(sa_type=BIG, primary_key=True)
    source: str = Field(primary_key=True)
    """``run`` or ``design``."""
    pos_from: int = Field(sa_type=BIG, primary_key=True)
    pos_until: int | None = Field(sa_type=BIG)
    run: int | None = Field(sa_type=BIG)
    """The run that made it hold; null for a design."""
    named_at: int = Field(sa_type=BIG)
    """Event time at which it was named last; bookkeeping."""


class FacetRow(MirrorTable, table=True):
    """A facet of a data set or job, while it holds."""

    __tablename__ = "lineage_facet"

    node_id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    name: str = Field(sa_type=NAME, primary_key=True)
    pos_from: int = Field(sa_type=BIG, primary_key=True)
    pos_until: int | None = Field(sa_type=BIG)
    value: int | None = Field(sa_type=BIG)
    """Row of ``lineage_facet_value``; null where the facet was deleted (``_deleted``)."""
    said_at: int = Field(sa_type=BIG)
    """Event time at which it was said last; bookkeeping."""


class FacetValueRow(MirrorTable, table=True):
    """The JSON of a facet as it was sent, by the number of its bytes."""

    __tablename__ = "lineage_facet_value"

    id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    value: str = Field(sa_type=Text)


class ColumnSetRow(MirrorTable, table=True):
    """What a job says of the columns of one output (facet ``columnLineage``), while it holds."""

    __tablename__ = "lineage_column_set"
    __table_args__ = (Index(None, "output_id", "pos_until"), Index(None, "set_id"))

    job_id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    output_id: int = Field(sa_type=BIG, primary_key=True)
    source: str = Field(primary_key=True)
    pos_from: int = Field(sa_type=BIG, primary_key=True)
    pos_until: int | None = Field(sa_type=BIG)
    set_id: int = Field(sa_type=BIG)
    """Rows of ``lineage_column_edge``; two rows that say the same share them."""
    said_at: int = Field(sa_type=BIG)
    """Event time at which it was said last; bookkeeping."""


class ColumnEdgeRow(MirrorTable, table=True):
    """From a column of an input to a column of the output of a set."""

    __tablename__ = "lineage_column_edge"
    __table_args__ = (Index(None, "input_id"),)

    set_id: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    ordinal: int = Field(primary_key=True)
    output_field: str = Field(sa_type=Text)
    """Empty: the whole output."""
    input_id: int = Field(sa_type=BIG)
    input_field: str = Field(sa_type=Text)
    kind: str
    """DIRECT or INDIRECT; empty where the event does not say."""
    subtype: str = Field(sa_type=Text)
    """IDENTITY, TRANSFORMATION, AGGREGATION, JOIN, GROUP_BY, FILTER, SORT, WINDOW, CONDITIONAL …"""
    masking: bool
    description: str = Field(sa_type=Text)


class EventRow(MirrorTable, table=True):
    """An entry of the journal that was folded, so that events are found by their time."""

    __tablename__ = "lineage_event"
    __table_args__ = (Index(None, "said_at", "pos"),)

    pos: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    said_at: int = Field(sa_type=BIG)
    """Event time, microseconds since 1970, UTC."""


class FlagRow(MirrorTable, table=True):
    """An entry of the journal from which no rows follow, and why."""

    __tablename__ = "lineage_flag"

    pos: int = Field(sa_type=BIG, primary_key=True, sa_column_kwargs={"autoincrement": False})
    reason: str = Field(sa_type=Text)


class CursorRow(MirrorTable, table=True):
    """How far a journal was folded; the root tells a journal that was replaced."""

    __tablename__ = "lineage_cursor"

    origin: str = Field(sa_type=NAME, primary_key=True)
    version: int
    size: int = Field(sa_type=BIG)
    root: bytes = Field(sa_type=LargeBinary)


class CheckpointRow(Ranged, table=True):
    """A checkpoint of a journal that was anchored on the ledger (日志检查点)."""

    __tablename__ = "journal_checkpoint"

    origin: str = Field(sa_type=NAME, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int = Field(sa_type=BIG)
    size: int = Field(sa_type=BIG)
    root: bytes = Field(sa_type=LargeBinary)
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code of the organisation whose collector vouches for it."""
    recorded_at: int = Field(sa_type=BIG)
    """Block time of the statement, Unix seconds."""


class RuleRow(Ranged, table=True):
    """A rule that ties data sets to a catalogue entry; patterns with ``*`` and ``?``."""

    __tablename__ = "lineage_rule"

    code: str = Field(sa_type=NAME, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int = Field(sa_type=BIG)
    active: bool
    holder: str = Field(sa_type=NAME, index=True)
    """Code of the organisation whose data sets these are."""
    entry: str = Field(sa_type=NAME, index=True)
    namespace: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    system: str | None = Field(sa_type=Text)
    """The information system (信息系统) in which they stand."""
    priority: int
    """Among rules that match the same data set the highest counts; default 0."""
    note: str | None = Field(sa_type=Text)
    recorded_at: int = Field(sa_type=BIG)


class StepRow(Ranged, table=True):
    """A step of processing that a steward declares (加工步骤)."""

    __tablename__ = "lineage_step"
    __table_args__ = (Index(None, "job_id", "leaf_until"),)

    code: str = Field(sa_type=NAME, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int = Field(sa_type=BIG)
    active: bool
    job_id: int = Field(sa_type=BIG)
    """Number of the job ``govledger:step`` / code, as which the step stands in the graph."""
    organisation: bytes = Field(sa_type=LargeBinary)
    name: str = Field(sa_type=Text)
    name_en: str | None = Field(sa_type=Text)
    type: str
    """collect, standardise, merge, derive, serve or backflow (DOMAIN 6.4)."""
    deidentified: bool
    """Whether the step de-identifies (去标识化), so that grade and share class may be lower behind it."""
    deidentification: str | None = Field(sa_type=Text)
    """How, as JSON: method, standard, grade_before, grade_after, note."""
    note: str | None = Field(sa_type=Text)
    recorded_at: int = Field(sa_type=BIG)


class StepEdgeRow(Ranged, table=True):
    """A data set or catalogue entry that a declared step reads (0) or writes (1)."""

    __tablename__ = "lineage_step_edge"
    __table_args__ = (
        Index(None, "dataset_id", "direction", "leaf_until"),
        Index(None, "job_id", "direction", "leaf_until"),
    )

    code: str = Field(sa_type=NAME, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    direction: int = Field(primary_key=True)
    dataset_id: int = Field(sa_type=BIG, primary_key=True)
    job_id: int = Field(sa_type=BIG)
    namespace: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    entry: str | None = Field(sa_type=NAME, index=True)
    """Code of the entry where the step names one instead of a data set."""


class StepColumnRow(Ranged, table=True):
    """From column to column in a declared step; ``output_field`` empty for the whole output."""

    __tablename__ = "lineage_step_column"
    __table_args__ = (
        Index(None, "input_id", "leaf_until"),
        Index(None, "output_id", "leaf_until"),
    )

    code: str = Field(sa_type=NAME, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    ordinal: int = Field(primary_key=True)
    output_id: int = Field(sa_type=BIG)
    output_field: str = Field(sa_type=Text)
    input_id: int = Field(sa_type=BIG)
    input_field: str = Field(sa_type=Text)
    kind: str
    subtype: str = Field(sa_type=Text)
    masking: bool


DATASETS = table_of(DatasetRow)
JOBS = table_of(JobRow)
RUNS = table_of(RunRow)
RUN_IO = table_of(RunIoRow)
EDGES = table_of(EdgeRow)
FACETS = table_of(FacetRow)
FACET_VALUES = table_of(FacetValueRow)
COLUMN_SETS = table_of(ColumnSetRow)
COLUMN_EDGES = table_of(ColumnEdgeRow)
EVENTS = table_of(EventRow)
FLAGS = table_of(FlagRow)
CURSORS = table_of(CursorRow)
CHECKPOINTS = table_of(CheckpointRow)
RULES = table_of(RuleRow)
STEPS = table_of(StepRow)
STEP_EDGES = table_of(StepEdgeRow)
STEP_COLUMNS = table_of(StepColumnRow)

FOLDED = (
    DATASETS,
    JOBS,
    RUNS,
    RUN_IO,
    EDGES,
    FACETS,
    FACET_VALUES,
    COLUMN_SETS,
    COLUMN_EDGES,
    EVENTS,
    FLAGS,
    CURSORS,
)
"""Tables that follow from the journal."""
PROJECTED = (CHECKPOINTS, RULES, STEPS, STEP_EDGES, STEP_COLUMNS)
"""Tables that follow from the ledger."""
