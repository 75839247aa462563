"""GovLedger: a blockchain-backed ledger for the governance of public data (区块链+数据治理)."""

import os

__version__ = "0.1.0"

# Keccak-256 is hashed for every statement and every node of the embedded chain's state. eth-hash knows
# two implementations and takes the slower one unless told; a choice made outside stands.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
