"""Cycles in a graph of flows, held against networkx."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.lineage.cycles import cycles

FLOWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20)


@given(FLOWS)
@settings(max_examples=60)
def test_one_of_the_shortest_is_told_for_each_knot(flows: list[tuple[int, int]]) -> None:
    drawn = nx.DiGraph(flows)
    knots = [
        knot
        for knot in nx.strongly_connected_components(drawn)
        if len(knot) > 1 or drawn.has_edge(*(2 * list(knot)))
    ]
    found = cycles(flows)
    assert sorted(map(sorted, knots)) == sorted(
        sorted(knot) for knot in knots for closed in found if set(closed) <= knot
    )
    assert len(found) == len(knots)
    for closed in found:
        assert closed[0] == closed[-1]
        assert all(drawn.has_edge(*step) for step in pairwise(closed))
        within = drawn.subgraph(next(knot for knot in knots if closed[0] in knot))
        back = [
            1 + nx.shortest_path_length(within, after, closed[0])
            for after in within.successors(closed[0])
        ]
        assert len(closed) - 1 == min(back)


def test_a_long_chain_with_one_way_back_needs_no_stack() -> None:
    flows = [(at, at + 1) for at in range(20_000)]
    assert cycles(flows) == []
    (closed,) = cycles([*flows, (20_000, 10_000)])
    assert (closed[0], closed[-1], len(closed)) == (10_000, 10_000, 10_002)
