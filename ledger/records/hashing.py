"""SHA-256 of many messages at once, and the tree over them.

``hashlib`` costs several times the hash itself in calls where messages are short. DataFusion hashes an Arrow
column at the machine's own speed; here it is used for nothing else. Short columns take ``hashlib``.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from ledger.merkle import EMPTY_ROOT, HASH_LENGTH
from ledger.records.ahead import made_ahead
from ledger.records.encoding import LEAF, PLACE, leaf_of, salt

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint8]
    """Shape (n, 32)."""

FEW = 800
"""Up to so many messages a loop over ``hashlib`` is done sooner."""
CHUNK = 1 << 17
"""Hashes of which the tree's next levels are made at a time."""


def _literal(data: bytes) -> Any:  # noqa: ANN401 - an expression
    import datafusion  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    return datafusion.lit(pa.scalar(data, pa.binary()))


def _computed(columns: dict[str, pa.Array], *expressions: Any) -> list[list[Hashes]]:  # noqa: ANN401
    """Columns of digests that DataFusion computes out of binary columns, each in pieces, one after another."""
    import datafusion  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    # One partition: whoever calls has the machine's cores busy already. Small batches stay in the cache.
    # A session keeps every batch that it was ever given, so each call has its own.
    config = datafusion.SessionConfig().with_target_partitions(1).with_batch_size(8192)
    given = datafusion.SessionContext(config).create_dataframe([[pa.record_batch(columns)]])
    named = [expression.alias(f"digest_{at}") for at, expression in enumerate(expressions)]
    found = given.select(*named).collect()
    return [[_values(one.column(at)) for one in found] for at in range(len(named))]


def _values(column: pa.Array) -> Hashes:
    data = np.frombuffer(column.buffers()[2], np.uint8)
    first = column.offset * HASH_LENGTH
    return data[first : first + len(column) * HASH_LENGTH].reshape(-1, HASH_LENGTH)


def digests(messages: pa.Array, prefix: bytes = b"") -> Hashes:
    """SHA-256 of ``prefix`` and each message of a binary column without NULLs; shape (n, 32)."""
    if len(messages) <= FEW:
        return _gathered(sha256(prefix + message.as_py()).digest() for message in messages)
    from datafusion import col, functions  # noqa: PLC0415

    whole = functions.concat(_literal(prefix), col("message"))
    return np.concatenate(_computed({"message": messages}, functions.sha256(whole))[0])


def _gathered(found: Iterable[bytes]) -> Hashes:
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, HASH_LENGTH)


def row_hashes(
    keys: pa.Array, rows: pa.Array, secret: bytes, schema_digest: bytes
) -> tuple[NDArray[np.uint8], Hashes]:
    """For encoded keys and rows (binary columns): the places, eight bytes each, and the salted leaves."""
    if len(keys) <= FEW:
        plain = [message.as_py() for message in keys]
        return (
            np.ascontiguousarray(_gathered(sha256(PLACE + key).digest() for key in plain)[:, :8]),
            _gathered(
                leaf_of(salt(secret, key), schema_digest, row.as_py())
                for key, row in zip(plain, rows, strict=True)
            ),
        )
    from datafusion import col, functions  # noqa: PLC0415

    concat, sha = functions.concat, functions.sha256
    salts = sha(concat(_literal(secret), col("key")))
    places, leaves = _computed(
        {"key": keys, "row": rows},
        sha(concat(_literal(PLACE), col("key"))),
        sha(concat(_literal(LEAF), salts, _literal(schema_digest), col("row"))),
    )
    return np.concatenate([piece[:, :8] for piece in places]), np.concatenate(leaves)


def fixed(data: NDArray[np.uint8]) -> pa.Array:
    """Rows of bytes, shape (n, width), as a binary column over the same memory."""
    count, width = data.shape
    return cut(np.ascontiguousarray(data).reshape(-1), np.arange(count + 1, dtype=np.int64) * width)


def cut(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> pa.Array:
    """One run of bytes, cut at ``offsets`` (n + 1 of them), as a binary column over the same memory."""
    import pyarrow as pa  # noqa: PLC0415

    small = len(data) < 1 << 31
    return pa.Array.from_buffers(
        pa.binary() if small else pa.large_binary(),
        len(offsets) - 1,
        [None, pa.py_buffer(offsets.astype(np.int32) if small else offsets), pa.py_buffer(data)],
    )


def parents(hashes: Hashes) -> Hashes:
    """``SHA-256(0x01 ‖ left ‖ right)`` of each two neighbours; an even number of them."""
    return digests(fixed(hashes.reshape(-1, 2 * HASH_LENGTH)), b"\1")


def tile_levels(bottom: Hashes) -> list[Hashes]:
    """The hashes of every eighth level of the tree over ``2**bits`` leaf hashes, lowest first.

    The first is ``bottom`` itself. The last level has at most 256 hashes; :func:`top` gives the root.
    """
    levels = [bottom]
    while len(levels[-1]) > 256:  # noqa: PLR2004 - a tile's width
        below = levels[-1]
        chunks = (below[at : at + CHUNK] for at in range(0, len(below), CHUNK))
        levels.append(np.concatenate(list(made_ahead(_eight_up, chunks, workers=2))))
    return levels


def _eight_up(hashes: Hashes) -> Hashes:
    """The hashes of the subtrees of height 8 over these."""
    for _ in range(8):
        hashes = parents(hashes)
    return hashes


def top(hashes: Hashes) -> bytes:
    """The root over ``2**bits`` hashes; of none, the empty tree's."""
    if not len(hashes):
        return EMPTY_ROOT
    while len(hashes) > 1:
        hashes = parents(hashes)
    return bytes(hashes[0])
