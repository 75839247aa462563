"""A network of validators on this machine, kept in one directory with one ``network.json``."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_keys import keys
from eth_utils.address import is_hex_address

from scripts.engine.genesis import CHAIN_ID, PASSWORD, as_told, genesis, make_validator
from scripts.engine.wires import Wires

INSIDE_RPC, INSIDE_PEER = 8545, 30303
PATIENCE = 90.0
FUNDED = 10**24


class NetworkError(Exception):
    """The network is not as was asked; the text says what to do."""


@dataclass(frozen=True)
class Standing:
    """How one validator stands; numbers are None where it does not answer."""

    number: int
    url: str
    running: bool
    head: int | None
    finalized: int | None
    peers: int | None


class Network:
    """Validators 1..n. ``base`` is the RPC port of the first; each next has the next port."""

    def __init__(self, place: Path, told: dict[str, Any]) -> None:
        self.place = place
        self.told = told
        self.numbers = [one["number"] for one in told["validators"]]
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self.wires = Wires(told["base"], self.numbers) if told["isolated"] else None

    @classmethod
    def make(cls, place: Path, engine: Path, count: int, base: int, *, isolated: bool) -> Network:
        """Keys, genesis and every node's first state, nothing running yet."""
        if place.exists():
            raise NetworkError(f"{place} is there already; take it down, or name another --dir")
        place.mkdir(parents=True)
        password = place / "password"
        password.write_text(PASSWORD + "\n", "ascii")
        password.chmod(0o600)
        validators = [
            make_validator(engine, place / f"node{number}", number, password)
            for number in range(1, count + 1)
        ]
        (place / "genesis.json").write_text(json.dumps(genesis(validators), indent=2), "ascii")
        for one in validators:
            node = place / f"node{one.number}"
            command = [str(engine), "init", "--state.scheme", "hash", "--datadir", str(node)]
            _run([*command, str(place / "genesis.json")])
        told = {
            "engine": str(engine),
            "base": base,
            "isolated": isolated,
            "chain_id": CHAIN_ID,
            "validators": as_told(validators),
            "processes": {},
        }
        network = cls(place, told)
        network._keep()
        return network

    @classmethod
    def load(cls, place: Path) -> Network:
        """The network of a directory; raises :class:`NetworkError` where there is none."""
        try:
            return cls(place.resolve(), json.loads((place / "network.json").read_text("ascii")))
        except FileNotFoundError:
            raise NetworkError(f"{place} holds no network; start one with `up`") from None

    def _keep(self) -> None:
        draft = self.place / "network.json.new"
        draft.write_text(json.dumps(self.told, indent=2), "ascii")
        draft.replace(self.place / "network.json")

    def url(self, number: int) -> str:
        """JSON-RPC of a validator, on this machine's loopback."""
        return f"http://127.0.0.1:{self.told['base'] + number - 1}"

    def up(self) -> None:
        """Start every validator and wait until blocks become final."""
        if self.wires is not None:
            self.wires.lay()
        for number in self.numbers:
            self.start(number)
        self.wait(self.numbers, beyond=2)

    def start(self, number: int) -> None:
        """Start one validator, which goes on from what it had."""
        self._known(number)
        if self._running(number):
            raise NetworkError(f"validator {number} is running already")
        node = self.place / f"node{number}"
        (node / "peers.toml").write_text(self._peers(number), "ascii")
        command = [self.told["engine"], *self._options(number, node)]
        if self.wires is not None:
            command = ["ip", "netns", "exec", self.wires.namespace(number), *command]
        with (node / "log").open("ab") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._children[process.pid] = process
        started = [process.pid]
        if self.wires is not None:
            forward = [sys.executable, str(Path(__file__).parent / "forward.py")]
            port = str(self.told["base"] + number - 1)
            with (node / "log").open("ab") as log:
                helper = subprocess.Popen(
                    [*forward, self.wires.namespace(number), port, str(INSIDE_RPC)],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._children[helper.pid] = helper
            started.append(helper.pid)
        self.told["processes"][str(number)] = started
        self._keep()

    def kill(self, number: int) -> None:
        """End one validator as a power cut would."""
        self._known(number)
        for pid in self.told["processes"].pop(str(number), []):
            if _is_ours(pid, self.place, self.told["base"] + number - 1):
                os.kill(pid, signal.SIGKILL)
                self._await_end(pid)
        self._keep()

    def _await_end(self, pid: int) -> None:
        child = self._children.pop(pid, None)
        if child is not None:
            child.wait()
        while (Path("/proc") / str(pid)).exists():  # another process started it
            time.sleep(0.05)

    def part(self, apart: Collection[int]) -> None:
        """Cut the wires between the validators ``apart`` and all others; () heals."""
        for number in apart:
            self._known(number)
        if self.wires is None:
            raise NetworkError("this network runs without namespaces (needs root and iproute2)")
        self.wires.join(apart)

    def down(self) -> None:
        """End everything and remove the directory."""
        for number in self.numbers:
            self.kill(number)
        if self.wires is not None:
            self.wires.clear()
        shutil.rmtree(self.place)

    def ask(self, number: int, method: str, *params: object) -> Any:  # noqa: ANN401 - what the method gives
        """The result of one call; raises :class:`OSError` where the node does not answer."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        request = urllib.request.Request(  # noqa: S310 - always this machine's loopback
            self.url(number), json.dumps(asked).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return json.loads(answer.read()).get("result")

    def fund(self, address: str, wei: int = FUNDED) -> None:
        """Give an account what it needs to send; waits until it has it. Raises :class:`NetworkError`."""
        if not is_hex_address(address):
            raise NetworkError(
                f"{address} is no address: give 0x and 40 hexadecimal digits, as `govledger key list` shows them"
            )
        keystore = next((self.place / "node1" / "keystore").iterdir())
        key = Account.decrypt(json.loads(keystore.read_text("ascii")), PASSWORD)
        giver = Account.from_key(key)
        signed = giver.sign_transaction(
            {
                "to": address,
                "value": wei,
                "gas": 21_000,
                "gasPrice": 1,
                "nonce": int(self.ask(1, "eth_getTransactionCount", giver.address, "pending"), 16),
                "chainId": CHAIN_ID,
            }
        )
        self.ask(1, "eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
        until = time.monotonic() + PATIENCE
        while int(self.ask(1, "eth_getBalance", address, "latest"), 16) < wei:
            if time.monotonic() > until:
                raise NetworkError(f"{address} was not funded")
            time.sleep(0.3)

    def standing(self, number: int) -> Standing:
        """How a validator stands now."""
        head = final = peers = None
        try:
            head = int(self.ask(number, "eth_blockNumber"), 16)
            block = self.ask(number, "eth_getBlockByNumber", "finalized", False)  # noqa: FBT003
            final = int(block["number"], 16) if block else None
            peers = int(self.ask(number, "net_peerCount"), 16)
        except (OSError, ValueError, TypeError):
            pass  # what is not known stays None
        return Standing(number, self.url(number), self._running(number), head, final, peers)

    def wait(self, numbers: Collection[int], *, beyond: int, patience: float = PATIENCE) -> None:
        """Until every one of ``numbers`` has a final block beyond a height."""
        until = time.monotonic() + patience
        while True:
            found = [self.standing(number) for number in numbers]
            if all((one.finalized or 0) > beyond for one in found):
                return
            if time.monotonic() > until:
                late = next(one for one in found if (one.finalized or 0) <= beyond)
                log = self.place / f"node{late.number}" / "log"
                tail = log.read_text("utf-8", "replace")[-800:]
                raise NetworkError(f"validator {late.number} reached no final block: {tail}")
            time.sleep(0.3)

    def _known(self, number: int) -> None:
        if number not in self.numbers:
            raise NetworkError(f"there is no validator {number}; they are {self.numbers}")

    def _running(self, number: int) -> bool:
        pids = self.told["processes"].get(str(number), [])
        return bool(pids) and _is_ours(pids[0], self.place, 0)

    def _options(self, number: int, node: Path) -> list[str]:
        told = self.told["validators"][number - 1]
        rpc = INSIDE_RPC if self.wires else self.told["base"] + number - 1
        password = str(self.place / "password")
        return [
            *("--config", str(node / "peers.toml"), "--datadir", str(node)),
            *(
                "--networkid",
                str(CHAIN_ID),
                "--nodiscover",
                "--nodekeyhex",
                _node_key(number).hex(),
            ),
            *("--port", str(self._peer_port(number)), "--nat", "none", "--ipcdisable"),
            *("--http", "--http.addr", "127.0.0.1", "--http.port", str(rpc)),
            *("--http.api", "eth,net,web3", "--rpc.allow-unprotected-txs"),
            *(
                "--state.scheme",
                "hash",
                "--syncmode",
                "full",
                "--gcmode",
                "archive",
                "--cache",
                "64",
            ),
            *("--mine", "--miner.etherbase", told["address"], "--miner.gasprice", "1"),
            *("--txpool.pricelimit", "1", "--allow-insecure-unlock"),
            *("--unlock", told["address"], "--password", password),
            *("--vote", "--blspassword", password, "--blswallet", str(node / "bls" / "wallet")),
            *("--vote-journal-path", str(node / "votes")),
        ]

    def _peer_port(self, number: int) -> int:
        return INSIDE_PEER if self.wires else self.told["base"] + 1000 + number

    def _peers(self, number: int) -> str:
        others = []
        for other in self.numbers:
            if other != number:
                public = keys.PrivateKey(_node_key(other)).public_key.to_bytes().hex()
                host = Wires.address(other) if self.wires else "127.0.0.1"
                others.append(f"enode://{public}@{host}:{self._peer_port(other)}")
        listed = ", ".join(f'"{one}"' for one in others)
        return f"[Node.P2P]\nStaticNodes = [{listed}]\n"


def _node_key(number: int) -> bytes:
    """The key of a node's peer connections: no secret, it only names the node."""
    return number.to_bytes(32, "big")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise NetworkError(f"{Path(command[0]).name} {command[1]}: {done.stderr.strip()[-400:]}")


def _is_ours(pid: int, place: Path, port: int) -> bool:
    """Whether a process is one that this network started: its command names our place or port."""
    try:
        words = (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    ours = any(str(place).encode() in word for word in words)
    return ours or (str(port).encode() in words and any(b"forward.py" in word for word in words))
