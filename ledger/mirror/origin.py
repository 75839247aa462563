"""Which log is mirrored, and where on its chain it begins."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain.deployment import Deployment
from ledger.chain.interface import Chain
from ledger.mirror.errors import ForeignLogError
from ledger.statements import LogIdentity, address_bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """What an auditor must know beforehand, and from somewhere else than the operator.

    ``genesis_authority`` (20 bytes) is the root of trust: the key that registers the first
    organisation. ``first_block`` is the one in which the log was deployed; its hash tells this
    chain from any other with the same id. ``registries`` (20 bytes each) are the contracts that
    departments sign for; of one that is not among them, a later successor, the chain must say that
    it writes to this log. Registries of logs that this one carries on are among them.
    """

    log: LogIdentity
    genesis_authority: bytes
    first_block: int
    first_block_hash: bytes
    registries: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, deployment: Deployment) -> Origin:
        """What a deployment file says."""
        return cls(
            log=deployment.identity,
            genesis_authority=address_bytes(deployment.genesis_authority),
            first_block=deployment.deploy_block,
            first_block_hash=bytes.fromhex(deployment.deploy_block_hash.removeprefix("0x")),
            registries=frozenset(
                address_bytes(place)
                for places in (
                    deployment.registries,
                    *(each.registries for each in deployment.predecessors),
                )
                for place in places.values()
            ),
        )

    def check(self, chain: Chain) -> None:
        """Raise :class:`ForeignLogError` unless this is the chain that the log was deployed on."""
        if chain.chain_id != self.log.chain_id:
            raise ForeignLogError(
                f"{chain.name} has chain id {chain.chain_id}, the log is on chain "
                f"{self.log.chain_id}: point the settings at the right chain"
            )
        if chain.head().number < self.first_block:
            raise ForeignLogError(
                f"{chain.name} ends before block {self.first_block}, in which the log was "
                "deployed: it was reset, or is still syncing"
            )
        found = chain.blocks([self.first_block])[0]
        if found.hash != self.first_block_hash:
            raise ForeignLogError(
                f"block {self.first_block} of {chain.name} is 0x{found.hash.hex()}, the log was "
                f"deployed in 0x{self.first_block_hash.hex()}: this is another chain with the same "
                "id, or its history was rewritten; compare with a checkpoint kept earlier"
            )
        if not chain.code(self.log.address):
            raise ForeignLogError(
                f"there is no contract at 0x{self.log.address.hex()} on {chain.name}: "
                "the deployment file belongs to another chain"
            )
