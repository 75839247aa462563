"""The contract's heads (合约状态), asked for by the hundred."""

from __future__ import annotations

from collections.abc import Iterator

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger.chain.answers import decoded
from ledger.chain.interface import Chain, ChainError
from ledger.mirror.projections import Heads
from ledger.statements import kind_word

HEADS_MANY = bytes(keccak(text="headsMany(bytes32,bytes32[])"))[:4]
AT_ONCE = 500


def heads_of(
    chain: Chain, log: bytes, heads: Heads, block: int | None = None
) -> Iterator[tuple[str, bytes, int]]:
    """Kind, subject and word, as the log at an address has it, of every subject of ``heads``, kind by kind.

    Raises :class:`~ledger.chain.interface.ChainError`, also where something else is answered.
    """
    by_kind: dict[str, list[bytes]] = {}
    for kind, subject in heads.slots:
        by_kind.setdefault(kind, []).append(subject)
    for kind, subjects in sorted(by_kind.items()):
        for at in range(0, len(subjects), AT_ONCE):
            some = subjects[at : at + AT_ONCE]
            question = HEADS_MANY + encode(["bytes32", "bytes32[]"], [kind_word(kind), some])
            (words,) = decoded(chain, ["uint256[]"], chain.call(log, question, block))
            if len(words) != len(some):
                raise ChainError(
                    f"{chain.name} was asked about {len(some)} heads and answered about {len(words)}; ask another node"
                )
            for subject, word in zip(some, words, strict=True):
                yield kind, subject, word
