"""Leaves of the log as a person and a program read them: decoded, and with every byte beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from api.context import View
from api.wording import time_of
from ledger.canonical import CanonicalError, parse_json
from ledger.mirror import queries as mirror
from ledger.mirror.flags import flags as malformed
from ledger.organisations import queries as organisations
from ledger.statements import (
    MAX_BODY_BYTES,
    Authorisation,
    LogIdentity,
    Statement,
    StatementError,
    struct_of,
)

_NOBODY = bytes(20)
_FLAGS_A_LEAF = 8
"""More than a leaf can have: one for its body, and one a projection."""


def show_statements(view: View, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    """``statements`` (neighbours in the log) for an answer, in three queries however many they are."""
    if not statements:
        return []
    cursor = mirror.cursor_of(view.conn)
    if cursor is None:
        return []
    names = organisations.names(view.conn, (one.org for one in statements))
    flags: dict[int, list[dict[str, str]]] = {}
    first, last = statements[0].index, statements[-1].index
    for flag in malformed(view.conn, first, (last - first + 1) * _FLAGS_A_LEAF):
        flags.setdefault(flag.index, []).append({"source": flag.source, "reason": flag.reason})
    shown = []
    for one in statements:
        row = _show(one, cursor.log)
        name = names.get(one.org)
        row["organisation"] = (
            {"code": name.code, "zh": name.name, "en": name.name_en} if name else None
        )
        row["flags"] = flags.get(one.index, [])
        shown.append(row)
    return shown


def _show(statement: Statement, log: LogIdentity) -> dict[str, Any]:
    struct: str | None
    values: dict[str, Any] | None
    try:
        kind = struct_of(statement.payload)
        struct, values = kind.name, dict(kind.decode(statement.payload))
    except StatementError:  # kept as it came; `flags` says why it is not shown in lists
        struct, values = None, None
    body, text = _body(statement.body)
    return {
        "index": statement.index,
        "kind": statement.kind,
        "struct": struct,
        "subject": statement.subject,
        "version": statement.version,
        "org": statement.org,
        "signer": to_checksum_address(statement.signer),
        "authorisation": statement.authorisation,
        "recorded_at": time_of(statement.recorded_at),
        "timestamp": statement.recorded_at,
        "values": values,
        "payload": statement.payload,
        "body_digest": statement.body_digest,
        "body": body,
        "body_text": text,
        "leaf_input": statement.leaf_input(log),
        "leaf_hash": statement.leaf_hash(log),
    }


def _body(body: bytes) -> tuple[Any, str | None]:
    """A body as JSON and as text, each None where it is not that; an empty body is ``(None, "")``."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None, None
    try:
        return (parse_json(body, MAX_BODY_BYTES) if body else None), text
    except CanonicalError:
        return None, text


def show_authorisation(found: Authorisation) -> dict[str, Any]:
    return {
        "digest": found.digest,
        "registry": to_checksum_address(found.registry),
        "organisation": found.organisation,
        "signer": to_checksum_address(found.signer),
        "signature": found.signature,
        "cosigner": None if found.cosigner == _NOBODY else to_checksum_address(found.cosigner),
        "cosignature": found.cosignature,
        "deadline": found.deadline,
        "first_index": found.first_index,
        "count": found.count,
    }


def show_recorded(found: mirror.Recorded) -> dict[str, Any]:
    return {
        "transaction": found.transaction_hash,
        "block_number": found.block_number,
        "block_hash": found.block_hash,
        "timestamp": found.timestamp,
    }
