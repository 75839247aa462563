"""The logs that the mirrored one carries on, as the cursor keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class

from ledger.statements import LogIdentity, Predecessor

_WORDS = Struct(">Q32s32s24xQ12x20s")
"""Of each log: size, root, genesis, and the two words that tell it from others."""


def pack_earlier(earlier: Sequence[Predecessor]) -> bytes | None:
    """Logs in the form of the cursor's column ``earlier``; None for none."""
    parts = [
        _WORDS.pack(one.size, one.root, one.genesis, one.log.chain_id, one.log.address)
        for one in earlier
    ]
    return b"".join(parts) or None


def unpack_earlier(packed: bytes | None) -> tuple[Predecessor, ...]:
    """What :func:`pack_earlier` was given, but for contract accounts; raises :class:`ValueError`."""
    try:
        rows = list(_WORDS.iter_unpack(packed or b""))
    except StructError as problem:
        raise ValueError(f"the column earlier has {len(packed or b'')} bytes") from problem
    return tuple(
        Predecessor(LogIdentity(chain_id, address), size, root, genesis)
        for size, root, genesis, chain_id, address in rows
    )
