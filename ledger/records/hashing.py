"""SHA-256 of many messages at once, and the tree over them.

``hashlib`` costs several times the hash itself in calls where messages are short. DataFusion hashes an Arrow
column at the machine's own speed; here it is used for nothing else. Short columns take ``hashlib``.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from ledger.merkle import EMPTY_ROOT, HASH_LENGTH

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint8]
    """Shape (n, 32)."""

FEW = 3_000
"""Up to so many messages a loop over ``hashlib`` is done sooner."""
CHUNK = 1 << 18
"""Hashes of which the tree's next levels are made at a time."""


@cache
def _engine() -> tuple[Any, Any]:
    from datafusion import SessionConfig, SessionContext, col  # noqa: PLC0415
    from datafusion import functions as f  # noqa: PLC0415

    config = SessionConfig().with_target_partitions(1).with_batch_size(CHUNK)
    return SessionContext(config), f.sha256(col("message")).alias("digest")


def digests(messages: pa.Array) -> Hashes:
    """SHA-256 of every message of a binary column without NULLs; shape (n, 32)."""
    import pyarrow as pa  # noqa: PLC0415

    if len(messages) <= FEW:
        found = b"".join(sha256(message.as_buffer()).digest() for message in messages)
        return np.frombuffer(found, np.uint8).reshape(-1, HASH_LENGTH)
    context, digest = _engine()
    batch = pa.record_batch([messages], ["message"])
    hashed = context.create_dataframe([[batch]]).select(digest).collect()
    return np.concatenate([_values(one.column(0)) for one in hashed])


def _values(column: pa.Array) -> Hashes:
    data = np.frombuffer(column.buffers()[2], np.uint8)
    first = column.offset * HASH_LENGTH
    return data[first : first + len(column) * HASH_LENGTH].reshape(-1, HASH_LENGTH)


def fixed(data: NDArray[np.uint8]) -> pa.Array:
    """Rows of bytes, shape (n, width), as a binary column over the same memory."""
    count, width = data.shape
    return cut(np.ascontiguousarray(data).reshape(-1), np.arange(count + 1, dtype=np.int64) * width)


def cut(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> pa.Array:
    """One run of bytes, cut at ``offsets`` (n + 1 of them), as a binary column over the same memory."""
    import pyarrow as pa  # noqa: PLC0415

    column = pa.Array.from_buffers(
        pa.large_binary(),
        len(offsets) - 1,
        [None, pa.py_buffer(offsets), pa.py_buffer(data)],
    )
    return column if len(data) >= 1 << 31 else column.cast(pa.binary())


def joined(*parts: pa.Array | bytes) -> pa.Array:
    """The parts one after another, message by message; ``bytes`` stand before, between or behind all."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    scalars = [pa.scalar(part, pa.binary()) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, pa.scalar(b"", pa.binary()))


def parents(hashes: Hashes) -> Hashes:
    """``SHA-256(0x01 ‖ left ‖ right)`` of each two neighbours; an even number of them."""
    return digests(joined(b"\1", fixed(hashes.reshape(-1, 2 * HASH_LENGTH))))


def tile_levels(bottom: Hashes) -> list[Hashes]:
    """The hashes of every eighth level of the tree over ``2**bits`` leaf hashes, lowest first.

    The first is ``bottom`` itself. The last level has at most 256 hashes; :func:`top` gives the root.
    """
    levels = [bottom]
    while len(levels[-1]) > 256:  # noqa: PLR2004 - a tile's width
        below = levels[-1]
        above = [_raised(below[at : at + CHUNK], 8) for at in range(0, len(below), CHUNK)]
        levels.append(np.concatenate(above))
    return levels


def _raised(hashes: Hashes, levels: int) -> Hashes:
    for _ in range(levels):
        hashes = parents(hashes)
    return hashes


def top(hashes: Hashes) -> bytes:
    """The root over ``2**bits`` hashes; of none, the empty tree's."""
    if not len(hashes):
        return EMPTY_ROOT
    while len(hashes) > 1:
        hashes = parents(hashes)
    return bytes(hashes[0])
