"""Where the server may listen: the loopback interface, and nothing else until access control exists."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from ledger.chain.node import is_loopback

_LONGEST_HOST = 255
_PORT = re.compile(r":\d{1,5}$")


class BindRefused(ValueError):
    """An address that the server does not listen on; the text says why and what to do instead."""


def check_bind(host: str) -> str:
    """``host`` where it is a loopback address; raises :class:`BindRefused` for any other.

    ``localhost`` becomes ``127.0.0.1``, so that no name service decides where the server listens.
    """
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError as error:
        raise BindRefused(
            f"{host!r} is not an IP address; use 127.0.0.1 / 不是 IP 地址,请使用 127.0.0.1"
        ) from error
    if not address.is_loopback:
        raise BindRefused(
            f"refusing to listen on {host}: there is no access control yet, and anybody who reaches the "
            "port could read drafts and press on the outbox. Listen on 127.0.0.1, and let others in "
            "through an SSH tunnel or a reverse proxy that authenticates / "
            f"拒绝监听 {host}:尚无访问控制。请监听 127.0.0.1,并通过 SSH 隧道或带认证的反向代理访问"
        )
    return str(address)


def host_is_loopback(host: str) -> bool:
    """Whether a ``Host`` header (with or without port) names this machine itself."""
    return len(host) <= _LONGEST_HOST and _names_loopback(host)


@lru_cache(maxsize=256)
def _names_loopback(host: str) -> bool:
    return is_loopback(_PORT.sub("", host.strip().lower()).strip("[]"))
