"""A server over a mirror that has no chain to follow: what benches of reading ask."""

from __future__ import annotations

import gc
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import uvicorn

from api.app import create_app
from ledger.capabilities import PROJECTIONS
from ledger.chain.deployment import Deployment
from ledger.cli.serving import TURN_SECONDS, listen
from ledger.cli.workers import Workers
from ledger.settings import load_settings
from ledger.store.engine import open_database


def serve(place: Path, port: int, deployment: Deployment | None = None, workers: int = 1) -> None:
    """Serve ``mirror.db`` in ``place`` until the process is ended, by ``workers`` processes behind one port, as
    ``govledger serve --workers`` does.
    """
    with listen("127.0.0.1", port) as listener:
        if workers == 1:
            _serve(place, listener, deployment, lambda: None)
            return

        def work(_number: int, serves: Callable[[], None]) -> None:
            _serve(place, listener, deployment, serves)

        Workers(work, workers).run(lambda: None)


def _serve(
    place: Path,
    listener: socket.socket,
    deployment: Deployment | None,
    serves: Callable[[], None],
) -> None:
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    standing = SimpleNamespace(stand=_stand)
    office = SimpleNamespace(
        settings=load_settings({"data_dir": place, "language": "en"}, {}, place),
        chain=None,
        deployment=deployment,
        mirror_engine=engine,
        desk_engine=engine,
        projections=PROJECTIONS,
        stand_duty=_stand,
        lineage=standing,
        drills=standing,
        clock=lambda: time.time,
    )
    app = create_app(office, on_duty=False)  # type: ignore[arg-type]  # what a reader needs of an office
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    sys.setswitchinterval(TURN_SECONDS)
    gc.freeze()
    serves()
    uvicorn.Server(config).run(sockets=[listener])
    engine.dispose()


def _stand(stop: Event, *_: object) -> None:
    stop.wait()
