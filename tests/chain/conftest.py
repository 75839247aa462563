"""A log on anvil, ready to be written to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.chain.deployment import Deployment, deploy
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain_nodes import anvil, funded

__all__ = ["anvil"]
OutboxFactory = Callable[..., Outbox]


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
