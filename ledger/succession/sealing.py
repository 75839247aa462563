"""Sealing a log (封存): retiring every registry, and putting a contract that refuses everything in charge.

A deployed log has no seal of its own; but it takes orders only from its authority, and lets nobody write but
admitted registries. So all registries are retired and the authority is handed to a ``Seal``, in one transaction
of the administration. After that nothing can be recorded, nothing admitted, and the authority not be changed:
the code of the log says so, and anybody can check it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.administration import Act
from ledger.chain.deploying import calldata
from ledger.chain.deployment import Deployment
from ledger.chain.interface import Chain
from ledger.statements import address_bytes

ADMITTED = bytes(keccak(text="Admitted(bytes32,address)"))


@dataclass(frozen=True)
class Sealing:
    """The log of ``deployment`` on ``chain``, to be sealed or sealed already."""

    chain: Chain
    deployment: Deployment

    def admissions(self) -> Iterator[tuple[bytes, bytes]]:
        """Kind (a word) and registry of everything that was ever admitted, each once, oldest first."""
        first, last = self.deployment.deploy_block, self.chain.head().number
        log, width = self.deployment.log_address, self.chain.max_log_range
        seen = set()
        while first <= last:
            until = min(first + width - 1, last)
            for event in self.chain.logs(log, first, until, [ADMITTED]):
                place = (event.topics[1], event.topics[2][12:])
                if place not in seen:
                    seen.add(place)
                    yield place
            first = until + 1

    def admitted(self) -> list[tuple[bytes, bytes]]:
        """Those that may write now."""
        log = self.deployment.log_address
        found = []
        for kind, registry in self.admissions():
            question = calldata("admitted", ["bytes32", "address"], [kind, _shown(registry)])
            if int.from_bytes(self.chain.call(log, question), "big"):
                found.append((kind, registry))
        return found

    def acts(self, seal: str) -> list[Act]:
        """What the administration has to do, all at once: retire everything, hand the authority over."""
        log = self.deployment.log
        retired = [
            Act(log, calldata("retire", ["bytes32", "address"], [kind, _shown(registry)]))
            for kind, registry in self.admitted()
        ]
        handed = calldata("updateAuthority", ["address", "address"], [log, seal])
        return [*retired, Act(self.deployment.access_manager, handed)]

    def authority(self) -> str:
        """Who may give orders to the log, in checksum form."""
        answer = self.chain.call(self.deployment.log_address, calldata("authority", [], []))
        (address,) = decode(["address"], answer)
        return str(to_checksum_address(address))

    def successor(self) -> tuple[int, str] | None:
        """Chain id and address of the log that carries on; None where this one is not sealed."""
        seal = address_bytes(self.authority())
        if not artifacts.load("Seal").matches(self.chain.code(seal)) or self.admitted():
            return None
        (chain_id,) = decode(
            ["uint256"], self.chain.call(seal, calldata("successorChainId", [], []))
        )
        (log,) = decode(["address"], self.chain.call(seal, calldata("successorLog", [], [])))
        return int(chain_id), str(to_checksum_address(log))


def _shown(address: bytes) -> str:
    return str(to_checksum_address(address))
