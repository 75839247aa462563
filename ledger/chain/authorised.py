"""Finding out whether a signed batch is on the chain, by its authorisation digest."""

from __future__ import annotations

from collections.abc import Iterable

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3.exceptions import Web3Exception
from web3.types import FilterParams

from ledger.chain.interface import Chain, ChainError, RawLog

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
        question: FilterParams = {
            "address": to_checksum_address(log),
            "fromBlock": start,
            "toBlock": last,
            "topics": ["0x" + AUTHORISED.hex(), "0x" + digest.hex()],
        }
        try:
            found = chain.w3.eth.get_logs(question)
        except Web3Exception as problem:
            raise ChainError(
                f"{chain.name} does not answer what became of a statement: {problem}"
            ) from problem
        if found:
            event = found[0]
            return RawLog(
                topics=tuple(bytes(topic) for topic in event["topics"]),
                data=bytes(event["data"]),
                block_number=event["blockNumber"],
                block_hash=bytes(event["blockHash"]),
                transaction_hash=bytes(event["transactionHash"]),
                log_index=event["logIndex"],
            )
        last = start - 1
    return None
