"""``govledger serve`` and ``govledger node``: the HTTP API, and the embedded chain for other tools."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.garbage import pass_over
from ledger.cli.output import Exit, Problem, out, say
from ledger.cli.session import ask_passphrase, opened
from ledger.cli.wording import problem_of

if TYPE_CHECKING:
    from ledger.office import Office

STOP_SECONDS = 5
TURN_SECONDS = 0.001


def serve(
    host: Annotated[str | None, typer.Option(help="Loopback address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 for any free one.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer; one of them is on duty.")
    ] = 1,
) -> None:
    """Serve the API and the chain's JSON-RPC, follow the log, and send what the outbox holds.

    Example: govledger -C qingpu serve --port 8080
    Example: govledger -C qingpu serve --workers 2
    """
    with opened(host=host, port=port) as office:
        _ = office.deployment
        ask_passphrase(office)
        serve_office(office, workers)


def serve_office(office: Office, workers: int = 1) -> None:
    """Serve an opened office until it is told to stop (Ctrl-C or SIGTERM)."""
    from api.app import create_app  # noqa: PLC0415 - web code only where a server is wanted
    from api.server import BindRefused, check_bind  # noqa: PLC0415

    try:
        host = check_bind(office.settings.host)
    except BindRefused as error:
        raise (problem_of(error) or error) from error
    with office.only_server() as alone:
        if not alone:
            process = office.server_process()
            raise Problem(
                say(
                    f"进程 {process} 已在为 {office.data_dir} 提供服务",
                    f"process {process} serves {office.data_dir} already",
                ),
                say("使用已有的服务，或先将其停止", "use that server, or stop it first"),
                Exit.UNAVAILABLE,
            )
        # A chain that is out of reach is waited for, while questions are answered from the mirror. Whatever
        # else cannot be opened is told before the server says that it serves.
        office.patient = True
        _ = office.sender
        if office.settings.journal_key:
            office.unlock(office.settings.journal_key)
        if workers == 1:
            _ = office.mirror, office.outbox
        listener = listen(host, office.settings.port)
        office.url = url = address_of(listener)

        def ready() -> None:
            out.print(
                say(f"服务地址 {url} （Ctrl-C 停止）", f"Serving on {url} (Ctrl-C to stop)"),
                style="bold",
            )

        if workers == 1:
            app = create_app(office, url=url)
            _run(app, [listener], office.settings.log_level, ready)
        else:
            _serve_together(office, listener, workers, ready)


def _serve_together(
    office: Office, listener: socket.socket, count: int, ready: Callable[[], None]
) -> None:
    """Serve by several processes; nothing of the office that threads or locks stand on is open yet."""
    from api.app import create_app  # noqa: PLC0415 - web code only where a server is wanted
    from ledger.chain.node import RPC_PATH  # noqa: PLC0415
    from ledger.cli.workers import Workers, WorkersFailed, inner_listener  # noqa: PLC0415

    inner = inner_listener()
    level = office.settings.log_level
    keep_log(level)

    def work(number: int, serves: Callable[[], None]) -> None:
        first = number == 0
        if not first and not office.settings.rpc_url:
            office.node_url = address_of(inner) + RPC_PATH
        _ = office.mirror, office.outbox
        app = create_app(office, url=address_of(inner), on_duty=first)
        with office:
            _run(app, [listener, inner] if first else [listener], level, serves)

    try:
        Workers(work, count).run(ready)
    except WorkersFailed as error:
        raise Problem(
            say("服务未能启动，原因见上", "the server did not start; the reason stands above"),
            say("处理后重试", "mend that and start it again"),
            Exit.FAILED,
        ) from error
    finally:
        for one in (inner, listener):
            one.close()


@contextmanager
def receiving(office: Office) -> Iterator[str]:
    """Take in lineage events on a free loopback port, as `serve` does, and do nothing else that it does.

    Gives the address; whatever was acknowledged is in the office's journal when the block ends.
    """
    import uvicorn  # noqa: PLC0415

    from api.app import create_app  # noqa: PLC0415 - web code only where a server is wanted

    listener = listen("127.0.0.1", 0)
    # Without its lifespan the application follows nothing and sends nothing.
    config = uvicorn.Config(
        create_app(office), lifespan="off", log_level="warning", access_log=False, log_config=None
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="govledger-receiving"
    )
    thread.start()
    try:
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def node(
    port: Annotated[int | None, typer.Option(help="Port; 0 for any free one.")] = None,
) -> None:
    """Serve the embedded chain as JSON-RPC, for cast, web3 and other Ethereum tools.

    Example: govledger node --port 8545
    """
    from ledger.chain.embedded import EmbeddedChain  # noqa: PLC0415
    from ledger.chain.node import serve as serve_node  # noqa: PLC0415

    with opened(node_port=port) as office:
        _ = office.deployment
        chain = office.chain
        if not isinstance(chain, EmbeddedChain):
            if office.settings.rpc_url:
                raise Problem(
                    say(f"这个账本的链在 {chain.name}", f"this ledger's chain is {chain.name}"),
                    say("`node` 只用于内置链", "`node` is for the embedded chain only"),
                    Exit.USAGE,
                )
            raise Problem(
                say(
                    f"链已由另一个进程提供：{chain.name}",
                    f"another process serves this chain already: {chain.name}",
                ),
                say("使用该地址，或先停止那个进程", "use that address, or stop that process first"),
                Exit.UNAVAILABLE,
            )
        keep_log(office.settings.log_level)
        serve_node(
            chain,
            office.data_dir,
            port=office.settings.node_port,
            ready=lambda info: out.print(
                say(f"链节点 {info.url} （Ctrl-C 停止）", f"Chain on {info.url} (Ctrl-C to stop)"),
                style="bold",
            ),
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises :class:`Problem` where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle off only where the protocol is named; each answer would wait 40 ms
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # whoever reads our address may connect at once
        listener.listen()
    except OSError as error:
        listener.close()
        raise Problem(
            say(
                f"端口 {port} 无法使用：{error.strerror}",
                f"port {port} cannot be used: {error.strerror}",
            ),
            say(
                "用 --port 换一个端口，或停止占用它的程序",
                "name another with --port, or stop who holds it",
            ),
            Exit.UNAVAILABLE,
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL that reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def keep_log(level: str) -> None:
    """Write what happens to standard error, from ``level`` on; of the libraries only warnings."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _run(
    app: object, listeners: list[socket.socket], log_level: str, ready: Callable[[], None]
) -> None:
    import uvicorn  # noqa: PLC0415

    from ledger.chain.node import stopping  # noqa: PLC0415

    keep_log(log_level)
    # Requests share the interpreter with the background work: they wait for it this long at most a turn.
    sys.setswitchinterval(TURN_SECONDS)
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level=log_level if log_level == "debug" else "warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                # Modules and tables stay as they are: whoever looks for cycles passes over them from now on,
                # or every request would wait a quarter of a second now and then.
                pass_over()
                ready()

    server = Announced(config)
    try:
        with stopping(server):
            server.run(sockets=listeners)
    finally:
        for listener in listeners:
            listener.close()
    if not server.started:
        raise Problem(
            say("服务未能启动，原因见上", "the server did not start; the reason stands above"),
            say("处理后重试", "mend that and start it again"),
            Exit.FAILED,
        )
