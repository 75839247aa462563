"""JSON-RPC 2.0 over HTTP: one node's endpoint, with batches, back-off and errors that advise.

The node may be behind a proxy that answers HTML, a rate limit that answers 429, or gone. Each
becomes one kind of :class:`~ledger.chain.interface.ChainError`; those that may pass by themselves
are :class:`ChainUnavailable`, and have been tried again before they are raised.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from ledger.canonical import printable
from ledger.chain.interface import ChainError
from ledger.chain.node_faults import (
    SHOWN,
    AnswerTooLong,
    ChainTimeout,
    ChainUnavailable,
    NotAChain,
    RpcError,
    revert_bytes,
)
from ledger.chain.wire import MOST, Content, TooLong, body_of, transport_for

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses that may pass by themselves, unless the body is a JSON-RPC answer after all."""
BUSY_CODES = frozenset({-32016, -32097, 429})
"""JSON-RPC error codes by which public gateways say "too many requests"."""
TOO_LARGE = 413
CLIENT_ERROR = 400
SERVER_ERROR = 500
MAX_PAUSE = 10.0
BATCH = 100


R = TypeVar("R")


class _Fault(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Fault | None = None


class Result(msgspec.Struct, Generic[R]):
    """A whole answer whose ``result`` is decoded at once: see :meth:`Endpoint.call_as`."""

    id: int
    result: R
    error: Any = None


_ONE = msgspec.json.Decoder(_Answer)
_MANY = msgspec.json.Decoder(list[_Answer])
_ENCODE = msgspec.json.Encoder().encode
_FIRST = re.compile(rb"\s*(.?)", re.DOTALL)
T = TypeVar("T")


def _start(content: Content) -> bytes:
    """The first byte that is no white space, b"" where there is none."""
    found = _FIRST.match(content)
    return b"" if found is None else found[1]


def place(url: str) -> str:
    """``url`` for people: scheme, host and port. Users, paths and queries may hold credentials."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


class Endpoint:
    """One node. ``timeout`` in seconds a request, ``tries`` a request; several threads may use it.

    A request that could have been carried out is sent again too: everything that the project asks
    of a node is idempotent, a signed transaction included.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        tries: int = 5,
        pause: float = 0.1,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ChainError(
                f"{url!r} is no address of a node: give http://HOST:PORT or https://HOST/PATH"
            )
        self.name = place(url)
        self._url = url
        self._tries = tries
        self._pause = pause
        self._sleep = sleep
        self._batch = BATCH
        self._ids = itertools.count(1)
        self._down = False
        self._greeting: Callable[[], None] | None = None
        self._greets: int | None = None
        self._meeting = threading.Lock()
        self._wire = transport_for(url)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            headers={"Content-Type": "application/json"},
            transport=self._wire,
        )

    @property
    def batch(self) -> int:
        """How many calls the node takes in one request, as far as met; 1 if it takes no batches."""
        return self._batch

    def close(self) -> None:
        self._client.close()

    def greet_with(self, greeting: Callable[[], None]) -> None:
        """Have ``greeting`` done, in whatever thread asks first, before anything else is asked.

        What it raises is what the caller gets, and the next one tries again; so a node that is not there yet
        can be named now and be checked when it comes.
        """
        self._greeting = greeting

    def _greet(self) -> None:
        if self._greeting is None or self._greets == threading.get_ident():
            return
        with self._meeting:
            greeting = self._waiting_greeting()  # another thread may have done it meanwhile
            if greeting is None:
                return
            self._greets = threading.get_ident()
            try:
                greeting()
                self._greeting = None
            finally:
                self._greets = None

    def _waiting_greeting(self) -> Callable[[], None] | None:
        return self._greeting

    def call(self, method: str, *params: object, tries: int | None = None) -> msgspec.Raw:
        """The result of one call as raw JSON; raises :class:`RpcError` or another ChainError."""
        return self._result(method, self._patiently(lambda: self._one(method, params), tries))

    def call_as(
        self, decoder: msgspec.json.Decoder[Result[R]], method: str, *params: object
    ) -> tuple[Result[R] | msgspec.Raw, int]:
        """As :meth:`call`, for long answers: what ``decoder`` makes of the answer, and its size in bytes.

        Where it is not of the form that ``decoder`` knows, the result as raw JSON.
        """

        def ask() -> tuple[Result[R] | msgspec.Raw, int]:
            number, content, status = self._sent(method, params)
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                found = decoder.decode(content)
                if found.id == number and found.error is None:
                    size = len(content)
                    if self._wire is not None:
                        self._wire.give_back(content)
                    return found, size
            answer = self._answer(number, content, status)
            return self._result(method, answer), len(content)

        return self._patiently(ask)

    def call_many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[msgspec.Raw]:
        """The results of several calls in their order, in as few requests as the node takes.

        Nodes limit batches (FISCO BCOS: 8) or take none; what this one takes is found out by
        halving, and kept. Raises what :meth:`call` raises for the first call that fails.
        """
        results = []
        for result in self.call_each(calls):
            if isinstance(result, RpcError):
                raise result
            results.append(result)
        return results

    def call_each(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[msgspec.Raw | RpcError]:
        """As :meth:`call_many`, but with the error of each call that the node refuses."""
        results: list[msgspec.Raw | RpcError] = []
        at = 0
        while at < len(calls):
            size = min(self._batch, len(calls) - at)
            part = calls[at : at + size]
            if size == 1:
                answers: list[_Answer] | None = [self._patiently(partial(self._one, *part[0]))]
            else:
                answers = self._patiently(partial(self._many, part))
            if answers is None:
                self._batch = max(1, size // 2)
                continue
            for (method, _), answer in zip(part, answers, strict=True):
                try:
                    results.append(self._result(method, answer))
                except RpcError as problem:
                    results.append(problem)
            at += size
        return results

    def _many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[_Answer] | None:
        """The answers in order, or None where the node does not take a batch of this size."""
        ids = [next(self._ids) for _ in calls]
        questions = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in zip(ids, calls, strict=True)
        ]
        try:
            content, status = self._post(questions)
        except AnswerTooLong:
            return None
        start = _start(content)
        if status == TOO_LARGE or (status >= CLIENT_ERROR and start not in (b"{", b"[")):
            return None
        if start == b"{":
            # one error for the whole batch: too long, or not supported
            fault = self._decode(_ONE, content, status).error
            if fault is not None and fault.code in BUSY_CODES:
                raise ChainUnavailable(f"{self.name} is busy: {printable(fault.message[:SHOWN])}")
            return None
        by_id = {answer.id: answer for answer in self._decode(_MANY, content, status)}
        if any(number not in by_id for number in ids):
            return None
        return [by_id[number] for number in ids]

    def _one(self, method: str, params: Sequence[Any]) -> _Answer:
        return self._answer(*self._sent(method, params))

    def _sent(self, method: str, params: Sequence[Any]) -> tuple[int, Content, int]:
        """The id of the request, what came back, and its HTTP status."""
        number = next(self._ids)
        content, status = self._post(
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        )
        if status == TOO_LARGE:
            raise RpcError(
                self.name, method, TOO_LARGE, "the request is too large for the node", None
            )
        return number, content, status

    def _answer(self, number: int, content: Content, status: int) -> _Answer:
        answer = self._decode(_ONE, content, status)
        if answer.error is not None and answer.error.code in BUSY_CODES:
            raise ChainUnavailable(
                f"{self.name} is busy: {printable(answer.error.message[:SHOWN])}"
            )
        if answer.error is None and answer.id != number:
            raise NotAChain(f"{self.name} answers another request than the one sent")
        return answer

    def _result(self, method: str, answer: _Answer) -> msgspec.Raw:
        fault = answer.error
        if fault is not None:
            raise RpcError(self.name, method, fault.code, fault.message, revert_bytes(fault.data))
        return answer.result

    def _post(self, body: object) -> tuple[Content, int]:
        try:
            with self._client.stream("POST", self._url, content=_ENCODE(body)) as response:
                content = body_of(response)
        except TooLong as problem:
            said = "" if problem.said is None else f" ({problem.said:,} bytes by its own account)"
            raise AnswerTooLong(
                f"{self.name} has an answer of more than {MOST >> 20} MiB{said}, and none as long is read: no "
                "question that is asked here has one; check what answers at this address"
            ) from problem
        except httpx.TimeoutException as problem:
            kind = ChainUnavailable if isinstance(problem, httpx.ConnectTimeout) else ChainTimeout
            raise kind(
                f"{self.name} does not answer in time; check that it runs and is not overloaded"
            ) from problem
        except httpx.RemoteProtocolError as problem:
            raise ChainUnavailable(
                f"{self.name} broke off its answer ({printable(str(problem).strip())}); check the node and what stands "
                "between"
            ) from problem
        except httpx.TransportError as problem:
            raise ChainUnavailable(
                f"{self.name} cannot be reached ({problem}); start the node, or correct "
                "the address (setting rpc_url)"
            ) from problem
        except (httpx.InvalidURL, httpx.HTTPError) as problem:
            raise ChainError(f"{self.name}: {problem}") from problem
        status = response.status_code
        speaks = _start(content) in (b"{", b"[")
        if status in (401, 403) and not speaks:
            raise ChainError(
                f"{self.name} refuses access (HTTP {status}); check the credentials in the address"
            )
        if status in BUSY and not (speaks and status == SERVER_ERROR):
            raise _Busy(f"{self.name} is busy (HTTP {status})", _retry_after(response))
        return content, status

    def _decode(self, decoder: msgspec.json.Decoder[T], content: Content, status: int) -> T:
        try:
            return decoder.decode(content)
        except msgspec.ValidationError as problem:
            raise NotAChain(
                f"{self.name} answers JSON that is no JSON-RPC 2.0 ({problem}); is the address "
                "that of an Ethereum node?"
            ) from problem
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            start = _start(content)
            if start in (b"{", b"["):
                raise ChainUnavailable(
                    f"{self.name} sent half an answer ({len(content)} bytes that end too early); "
                    "check the node and what stands between"
                ) from problem
            looks = "a web page" if start == b"<" else "no JSON"
            raise NotAChain(
                f"{self.name} answers {looks} (HTTP {status}): no Ethereum node is here; correct "
                "the address (setting rpc_url)"
            ) from problem

    def _patiently(self, ask: Callable[[], T], tries: int | None = None) -> T:
        """``ask()``, again after growing pauses while the node is unavailable, ``tries`` in all."""
        self._greet()
        pause = self._pause
        # A node that was gone just now is asked once: who waits for it here holds up others.
        tries = 1 if self._down else self._tries if tries is None else tries
        try:
            found = self._again_and_again(ask, tries, pause)
        except ChainError as problem:
            self._down = isinstance(problem, ChainUnavailable)
            raise
        self._down = False
        return found

    def _again_and_again(self, ask: Callable[[], T], tries: int, pause: float) -> T:
        for _ in range(tries - 1):
            try:
                return ask()
            except ChainUnavailable as problem:
                # some chance, so that clients that were turned away together come back apart
                wait = pause * (0.75 + random.random() / 2)  # noqa: S311 - no secret
                if isinstance(problem, _Busy) and problem.retry_after is not None:
                    wait = problem.retry_after
                self._sleep(min(wait, MAX_PAUSE))
                pause *= 2
        return ask()


class _Busy(ChainUnavailable):
    """HTTP 429 and its kin; ``retry_after`` in seconds where the node says."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(f"{message}; it was asked several times, try again later")
        self.retry_after = retry_after


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
