"""From a leaf to something that can be projected: payload and body decoded and held against the
leaf.
"""

from __future__ import annotations

from ledger.canonical import CanonicalError, parse_canonical
from ledger.mirror.projections import Decoded
from ledger.statements import (
    MAX_BODY_BYTES,
    Statement,
    StatementError,
    struct_of,
    subject_of,
)

CHECK = "statement"
"""The ``source`` of flags for what :func:`read` refuses, and its name in ``projection_state``."""
CHECK_VERSION = 1


def read(statement: Statement) -> Decoded | str:
    """The statement decoded, or why it is malformed (and then projected by nobody).

    The payload must be a typed struct of the statement's kind that says the same subject, version
    and body digest as the leaf; the body must be a JSON object in RFC 8785 form, or empty.
    """
    try:
        decoded = read_payload(statement)
    except StatementError as error:
        return f"payload: {error}"
    if not statement.body:
        return decoded
    try:
        body = parse_canonical(statement.body, MAX_BODY_BYTES)
    except CanonicalError as error:
        return f"body: {error}"
    if not isinstance(body, dict):
        return "body: not a JSON object"
    decoded.body = body
    return decoded


def read_payload(statement: Statement) -> Decoded:
    """The statement with its payload decoded, and no body.

    Raises :class:`StatementError` where payload and leaf say different things.
    """
    struct = struct_of(statement.payload)
    values = struct.decode(statement.payload)
    if struct.kind != statement.kind:
        raise StatementError(f"a {struct.name} is no {statement.kind}")
    if subject_of(struct, values, statement.org) != statement.subject:
        raise StatementError(f"not about 0x{statement.subject.hex()}, which the leaf is about")
    if values["version"] != statement.version:
        raise StatementError(f"not version {statement.version}, which the leaf says")
    if values["bodyDigest"] != statement.body_digest:
        raise StatementError("it names another body than the leaf")
    return Decoded(statement, struct, values, {})
