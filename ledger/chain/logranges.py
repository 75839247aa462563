"""Events of a range of blocks, from nodes that limit ranges each in their own way.

Besu refuses more than 5,000 blocks, gateways refuse by the number or size of results, and FISCO BCOS
3 answers a long range *silently* with the events of its first ten blocks. So a range is trusted only
as far as this node was seen to return an event at its end: an answer counts up to its last event, or
up to the span proven before, and what lies behind is asked for again.
"""

from __future__ import annotations

import threading
from binascii import unhexlify
from collections.abc import Sequence

import msgspec

from ledger.chain.interface import ChainError, RawLog
from ledger.chain.node_faults import AnswerTooLong, ChainTimeout, NotAChain, RpcError
from ledger.chain.transport import Endpoint, Result

FIRST_SPAN = 10
"""Blocks a node is trusted to scan before it has shown more (the default of FISCO BCOS 3)."""
WIDEST_SPAN = 5_000
"""Most blocks asked for at once (Besu's limit)."""
FIRST_STEP = 256
ANSWER_BYTES = 32 << 20
"""Size of an answer to aim for at most, in bytes of JSON."""
METHOD_UNKNOWN = -32601
FULL = 4
"""Topics that an event has at most."""


class _Log(msgspec.Struct, rename="camel", gc=False):
    address: str
    topics: list[str]
    data: str
    block_number: str
    transaction_hash: str
    log_index: str
    block_hash: str | None = None
    blockhash: str | None = None
    removed: bool | None = None


_LOGS = msgspec.json.Decoder(list[_Log] | None)
_ANSWER = msgspec.json.Decoder(Result[list[_Log] | None])


class LogRanges:
    """Asks one node for events. ``span``: blocks proven to be scanned to their end.

    ``limit`` is the widest range not known to fail. Safe for several threads.
    """

    def __init__(self, endpoint: Endpoint, span: int = FIRST_SPAN) -> None:
        self.span = max(1, min(span, WIDEST_SPAN))
        self.limit = WIDEST_SPAN
        self.silent = False
        """Whether a longer range was seen to come back cut off, without an error."""
        self._endpoint = endpoint
        self._step = FIRST_STEP
        self._lock = threading.Lock()

    def trust(self, blocks: int) -> None:
        """Take a span as proven that an earlier probe of this very node has proven."""
        self.span = max(self.span, min(blocks, self.limit))

    def logs(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None] = ()
    ) -> list[RawLog]:
        """All events of ``address`` in blocks ``first..last``, in chain order; ``topics`` filter.

        Any range may be asked: it is split into what the node answers, and into what it can be
        trusted to have scanned (see above). Raises ChainError.
        """
        found: list[RawLog] = []
        at = first
        while at <= last:
            rows, end = self._answer(address, at, last, topics)
            reach = rows[-1].block_number if rows else at - 1
            if reach - at + 1 > self.span:
                self.span = min(reach - at + 1, self.limit)
            elif rows and not topics and self._may_reach_farther(reach):
                self.prove(address, rows[-1])
            until = min(end, max(reach, at + self.span - 1))
            found += rows
            at = until + 1
        return found

    def _may_reach_farther(self, block: int) -> bool:
        return self.span < min(self.limit, block + 1) and self.span * 2 <= block + 1

    def prove(self, address: bytes, canary: RawLog) -> int:
        """Find the widest range whose end this node scans, by an event known to stand there.

        Asks for ranges that end at the canary's block, narrower ones while the canary is missing or
        the node refuses. Returns the proven span in blocks; what the node fails at is remembered.
        """
        span = min(self.limit, canary.block_number + 1)
        while span > self.span:
            start = canary.block_number - span + 1
            try:
                rows = self._ask(address, start, canary.block_number, canary.topics[:2])[0]
                missing = all(row.block_number != canary.block_number for row in rows)
                self.silent |= missing
            except (RpcError, ChainTimeout, AnswerTooLong):
                missing = True
            if not missing:
                self.span = span
                break
            self.limit = span - 1
            span //= 2
        return self.span

    def _answer(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None]
    ) -> tuple[list[RawLog], int]:
        """Events from ``first`` to the returned block, as near to ``last`` as one answer goes."""
        while True:
            # twice the proven span: where the answer reaches farther than before, more is proven
            step = min(self._step, self.span * 2, max(self.limit, 1))
            end = min(last, first + step - 1)
            try:
                rows, size = self._ask(address, first, end, topics)
            except (RpcError, ChainTimeout, AnswerTooLong) as problem:
                if end == first or getattr(problem, "code", 0) == METHOD_UNKNOWN:
                    raise
                # "range too wide", "more than 10000 results", "response too large", "timed out":
                # the wording differs by node, the way out is the same
                with self._lock:
                    self._step = max(1, (end - first + 1) // 2)
                    self.span = min(self.span, self._step)
                continue
            with self._lock:
                if size > ANSWER_BYTES:
                    self._step = max(1, step * ANSWER_BYTES // (2 * size))
                elif size < ANSWER_BYTES // 4 and end - first + 1 == self._step:
                    self._step = min(WIDEST_SPAN, self._step * 2)
            return rows, end

    def _ask(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None]
    ) -> tuple[list[RawLog], int]:
        """One getLogs call, its events in order and its size in bytes."""
        question = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": "0x" + address.hex(),
            "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
        }
        answer, size = self._endpoint.call_as(_ANSWER, "eth_getLogs", question)
        try:
            rows = _LOGS.decode(answer) if isinstance(answer, msgspec.Raw) else answer.result
        except (msgspec.DecodeError, ValueError) as problem:
            raise NotAChain(
                f"{self._endpoint.name} answers eth_getLogs in a form unknown here ({problem})"
            ) from problem
        return self._events(rows or [], address, first, last), size

    def _events(self, rows: Sequence[_Log], address: bytes, first: int, last: int) -> list[RawLog]:
        sender = "0x" + address.hex()
        events: list[RawLog] = []
        add = events.append
        words: dict[str, bytes] = {}
        in_order = True
        number = at = -1
        number_text = block_text = transaction_text = ""
        block = transaction = b""
        # Runs once an event. What neighbours share is read once: blocks, transactions, and the topics that name things.
        for row in rows:
            if row.removed:
                continue
            if row.block_number != number_text:
                before, number_text = number, row.block_number
                number = int(number_text, 16)
                in_order = in_order and number >= before
                at = at if number == before else -1
            # Most nodes write addresses in lower case, as we do.
            ours = row.address == sender or row.address.lower() == sender
            if not ours or not first <= number <= last:
                raise ChainError(
                    f"{self._endpoint.name} answers eth_getLogs with an event that was not asked for "
                    f"({row.address} in block {number}); its events cannot be trusted"
                )
            given = row.block_hash or row.blockhash
            if given is None:
                raise ChainError(f"{self._endpoint.name} leaves out the block hash of an event")
            if given != block_text:
                block_text, block = given, unhexlify(given.removeprefix("0x"))
            if row.transaction_hash != transaction_text:
                transaction_text = row.transaction_hash
                transaction = unhexlify(transaction_text.removeprefix("0x"))
            if len(row.topics) == FULL:
                one, two, three, four = row.topics
                topics: tuple[bytes, ...] = (
                    words.get(one) or words.setdefault(one, unhexlify(one[2:])),
                    unhexlify(two[2:]),
                    words.get(three) or words.setdefault(three, unhexlify(three[2:])),
                    unhexlify(four[2:]),
                )
            else:
                topics = tuple([unhexlify(text[2:]) for text in row.topics])
            index = int(row.log_index, 16)
            in_order = in_order and index >= at
            at = index
            # Positional: by name takes longer than the rest of the line.
            add(RawLog(topics, unhexlify(row.data[2:]), number, block, transaction, index))
        if not in_order:
            events.sort(key=_place)
        return events


def _place(event: RawLog) -> tuple[int, int]:
    return event.block_number, event.log_index
