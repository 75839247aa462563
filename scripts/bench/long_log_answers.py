"""How the node that makes up a log answers JSON-RPC."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from eth_hash.auto import keccak

if TYPE_CHECKING:
    from scripts.bench.long_log import LongLog

Piece = bytes | range
"""Part of an answer: itself, or which octets of a log's file."""
_UNKNOWN = b'"error":{"code":-32601,"message":"the method does not exist"}'


class LogHandler(BaseHTTPRequestHandler):
    """One POST, one call or a batch of them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    log: LongLog

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if isinstance(asked, list):
            pieces: list[Piece] = [b"["]
            for at, each in enumerate(asked):
                pieces += [b"," * (at > 0), *self._answer(each)]
            pieces.append(b"]")
        else:
            pieces = self._answer(asked)
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(sum(map(len, pieces))))
            self.end_headers()
            self._send(pieces)
        except ConnectionError:
            # Whoever asked has gone; others go on asking.
            self.close_connection = True

    def _send(self, pieces: Sequence[Piece]) -> None:
        """Octets of the file go to the socket by themselves: a node elsewhere would cost this machine nothing."""
        plain = b""
        for piece in pieces:
            if isinstance(piece, bytes):
                plain += piece
                continue
            self.wfile.write(plain)
            plain, start = b"", piece.start
            while start < piece.stop:
                start += os.sendfile(
                    self.connection.fileno(), self._kept(), start, piece.stop - start
                )
        self.wfile.write(plain)

    def _kept(self) -> int:
        if self.log.file is None:
            raise AssertionError("nothing is kept of this log")
        return self.log.file.fileno()

    def _answer(self, asked: dict[str, Any]) -> list[Piece]:
        beginning = b'{"jsonrpc":"2.0","id":%d,' % asked["id"]
        if asked["method"] == "eth_getLogs":
            where = asked["params"][0]
            blocks = (int(where["fromBlock"], 16), int(where["toBlock"], 16))
            logs = self.log.logs(*blocks, where.get("topics", []))
            return [beginning + b'"result":', *logs, b"}"]
        result = self._result(asked["method"], asked["params"])
        return [beginning + (b'"result":' + result if result is not None else _UNKNOWN) + b"}"]

    def _result(self, method: str, params: list[Any]) -> bytes | None:
        log = self.log
        if method == "eth_getBlockByNumber":
            number = log.head if params[0] == "latest" else int(params[0], 16)
            return json.dumps(log.reference(number)).encode() if number <= log.head else b"null"
        if method == "eth_call":
            number = log.head if params[1] == "latest" else int(params[1], 16)
            sized = params[0]["data"][2:10] == keccak(b"size()")[:4].hex()
            word = f"{log.size(number):064x}" if sized else log.root(number).hex()
            return b'"0x%s"' % word.encode()
        plain = {"eth_chainId": hex(log.sim.chain_id), "eth_blockNumber": hex(log.head)}
        plain["eth_getCode"] = "0x60"
        return json.dumps(plain[method]).encode() if method in plain else None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Requests are not told."""
