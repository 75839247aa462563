"""A node that makes up a log of any length: what no test node can hold, served over JSON-RPC by a process of its own.

    python scripts/bench/long_log.py STATEMENTS DIRECTORY

Writes ``deployment.json`` into DIRECTORY, prints its address, and serves until its standard input ends. The log begins
like every simulated one (``tests/simulator.py``: an organisation and a key, truly signed); then follow drafts in
batches of 100 under one signature, twenty batches a block, made when a block is asked for. Signatures, digests,
leaves and roots are real: a mirror cannot tell it from a chain. Making a statement takes two to three times the
processor that anvil takes to read one from its memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http.server import ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from eth_abi.abi import encode
from eth_hash.auto import keccak

from ledger.canonical import canonical_json
from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.interface import RawLog
from ledger.codes import Role
from ledger.statements import (
    FILING,
    KEY,
    ORGANISATION,
    WORD,
    Batch,
    Value,
    authorisation_digest,
    kind_word,
    text_hash,
)
from scripts.bench.filled_log import FilledLog
from scripts.bench.long_log_answers import LogHandler, Piece
from scripts.bench.measuring import ROOT as REPOSITORY
from tests.simulator import AUTHORISED, BLOCK_SECONDS, GENESIS_TIME, RECORDED, Key, SimulatedChain

OWNER = "TMP-BENCH"
DEADLINE = 4_102_444_800
BATCH, BATCHES = 100, 20
PER_BLOCK = BATCH * BATCHES
KEPT_BLOCKS = 12
BODY_BYTES = 100
NOT_STATED = ("shareType", "openType", "grade", "updateCycle", "library")


def draft(number: int) -> tuple[dict[str, Value], bytes]:
    """Typed members and body of one draft."""
    code = f"307015/{number:08d}"
    body = {"abstract": "", "code": code, "name": f"床位 {number:08d}", "provider": OWNER}
    body["abstract"] = "x" * max(1, BODY_BYTES - len(canonical_json(body)))
    values: dict[str, Value] = {"code": code, "version": 1, "state": 1}
    return values | dict.fromkeys(NOT_STATED, 0), canonical_json(body)


class LongLog:
    """The chain: a few real blocks of a simulated one, then blocks made on demand."""

    def __init__(self, statements: int, kept: Path | None = None) -> None:
        """With ``kept``, a file to make, every block is made at once and read from there when it is asked for."""
        self.steward = Key.of("bench steward")
        self.sim = SimulatedChain(Key.of("bench genesis"))
        self._found()
        self.first_leaf, self.first_block = self.sim.size, len(self.sim.chain)
        self.statements = statements
        self.head = self.first_block + -(-statements // PER_BLOCK) - 1
        self.org = text_hash(OWNER)
        self.separator = self.sim.domain(FILING).separator()
        self.registry = self.sim.registries[FILING.contract].rjust(WORD, b"\0")
        self.signer = self.steward.address.rjust(WORD, b"\0")
        self._template()
        self._roots: list[bytes] = []
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.file = None if kept is None else kept.open("w+b", buffering=0)
        self._ends = [0]
        if self.file is not None:
            self._reach(self.head)

    def _found(self) -> None:
        genesis, sim = self.sim.genesis, self.sim
        row: dict[str, Value] = {
            "code": OWNER,
            "version": 1,
            "parent": "",
            "level": 2,
            "status": 1,
        }
        body = canonical_json({"code": OWNER, "name": "基准测试区", "uscc": "missing"})
        sim.say(Batch(ORGANISATION, OWNER, DEADLINE, (row,), (body,)), genesis)
        row = {"key": self.steward.text, "version": 1, "holder": OWNER, "status": 1}
        row["roles"] = int(Role.STEWARD)
        body = canonical_json({"holder": OWNER})
        sim.say(Batch(KEY, OWNER, DEADLINE, (row,), (body,)), genesis)

    def _template(self) -> None:
        """The bytes that all drafts share, taken from one that the library encodes."""
        values, body = draft(0)
        batch = Batch(FILING, OWNER, DEADLINE, (values,), (body,))
        (payload,) = batch.payloads()
        self._payload = payload[:WORD], payload[2 * WORD : -WORD]
        start, end = body.split(b"00000000", 1)
        self._body = start, *end.split(b"00000000", 1)
        self._leaf = b"\0" + self.sim.log.words() + kind_word(FILING.kind)
        self._sizes = [
            number.to_bytes(WORD, "big").hex()
            for number in (
                8 * WORD,
                9 * WORD + len(payload),
                len(payload),
                len(body),
            )
        ]
        if len(payload) % WORD or self._body_of(0) != body:
            raise AssertionError("drafts are not encoded as they were")

    def _body_of(self, number: int) -> bytes:
        digits = b"%08d" % number
        return self._body[0] + digits + self._body[1] + digits + self._body[2]

    def reference(self, number: int) -> dict[str, str]:
        """A block as ``eth_getBlockByNumber`` gives it."""
        if number < self.first_block:
            ref = self.sim.chain[number].ref
            ours, parent = ref.hash, ref.parent_hash
        else:
            ours, parent = self._hash(number), self._hash(number - 1)
        return {
            "number": hex(number),
            "hash": "0x" + ours.hex(),
            "parentHash": "0x" + parent.hex(),
            "timestamp": hex(GENESIS_TIME + BLOCK_SECONDS * number),
            "gasLimit": "0x3b9aca00",
        }

    def _hash(self, number: int) -> bytes:
        if number < self.first_block:
            return self.sim.chain[number].ref.hash
        return sha256(b"long log block %d" % number).digest()

    def size(self, number: int) -> int:
        """Leaves of the log after a block."""
        if number < self.first_block:
            return self.sim.chain[number].size
        blocks = number - self.first_block + 1
        return self.first_leaf + min(blocks * PER_BLOCK, self.statements)

    def root(self, number: int) -> bytes:
        """Root of the log after a block."""
        if number < self.first_block:
            return self.sim.chain[number].root
        with self._lock:
            self._reach(number)
            return self._roots[number - self.first_block]

    def logs(self, first: int, last: int, topics: Sequence[str | None] = ()) -> list[Piece]:
        """The events of a range as a JSON list; with a leaf among ``topics``, that one alone."""
        if len(topics) > 1 and topics[1] is not None:
            block = self.block_of(int(topics[1], 16))
            inside = first <= block <= last
            found = [each for each in self._events(block) if topics[1].encode() in each]
            return [b"[" + b",".join(found if inside else []) + b"]"]
        last = min(last, self.head)
        founding = range(first, min(last + 1, self.first_block))
        pieces = [event for number in founding for event in self._events(number)]
        later = range(max(first, self.first_block), last + 1)
        if self.file is None or not later:
            return [b"[" + b",".join([*pieces, *map(self._joined, later)]) + b"]"]
        start, end = (self._ends[number - self.first_block] for number in (later[0], later[-1] + 1))
        return [b"[" + b"".join(event + b"," for event in pieces), range(start, end - 1), b"]"]

    def block_of(self, leaf: int) -> int:
        """The block that recorded a leaf."""
        if leaf >= self.first_leaf:
            return self.first_block + (leaf - self.first_leaf) // PER_BLOCK
        return next(each.ref.number for each in self.sim.chain if each.size > leaf)

    def _events(self, number: int) -> list[bytes]:
        if number < self.first_block:
            return [_rendered(log, self.sim.log_address) for log in self.sim.chain[number].logs]
        return self._made(number)[0]

    def _joined(self, number: int) -> bytes:
        """The events of a block that is made on demand, joined by commas."""
        with self._lock:
            self._reach(number)
            kept = self._kept.get(number)
            return b",".join(self._events(number)) if kept is None else kept

    def _reach(self, number: int) -> None:
        """Make every block up to one that was not made before: roots follow from one another."""
        while len(self._roots) <= number - self.first_block:
            at = self.first_block + len(self._roots)
            events, leaves = self._made(at)
            self.sim.frontier.extend(leaves)
            self._roots.append(self.sim.frontier.root())
            self._keep(at, b",".join(events))

    def _keep(self, number: int, events: bytes) -> None:
        if self.file is not None:
            self.file.write(events + b",")
            self._ends.append(self.file.tell())
            return
        self._kept[number] = events
        if len(self._kept) > KEPT_BLOCKS:
            self._kept.popitem(last=False)

    def _made(self, number: int) -> tuple[list[bytes], list[bytes]]:
        """Events of a block, rendered, and their leaf hashes."""
        events: list[bytes] = []
        leaves: list[bytes] = []
        start = (number - self.first_block) * PER_BLOCK
        for first in range(start, min(start + PER_BLOCK, self.statements), BATCH):
            count = min(BATCH, self.statements - first)
            self._batch(number, first, count, events, leaves)
        return events, leaves

    def _batch(
        self, number: int, first: int, count: int, events: list[bytes], leaves: list[bytes]
    ) -> None:
        head, rest = self._payload
        bodies = [self._body_of(each) for each in range(first, first + count)]
        digests = [sha256(body).digest() for body in bodies]
        codes = [bytes(keccak(b"307015/%08d" % each)) for each in range(first, first + count)]
        payloads = [
            head + code + rest + digest for code, digest in zip(codes, digests, strict=True)
        ]
        authorisation = authorisation_digest(FILING, payloads, self.org, DEADLINE, self.separator)
        leaf = self.first_leaf + first
        block = "0x" + self._hash(number).hex()
        transaction = "0x" + sha256(b"transaction" + authorisation).hexdigest()
        signed = encode(
            ["bytes32", "bytes", "address", "bytes", "uint64", "uint64", "uint64"],
            [self.org, self.steward.sign(authorisation), bytes(20), b"", DEADLINE, leaf, count],
        )
        topics = (AUTHORISED, authorisation, self.registry, self.signer)
        place = (number, bytes.fromhex(block[2:]), bytes.fromhex(transaction[2:]))
        events.append(_rendered(RawLog(topics, signed, *place, len(events)), self.sim.log_address))
        version, moment = (1).to_bytes(WORD, "big"), GENESIS_TIME + BLOCK_SECONDS * number
        spoken = version + self.org + self.signer + authorisation + moment.to_bytes(WORD, "big")
        said = spoken.hex() + self._sizes[0]
        padding = "00" * (-len(bodies[0]) % WORD)
        kind = kind_word(FILING.kind).hex()
        tail = (
            f'","blockNumber":"{hex(number)}","blockHash":"{block}","transactionHash":"{transaction}",'
            f'"transactionIndex":"0x0","removed":false,"address":"0x{self.sim.log_address.hex()}",'
        )
        start = f'{{"topics":["0x{RECORDED.hex()}","0x'
        for code, digest, payload, body in zip(codes, digests, payloads, bodies, strict=True):
            leaves.append(
                sha256(self._leaf + code + spoken + sha256(payload).digest() + digest).digest()
            )
            events.append(
                f'{start}{leaf:064x}","0x{kind}","0x{code.hex()}"],"data":"0x{said}{digest.hex()}'
                f"{self._sizes[1]}{self._sizes[2]}{payload.hex()}{self._sizes[3]}{body.hex()}{padding}"
                f'{tail}"logIndex":"{hex(len(events))}"}}'.encode()
            )
            leaf += 1


def _rendered(log: RawLog, address: bytes) -> bytes:
    told = {
        "topics": ["0x" + topic.hex() for topic in log.topics],
        "data": "0x" + log.data.hex(),
        "blockNumber": hex(log.block_number),
        "blockHash": "0x" + log.block_hash.hex(),
        "transactionHash": "0x" + log.transaction_hash.hex(),
        "transactionIndex": "0x0",
        "removed": False,
        "address": "0x" + address.hex(),
        "logIndex": hex(log.log_index),
    }
    return json.dumps(told).encode()


def deployment_of(log: LongLog) -> Deployment:
    """Where the contracts would be."""
    origin = log.sim.origin
    return Deployment(
        chain_id=log.sim.chain_id,
        log="0x" + log.sim.log_address.hex(),
        registries={name: "0x" + address.hex() for name, address in log.sim.registries.items()},
        access_manager="0x" + "09" * 20,
        genesis_authority=log.sim.genesis.text,
        admin="0x" + "08" * 20,
        admin_delay=0,
        deploy_block=origin.first_block,
        deploy_block_hash="0x" + origin.first_block_hash.hex(),
    )


@contextmanager
def long_log(statements: int, *, made_before: bool = False) -> Iterator[FilledLog]:
    """A served log with ``statements`` drafts, in a process of its own.

    What is ``made_before`` (1.4 GB for a million) costs this machine little when it is asked for: as if the node were
    another machine's.
    """
    with tempfile.TemporaryDirectory(prefix="govledger-long-log-") as name:
        place = Path(name)
        process = subprocess.Popen(
            [sys.executable, __file__, str(statements), name, *["--made-before"] * made_before],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
        )
        try:
            said = process.stdout.readline() if process.stdout else b""
            if not said:
                raise RuntimeError("the node that makes up a log did not start")
            yield FilledLog(said.decode().strip(), load_deployment(place), statements + 2, 0.0)
        finally:
            process.communicate()


def main() -> None:
    """Serve until standard input ends."""
    place = Path(sys.argv[2])
    log = LongLog(int(sys.argv[1]), place / "events" if "--made-before" in sys.argv else None)
    deployment_of(log).save(place)
    handler = type("Handler", (LogHandler,), {"log": log})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    worker = threading.Thread(target=server.serve_forever, daemon=True)
    worker.start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.buffer.read()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
