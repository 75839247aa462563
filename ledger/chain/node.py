"""The embedded chain over loopback HTTP, and the note in the data directory that says where.

Only this machine may ask: the peer and the ``Host`` header must be loopback (a page that points
its own name at 127.0.0.1 is refused), a browser's ``Origin`` must be loopback too, and there is no
CORS.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import httpx
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ledger.chain.embedded import EmbeddedChain
from ledger.chain.embedded.rpc import parse_error
from ledger.chain.interface import ChainError

RPC_PATH = "/rpc"
"""Where a server that has the chain in its process offers its JSON-RPC."""
FILE_NAME = "node.json"
MAX_REQUEST_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 2.0
"""How long :func:`running` waits for the node to answer."""
HINT = (
    "This is the JSON-RPC address of a GovLedger chain. Ask it with POST, for example:\n"
    "  cast block-number --rpc-url {url}\n"
)


class NodeInfo(msgspec.Struct, frozen=True):
    """Where a chain is served: process, address, chain id."""

    pid: int
    url: str
    chain_id: int


# -- the note in the data directory -------------------------------------------------------------


def publish(data_dir: Path, url: str, chain_id: int) -> NodeInfo:
    """Write ``node.json`` for this process, so that other commands find its chain."""
    info = NodeInfo(os.getpid(), url, chain_id)
    draft = data_dir / f"{FILE_NAME}.{info.pid}"
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n")
    draft.replace(data_dir / FILE_NAME)
    return info


def withdraw(data_dir: Path) -> None:
    """Remove this process's ``node.json``; another's stays."""
    info = _read(data_dir)
    if info is not None and info.pid == os.getpid():
        (data_dir / FILE_NAME).unlink(missing_ok=True)


def running(data_dir: Path) -> NodeInfo | None:
    """The node that serves this data directory's chain now; None where none is or it is another.

    A note left by a process that was killed is passed over: the process must live, and answer
    ``eth_chainId`` with the chain id of the note.
    """
    info = _read(data_dir)
    if info is None or not _alive(info.pid):
        return None
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        answer = httpx.post(info.url, json=question, timeout=ANSWER_SECONDS, trust_env=False)
        found = answer.json()["result"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        return None
    return info if found == hex(info.chain_id) else None


def _read(data_dir: Path) -> NodeInfo | None:
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=NodeInfo)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# -- the application ----------------------------------------------------------------------------


def create_endpoint(chain: EmbeddedChain) -> Callable[[Request], Awaitable[Response]]:
    """The handler of the JSON-RPC address, for an application that has routes of its own."""

    async def endpoint(request: Request) -> Response:
        refusal = _refuse(request)
        if refusal is not None:
            return refusal
        if request.method == "GET":
            return PlainTextResponse(HINT.format(url=request.url))
        body = await _body(request)
        if body is None:
            return PlainTextResponse(
                f"a request has at most {MAX_REQUEST_BYTES} bytes: send fewer calls in a batch\n",
                status_code=413,
            )
        try:
            question = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            return _json(parse_error(str(error)))
        answer = await run_in_threadpool(chain.rpc.handle, question)
        return Response(status_code=204) if answer is None else _json(answer)

    return endpoint


def create_app(chain: EmbeddedChain) -> Starlette:
    """The chain's JSON-RPC at ``/``. The caller opens and closes the chain."""
    return Starlette(routes=[Route("/", create_endpoint(chain), methods=["GET", "POST"])])


def _json(answer: object) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def _body(request: Request) -> bytes | None:
    """The body, None where it is larger than allowed; what is too large is never held."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_REQUEST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address means this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _refuse(request: Request) -> Response | None:
    peer = request.client
    if peer is not None and not is_loopback(peer.host):
        return PlainTextResponse("only this machine may ask\n", status_code=403)
    if not is_loopback(_hostname(f"//{request.headers.get('host', '')}")):
        return PlainTextResponse(
            "the Host header must be 127.0.0.1, [::1] or localhost\n", status_code=403
        )
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(_hostname(origin)):
        return PlainTextResponse("pages of other sites may not ask\n", status_code=403)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if request.method == "POST" and kind != "application/json":
        return PlainTextResponse("send JSON as application/json\n", status_code=415)
    return None


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


# -- a process of its own -----------------------------------------------------------------------


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on loopback; ``port`` 0 takes a free one.

    Raises :class:`ChainError` for an address that is not loopback, or a port that is in use.
    """
    if not is_loopback(host):
        raise ChainError(
            f"{host} is not this machine alone: the chain is served on 127.0.0.1 only, "
            "because whoever reaches it may read all of it"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle off only where the protocol is named; each answer would wait 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ChainError(
            f"port {port} on {host} cannot be used ({error.strerror}): "
            "choose another with --port (GOVLEDGER_NODE_PORT)"
        ) from error
    return listener


def serve(
    chain: EmbeddedChain,
    data_dir: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8545,
    ready: Callable[[NodeInfo], None] | None = None,
) -> None:
    """Serve the chain until the process is told to stop (SIGINT, SIGTERM).

    ``node.json`` stands in ``data_dir`` as long; ``ready`` is told the address once it accepts
    connections. Raises :class:`ChainError` as :func:`listen`.
    """
    with listen(host, port) as listener:
        listener.listen()
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(create_app(chain), log_level="warning", lifespan="off")
        )
        info = publish(data_dir, url, chain.chain_id)
        try:
            with stopping(server):
                if ready is not None:
                    ready(info)
                server.run(sockets=[listener])
        finally:
            withdraw(data_dir)


@contextmanager
def stopping(server: uvicorn.Server) -> Iterator[None]:
    """SIGINT and SIGTERM end the server and nothing else.

    uvicorn raises them once more after it has stopped, which would end the process before the chain
    is closed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
