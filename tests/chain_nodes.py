"""Real nodes for tests: anvil and ``hardhat node``, from npm, on loopback ports of their own.

Each is a context manager that gives the node's URL and ends the node afterwards. ``need_anvil`` and
``need_hardhat`` skip the test where the npm modules are not installed.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
FUNDED = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
"""The first account of the development mnemonic: anvil and Hardhat give it ether."""
START_SECONDS = 60.0


def funded() -> LocalAccount:
    """The account that pays on anvil and Hardhat."""
    return Account.from_key(FUNDED)


def anvil_binary() -> Path | None:
    """The anvil executable: the one of npm, or one on the PATH."""
    for found in sorted(MODULES.glob("@foundry-rs/anvil-*/bin/anvil*")):
        return found
    on_path = shutil.which("anvil")
    return Path(on_path) if on_path else None


def need_anvil() -> Path:
    """The anvil executable; skips the test where there is none."""
    found = anvil_binary()
    if found is None:
        pytest.skip("anvil is not installed (npm install in the repository brings it)")
    return found


def need_hardhat() -> Path:
    """Hardhat's entry; skips the test where it or node is not installed."""
    found = MODULES / "hardhat" / "internal" / "cli" / "bootstrap.js"
    if not found.exists() or shutil.which("node") is None:
        pytest.skip("Hardhat is not installed (npm install in the repository brings it)")
    return found


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_port() -> int:
    """A free port for what is ended and started again at the same address.

    Below those that the system hands out (Linux: from 32768 on), or a connection of somebody else could have
    it meanwhile.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("a hundred ports between 20000 and 32000 are all taken")


@contextlib.contextmanager
def anvil_node(
    *arguments: str,
    port: int | None = None,
    chain_id: int = 31337,
    level: str | None = "cancun",
) -> Iterator[str]:
    """An anvil; ``arguments`` are its own flags, ``level`` its hard fork unless they name one."""
    chosen = port or free_port()
    # Old states would stay in the home directory otherwise, hundreds of megabytes for some runs.
    with tempfile.TemporaryDirectory(prefix="anvil-states") as states:
        command = [
            str(need_anvil()),
            "--silent",
            *(["--hardfork", level] if level else []),
            "--chain-id",
            str(chain_id),
            "--port",
            str(chosen),
            "--cache-path",
            states,
            *arguments,
        ]
        with _running(command, chosen) as url:
            yield url


@contextlib.contextmanager
def hardhat_node() -> Iterator[str]:
    """A ``hardhat node`` that mines at once and answers a reverted transaction with an error."""
    entry = need_hardhat()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hardhat") as place:
        # a project of its own, so that it neither reads nor writes the repository's
        config = Path(place) / "hardhat.config.js"
        config.write_text(
            "module.exports = { solidity: '0.8.28', networks: { hardhat: { hardfork: 'cancun', "
            "blockGasLimit: 60000000 } } };\n"
        )
        (Path(place) / "package.json").write_text('{"name": "node", "private": true}\n')
        (Path(place) / "node_modules").symlink_to(MODULES.resolve(), target_is_directory=True)
        node = shutil.which("node") or "node"
        command = [node, str(entry), "node", "--port", str(port), "--hostname", "127.0.0.1"]
        env = {"HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "HOME": place, "CI": "true"}
        with _running(command, port, cwd=Path(place), env=env) as url:
            yield url


@contextlib.contextmanager
def _running(
    command: Sequence[str], port: int, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd,
        env={**os.environ, **(env or {})},
    )
    try:
        _await_answer(process, url)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _await_answer(process: subprocess.Popen[bytes], url: str) -> None:
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the node ended at once with {process.returncode}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.post(url, json=question, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the node at {url} did not answer within {START_SECONDS:.0f} s")


def rpc(url: str, method: str, *params: object) -> object:
    """One plain JSON-RPC call, for what only a development node understands (``anvil_mine`` …)."""
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = httpx.post(url, json=question, timeout=30).json()
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]


@pytest.fixture(scope="session")
def anvil() -> Iterator[str]:
    """The URL of an anvil that all tests of the session share."""
    with anvil_node() as url:
        yield url
