"""What must be true in the end, worked out from the chain alone and by other means than the mirror's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from eth_abi import decode
from sqlalchemy import Connection, select

from ledger.canonical import parse_canonical
from ledger.chain.interface import RawLog
from ledger.mirror import tables
from ledger.statements import Statement
from tests.faults.simulation.network import Network
from tests.mirror.world import NOTES
from tests.simulator import AUTHORISED, RECORDED, Block, statement_of

Rows = list[tuple[Any, ...]]
TILE = 256


@lru_cache(maxsize=4096)
def _statement(event: RawLog) -> Statement:
    return statement_of(event)


@lru_cache(maxsize=4096)
def _authorisation(event: RawLog) -> tuple[Any, ...]:
    org, signature, cosigner, cosignature, deadline, first, count = decode(
        ["bytes32", "bytes", "address", "bytes", "uint64", "uint64", "uint64"], event.data
    )
    registry, signer = event.topics[2][12:], event.topics[3][12:]
    digest = event.topics[1]
    return (
        *(first, count, digest, registry, org, signer, signature),
        *(bytes.fromhex(cosigner[2:]), cosignature, deadline),
        *(event.block_number, event.transaction_hash),
    )


def statements(chain: Sequence[Block]) -> list[Statement]:
    """Every leaf that is in a block."""
    return [
        _statement(event) for block in chain for event in block.logs if event.topics[0] == RECORDED
    ]


def authorisations(chain: Sequence[Block]) -> Rows:
    return [
        _authorisation(event)
        for block in chain
        for event in block.logs
        if event.topics[0] == AUTHORISED
    ]


def root(leaves: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, as it is written there."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()


def tiles(leaves: Sequence[bytes]) -> Rows:
    """Tiles of every level, cut from the list of its hashes."""
    found, level, row = [], 0, list(leaves)
    while row:
        found += [
            (level, at // TILE, b"".join(row[at : at + TILE])) for at in range(0, len(row), TILE)
        ]
        row = [root(row[at : at + TILE]) for at in range(0, len(row) - TILE + 1, TILE)]
        level += 1
    return found


def notes(said: Sequence[Statement]) -> Rows:
    """What each entry was called, and since when."""
    rows: list[list[Any]] = []
    present: dict[str, list[Any]] = {}
    for statement in said:
        body = parse_canonical(statement.body)
        if statement.kind != "catalogue.entry" or "name" not in body:
            continue
        code = str(body["code"])
        if code in present:
            present[code][2] = statement.index
        present[code] = [code, statement.index, None, statement.version, body["name"]]
        rows.append(present[code])
    return [tuple(row) for row in rows]


def differences(conn: Connection, network: Network) -> list[str]:
    """In words, where a mirror is not what the chain says; empty where it is."""
    chain = network.chain
    said = statements(chain)
    leaves = [one.leaf_hash(network.log) for one in said]
    names = [column.name for column in tables.statement.columns]
    expected: dict[Any, Rows] = {
        tables.statement: [tuple(getattr(one, name.rstrip("_")) for name in names) for one in said],
        tables.authorisation: authorisations(chain),
        tables.tree_tile: tiles(leaves),
        NOTES: notes(said),
    }
    found = [
        problem
        for table, rows in expected.items()
        for problem in _compare(table.name, conn.execute(select(table)).all(), rows)
    ]
    malformed = {one.index for one in said if b'"x"' in one.body}
    flagged = set(conn.execute(select(tables.flag.c.index_)).scalars())
    if flagged != malformed:
        found.append(f"flagged are {sorted(flagged)}, malformed {sorted(malformed)}")
    return found + _blocks(conn, network, root(leaves))


def _compare(name: str, here: Sequence[Any], there: Rows) -> list[str]:
    ours, theirs = {tuple(row) for row in here}, set(there)
    wrong = [f"{name} has {row[:4]!r}, the chain has not" for row in ours - theirs]
    return wrong + [f"{name} lacks {row[:4]!r}" for row in theirs - ours]


def _blocks(conn: Connection, network: Network, top: bytes) -> list[str]:
    """Blocks known are the chain's, those with statements are known, the cursor is at the head."""
    found = []
    chain = network.chain
    kept = {row.number: row for row in conn.execute(select(tables.block))}
    for number, row in kept.items():
        if number >= len(chain):
            found.append(f"block {number} is known, and not on the chain")
            continue
        block = chain[number]
        told = (row.hash, row.parent_hash, row.timestamp, row.size)
        if told != (block.ref.hash, block.ref.parent_hash, block.ref.timestamp, block.size):
            found.append(f"block {number} is another on the chain")
    found += [
        f"block {block.ref.number} holds statements and is not known"
        for block in chain
        if block.logs and block.ref.number not in kept
    ]
    head = chain[-1]
    cursor = conn.execute(select(tables.cursor)).mappings().one()
    told = (cursor["size"], cursor["root"], cursor["block_number"], cursor["block_hash"])
    if told != (head.size, top, head.ref.number, head.ref.hash) or head.root != top:
        found.append(f"the cursor says {told[0]} leaves at block {told[2]}")
    return found
