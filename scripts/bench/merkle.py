"""Rates of the Merkle tree, canonical JSON and proof files, in processor time of one core.

    python scripts/bench/merkle.py [--leaves 1000000]

Leaves are SHA-256 hashes made beforehand. Paths are read from tiles in memory, as the mirror keeps
them; indexes are drawn from a seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from tests.log.sample import STEWARD, every_struct, sign

LEAVES = 1_000_000
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


@dataclass(frozen=True)
class Measurement:
    """How many times a second; ``budget`` is the least that will do, 0 where none is set."""

    what: str
    rate: float
    budget: int = 0


def _rate(count: int, act: Callable[[], object]) -> float:
    """Times a second of processor time, ``act`` doing it ``count`` times; the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
    return count / best


def measure(leaves: int = LEAVES) -> list[Measurement]:
    """All rates, for a tree of ``leaves`` leaves."""
    return [*_tree(leaves), *_documents()]


def _tree(size: int) -> list[Measurement]:
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
        Measurement(f"append, batches of {BATCH:,}, with tiles", _rate(size, grow), 500_000),
        Measurement("append one by one", _rate(BATCH, one_by_one)),
        *_paths(hashes, subtree_in_tiles(lambda level, index: tiles[level, index])),
    ]


def _paths(hashes: list[bytes], subtree: Subtree) -> list[Measurement]:
    size, root = len(hashes), root_at(len(hashes), subtree)
    dice = random.Random(9162)  # noqa: S311 - the same indexes in every run
    indexes = [dice.randrange(size) for _ in range(PATHS)]
    paths = [inclusion_path(index, size, subtree) for index in indexes]
    growth = [consistency_path(index + 1, size, subtree) for index in indexes]
    old_roots = [root_at(index + 1, subtree) for index in indexes]

    def make(path: Callable[[int], object]) -> float:
        return _rate(PATHS, lambda: [path(index) for index in indexes])

    def check_inclusion() -> None:
        for index, path in zip(indexes, paths, strict=True):
            verify_inclusion(hashes[index], index, size, path, root)

    def check_consistency() -> None:
        for index, path, old_root in zip(indexes, growth, old_roots, strict=True):
            verify_consistency(index + 1, size, path, old_root, root)

    return [
        Measurement(
            "make an inclusion path from tiles",
            make(lambda index: inclusion_path(index, size, subtree)),
        ),
        Measurement("check an inclusion path", _rate(PATHS, check_inclusion)),
        Measurement(
            "make a consistency path from tiles",
            make(lambda index: consistency_path(index + 1, size, subtree)),
        ),
        Measurement("check a consistency path", _rate(PATHS, check_consistency)),
    ]


def _documents() -> list[Measurement]:
    body = canonical_json(DOCUMENT)
    log = every_struct()
    file = render(log.inclusion(5))
    digest = sha256(b"digest").digest()
    signature = sign(STEWARD, digest)
    size = f"{len(body)} bytes"

    def times(count: int, act: Callable[[], object]) -> float:
        return _rate(count, lambda: [act() for _ in range(count)])

    return [
        Measurement(
            f"write canonical JSON, {size}", times(2_000, lambda: canonical_json(DOCUMENT))
        ),
        Measurement(f"parse strictly, {size}", times(5_000, lambda: parse_json(body))),
        Measurement(
            f"parse and prove canonical, {size}", times(20_000, lambda: parse_canonical(body))
        ),
        Measurement("recover a signer", times(2_000, lambda: signer_of(digest, signature))),
        Measurement(f"make a proof file, {len(file)} bytes", times(200, lambda: log.inclusion(5))),
        Measurement(
            f"check a proof file, {len(file)} bytes", times(500, lambda: verify_proof(file))
        ),
    ]


def table(found: list[Measurement]) -> str:
    """The measurements as a Markdown table."""
    lines = ["| what | a second | budget |", "|---|---:|---:|"]
    for each in found:
        budget = f">= {each.budget:,}" if each.budget else ""
        lines.append(f"| {each.what} | {each.rate:,.0f} | {budget} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--leaves", type=int, default=LEAVES, help="size of the tree")
    print(table(measure(parser.parse_args().leaves)))


if __name__ == "__main__":
    main()
