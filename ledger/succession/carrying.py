"""Carrying the history over (迁入历史): the old log's batches, with what they left in the heads, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Connection

from ledger.mirror.doubt import authorisation_of_row
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Heads, Rulebook
from ledger.mirror.reading import read_payload
from ledger.mirror.rows import authorisation_rows, statements_between
from ledger.statements import Authorisation, LogIdentity, Statement, kind_word
from ledger.succession.errors import MigrationError

_MANDATE = "(bytes32,uint64,address,bytes,address,bytes)"
_RECORD = "(bytes32,uint64,uint192,bytes,bytes)"
_PASSAGE = f"(uint256,address,bytes32,bytes32,address,uint64,{_MANDATE},{_RECORD}[])"
_ARGUMENTS = ("uint64", f"{_PASSAGE}[]")
CARRY = f"carry({','.join(_ARGUMENTS)})"
"""Signature of the successor log's method."""
_SELECTOR = bytes(keccak(text=CARRY))[:4]
AT_ONCE = 500
"""Batches read from the mirror at a time."""
GAS_FOR_CALL, GAS_FOR_BATCH, GAS_FOR_STATEMENT, GAS_FOR_BYTE = 150_000, 12_000, 50_000, 32
"""What carrying takes at most; measured are 43k for a statement of 100 bytes that begins a subject, 24 a byte."""


class CarryError(MigrationError):
    """History that cannot be carried over; the text says which leaf and what to do."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One batch as it was recorded, and the state word that each statement left behind."""

    log: LogIdentity
    authorisation: Authorisation
    statements: tuple[Statement, ...]
    states: tuple[int, ...]

    @property
    def first(self) -> int:
        """Leaf index of the first statement."""
        return self.authorisation.first_index

    @property
    def end(self) -> int:
        """The leaf after the last."""
        return self.first + len(self.statements)

    @property
    def weight(self) -> int:
        """Bytes of calldata, roughly: what the texts take, and the words around them."""
        mandate = len(self.authorisation.signature) + len(self.authorisation.cosignature) + 640
        return mandate + sum(len(one.payload) + len(one.body) + 350 for one in self.statements)

    @property
    def gas(self) -> int:
        """An upper bound of the gas that it takes."""
        return GAS_FOR_BATCH + GAS_FOR_STATEMENT * len(self.statements) + GAS_FOR_BYTE * self.weight

    def arguments(self) -> tuple[Any, ...]:
        """The batch as the contract takes it."""
        vouched, first = self.authorisation, self.statements[0]
        return (
            self.log.chain_id,
            to_checksum_address(self.log.address),
            kind_word(first.kind),
            vouched.digest,
            to_checksum_address(vouched.registry),
            first.recorded_at,
            (
                vouched.organisation,
                vouched.deadline,
                to_checksum_address(vouched.signer),
                vouched.signature,
                to_checksum_address(vouched.cosigner),
                vouched.cosignature,
            ),
            [
                (one.subject, one.version, state, one.payload, one.body)
                for one, state in zip(self.statements, self.states, strict=True)
            ],
        )


def calldata_of(passages: Sequence[Passage]) -> bytes:
    """The call that carries these batches, the first of which comes next."""
    arguments = [passages[0].first, [one.arguments() for one in passages]]
    return _SELECTOR + encode(_ARGUMENTS, arguments)


def gas_of(passages: Sequence[Passage]) -> int:
    """An upper bound of the gas of one such call."""
    return GAS_FOR_CALL + sum(one.gas for one in passages)


@dataclass(frozen=True, slots=True)
class History:
    """Everything that a mirror holds, with the heads as the rules leave them while it is read.

    Raises :class:`CarryError` where this program lacks a rule, for then nobody could say what a registry
    left in the log. The mirror was verified before: nothing here doubts it.
    """

    conn: Connection
    origin: Origin
    rulebooks: Sequence[Rulebook]
    heads: Heads

    @classmethod
    def of(cls, conn: Connection, origin: Origin, rulebooks: Sequence[Rulebook]) -> History:
        return cls(conn, origin, rulebooks, Heads(origin.log, origin.genesis_authority))

    def passages(self, size: int) -> Iterator[Passage]:
        """The batches of the first ``size`` leaves, from the first leaf on."""
        books = {kind: book for book in self.rulebooks for kind in book.kinds}
        first = 0
        while first < size:
            rows = authorisation_rows(self.conn, first, min(first + AT_ONCE, size))
            vouched = [authorisation_of_row(row) for row in rows]
            end = vouched[-1].first_index + vouched[-1].count
            statements = statements_between(self.conn, first, end)
            for one in vouched:
                at = one.first_index - first
                yield self._passage(one, statements[at : at + one.count], books)
            first = end

    def _passage(
        self,
        authorisation: Authorisation,
        statements: Sequence[Statement],
        books: dict[str, Rulebook],
    ) -> Passage:
        states = []
        for one in statements:
            book = books.get(one.kind)
            if book is None:
                raise CarryError(
                    f"leaf {one.index} is a {one.kind}, of which this version knows no rules: migrate with "
                    "the version that recorded it, or a later one"
                )
            state = book.next_state(read_payload(one), authorisation, self.heads)
            self.heads.put(one.kind, one.subject, one.version, state)
            states.append(state)
        log = self.origin.log.at(authorisation.first_index).alone()
        return Passage(log, authorisation, tuple(statements), tuple(states))


def loads(
    passages: Iterator[Passage], *, most_bytes: int, most_gas: int
) -> Iterator[list[Passage]]:
    """The batches in loads of one transaction each; a batch is never torn apart."""
    load: list[Passage] = []
    weight, gas = 0, GAS_FOR_CALL
    for one in passages:
        if load and (weight + one.weight > most_bytes or gas + one.gas > most_gas):
            yield load
            load, weight, gas = [], 0, GAS_FOR_CALL
        load.append(one)
        weight, gas = weight + one.weight, gas + one.gas
    if load:
        yield load
