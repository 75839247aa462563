"""Shapes of answers about lineage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.shapes.base import Shape

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
