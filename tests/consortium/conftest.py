"""Five validators, started once for all tests here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.engine.build import EngineUnavailable, built_engine
from scripts.engine.network import Network
from scripts.engine.wires import can_isolate

PORT = 18745


@pytest.fixture(scope="session")
def consortium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """Five validators whose blocks become final; skips where there is no engine to be had."""
    if not os.environ.get("GOVLEDGER_CONSORTIUM"):
        pytest.skip("takes minutes: `make test-consortium` runs it")
    try:
        engine = built_engine()
    except EngineUnavailable as why:
        pytest.skip(f"the consortium's engine cannot be had here: {why}")
    place: Path = tmp_path_factory.mktemp("consortium") / "net"
    network = Network.make(place, engine, 5, PORT, isolated=can_isolate())
    try:
        network.up()
        yield network
    finally:
        network.down()
