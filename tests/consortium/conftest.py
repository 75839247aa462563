"""Validators, started once for all tests here."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.engine.build import EngineUnavailable, awaited_engine, built_engine
from scripts.engine.network import Network
from scripts.engine.wires import can_isolate

BEING_BUILT = 60.0
"""Seconds that a test waits for an engine that is being built (``.ci/run`` begins with it)."""


def is_wanted_whole() -> bool:
    """Whether the long tests are asked for, and the engine is to be built where it is not yet."""
    return bool(os.environ.get("GOVLEDGER_CONSORTIUM"))


@pytest.fixture(scope="session")
def consortium(request: pytest.FixtureRequest) -> Network:
    """Five validators, for what takes minutes and runs only where it is asked for."""
    if not is_wanted_whole():
        pytest.skip("takes minutes: `make test-consortium` runs it")
    network: Network = request.getfixturevalue("validators")
    return network


@pytest.fixture(scope="session")
def validators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Validators whose blocks become final: five, or three where only the short test runs.

    Skips where there is no engine to be had; only `make test-consortium` builds it, which takes minutes.
    """
    try:
        engine = built_engine() if is_wanted_whole() else awaited_engine(BEING_BUILT)
    except EngineUnavailable as why:
        pytest.skip(f"the consortium's engine cannot be had here: {why}")
    place: Path = tmp_path_factory.mktemp("consortium") / "net"
    count = 5 if is_wanted_whole() else 3
    network = Network.make(place, engine, count, ports_in_a_row(count), isolated=can_isolate())
    try:
        network.up()
        yield network
    finally:
        network.down()


def ports_in_a_row(count: int) -> int:
    """The first of so many free ports, below those that the system hands out; so are those a thousand above,
    which validators use among themselves where they have no network of their own."""
    for first in random.SystemRandom().sample(range(20_000, 30_000, 10), 100):
        if all(_is_free(first + more + of) for more in (0, 1000) for of in range(count + 1)):
            return first
    raise RuntimeError("no free ports in a row between 20000 and 31000")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
