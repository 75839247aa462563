"""Finding out whether a signed batch is on the chain, by its authorisation digest."""

from __future__ import annotations

from collections.abc import Iterable

from eth_utils.crypto import keccak

from ledger.chain.interface import Chain, RawLog

AUTHORISED = bytes(
    keccak(
        text="Authorised(bytes32,address,address,bytes32,bytes,address,bytes,uint64,uint64,uint64)"
    )
)
_WORD = 32
_FIRST_INDEX = 5
"""Word of the event's data that holds ``firstIndex``: after organisation, the offset of the
signature, the co-signer, the offset of its signature, and the deadline."""


def first_index_of(data: bytes) -> int:
    """``firstIndex`` in the data of an ``Authorised`` event."""
    return int.from_bytes(data[_FIRST_INDEX * _WORD : (_FIRST_INDEX + 1) * _WORD], "big")


def authorised_in(events: Iterable[RawLog]) -> dict[bytes, RawLog]:
    """The ``Authorised`` events among ``events``, by digest."""
    return {event.topics[1]: event for event in events if event.topics[0] == AUTHORISED}


def find_authorised(chain: Chain, log: bytes, digest: bytes, first: int) -> RawLog | None:
    """The event that authorised ``digest``, looking back from the newest block to block ``first``.

    Takes one question for every ``chain.max_log_range`` blocks; raises ChainError.
    """
    last = chain.head().number
    while last >= first:
        start = max(first, last - chain.max_log_range + 1)
        found = chain.logs(log, start, last, [AUTHORISED, digest])
        if found:
            return found[0]
        last = start - 1
    return None
