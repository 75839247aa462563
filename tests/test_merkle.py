"""The tree of RFC 9162 against its definition, the reference vectors, and its own laws."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.merkle import (
    EMPTY_ROOT,
    TILE_WIDTH,
    Frontier,
    complete_levels,
    consistency_path,
    consistency_ranges,
    inclusion_path,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_at,
    root_of,
    subtree_from_tile,
    subtree_in_tiles,
    subtree_of,
    tile_of,
    tiles_for,
    tiles_of_run,
)

LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(3000)]
SIZES = st.integers(min_value=0, max_value=len(LEAVES))


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(root_by_definition(leaves[:k]), root_by_definition(leaves[k:]))


def path_by_definition(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*path_by_definition(m, leaves[:k]), root_by_definition(leaves[k:])]
    return [*path_by_definition(m - k, leaves[k:]), root_by_definition(leaves[:k])]


def subproof_by_definition(m: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1, word for word."""
    if m == len(leaves):
        return [] if whole else [root_by_definition(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        rest = subproof_by_definition(m, leaves[:k], whole=whole)
        return [*rest, root_by_definition(leaves[k:])]
    rest = subproof_by_definition(m - k, leaves[k:], whole=False)
    return [*rest, root_by_definition(leaves[:k])]


def tiles_of(size: int, steps: list[int]) -> dict[tuple[int, int], bytes]:
    """The tiles that a keeper fills who appends in steps."""
    tiles: dict[tuple[int, int], bytes] = {}
    frontier = Frontier()
    ends = [*sorted(step for step in steps if step < size), size]
    for end in ends:
        for run in frontier.extend(LEAVES[frontier.size : end]):
            for level, index, offset, hashes in tiles_of_run(run):
                before = tiles.get((level, index), b"")
                assert len(before) == offset * 32
                tiles[level, index] = before + hashes
    return tiles


def test_reference_leaves_and_roots_come_out(shared_data: Path) -> None:
    reference = json.loads((shared_data / "merkle" / "rfc6962_reference.json").read_text())
    leaves = [leaf_hash(bytes.fromhex(text)) for text in reference["leaf_inputs_hex"]]
    assert [leaf.hex() for leaf in leaves] == reference["leaf_hash_hex"]
    roots = [root_of(leaves[:size]).hex() for size in range(len(leaves) + 1)]
    assert roots == reference["root_hex_by_size"]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == Frontier().root() == root_at(0, subtree_of([]))
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", [*range(1, 68), 127, 128, 129, 255, 256, 257])
def test_roots_and_paths_are_those_of_the_definition(size: int) -> None:
    leaves = LEAVES[:size]
    subtree = subtree_of(complete_levels(leaves))
    assert root_of(leaves) == root_by_definition(leaves)
    for index in range(0, size, max(1, size // 16)):
        assert inclusion_path(index, size, subtree) == path_by_definition(index, leaves)
    for old in range(1, size + 1, max(1, size // 16)):
        by_definition = subproof_by_definition(old, leaves, whole=True)
        assert consistency_path(old, size, subtree) == by_definition


@given(st.lists(SIZES, max_size=6), SIZES)
def test_a_frontier_grown_in_any_steps_has_the_same_root(steps: list[int], size: int) -> None:
    frontier = Frontier()
    for end in [*sorted(step for step in steps if step <= size), size]:
        frontier.extend(LEAVES[frontier.size : end])
    assert frontier.size == size
    assert frontier.root() == root_of(LEAVES[:size])


@given(SIZES, st.integers(min_value=0, max_value=40))
def test_a_frontier_resumes_from_its_peaks(size: int, more: int) -> None:
    kept = Frontier()
    kept.extend(LEAVES[:size])
    resumed = Frontier(kept.size, kept.peaks)
    from_tree = Frontier.resume(size, subtree_of(complete_levels(LEAVES[:size])))
    for leaf in LEAVES[size : size + more]:
        for frontier in (kept, resumed, from_tree):
            frontier.append(leaf)
    assert resumed.root() == from_tree.root() == kept.root() == root_of(LEAVES[: size + more])


@given(SIZES, st.lists(SIZES, max_size=4))
def test_tiles_filled_in_any_steps_are_the_same_and_hold_the_whole_tree(
    size: int, steps: list[int]
) -> None:
    tiles = tiles_of(size, steps)
    assert tiles == tiles_of(size, [])
    for (level, index), data in tiles.items():
        complete = size >> 8 * level
        assert len(data) == 32 * min(TILE_WIDTH, complete - TILE_WIDTH * index)
    subtree = subtree_in_tiles(lambda level, index: tiles[level, index])
    levels = complete_levels(LEAVES[:size])
    for level, hashes in enumerate(levels):
        for index in {0, len(hashes) // 2, len(hashes) - 1} & set(range(len(hashes))):
            assert subtree(level, index) == hashes[index]
    assert root_at(size, subtree) == root_of(LEAVES[:size])


@given(st.data())
def test_the_tiles_named_for_a_path_are_enough(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=len(LEAVES)))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    old = data.draw(st.integers(min_value=1, max_value=size))
    tiles = tiles_of(size, [])
    whole = subtree_in_tiles(lambda level, place: tiles[level, place])
    for ranges, path in (
        (inclusion_ranges(index, size), inclusion_path(index, size, whole)),
        (consistency_ranges(old, size), consistency_path(old, size, whole)),
    ):
        few = {place: tiles[place] for place in tiles_for(ranges)}
        part = subtree_in_tiles(lambda level, place, few=few: few[level, place])
        assert [merkle.range_hash(first, end, part) for first, end in ranges] == path


def test_a_path_in_a_large_tree_needs_few_tiles() -> None:
    assert len(tiles_for(inclusion_ranges(700_000, 1_000_000))) <= 6


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 2), (5, 4)])
def test_no_path_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        inclusion_path(index, size, subtree_of([]))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 4), (5, 4), (-1, 4)])
def test_no_consistency_path_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="need 0 < old <= new"):
        consistency_path(old, new, subtree_of([]))


def test_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier(1, [b"short"])
    with pytest.raises(ValueError, match="has not 1 peaks"):
        Frontier(3, [LEAVES[0]])


def test_a_tile_that_does_not_reach_far_enough_says_so() -> None:
    tile = b"".join(LEAVES[:5])
    assert tile_of(2, 0) == (0, 0)
    assert subtree_from_tile(tile, 2, 0) == root_of(LEAVES[:4])
    with pytest.raises(ValueError, match=r"needs 8 hashes of tile \(0, 0\), which has 5"):
        subtree_from_tile(tile, 3, 0)
