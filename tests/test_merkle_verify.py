"""Proof checks: foreign probes, round trips at every size, and every kind of damage refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import (
    EMPTY_ROOT,
    complete_levels,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    subtree_of,
)
from ledger.merkle_verify import ProofError, verify_consistency, verify_inclusion

COUNT = 300
LEAVES = [leaf_hash(number.to_bytes(4, "big")) for number in range(COUNT)]
ROOTS = [root_of(LEAVES[:size]) for size in range(COUNT + 1)]
TREE = subtree_of(complete_levels(LEAVES))


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text) if text else b""


def _hashes(proof: list[str] | None) -> list[bytes]:
    return [_bytes(text) for text in proof or []]


def _probes(place: Path) -> list[dict[str, object]]:
    probes = [json.loads(path.read_text()) for path in sorted(place.glob("*/*.json"))]
    assert {probe["wantErr"] for probe in probes} == {True, False}
    return probes


def test_foreign_inclusion_probes_get_the_verdict_their_authors_want(shared_data: Path) -> None:
    for probe in _probes(shared_data / "merkle" / "inclusion"):
        try:
            verify_inclusion(
                _bytes(probe["leafHash"]),
                probe["leafIdx"],
                probe["treeSize"],
                _hashes(probe["proof"]),
                _bytes(probe["root"]),
            )
            refused = False
        except ProofError:
            refused = True
        assert refused == probe["wantErr"], probe["desc"]


def test_foreign_consistency_probes_get_the_verdict_their_authors_want(shared_data: Path) -> None:
    for probe in _probes(shared_data / "merkle" / "consistency"):
        try:
            verify_consistency(
                probe["size1"],
                probe["size2"],
                _hashes(probe["proof"]),
                _bytes(probe["root1"]),
                _bytes(probe["root2"]),
            )
            refused = False
        except ProofError:
            refused = True
        assert refused == probe["wantErr"], probe["desc"]


def test_every_leaf_of_every_size_is_proven() -> None:
    for size in range(1, COUNT + 1):
        for index in range(size):
            path = inclusion_path(index, size, TREE)
            verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])


def test_every_older_size_is_proven_consistent() -> None:
    for new in range(1, COUNT + 1):
        for old in range(1, new + 1):
            path = consistency_path(old, new, TREE)
            verify_consistency(old, new, path, ROOTS[old], ROOTS[new])


def _damaged(path: list[bytes], draw: st.DataObject) -> list[bytes]:
    """The path with one hash altered, dropped, doubled, or two swapped; always another path."""
    spare = leaf_hash(b"spare")
    ways = [[*path, spare], [spare, *path]]
    if path:
        place = draw.draw(st.integers(min_value=0, max_value=len(path) - 1))
        bit = draw.draw(st.integers(min_value=0, max_value=255))
        flipped = (int.from_bytes(path[place], "big") ^ 1 << bit).to_bytes(32, "big")
        ways.append([*path[:place], flipped, *path[place + 1 :]])
        ways.append([*path[:place], *path[place + 1 :]])
        ways.append([*path[: place + 1], path[place], *path[place + 1 :]])
        ways.append([*path[:place], path[place][:31], *path[place + 1 :]])
        if len(path) > 1:
            ways.append(path[::-1])
    return draw.draw(st.sampled_from(ways))


@given(st.data())
def test_a_damaged_inclusion_path_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=1, max_value=COUNT))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    path = _damaged(inclusion_path(index, size, TREE), data)
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], index, size, path, ROOTS[size])


@given(st.data())
def test_an_inclusion_path_proves_no_other_leaf_index_or_root(data: st.DataObject) -> None:
    size = data.draw(st.integers(min_value=2, max_value=COUNT))
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    other = data.draw(st.integers(min_value=0, max_value=size - 1).filter(lambda i: i != index))
    path = inclusion_path(index, size, TREE)
    for leaf, place, root in (
        (LEAVES[other], index, ROOTS[size]),
        (LEAVES[index], other, ROOTS[size]),
        (LEAVES[index], index, ROOTS[size - 1]),
        (LEAVES[index], size, ROOTS[size]),
        (LEAVES[index], -1, ROOTS[size]),
    ):
        with pytest.raises(ProofError):
            verify_inclusion(leaf, place, size, path, root)


@given(st.data())
def test_a_damaged_consistency_path_proves_nothing(data: st.DataObject) -> None:
    new = data.draw(st.integers(min_value=1, max_value=COUNT))
    old = data.draw(st.integers(min_value=1, max_value=new))
    path = _damaged(consistency_path(old, new, TREE), data)
    with pytest.raises(ProofError):
        verify_consistency(old, new, path, ROOTS[old], ROOTS[new])


@given(st.data())
def test_a_rewritten_log_is_not_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(min_value=2, max_value=COUNT))
    old = data.draw(st.integers(min_value=1, max_value=new - 1))
    place = data.draw(st.integers(min_value=0, max_value=old - 1))
    rewritten = [*LEAVES[:place], leaf_hash(b"rewritten"), *LEAVES[place + 1 : new]]
    path = consistency_path(old, new, subtree_of(complete_levels(rewritten)))
    with pytest.raises(ProofError, match=r"leads to the (old|new) root"):
        verify_consistency(old, new, path, ROOTS[old], root_of(rewritten))


def test_two_roots_for_one_size_are_called_a_fork() -> None:
    verify_consistency(5, 5, [], ROOTS[5], ROOTS[5])
    with pytest.raises(ProofError, match="forked log"):
        verify_consistency(5, 5, [], ROOTS[5], ROOTS[6])


def test_nothing_is_proven_from_the_empty_log() -> None:
    with pytest.raises(ProofError, match="from size 0"):
        verify_consistency(0, 5, [], EMPTY_ROOT, ROOTS[5])
    with pytest.raises(ProofError, match="from size 0"):
        verify_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)


def test_a_shrunken_log_is_refused() -> None:
    with pytest.raises(ProofError, match="cannot extend"):
        verify_consistency(6, 5, [], ROOTS[6], ROOTS[5])


def test_hashes_of_another_length_are_named() -> None:
    with pytest.raises(ProofError, match="the root has 31 bytes"):
        verify_inclusion(LEAVES[0], 0, 1, [], ROOTS[1][:31])
    with pytest.raises(ProofError, match="hash 0 of the path has 33 bytes"):
        verify_inclusion(LEAVES[0], 0, 2, [LEAVES[1] + b"\0"], ROOTS[2])
