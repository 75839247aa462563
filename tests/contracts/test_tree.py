"""The tree of the log against a plain RFC 9162 tree, section 2.1.1 word for word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.contracts.evm import Contract, Evm
from tests.contracts.world import test_artifact as artifact

EVERY_SIZE_UP_TO = 1100


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf(index: int) -> bytes:
    return sha256(b"\0" + index.to_bytes(32, "big"))


def split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def plain_root(first: int, count: int) -> bytes:
    """MTH of the leaves ``first .. first + count - 1``."""
    if count == 0:
        return sha256(b"")
    if count == 1:
        return leaf(first)
    left = split(count)
    return sha256(b"\1" + plain_root(first, left) + plain_root(first + left, count - left))


@pytest.fixture(scope="module")
def harness() -> Contract:
    return Evm().deploy(artifact("TreeHarness"))


@pytest.fixture
def tree(harness: Contract) -> Iterator[Contract]:
    snapshot = harness.evm.snapshot()
    yield harness
    harness.evm.revert(snapshot)


def test_the_empty_tree_has_the_hash_of_nothing_for_root(tree: Contract) -> None:
    assert tree.read("root") == hashlib.sha256(b"").digest()
    assert tree.read("size") == 0


def test_every_root_up_to_1100_leaves_is_that_of_the_standard(tree: Contract) -> None:
    for first in range(0, EVERY_SIZE_UP_TO, 100):
        roots = tree.evm.decode(tree.write("appendSingly", 100), "bytes32[]")
        for position, root in enumerate(roots):
            size = first + position + 1
            assert root == plain_root(0, size), f"root at size {size}"
    assert tree.read("size") == EVERY_SIZE_UP_TO


class TreeMachine(RuleBasedStateMachine):
    """Batches of any size, one after the other: only the number of leaves decides on the root."""

    harness: Contract
    start: tuple[bytes, int]

    def __init__(self) -> None:
        super().__init__()
        self.harness.evm.revert(self.start)
        self.size = 0

    @rule(count=st.integers(0, 9) | st.integers(10, 260))
    def append(self, count: int) -> None:
        self.harness.write("append", count)
        self.size += count

    @rule(height=st.integers(0, 10))
    def fill_up(self, height: int) -> None:
        """Up to the next multiple of a power of two, where many peaks become one."""
        self.append(-self.size % (1 << height))

    @invariant()
    def root_and_size_are_those_of_the_plain_tree(self) -> None:
        assert self.harness.read("size") == self.size
        assert self.harness.read("root") == plain_root(0, self.size)


def test_any_sequence_of_batches_gives_the_plain_tree(tree: Contract) -> None:
    TreeMachine.harness, TreeMachine.start = tree, tree.evm.snapshot()
    TreeMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=10)
    test = TreeMachine.TestCase("runTest")
    test.runTest()


def pretended(height: int) -> bytes:
    """What is taken for the root of a complete subtree too large to build."""
    return sha256(b"peak" + bytes([height]))


def large_root(old: int, first: int, count: int) -> bytes:
    """MTH where the complete subtrees of the first ``old`` leaves are the pretended ones."""
    if first + count <= old and count & (count - 1) == 0:
        return pretended(count.bit_length() - 1)
    if count == 1:
        return leaf(first)
    left = split(count)
    return sha256(
        b"\1" + large_root(old, first, left) + large_root(old, first + left, count - left)
    )


@settings(max_examples=60)
@given(
    old=st.integers(1101, 1 << 16)
    | st.integers(1, 1 << 56)
    | st.integers(10, 56).flatmap(lambda bits: st.integers((1 << bits) - 40, (1 << bits) + 40)),
    batches=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_a_large_tree_goes_on_as_the_standard_says(
    harness: Contract, old: int, batches: list[int]
) -> None:
    harness.write("pretend", old, [pretended(height) for height in range(64)])
    assert harness.read("root") == large_root(old, 0, old)
    size = old
    for count in batches:
        harness.write("append", count)
        size += count
        assert harness.read("root") == large_root(old, 0, size)
    assert harness.read("size") == size
