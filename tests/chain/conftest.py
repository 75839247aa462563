"""A log on anvil, ready to be written to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from ledger.chain.authorised import authorised_in, first_index_of
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox, Verified
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain_nodes import anvil, funded

__all__ = ["anvil"]
OutboxFactory = Callable[..., Outbox]


class Stands(NamedTuple):
    """Where a batch stands on the chain."""

    first_index: int
    block_number: int
    block_hash: bytes
    transaction_hash: bytes


def verified(chain: Chain, deployment: Deployment, block: int | None = None) -> Verified:
    """What a mirror that has followed the log up to ``block`` (the newest) would say of batches."""
    last = chain.head().number if block is None else block

    def standing(digests: Sequence[bytes]) -> dict[bytes, Stands]:
        events = chain.logs(deployment.log_address, deployment.deploy_block, last)
        return {
            digest: Stands(
                first_index_of(event.data),
                event.block_number,
                event.block_hash,
                event.transaction_hash,
            )
            for digest, event in authorised_in(events).items()
            if digest in digests
        }

    return Verified(last, standing)


def new_log(chain: Chain) -> Deployment:
    """A fresh log; the development account deploys, the genesis key administers."""
    return deploy(
        chain, funded(), district.GENESIS.address, district.GENESIS.address, admin_delay=0
    )


@pytest.fixture(scope="session")
def chain(anvil: str) -> Iterator[JsonRpcChain]:
    """The shared anvil."""
    with JsonRpcChain(anvil) as opened:
        yield opened


@pytest.fixture
def deployment(chain: JsonRpcChain) -> Deployment:
    """A fresh log on the shared anvil."""
    return new_log(chain)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    """An empty desk database."""
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


@pytest.fixture
def make_outbox(desk: Engine) -> Iterator[OutboxFactory]:
    """Outboxes on the same desk, closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(chain: Chain, deployment: Deployment, **options: int) -> Outbox:
            outbox = Outbox(desk, chain, deployment, funded(), **options)
            stack.callback(outbox.close)
            return outbox

        yield make


@pytest.fixture
def outbox(make_outbox: OutboxFactory, chain: JsonRpcChain, deployment: Deployment) -> Outbox:
    """An outbox whose log knows the root organisation, a steward and a head."""
    made = make_outbox(chain, deployment)
    made.submit(district.root_organisation(deployment))
    made.submit(district.keys(deployment))
    assert made.drain(30)
    return made
