"""Writers under fire for as long as wanted: what `hammer.py --minutes` does."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from ledger.chain.deployment import Deployment
from ledger.office import Office
from ledger.settings import load_settings
from scripts.bench.measuring import tell
from tests.faults.fire import (
    PASSPHRASE,
    Client,
    Database,
    Department,
    Node,
    Server,
    check_once_on_the_ledger,
    come_to_rest,
    firing,
    found,
    resolve,
    until,
)

CLIENTS = 8
QUIET_SECONDS = (0.3, 4.0)
"""Shortest and longest time between two kills; and that somebody stays dead."""
DEAD_SECONDS = (0.05, 2.0)


@dataclass
class World:
    """The ledger's data directory, the settings that lead to it, what may be killed, and who serves."""

    data_dir: Path
    placed: Deployment
    servers: list[Server]
    targets: dict[str, Sequence[Server | Node | Database]]
    node: Node | None


def siege(minutes: float, seed: int, world: str) -> int:
    """Kill at random for ``minutes``; 0 where every promise held, 1 (with the seed told) where one did not."""
    tell(f"seed {seed}, {world}, {minutes:g} minutes")
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    try:
        with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
            besieged = _built(Path(scratch), world, stack)
            clients, kills = _fire(besieged, minutes * 60, chance)
            print(_judged(besieged, clients, kills))
    except AssertionError as failure:
        print(f"FAILED with seed {seed} ({world}): {failure}")
        print(f"play it again: hammer.py --minutes {minutes:g} --seed {seed} --world {world}")
        return 1
    return 0


def _built(place: Path, world: str, stack: contextlib.ExitStack) -> World:
    settings: dict[str, str] = {}
    targets: dict[str, Sequence[Server | Node | Database]] = {}
    if world == "shared":
        database = Database()
        stack.enter_context(firing([database]))
        settings |= {
            "mirror_url": database.create("mirror"),
            "desk_url": database.create("desk"),
        }
        targets["database"] = [database]
    node = None if world == "embedded" else Node(place)
    if node is not None:
        stack.enter_context(firing([node]))
        settings["rpc_url"] = node.url
        targets["node"] = [node]
    first = place / "one"
    placed = found({"data_dir": first, **settings}, CLIENTS)
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    (first / "config.toml").write_text(lines, "utf-8")
    servers = [Server(first)]
    if world == "shared":
        copytree(first, place / "two")
        servers.append(Server(place / "two"))
    targets["server"] = servers
    time.sleep(1.5)  # the node has written down what is there
    stack.enter_context(firing(servers))
    return World(first, placed, servers, targets, node)


def _fire(
    world: World, seconds: float, chance: random.Random
) -> tuple[list[Client], dict[str, int]]:
    """Clients write while one after the other is killed; all is well again at the end."""
    stop, urls = threading.Event(), [one.url for one in world.servers]
    clients = [
        Client(world.placed, Department(number), urls, stop, pause=0.1)
        for number in range(1, CLIENTS + 1)
    ]
    for client in clients:
        client.start()
    kills = dict.fromkeys(world.targets, 0)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        time.sleep(chance.uniform(*QUIET_SECONDS))
        kind = chance.choice(sorted(world.targets))
        target = chance.choice(world.targets[kind])
        target.kill()
        kills[kind] += 1
        time.sleep(chance.uniform(*DEAD_SECONDS))
        target.start()
    until(lambda: all(_is_ready(one) for one in world.servers), "all is well again")
    time.sleep(1.0)
    stop.set()
    for client in clients:
        client.join(60)
    return clients, kills


def _judged(world: World, clients: Sequence[Client], kills: dict[str, int]) -> str:
    """Raises :class:`AssertionError` where a promise was broken; else the story in a sentence."""
    resolve(clients)
    for server in world.servers:
        come_to_rest(server, world.node, 600)
    count = check_once_on_the_ledger(world.servers[0].url, clients, seconds=600)
    for server in world.servers:
        server.kill()
    settings = load_settings({"passphrase": PASSPHRASE}, {}, world.data_dir)
    with Office(settings) as office:
        report = office.verify()
    if not report.ok:
        raise AssertionError(f"the mirror does not verify: {report}")
    reasons: Counter[str] = Counter()
    for client in clients:
        reasons.update(client.fates.reasons)
    unanswered = sum(client.fates.unanswered for client in clients)
    return (
        f"{count} statements acknowledged, each on the ledger once; killed: {kills}; requests without an answer "
        f"{unanswered}, refused for the moment {dict(reasons)}; the mirror verifies"
    )


def _is_ready(server: Server) -> bool:
    return (server.get("/readyz") or {}).get("status") == "ready"
