"""Rates of the Merkle tree, canonical JSON and proof files, in processor time of one core.

    python scripts/bench/merkle.py [--quick]

Leaves are SHA-256 hashes made beforehand. Paths are read from tiles in memory, as the mirror keeps
them; indexes are drawn from a seed.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.canonical import canonical_json, parse_canonical, parse_json
from ledger.log import render, verify_proof
from ledger.merkle import (
    Frontier,
    Subtree,
    consistency_path,
    inclusion_path,
    root_at,
    subtree_in_tiles,
    tiles_of_run,
)
from ledger.merkle_verify import verify_consistency, verify_inclusion
from ledger.signatures import signer_of
from scripts.bench.measuring import Row, at_least, bench_main
from tests.log.sample import STEWARD, every_struct, sign

TITLE = "Tree, canonical JSON, proof files (a second of one core)"
LEAVES, QUICK = 1_000_000, 20_000
APPENDING_BUDGET = 500_000
"""Far above what follows the log, so that the tree never is what limits."""
PATHS = 5_000
BATCH = 10_000
DOCUMENT = {
    "code": "307015/000001",
    "name": "用水户基础信息",
    "abstract": "示例：区内用水户的基本情况。" * 4,
    "items": [{"name": f"信息项{number}", "type": "C", "length": 32} for number in range(12)],
    "share_type": "conditional",
    "update_cycle": "monthly",
}


def _rate(count: int, act: Callable[[], object]) -> float:
    """Times a second of processor time, ``act`` doing it ``count`` times; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return count / best


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """All rates, for a tree of a million leaves."""
    if quick:
        return [*_tree(QUICK), *_documents(100)]
    return [*_tree(LEAVES), *_documents(1)]


def _each(what: str, rate: float, budget: int = 0) -> Row:
    return at_least(what, rate, "/s", budget)


def _tree(size: int) -> list[Row]:
    hashes = [sha256(number.to_bytes(8, "big")).digest() for number in range(size)]
    tiles: dict[tuple[int, int], bytes] = {}

    def grow() -> None:
        frontier = Frontier()
        tiles.clear()
        for first in range(0, size, BATCH):
            for run in frontier.extend(hashes[first : first + BATCH]):
                for level, index, _, data in tiles_of_run(run):
                    tiles[level, index] = tiles.get((level, index), b"") + data

    def one_by_one() -> None:
        frontier = Frontier()
        for leaf in hashes[:BATCH]:
            frontier.append(leaf)

    return [
        _each(f"append, batches of {BATCH:,}, with tiles", _rate(size, grow), APPENDING_BUDGET),
        _each("append one by one", _rate(BATCH, one_by_one)),
        *_paths(hashes, subtree_in_tiles(lambda level, index: tiles[level, index])),
    ]


def _paths(hashes: list[bytes], subtree: Subtree) -> list[Row]:
    size, root = len(hashes), root_at(len(hashes), subtree)
    dice = random.Random(9162)  # noqa: S311 - the same indexes in every run
    indexes = [dice.randrange(size) for _ in range(min(PATHS, size // 200))]
    paths = [inclusion_path(index, size, subtree) for index in indexes]
    growth = [consistency_path(index + 1, size, subtree) for index in indexes]
    old_roots = [root_at(index + 1, subtree) for index in indexes]

    def make(path: Callable[[int], object]) -> float:
        return _rate(len(indexes), lambda: [path(index) for index in indexes])

    def check_inclusion() -> None:
        for index, path in zip(indexes, paths, strict=True):
            verify_inclusion(hashes[index], index, size, path, root)

    def check_consistency() -> None:
        for index, path, old_root in zip(indexes, growth, old_roots, strict=True):
            verify_consistency(index + 1, size, path, old_root, root)

    return [
        _each(
            "make an inclusion path from tiles",
            make(lambda index: inclusion_path(index, size, subtree)),
        ),
        _each("check an inclusion path", _rate(len(indexes), check_inclusion)),
        _each(
            "make a consistency path from tiles",
            make(lambda index: consistency_path(index + 1, size, subtree)),
        ),
        _each("check a consistency path", _rate(len(indexes), check_consistency)),
    ]


def _documents(fewer: int) -> list[Row]:
    body = canonical_json(DOCUMENT)
    log = every_struct()
    file = render(log.inclusion(5))
    digest = sha256(b"digest").digest()
    signature = sign(STEWARD, digest)
    size = f"{len(body)} bytes"

    def times(most: int, act: Callable[[], object]) -> float:
        count = max(1, most // fewer)
        return _rate(count, lambda: [act() for _ in range(count)])

    return [
        _each(f"write canonical JSON, {size}", times(2_000, lambda: canonical_json(DOCUMENT))),
        _each(f"parse strictly, {size}", times(5_000, lambda: parse_json(body))),
        _each(f"parse and prove canonical, {size}", times(20_000, lambda: parse_canonical(body))),
        _each("recover a signer", times(2_000, lambda: signer_of(digest, signature))),
        _each(f"make a proof file, {len(file)} bytes", times(200, lambda: log.inclusion(5))),
        _each(f"check a proof file, {len(file)} bytes", times(500, lambda: verify_proof(file))),
    ]


if __name__ == "__main__":
    bench_main(TITLE, rows)
