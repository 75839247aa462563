"""Grades and share classes along any flow, against a walk over single data sets."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.lineage.attribution import Rule
from ledger.lineage.findings.flow import breaches, flow
from ledger.lineage.findings.hops import hops
from ledger.lineage.findings.picture import Deidentification, End, Entry, Picture

JOBS, DATASETS = 100, 0
Pairs = list[tuple[int, int]]


def pictured(
    count: int,
    reads: Pairs,
    writes: Pairs,
    classes: dict[int, tuple[int, int]],
    steps: list[Deidentification],
) -> Picture:
    """Data sets 0 .. count-1, of entries called after them where they have a class."""
    jobs = sorted({job for job, _ in (*reads, *writes)})
    return Picture(
        as_of=None,
        journal=None,
        datasets={number: ("n", f"d{number:02d}") for number in range(count)},
        jobs={job: ("j", f"j{job}") for job in jobs},
        reads=sorted(set(reads)),
        writes=sorted(set(writes)),
        rules={number: _rule(number) for number in classes},
        entries={_code(number): _entry(number, *told) for number, told in classes.items()},
        step_leaves={},
        step_organisations={},
        deidentified=steps,
    )


def _code(number: int) -> str:
    return f"e{number:02d}"


def _rule(number: int) -> Rule:
    return Rule("r", True, "o", _code(number), "n", "d", None, 0, None, 1, 0, 0, None)  # noqa: FBT003


def _entry(number: int, grade: int, share: int) -> Entry:
    return Entry(_code(number), number, "published", 1, True, None, "o", None, grade, share)  # noqa: FBT003


def walked(picture: Picture) -> dict[tuple[int, int, int], int]:
    """(data set, grade, share class) -> by how many jobs it comes there, one data set after another."""
    found: dict[tuple[int, int, int], int] = {}
    waiting: deque[tuple[int, int, int]] = deque()
    for number in picture.datasets:
        entry = picture.registered(number)
        if entry is not None and (entry.grade > 1 or entry.share > 1):
            found[number, entry.grade, entry.share] = 0
            waiting.append((number, entry.grade, entry.share))
    while waiting:
        number, grade, share = state = waiting.popleft()
        for job, one in picture.reads:
            for writer, output in picture.writes:
                if one != number or writer != job:
                    continue
                arrived = (output, *_through(picture, number, output, grade, share))
                if arrived not in found:
                    found[arrived] = found[state] + 1
                    waiting.append(arrived)
    return found


def _through(picture: Picture, one: int, other: int, grade: int, share: int) -> tuple[int, int]:
    for step in picture.deidentified:
        about = any(end.dataset == one for end in step.inputs) and any(
            end.dataset == other for end in step.outputs
        )
        if about and (step.before is None or grade <= step.before):
            grade, share = min(grade, step.after), 0
    return grade, share


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    count = draw(st.integers(2, 7))
    dataset = st.integers(0, count - 1)
    edge = st.tuples(st.integers(JOBS, JOBS + 4), dataset)
    # At most one step a pair: of several the least counts, whatever each takes in, and order does not matter.
    pair = st.tuples(dataset, dataset)
    about = draw(st.lists(pair, max_size=2, unique=True))
    steps = [
        Deidentification(
            f"s{at}",
            0,
            (End(one, None),),
            (End(other, None),),
            draw(st.sampled_from([None, 2, 3])),
            draw(st.integers(1, 3)),
        )
        for at, (one, other) in enumerate(about)
    ]
    return pictured(
        count,
        draw(st.lists(edge, max_size=10)),
        draw(st.lists(edge, max_size=10)),
        draw(st.dictionaries(dataset, st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=6)),
        steps,
    )


@settings(max_examples=150)
@given(pictures())
def test_breaches_are_those_of_a_walk_over_single_data_sets_by_its_shortest_paths(
    picture: Picture,
) -> None:
    reached = walked(picture)
    expected = {}
    for number in picture.datasets:
        entry = picture.registered(number)
        for kind, part in (("grade_lowered", 1), ("share_widened", 2)):
            stated = 0 if entry is None else (entry.grade, entry.share)[part - 1]
            came = [state for state in reached if state[0] == number and reached[state] > 0]
            flowing = max((state[part] for state in came), default=0)
            if stated and flowing > stated:
                hops_ = min(reached[state] for state in came if state[part] == flowing)
                expected[number, kind] = (stated, flowing, hops_)

    found = breaches(picture, flow(picture, hops(picture)))

    assert {
        (one.dataset, one.kind): (one.stated, one.flowing, len(one.path) // 2) for one in found
    } == expected
    for one in found:
        assert one.path[-1] == ("dataset", one.dataset)
        for (kind, here), (_, there) in pairwise(one.path):
            edges = picture.reads if kind == "dataset" else picture.writes
            assert ((there, here) if kind == "dataset" else (here, there)) in edges


def test_a_ring_of_tables_ends_and_takes_the_highest_around() -> None:
    ring = 30
    picture = pictured(
        ring,
        [(JOBS + at, at) for at in range(ring)],
        [(JOBS + at, (at + 1) % ring) for at in range(ring)],
        {at: (3 if at == 7 else 1, 1) for at in range(ring)},
        [],
    )
    found = breaches(picture, flow(picture, hops(picture)))
    assert {one.dataset for one in found} == set(range(ring)) - {7}
    assert {one.flowing for one in found} == {3}
    assert max(len(one.path) for one in found) == 2 * (ring - 1) + 1


def test_of_several_steps_about_one_pair_the_one_that_takes_most_away_counts() -> None:
    steps = [
        Deidentification("a", 0, (End(0, None),), (End(1, None),), None, 2),
        Deidentification("b", 0, (End(0, None),), (End(1, None),), 2, 1),
        Deidentification("c", 0, (End(0, None),), (End(1, None),), None, 1),
    ]
    for count, flowing in ((1, {2}), (2, {2}), (3, set())):
        picture = pictured(2, [(JOBS, 0)], [(JOBS, 1)], {0: (3, 2), 1: (1, 1)}, steps[:count])
        assert {one.flowing for one in breaches(picture, flow(picture, hops(picture)))} == flowing
