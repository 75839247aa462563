"""A server over a mirror that has no chain to follow: what benches of reading ask."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import uvicorn

from api.app import create_app
from ledger.capabilities import PROJECTIONS
from ledger.chain.deployment import Deployment
from ledger.settings import load_settings
from ledger.store.engine import open_database


def serve(place: Path, port: int, deployment: Deployment | None = None) -> None:
    """Serve ``mirror.db`` in ``place`` until the process is ended."""
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
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)
    engine.dispose()


def _stand(stop: Event, *_: object) -> None:
    stop.wait()
