"""Bearer tokens at the door (RFC 6750): 401 without a good one, 403 where it does not allow this."""

from __future__ import annotations

from collections.abc import Mapping

from api.language import Text
from api.problems import Problem
from ledger.access.tokens import Doorkeeper, Token, TokenRefused


def admit(headers: Mapping[str, str], doorkeeper: Doorkeeper, scope: str) -> Token:
    """The token of a request that allows ``scope``.

    Raises problems ``token_missing``, ``token_refused`` and ``scope_missing``.
    """
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        raise Problem(
            "token_missing",
            Text("请求没有访问令牌", "the request has no bearer token"),
            headers={"www-authenticate": f'Bearer realm="govledger", scope="{scope}"'},
        )
    try:
        return doorkeeper.admit(text.strip(), scope)
    except TokenRefused as refused:
        detail = Text(refused.zh, str(refused))
        if refused.known:
            told = f'Bearer realm="govledger", error="insufficient_scope", scope="{scope}"'
            raise Problem("scope_missing", detail, headers={"www-authenticate": told}) from refused
        told = 'Bearer realm="govledger", error="invalid_token"'
        raise Problem("token_refused", detail, headers={"www-authenticate": told}) from refused
