"""Building the opening of a log that carries on another one (启用声明): no signing, no I/O, no clock."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from ledger.canonical import canonical_json
from ledger.chain.deployment import SealedLog
from ledger.statements import OPENING, Batch, Value, address_bytes


def opening(sealed: SealedLog, *, speaker: str, deadline: int) -> Batch:
    """The one statement that opens the log which carries ``sealed`` on.

    ``speaker`` is the code of the authority's organisation; ``deadline`` is in Unix seconds. The body repeats
    the typed members as text and adds the contracts of the sealed log, its seal and the block of the seal.
    """
    body = canonical_json(
        {
            "chain_id": str(sealed.chain_id),
            "log": sealed.log,
            "genesis": sealed.genesis,
            "size": sealed.size,
            "root": sealed.root,
            "access_manager": sealed.access_manager,
            "registries": sealed.registries,
            "deploy_block": sealed.deploy_block,
            "deploy_block_hash": sealed.deploy_block_hash,
            "seal": sealed.seal,
            "sealed_block": sealed.sealed_block,
            "sealed_block_hash": sealed.sealed_block_hash,
            "accounts": list(sealed.accounts),
        }
    )
    one = sealed.predecessor
    values: dict[str, Value] = {
        "chainId": one.log.chain_id,
        "log": str(to_checksum_address(address_bytes(sealed.log))),
        "version": 1,
        "genesis": one.genesis,
        "size": one.size,
        "root": one.root,
    }
    return Batch(OPENING, speaker, deadline, (values,), (body,))
