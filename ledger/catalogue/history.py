"""What happened to an entry (目录履历): every filing and decision about it, as the statements are that say them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.catalogue.drafted_rows import state_told
from ledger.catalogue.drafting import draft_of
from ledger.catalogue.queries import unknown
from ledger.mirror import queries as mirror
from ledger.mirror.reading import read
from ledger.statements import FILING, Statement, StatementError, struct_of, text_hash


@dataclass(frozen=True, slots=True)
class Act:
    """One act in an entry's life. Hashes and addresses as lower-case hex with ``0x``;
    ``organisation`` is the Keccak-256 of the speaker's code.
    """

    leaf: int
    version: int
    act: str
    state: str | None
    edition: int
    organisation: str
    signer: str
    authorisation: str
    reasons: tuple[str, ...]
    recorded_at: int


def acts_of(conn: Connection, code: str, *, as_of: int | None = None) -> list[Act]:
    """Every act in an entry's life, oldest first; raises
    :class:`~ledger.catalogue.filters.CatalogueQueryError` for none.
    """
    about = mirror.statements_about(conn, FILING.kind, text_hash(code), as_of)
    found = list(_acts(about))
    if not found:
        raise unknown(conn, code, as_of)
    return found


def _acts(statements: list[Statement]) -> Iterator[Act]:
    """What is well-formed among the statements about an entry; the contract counts the editions of all."""
    edition = 0
    for statement in statements:
        try:
            struct = struct_of(statement.payload)
            struct.decode(statement.payload)
        except StatementError:
            continue
        edition += struct is FILING
        decoded = read(statement)
        if isinstance(decoded, str) or isinstance(draft_of(decoded), str):
            continue
        yield Act(
            leaf=statement.index,
            version=statement.version,
            act="filed" if struct is FILING else "decided",
            state=state_told(decoded),
            edition=edition,
            organisation="0x" + statement.org.hex(),
            signer="0x" + statement.signer.hex(),
            authorisation="0x" + statement.authorisation.hex(),
            reasons=tuple(decoded.body.get("reasons", ())),
            recorded_at=statement.recorded_at,
        )
