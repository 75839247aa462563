"""The embedded chain: an EVM chain in one file, without a node to install."""

from ledger.chain.embedded.chain import EmbeddedChain
from ledger.chain.embedded.errors import (
    ChainClosed,
    ChainConflict,
    ChainCorrupt,
    ChainFull,
    ChainLocked,
    ChainMismatch,
    ChainMissing,
    ChainTooNew,
    UnknownBlock,
)
from ledger.chain.embedded.integrity import IntegrityReport
from ledger.chain.interface import NonceRefused
from ledger.chain.newest import FILE_NAME

__all__ = [
    "FILE_NAME",
    "ChainClosed",
    "ChainConflict",
    "ChainCorrupt",
    "ChainFull",
    "ChainLocked",
    "ChainMismatch",
    "ChainMissing",
    "ChainTooNew",
    "EmbeddedChain",
    "IntegrityReport",
    "NonceRefused",
    "UnknownBlock",
]
