"""One small real office for all tests of the API, served on a loopback port, and a client to ask it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from tests.api.district import District, open_office, settle_district

STARTING_SECONDS = 20.0


@contextmanager
def serving(app: FastAPI, listener: socket.socket | None = None) -> Iterator[str]:
    """The application behind a real socket, in a thread; gives its address. The socket is closed at the end."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    ends = time.monotonic() + STARTING_SECONDS
    while not server.started and time.monotonic() < ends and thread.is_alive():
        time.sleep(0.01)
    try:
        assert server.started
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    """A district with organisations, keys, entries in every state, and scores."""
    with open_office(tmp_path_factory.mktemp("office")) as office:
        yield settle_district(office)


@pytest.fixture(scope="session")
def app(district: District) -> FastAPI:
    return create_app(district.office)


@pytest.fixture(scope="session")
def url(app: FastAPI) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest.fixture(scope="session")
def client(url: str) -> Iterator[httpx.Client]:
    """A client of the running server, its background work included."""
    with httpx.Client(
        base_url=url, headers={"accept-language": "en"}, timeout=90, trust_env=False
    ) as client:
        yield client
