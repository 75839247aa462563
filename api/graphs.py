"""What questions about the graph of lineage share: their parameters, their moment, their refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from api.context import Context, View
from api.language import Text
from api.problems import Fault, Problem
from ledger.lineage.continuation import moment_of
from ledger.lineage.reading import KINDS
from ledger.lineage.walks import LineageQueryError

MOST_NODES = 10_000
Depth = Annotated[
    int,
    Query(ge=0, le=1000, description="最多隔多少个作业。 How many jobs away at most."),
]
NodesAPage = Annotated[
    int, Query(ge=1, le=MOST_NODES, description="每页节点数。 Nodes a page, 1 to 10,000.")
]
KindsText = Annotated[
    str | None,
    Query(
        max_length=200,
        description="只走这些血缘边,逗号分隔:run、design、step、rule,或步骤类型。 Only edges of these kinds, "
        "comma-separated: run, design, step, rule, or types of steps (collect … backflow).",
    ),
]
TokenText = Annotated[
    str | None,
    Query(
        max_length=256,
        description="上一页返回的 continuation。 The `continuation` of the page before.",
    ),
]


@dataclass(frozen=True, slots=True)
class Moment:
    """A view of the mirror; ``as_of`` is what graph questions take, None for everything known now."""

    view: View
    as_of: int | None
    continuation: str | None


@contextmanager
def asked(context: Context, as_of: str | None, continuation: str | None) -> Iterator[Moment]:
    """The mirror at the moment of a question; a following page is of the moment of the first one."""
    try:
        at = as_of if continuation is None else moment_of(continuation).as_of
        with context.view(at) as view:
            yield Moment(view, None if as_of is None else view.as_of, continuation)
    except LineageQueryError as error:
        pointer = "" if continuation is None else "?continuation"
        raise refused(error, pointer) from error


def kinds_of(text: str | None) -> list[str] | None:
    """The kinds of edges that a parameter names; raises a problem for one that is none."""
    if text is None:
        return None
    kinds = [one.strip() for one in text.split(",")]
    for one in kinds:
        if one not in KINDS:
            detail = Text(
                f"没有 {one} 这种血缘边;可用:{'、'.join(sorted(KINDS))}",
                f"{one!r} is no kind of edge; kinds are {', '.join(sorted(KINDS))}",
            )
            raise Problem("validation_failed", detail, [Fault("?kind", detail, "kind")])
    return sorted(set(kinds))


def refused(error: LineageQueryError, pointer: str) -> Problem:
    """A refusal as a problem."""
    detail = Text(f"{error.zh};{error.hint_zh}", f"{error}; {error.hint}")
    if pointer:
        return Problem("invalid_cursor", detail, [Fault(pointer, detail, "invalid_cursor")])
    return Problem("unknown_node", detail)
