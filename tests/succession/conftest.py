"""The small ledger, its administration without a delay, and an anvil to move it to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.chain.keystore import Keystore
from tests.chain_nodes import anvil_node
from tests.person import Person

MUCH = hex(10**21)


def ask(url: str, method: str, *params: object) -> object:
    """One question to a node."""
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = httpx.post(url, json=question, timeout=30).json()
    assert "error" not in answer, answer
    return answer["result"]


def fund(person: Person, url: str) -> None:
    """Give the person's sender key something to pay gas with.

    The embedded chain dates a burst of blocks ahead of the clock; the anvil's clock is put beyond that.
    """
    address = Keystore(person.data_dir / "keys").find("sender").address
    ask(url, "anvil_setBalance", address, MUCH)
    ask(url, "evm_increaseTime", 600)


@pytest.fixture(scope="session")
def settled(built_office: Person) -> Person:
    """The small ledger; treat it as read-only."""
    return built_office


@pytest.fixture
def mover(settled: Person, tmp_path: Path) -> Person:
    return settled.copy(tmp_path / "ledger")


@pytest.fixture(scope="session")
def anvil_url() -> Iterator[str]:
    with anvil_node() as url:
        yield url


@pytest.fixture
def target(anvil_url: str) -> Iterator[str]:
    """The anvil as it was at its beginning."""
    snapshot = ask(anvil_url, "evm_snapshot")
    yield anvil_url
    ask(anvil_url, "evm_revert", snapshot)


@pytest.fixture(scope="session")
def moved(settled: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """The small ledger on an anvil of its own; treat it as read-only."""
    person = settled.copy(tmp_path_factory.mktemp("moved") / "ledger")
    (person.place / "old-checkpoint.json").write_text(person.run("log", "checkpoint").out, "utf-8")
    with anvil_node() as url:
        fund(person, url)
        person.run("chain", "migrate", "--to", url, "--yes")
        yield person
