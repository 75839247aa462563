"""Writers under fire: servers, node and database are killed while eight clients write through the API."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path
from shutil import copytree

from ledger.mirror.queries import size_of
from ledger.office import Office
from ledger.settings import load_settings
from tests.chain_nodes import need_anvil
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
SEED = 20260501
"""Of when and in which order things are killed; `scripts/bench/hammer.py --minutes` tries others for longer."""


def test_whatever_is_killed_all_that_was_acknowledged_is_on_the_ledger_once(
    tmp_path: Path,
) -> None:
    need_anvil()
    chance = random.Random(SEED)  # noqa: S311 - moments, not secrets
    database, node = Database(), Node(tmp_path)
    stop = threading.Event()
    with firing([database, node]):
        first, second = tmp_path / "one", tmp_path / "two"
        shared = {
            "rpc_url": node.url,
            "mirror_url": database.create("mirror"),
            "desk_url": database.create("desk"),
        }
        placed = found({"data_dir": first, **shared}, CLIENTS)
        (first / "config.toml").write_text(
            "".join(f'{name} = "{value}"\n' for name, value in shared.items()), "utf-8"
        )
        copytree(first, second)
        time.sleep(1.2)  # the node has written down what is there
        node.kill()
        servers = [Server(first), Server(second)]
        clients = [
            Client(placed, Department(number), [one.url for one in servers], stop)
            for number in range(1, CLIENTS + 1)
        ]
        with firing(servers):
            they_read_while_the_node_is_gone(servers, node)
            node.start()
            until(lambda: all(is_ready(one) for one in servers), "the node is found again")
            until(lambda: any(one.on_duty()["here"] for one in servers), "one leads")
            for client in clients:
                client.start()
            for target in chance.sample(("leader", "node", "database"), 3):
                time.sleep(chance.uniform(0.5, 1.5))
                if target == "leader":
                    a_leader_is_replaced(servers)
                    continue
                process = node if target == "node" else database
                process.kill()
                time.sleep(chance.uniform(0.1, 0.6))
                process.start()
            (left,) = (one for one in servers if one.lives)
            until(lambda: is_ready(left), "all is well again")
            time.sleep(0.5)
            stop.set()
            for client in clients:
                client.join(30)
            assert sum(client.fates.unanswered for client in clients) > 0
            for client in clients:
                client.only(left.url)
            resolve(clients)
            come_to_rest(left, node)
            count = check_once_on_the_ledger(left.url, clients)
            assert count >= CLIENTS
        with Office(load_settings({"passphrase": PASSPHRASE}, {}, left.data_dir)) as office:
            report = office.verify()
            assert report.ok, report
            with office.read() as connection:
                # besides: the root, the departments, and their keys
                assert size_of(connection) == count + 1 + 2 * CLIENTS


def is_ready(server: Server) -> bool:
    return (server.get("/readyz") or {}).get("status") == "ready"


def they_read_while_the_node_is_gone(servers: list[Server], node: Node) -> None:
    for server in servers:
        told = server.get("/readyz") or {}
        assert told["status"] == "degraded"
        assert told["checks"]["chain"]["ok"] is False
        assert node.url in told["checks"]["chain"]["error"]
        assert told["checks"]["mirror"]["size"] == 1 + 2 * CLIENTS
        page = server.get("/api/v1/organisations") or {}
        assert len(page["items"]) == 1 + CLIENTS


def a_leader_is_replaced(servers: list[Server]) -> None:
    """Kill the one that leads, within seconds of which the other does."""
    leader, other = sorted(servers, key=lambda one: not one.on_duty()["here"])
    # both say the same of who leads
    assert other.on_duty() == leader.on_duty() | {"here": False}
    assert other.on_duty()["url"] == leader.url
    killed = time.time()
    leader.kill(signal.SIGKILL)
    until(lambda: bool(other.on_duty().get("here")), "the other leads")
    assert other.on_duty()["since"] / 1000 - killed < 5
