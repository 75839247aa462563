"""The chain of a data directory: at an address, in the directory, or served by a node."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ledger.chain import probe
from ledger.chain.deployment import FILE_NAME, Deployment, DeploymentError, load_deployment
from ledger.chain.interface import Chain, ChainError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.logranges import WIDEST_SPAN
from ledger.chain.newest import FILE_NAME as STORE_NAME

STARTING_SECONDS = 3.0
"""How long a node that holds the chain, but does not answer yet, is waited for."""


class ChainSettings(Protocol):
    """The settings that say which chain: see :mod:`ledger.settings`."""

    @property
    def data_dir(self) -> Path: ...
    @property
    def rpc_url(self) -> str: ...
    @property
    def chain_id(self) -> int: ...


def connect(
    settings: ChainSettings,
    *,
    create: bool = False,
    clock: Callable[[], float] = time.time,
    at_once: bool = True,
) -> Chain:
    """Open the chain that the settings name. The caller closes it.

    With ``rpc_url`` that node. Otherwise the embedded chain in the data directory, opened here if
    nobody has it open, or asked of the process that does. ``create`` makes an embedded chain that
    is not there yet. Where ``deployment.json`` exists, a chain that is not the one it names is
    refused. ``clock`` (Unix seconds) dates the blocks of an embedded chain that is opened here. Without
    ``at_once`` a node at ``rpc_url`` need not answer yet: it is checked before the first question. Raises
    ChainError with what to do; of a node that answers and is not that chain, always here.
    """
    known = _known(settings.data_dir)
    if settings.rpc_url and known is not None and not at_once:
        return _later(settings, known)
    if settings.rpc_url:
        chain: Chain = _remote(settings, known)
    else:
        chain = _embedded(settings, known, create=create, clock=clock)
    try:
        if known is not None:
            known.check(chain)
    except BaseException:
        chain.close()
        raise
    return chain


def _known(data_dir: Path) -> Deployment | None:
    return load_deployment(data_dir) if (data_dir / FILE_NAME).exists() else None


def _remote(settings: ChainSettings, known: Deployment | None) -> JsonRpcChain:
    chain = JsonRpcChain(settings.rpc_url)
    try:
        _know(chain, settings.data_dir, known)
    except BaseException:
        chain.close()
        raise
    return chain


def _later(settings: ChainSettings, known: Deployment) -> JsonRpcChain:
    """The node of a known log, which may be out of reach: nobody uses it before it was checked."""
    chain = JsonRpcChain(settings.rpc_url, chain_id=known.chain_id)

    def check() -> None:
        told = chain.told_chain_id()
        if told != known.chain_id:
            raise DeploymentError(
                f"the data directory knows chain {known.chain_id}, but {chain.name} is chain "
                f"{told}; correct the setting rpc_url, or use another data directory"
            )
        known.check(chain)
        _know(chain, settings.data_dir, known)

    try:
        check()
    except DeploymentError:  # it answers, and is another chain: waiting would not help
        chain.close()
        raise
    except ChainError:
        chain.endpoint.greet_with(check)
    return chain


def _know(chain: JsonRpcChain, data_dir: Path, known: Deployment | None) -> None:
    """Take what the node was found to do before, or find it out."""
    found = probe.kept(data_dir)
    if found is not None and (found.node, found.chain_id) == (chain.name, chain.chain_id):
        chain.ranges.trust(found.log_range)
    elif known is not None and known.chain_id == chain.chain_id:
        known.check(chain)
        probe.probe(chain, known).save(data_dir)


def served_by(url: str, known: Deployment) -> JsonRpcChain:
    """The embedded chain of ``known`` as another process gives it; checked before the first question."""
    chain = JsonRpcChain(url, span=WIDEST_SPAN, chain_id=known.chain_id)
    chain.endpoint.greet_with(lambda: known.check(chain))
    return chain


def _embedded(
    settings: ChainSettings,
    known: Deployment | None,
    *,
    create: bool,
    clock: Callable[[], float],
) -> Chain:
    # py-evm takes a third of a second to import: only where the chain is here
    from ledger.chain.embedded import ChainLocked, EmbeddedChain  # noqa: PLC0415

    place = settings.data_dir / STORE_NAME
    if known is not None and not place.exists():
        raise DeploymentError(
            f"there is no chain at {place}, on which the log of {FILE_NAME} stands: restore it from "
            "a backup, or set rpc_url to the chain's address"
        )
    chain_id = settings.chain_id if known is None else known.chain_id
    until = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return EmbeddedChain.open(place, chain_id, create=create, clock=clock)
        except ChainLocked as problem:
            from ledger.chain.node import running  # noqa: PLC0415 - web code

            node = running(settings.data_dir)
            if node is not None:
                # our own node scans every range to its end
                return JsonRpcChain(node.url, span=WIDEST_SPAN)
            if time.monotonic() > until:
                raise ChainError(
                    f"{problem}; that process does not answer JSON-RPC: wait until it is done, or "
                    "end it, and try again"
                ) from problem
            time.sleep(0.1)
