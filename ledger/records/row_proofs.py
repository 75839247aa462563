"""Proofs about one key (单行证明): that its row was committed to, or that no row of it was.

Both open the one cell in which the key can stand. The proof of a row opens that row, by its salt, and no
other; of the cell's other rows it shows a mark that says nothing. The proof of a missing key shows places and
leaves of the cell, none of which is the key's: a place is a hash of a key without a salt, so such a proof lets
its reader test guesses at the two or three keys that stand beside the missing one.
:mod:`ledger.records.verify_rows` checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ledger.merkle import inclusion_path
from ledger.records.cells import marks_of
from ledger.records.encoding import (
    decode_fields,
    encode_key,
    encode_row,
    key_from_texts,
    leaf_of,
    place,
    salt,
)
from ledger.records.problems import NothingToProve
from ledger.records.store import LeafStore
from ledger.records.verify_rows import MISSING_FORMAT, ROW_FORMAT


@dataclass(frozen=True, slots=True)
class RowProof:
    """That the row of a key is among the records with ``root``; :attr:`document` is what is handed on."""

    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MissingProof:
    """That no row of a key is among the records with ``root``."""

    document: dict[str, Any]


def _opened(store: Path | LeafStore) -> LeafStore:
    return store if isinstance(store, LeafStore) else LeafStore.open(store)


def _cell(leaves: LeafStore, where: int) -> tuple[dict[str, Any], int, int]:
    """Where the cell of a place stands in the tree, and the range of its entries."""
    bits = leaves.bits
    if not leaves.rows:
        return {"size": 0, "index": 0, "path": []}, 0, 0
    index = where >> (64 - bits) if bits else 0
    first, end = leaves.range_of(index << (64 - bits), (index + 1) << (64 - bits))
    opened = {
        "size": 1 << bits,
        "index": index,
        "path": [step.hex() for step in inclusion_path(index, 1 << bits, leaves.subtree)],
    }
    return opened, first, end


def _key_texts(leaves: LeafStore, key: Mapping[str, object]) -> tuple[bytes, list[str]]:
    schema = leaves.schema
    if set(key) != set(schema.key):
        raise NothingToProve(
            f"the key is made of {', '.join(schema.key)}, not of {', '.join(key)}",
            f"主键由「{'、'.join(schema.key)}」组成",
            where=str(leaves.place),
            hint="give a value for each column of the key",
            hint_zh="请为主键的每一列给出值",
        )
    encoded = encode_key(schema, key)
    texts = decode_fields(encoded)
    return encoded, [text if text is not None else "" for text in texts]


def prove_row(
    store: Path | LeafStore,
    key: Mapping[str, object],
    row: Mapping[str, object] | None = None,
) -> RowProof:
    """The proof that the row with ``key`` (column -> value) was committed to; it opens that row alone.

    ``row`` (column -> value) is needed where the store keeps no rows. Raises :class:`NothingToProve`
    where there is no such row, or where ``row`` is not what was committed to.
    """
    leaves = _opened(store)
    encoded, texts = _key_texts(leaves, key)
    where = place(encoded)
    cell, first, end = _cell(leaves, where)
    given = None if row is None else encode_row(leaves.schema, row)
    found = False
    for at in range(first, end):
        entry = leaves.entries[at].tobytes()
        if entry[:8] != where.to_bytes(8, "big"):
            continue
        found = True
        data = leaves.row(at) if given is None else given
        salted = salt(leaves.secret, encoded)
        shown = decode_fields(data)
        if key_from_texts(leaves.schema, shown) != encoded:
            continue
        if leaf_of(salted, leaves.schema.digest(), data) == entry[8:]:
            marks = marks_of(np.asarray(leaves.entries[first:end]))
            return RowProof(
                {
                    "format": ROW_FORMAT,
                    "root": leaves.root.hex(),
                    "schema": leaves.schema.document(),
                    "row": shown,
                    "salt": salted.hex(),
                    "cell": {**cell, "marks": [bytes(mark).hex() for mark in marks]},
                }
            )
    if found and given is not None:
        raise NothingToProve(
            "the row with this key is not the one that was committed to: it changed since",
            "该主键的行已不是当时承诺的内容：此后有改动",
            where=str(leaves.place),
            hint="give the data as they were then",
            hint_zh="请提供当时的数据",
        )
    raise NothingToProve(
        f"no row has the key {', '.join(texts)}",
        f"没有主键为「{'、'.join(texts)}」的行",
        where=str(leaves.place),
        hint="prove that it is missing instead: govledger deliver prove-missing",
        hint_zh="可改为证明其缺失：govledger deliver prove-missing",
    )


def prove_missing(store: Path | LeafStore, key: Mapping[str, object]) -> MissingProof:
    """The proof that no row with ``key`` was committed to; it opens no row.

    Raises :class:`NothingToProve` where there is such a row, or, once in 2**64 / rows keys, where another
    key has the same place.
    """
    leaves = _opened(store)
    encoded, texts = _key_texts(leaves, key)
    where = place(encoded)
    cell, first, end = _cell(leaves, where)
    entries = [leaves.entries[at].tobytes() for at in range(first, end)]
    if any(entry[:8] == where.to_bytes(8, "big") for entry in entries):
        raise NothingToProve(
            f"the row with the key {', '.join(texts)} is there",
            f"主键为「{'、'.join(texts)}」的行存在",
            where=str(leaves.place),
            hint="prove the row instead: govledger deliver prove",
            hint_zh="可改为证明该行：govledger deliver prove",
        )
    return MissingProof(
        {
            "format": MISSING_FORMAT,
            "root": leaves.root.hex(),
            "schema": leaves.schema.document(),
            "key": decode_fields(encoded),
            "cell": {**cell, "entries": [[one[:8].hex(), one[8:].hex()] for one in entries]},
        }
    )
