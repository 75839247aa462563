"""Connecting: by address, to the chain in the directory, or to the process that serves it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.chain import probe
from ledger.chain.connect import connect
from ledger.chain.deployment import DeploymentError
from ledger.chain.interface import ChainError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import State
from tests.chain import district
from tests.chain.conftest import OutboxFactory, new_log
from tests.chain.proxy import proxy_for
from tests.chain_nodes import ROOT, anvil_node, free_port, rpc


@dataclass(frozen=True)
class Where:
    data_dir: Path
    rpc_url: str = ""
    chain_id: int = 26476


def test_an_address_is_followed_and_what_the_node_can_do_is_kept(tmp_path: Path) -> None:
    with anvil_node() as url:
        rpc(url, "anvil_mine", hex(300))
        with JsonRpcChain(url) as chain:
            new_log(chain).save(tmp_path)
        with proxy_for(url) as proxy:
            where = Where(tmp_path, proxy.url)
            first = connect(where)
            assert first.max_log_range > 300
            first.close()
            assert probe.kept(tmp_path) is not None
            proxy.asked.clear()
            second = connect(where)
            assert second.max_log_range > 300
            assert "eth_getLogs" not in proxy.asked
            second.close()


def test_another_chain_than_the_directory_knows_is_refused(anvil: str, tmp_path: Path) -> None:
    with JsonRpcChain(anvil) as chain:
        new_log(chain).save(tmp_path)
    with (
        anvil_node(chain_id=7) as other,
        pytest.raises(DeploymentError, match=r"knows chain 31337.*is chain 7"),
    ):
        connect(Where(tmp_path, other))


def test_a_chain_started_anew_under_the_same_id_is_refused(anvil: str, tmp_path: Path) -> None:
    with JsonRpcChain(anvil) as chain:
        new_log(chain).save(tmp_path)
    with anvil_node() as other:
        rpc(other, "anvil_mine", hex(2000))
        with pytest.raises(ChainError, match=r"started anew"):
            connect(Where(tmp_path, other))


def test_nobody_at_the_address_is_told_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="start the node"):
        connect(Where(tmp_path, f"http://127.0.0.1:{free_port()}"))


def test_the_embedded_chain_is_opened_where_it_is_free(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match="govledger init"):
        connect(Where(tmp_path))
    chain = connect(Where(tmp_path), create=True)
    assert (chain.name, chain.chain_id) == ("embedded", 26476)
    chain.close()
    again = connect(Where(tmp_path))
    assert again.chain_id == 26476
    again.close()


def test_the_deployment_says_which_embedded_chain_even_if_the_setting_changed(
    tmp_path: Path,
) -> None:
    chain = connect(Where(tmp_path, chain_id=5), create=True)
    new_log(chain).save(tmp_path)
    chain.close()
    again = connect(Where(tmp_path, chain_id=26476))
    assert again.chain_id == 5
    again.close()


HOLDER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from ledger.chain.embedded import FILE_NAME, EmbeddedChain
    chain = EmbeddedChain.open(Path(sys.argv[1]) / FILE_NAME, 26476, create=True)
    print("ready", flush=True)
    sys.stdin.read()
    chain.close()
""")
SERVER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from ledger.chain.embedded import FILE_NAME, EmbeddedChain
    from ledger.chain.node import serve
    place = Path(sys.argv[1])
    with EmbeddedChain.open(place / FILE_NAME, 26476) as chain:
        serve(chain, place, port=0, ready=lambda _: print("ready", flush=True))
""")


@contextlib.contextmanager
def process(code: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that has said that it is ready."""
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert running.stdout is not None
    assert running.stdin is not None
    try:
        assert running.stdout.readline() == "ready\n"
        yield running
    finally:
        running.stdin.close()
        running.terminate()
        running.wait(30)
        running.stdout.close()


def test_a_chain_that_another_process_serves_is_asked_there_and_written_through_it(
    tmp_path: Path, make_outbox: OutboxFactory
) -> None:
    chain = connect(Where(tmp_path), create=True)
    deployment = new_log(chain)
    deployment.save(tmp_path)
    chain.close()
    with process(SERVER, tmp_path):
        served = connect(Where(tmp_path))
        assert served.name.startswith("http://127.0.0.1:")
        deployment.verify_code(served)
        outbox = make_outbox(served, deployment)
        receipt = outbox.wait(outbox.submit(district.root_organisation(deployment)).id)
        assert receipt.state is State.RECORDED
        refused = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id)
        assert refused.error is not None
        assert refused.error.name == "RoleMissing"
        served.close()
    alone = connect(Where(tmp_path))
    assert alone.name == "embedded"
    assert alone.head().number == receipt.block_number
    alone.close()


def test_a_chain_held_by_a_process_that_does_not_serve_it_is_told(tmp_path: Path) -> None:
    with (
        process(HOLDER, tmp_path) as holder,
        pytest.raises(ChainError, match=f"{holder.pid}.*does not answer JSON-RPC"),
    ):
        connect(Where(tmp_path))
    connect(Where(tmp_path)).close()
