"""Changing a data directory over to the log that carries its own on: proven first, then switched."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from ledger.chain.connect import connect
from ledger.chain.deployment import FILE_NAME, Deployment, write_document
from ledger.chain.probe import FILE_NAME as PROBED
from ledger.chain.upgrade import FILE_NAME as UPGRADE
from ledger.mirror import queries
from ledger.mirror.mirror import Mirror
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Projection, Rulebook
from ledger.mirror.queries import Checkpoint
from ledger.mirror.side_by_side import Progress
from ledger.mirror.verification.report import Report
from ledger.settings import CONFIG_FILE, Settings
from ledger.store.engine import open_database
from ledger.succession.begun import FILE_NAME as BEGUN
from ledger.succession.errors import MigrationError

STAGE = "migrating"
"""Where the new log is mirrored for its verification; removed afterwards."""
_RPC_LINE = re.compile(r"^[ \t]*rpc_url[ \t]*=.*$", re.MULTILINE)


def kept_checkpoint(engine: Engine) -> Checkpoint | None:
    """What this office knows of the log so far: the new one must begin with it."""
    with engine.connect() as conn:
        return queries.checkpoint(conn) if queries.size_of(conn) else None


def prove(
    settings: Settings,
    made: Deployment,
    url: str,
    *,
    projections: Sequence[Projection],
    rulebooks: Sequence[Rulebook],
    since: Checkpoint | None,
    progress: Progress | None = None,
) -> Report:
    """Take the new log over into a mirror of its own and verify everything in it, as an auditor would.

    ``since`` is what was known before: the report says whether the new log begins with it. Raises ChainError
    and :class:`~ledger.mirror.errors.MirrorError`; nothing is left behind.
    """
    stage = settings.data_dir / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    try:
        write_document(stage / FILE_NAME, made)
        chain = connect(dataclasses.replace(settings, data_dir=stage, rpc_url=url))
        try:
            made.verify_code(chain)
            engine = open_database(f"sqlite:///{stage / 'mirror.db'}", "mirror")
            try:
                mirror = Mirror(engine, chain, Origin.of(made), projections, rulebooks)
                mirror.catch_up(
                    None
                    if progress is None
                    else lambda at: progress(at.size, max(at.size, made.predecessors[-1].size))
                )
                return mirror.verify(since)
            finally:
                engine.dispose()
        finally:
            chain.close()
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def carries_on(made: Deployment, old: Deployment) -> None:
    """Raise :class:`MigrationError` unless ``made`` names ``old`` as the log that it carries on."""
    for one in made.predecessors:
        if (one.chain_id, one.log) == (old.chain_id, old.log):
            if made.genesis_authority != old.genesis_authority:
                raise MigrationError(
                    f"the deployment names another genesis authority, {made.genesis_authority}",
                    "ask whoever migrated the ledger for the right file",
                    zh="部署文件所载的创世授权密钥与本账本不同",
                    hint_zh="请向迁移的执行方索取正确的文件",
                )
            return
    raise MigrationError(
        f"the deployment of log {made.log} on chain {made.chain_id} does not carry on log {old.log} of chain "
        f"{old.chain_id}",
        "take the deployment.json of the office that migrated this very ledger",
        zh="该部署并非接续本账本",
        hint_zh="请使用迁移本账本的办公室的 deployment.json",
    )


def switch(data_dir: Path, made: Deployment, url: str, *, write_config: bool) -> Path:
    """Make the new log this data directory's; returns where the old deployment file is kept.

    May be broken off at any point and run again. Without ``write_config`` the address is set elsewhere.
    """
    place = data_dir / FILE_NAME
    before = made.predecessors[-1]
    archive = data_dir / f"deployment-{before.chain_id}-{before.log[2:10].lower()}.json"
    found = msgspec.json.decode(place.read_bytes(), type=Deployment)
    if (found.chain_id, found.log) != (made.chain_id, made.log):
        write_document(archive, found)
    write_document(place, made)
    if write_config:
        _set_rpc_url(data_dir / CONFIG_FILE, url)
    for name in (PROBED, UPGRADE, BEGUN):
        (data_dir / name).unlink(missing_ok=True)
    return archive


def _set_rpc_url(place: Path, url: str) -> None:
    """The line ``rpc_url`` of ``config.toml``; everything else stays as a person wrote it."""
    text = place.read_text("utf-8") if place.exists() else ""
    line = f"rpc_url = {json.dumps(url)}"
    text = (
        _RPC_LINE.sub(lambda _: line, text, count=1)
        if _RPC_LINE.search(text)
        else f"{line}\n{text}"
    )
    draft = place.with_suffix(".toml.new")
    draft.write_text(text, "utf-8")
    draft.replace(place)
