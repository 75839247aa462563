"""What is remembered of a migration under way: ``migration.json`` in the data directory.

It only says where contracts are and what was sealed. How far a migration has come is asked of the two chains,
so that a crash at any point loses nothing: the next run looks, and goes on.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ledger.chain.deployment import Deployment, DeploymentError, SealedLog, write_document

FILE_NAME = "migration.json"


class Begun(msgspec.Struct, frozen=True, omit_defaults=True):
    """A migration of ``log`` on ``chain_id`` to the chain ``to_chain_id``, whose block 0 is ``to_genesis``.

    ``places`` are the new contracts by name, those that are deployed already; ``deploy_block`` is that of the
    new log. ``sealed`` is known once the old log is sealed, ``deployment`` once the new one is open and
    handed over.
    """

    chain_id: int
    log: str
    to_chain_id: int
    to_genesis: str
    to: str
    places: dict[str, str] = {}
    deploy_block: int = 0
    deploy_block_hash: str = ""
    seal: str = ""
    sealed: SealedLog | None = None
    deployment: Deployment | None = None

    def save(self, data_dir: Path) -> Begun:
        write_document(data_dir / FILE_NAME, self)
        return self


def load(data_dir: Path) -> Begun | None:
    """The migration under way, None where none is; raises :class:`DeploymentError` for a damaged file."""
    place = data_dir / FILE_NAME
    try:
        return msgspec.json.decode(place.read_bytes(), type=Begun)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as problem:
        raise DeploymentError(
            f"{place} is damaged ({problem}): restore it from a backup, or remove it to begin the migration anew "
            "as long as the old log is not sealed"
        ) from problem
