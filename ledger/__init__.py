"""GovLedger: a blockchain-backed ledger for the governance of public data (区块链+数据治理)."""

__version__ = "0.1.0"
