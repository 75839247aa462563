"""A fresh chain in a temporary directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.chain.embedded import EmbeddedChain
from tests.chain.embedded.machine_code import CHAIN_ID, Sender


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.db"


@pytest.fixture
def chain(path: Path) -> Iterator[EmbeddedChain]:
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as opened:
        yield opened


@pytest.fixture
def sender(chain: EmbeddedChain) -> Sender:
    return Sender(chain)
