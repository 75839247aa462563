"""The JSON-RPC of an embedded chain at ``/rpc``, for any Ethereum tool on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from ledger.chain.embedded import EmbeddedChain
from ledger.chain.node import RPC_PATH, create_endpoint, publish, withdraw

if TYPE_CHECKING:
    from ledger.office import Office


@contextmanager
def publish_rpc(app: FastAPI, office: Office, url: str | None) -> Iterator[None]:
    """Serve the chain while the block runs, where it is in this process; a remote one serves itself.

    With ``url`` the address is left in the data directory, where other commands look for it.
    """
    chain = office.chain
    if not isinstance(chain, EmbeddedChain):
        yield
        return
    app.router.add_route(
        RPC_PATH, create_endpoint(chain), methods=["GET", "POST"], include_in_schema=False
    )
    if url is not None:
        publish(office.data_dir, url + RPC_PATH, chain.chain_id)
    try:
        yield
    finally:
        if url is not None:
            withdraw(office.data_dir)
