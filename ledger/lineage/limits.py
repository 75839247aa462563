"""What a question about the graph may ask for, and the moment that it is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from ledger.lineage.continuation import Continuation
from ledger.lineage.reading import Reader
from ledger.lineage.walks import LineageQueryError

DEFAULT_CAP = 10_000
"""Nodes on a page unless the question says otherwise."""
HIGHEST_CAP = 100_000


def check_cap(cap: int, depth: int) -> None:
    """Raises :class:`LineageQueryError` for a cap or depth that cannot be."""
    if not 1 <= cap <= HIGHEST_CAP:
        raise LineageQueryError(
            f"a page of {cap} nodes cannot be",
            f"ask for 1 to {HIGHEST_CAP}",
            zh=f"每页节点数不能是 {cap}",
            hint_zh=f"请给出 1 到 {HIGHEST_CAP}",
        )
    if depth < 0:
        raise LineageQueryError(
            f"a depth of {depth} cannot be",
            "give 0 or more",
            zh=f"深度不能是 {depth}",
            hint_zh="请给出 0 或更大的数",
        )


def opened(
    conn: Connection,
    as_of: int | None,
    kinds: Collection[str] | None,
    at: Continuation | None,
) -> Reader:
    """The graph as of a ledger size, or as of the moment of a continuation."""
    if at is None:
        return Reader(conn, as_of, kinds=kinds)
    return Reader(conn, at.as_of, journal=at.journal, kinds=kinds)


def standing(reader: Reader, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """Data sets and jobs among numbers, in their order, each once; raises :class:`LineageQueryError`."""
    datasets, jobs = reader.standing(numbers)
    for number in numbers:
        if number not in datasets and number not in jobs:
            raise LineageQueryError(
                f"there is no data set or job with number {number} at this moment",
                "take numbers from the same moment, or leave out as_of",
                zh=f"此时没有编号为 {number} 的数据集或作业",
                hint_zh="请使用同一时点的编号,或不指定 as_of",
            )
    listed = list(dict.fromkeys(numbers))
    return [n for n in listed if n in datasets], [n for n in listed if n in jobs]
