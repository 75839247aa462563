"""The ledger's own contracts on the embedded chain."""

from __future__ import annotations

import pytest
from eth.vm.forks.cancun.state import CancunState
from eth_hash.auto import keccak

from ledger.chain.embedded import EmbeddedChain, evm
from scripts.bench.embedded_chain import account, check, prepare


def test_statements_come_out_the_same_on_the_unchanged_py_evm(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
):
    ledger, steward = prepare(chain)
    singles = [
        ledger.filings([f"S-{n}"], steward, ledger.sender, ledger.nonce + n) for n in range(3)
    ]
    batches = [
        ledger.filings([f"B-{n}-{at}" for at in range(20)], steward, account("lane"), n)
        for n in range(2)
    ]
    refused = ledger.filings(["S-0"], steward, account("late"), 0)
    chain.send_many([*singles, *batches])
    check(chain, [*singles, *batches])
    stale = chain.outcome(chain.send_raw(refused))
    assert stale is not None
    assert not stale.succeeded
    assert stale.revert_data[:4] == keccak(b"StaleVersion(bytes32,bytes32,uint64,uint64)")[:4]
    log = bytes.fromhex(ledger.deployment.log[2:])
    recorded = chain.call(log, keccak(b"size()")[:4])
    assert int.from_bytes(recorded, "big") == 2 + 3 + 40
    monkeypatch.setattr(evm, "FastState", CancunState)
    again = chain.replay()
    assert again.sound, again.problems
    assert again.blocks == chain.head().number + 1
