"""How the served ledger is: for ``/readyz``, ``/metrics`` and the first page."""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import Connection, func, select
from sqlalchemy.engine import make_url

from api.alarms import alarms_of
from api.context import Context
from ledger.catalogue import queries as catalogue
from ledger.chain import probe
from ledger.chain.interface import ChainError
from ledger.chain.outbox_models import OutboxReceipt
from ledger.drills.models import Outcome
from ledger.journal.errors import JournalError
from ledger.lineage import queries as lineage
from ledger.mirror import queries as mirror
from ledger.organisations import queries as organisations
from ledger.store.errors import StoreError

_SIZE = bytes(keccak(text="size()"))[:4]
_RECEIPTS = OutboxReceipt.__table__  # type: ignore[attr-defined]
LEAST_FREE = 1 << 30
"""Bytes free below which ``disk_low`` warns."""
_WAITING = ("accepted", "sent", "recorded")


def chain_size(context: Context) -> int:
    """The log's size by the contract, now; raises :class:`ChainError`."""
    office = context.office
    return int.from_bytes(office.chain.call(office.deployment.log_address, _SIZE), "big")


def outbox_states(context: Context) -> dict[str, int]:
    """How many batches are in each state."""
    asked = select(_RECEIPTS.c.state, func.count()).group_by(_RECEIPTS.c.state)
    with context.office.desk_engine.connect() as connection:
        return {state: int(number) for state, number in connection.execute(asked)}


def measurements(context: Context) -> dict[str, float]:
    """Numbers for ``/metrics``; what cannot be measured at the moment is left out."""
    numbers: dict[str, float] = {"duty_running": float(context.duty.running)}
    numbers["disk_free_bytes"], numbers["disk_bytes"] = disk_space(context)
    try:
        numbers["duty_leads"] = float(context.office.rota.on_duty().here)
        states = outbox_states(context)
        for state in (*_WAITING, "verified", "refused"):
            numbers[f"outbox_{state}"] = states.get(state, 0)
        numbers |= _drill_numbers(context)
        with context.view() as view:
            cursor = mirror.cursor_of(view.conn)
            numbers["mirror_size"] = view.as_of
            numbers["mirror_block"] = cursor.block_number if cursor else 0
            numbers["lineage_folded"] = lineage.folded_size(view.conn)
        keeper = context.office.lineage
        numbers["lineage_journal_size"] = keeper.journal.size if keeper.exists else 0
        numbers["log_size"] = chain_size(context)
    except (
        ChainError,
        StoreError,
        JournalError,
    ):  # their absence is what the scraper sees and alerts on
        return numbers
    return numbers


def readiness(context: Context) -> tuple[bool, dict[str, Any]]:
    """Whether questions can be answered and statements taken, and how each part is."""
    checks = {
        "chain": _chain(context),
        "mirror": _mirror(context),
        "outbox": _outbox(context),
        "duty": _duty(context),
        "lineage": _lineage(context),
        "drills": _drills(context),
        "disk": _disk(context),
    }
    size, held = checks["chain"].get("log_size"), checks["mirror"].get("size")
    if size is not None and held is not None:
        checks["mirror"]["lag"] = max(0, size - held)
        checks["mirror"]["ahead"] = _blocks_ahead(context, checks)
    ready = all(check["ok"] for check in checks.values())
    status = "ready" if ready else "degraded"
    return ready, {"status": status, "alarms": alarms_of(checks), "checks": checks}


def _blocks_ahead(context: Context, checks: dict[str, Any]) -> int:
    """How many blocks the mirror has seen that the node has not: it is behind, or has lost them."""
    seen, head = checks["mirror"]["block_number"], checks["chain"]["head"]["number"]
    if seen <= head:
        return 0
    try:
        # the mirror was looked at later than the node, and may have moved on meanwhile
        return int(max(0, seen - context.office.chain.head().number))
    except ChainError:
        return 0


def _duty(context: Context) -> dict[str, Any]:
    """How the background work goes here, and who is on duty: this server, or another that it waits for."""
    found: dict[str, Any] = {"ok": context.duty.error is None, "error": context.duty.error}
    try:
        found["leader"] = leader = context.office.rota.on_duty()
    except StoreError as error:
        return {"ok": False, "error": str(error), "leader": None}
    if found["ok"] and leader.process is None:
        found |= {"ok": False, "error": "no process is on duty: nothing is sent, nothing followed"}
    return found


def _chain(context: Context) -> dict[str, Any]:
    office = context.office
    try:
        head = office.chain.head()
        found: dict[str, Any] = {
            "ok": True,
            "name": office.chain.name,
            "chain_id": office.chain.chain_id,
            "log": office.deployment.log,
            "head": {"number": head.number, "hash": head.hash, "timestamp": head.timestamp},
            "log_size": chain_size(context),
        }
        capabilities = _capabilities(context)
    except ChainError as error:
        return {"ok": False, "error": str(error)}
    found["capabilities"] = capabilities
    found["obstacles"] = capabilities.obstacles(context.language)
    found["ok"] = not found["obstacles"]
    return found


def _capabilities(context: Context) -> probe.Capabilities:
    """What the chain can do: as found when it was connected, or tried out now, once a server."""
    if context.capabilities is None:
        office = context.office
        kept = probe.kept(office.data_dir)
        context.capabilities = kept or probe.probe(office.chain, office.deployment)
    return context.capabilities


def _mirror(context: Context) -> dict[str, Any]:
    try:
        with context.view() as view:
            cursor = mirror.cursor_of(view.conn)
    except StoreError as error:
        return {"ok": False, "error": str(error)}
    if cursor is None:
        return {"ok": False, "size": 0, "error": "the mirror has taken over nothing yet"}
    return {
        "ok": True,
        "size": cursor.size,
        "root": cursor.root,
        "block_number": cursor.block_number,
    }


def _outbox(context: Context) -> dict[str, Any]:
    try:
        states = outbox_states(context)
    except StoreError as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "waiting": sum(states.get(one, 0) for one in _WAITING), "states": states}


def _drills(context: Context) -> dict[str, Any]:
    """What the integrity drills found last; not well where one of them found something wrong."""
    drills = context.office.drills
    try:
        newest, overdue = drills.newest(), drills.overdue(context.started_at)
    except StoreError as error:
        return {"ok": False, "error": str(error)}
    failed = sorted(name for name, run in newest.items() if run.outcome is Outcome.FAILED)
    return {
        "ok": not failed,
        "error": context.drilling.error,
        "failed": failed,
        "overdue": overdue,
        "newest": newest,
    }


def _disk(context: Context) -> dict[str, Any]:
    """How much is free where the data are; what happens on a full disk, the parts above tell."""
    free, total = disk_space(context)
    return {"ok": True, "free": free, "total": total, "low": free < LEAST_FREE}


def disk_space(context: Context) -> tuple[int, int]:
    """Bytes free and in all, on the fullest disk with data of this ledger."""
    settings = context.office.settings
    urls = [make_url(url) for url in (settings.mirror_url, settings.desk_url)]
    files = [url.database for url in urls if url.get_backend_name() == "sqlite" and url.database]
    places = {context.office.data_dir, *(Path(file).parent for file in files)}
    found = [disk_usage(place) for place in places if place.is_dir()]
    return min(((one.free, one.total) for one in found), default=(0, 0))


def _drill_numbers(context: Context) -> dict[str, float]:
    now = context.office.clock()
    numbers: dict[str, float] = {}
    for name, run in context.office.drills.newest().items():
        if run.outcome in (Outcome.PASSED, Outcome.FAILED):
            numbers[f"drill_{name}_failed"] = float(run.outcome is Outcome.FAILED)
            numbers[f"drill_{name}_age_seconds"] = max(0.0, now - run.started_at / 1000)
    return numbers


def _lineage(context: Context) -> dict[str, Any]:
    keeper = context.office.lineage
    try:
        size = keeper.journal.size if keeper.exists else 0
        with context.view() as view:
            folded = lineage.folded_size(view.conn)
    except (StoreError, JournalError) as error:
        return {"ok": False, "error": str(error)}
    failure = context.edges.error
    return {"ok": failure is None, "error": failure, "journal_size": size, "folded": folded}


def counts(context: Context, conn: Connection) -> dict[str, int]:
    """Live counts for the first page."""
    return {
        "statements": mirror.size_of(conn),
        "organisations": len(organisations.organisations(conn)),
        "entries": catalogue.count(conn),
        "published": catalogue.count(conn, catalogue.Filters(state="published")),
        "waiting": sum(outbox_states(context).get(one, 0) for one in _WAITING),
    }
