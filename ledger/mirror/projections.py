"""What a capability gives to the mirror: projections (statement -> rows) and rulebooks (the
contract's rules).

The mirror knows these two shapes and no capability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

import msgspec
from sqlalchemy import Connection, Table

from ledger.statements import Authorisation, LogIdentity, Statement, StructType, Value
from ledger.store.ranged import Appended


class Decoded(msgspec.Struct):
    """A statement with its payload and body decoded, ready to be projected.

    ``values`` are the members of the typed struct (text members as 32-byte hashes); ``body`` is
    the parsed canonical JSON object, ``{}`` for an empty body.
    """

    statement: Statement
    struct: StructType
    values: dict[str, Value]
    body: dict[str, Any]


class Projection(Protocol):
    """Rows that follow from statements. Deterministic: same statements in, same rows out.

    ``apply`` gets the statements of its kinds in leaf order, in batches of any size; it writes
    only its own ``tables`` (all :class:`~ledger.store.tables.Ranged`), only through
    ``connection``, and never commits. Raising :class:`Malformed` for a statement is not possible
    here: check in :meth:`malformed`.
    """

    name: str
    version: int
    kinds: frozenset[str]
    tables: Sequence[Table]

    def malformed(self, decoded: Decoded) -> str | None:
        """Why a statement cannot be projected (it is then kept, flagged and skipped), or None."""
        ...

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None: ...


class Drafting(Projection, Protocol):
    """A projection whose rows follow nearly whole from one statement alone, so that they may be made elsewhere.

    ``draft`` says what a statement makes, or why it is malformed, as :meth:`malformed` does; it asks nothing but
    the statement, and its answer is made of what MessagePack knows. ``rows`` says what drafts, in leaf order and
    perhaps turned into lists meanwhile, add to which tables; :meth:`apply` adds just that. It reads what earlier leaves
    made, from tables that may hold later ones too, and writes nothing.
    """

    def draft(self, decoded: Decoded) -> Sequence[Any] | str: ...

    def rows(
        self, connection: Connection, drafts: Sequence[Sequence[Any]]
    ) -> Sequence[Appended]: ...


def drafts(projection: Projection) -> TypeGuard[Drafting]:
    """Whether a projection is a :class:`Drafting` one; asked of each stretch of statements, and quicker than that."""
    return hasattr(projection, "draft")


class RuleBroken(Exception):
    """A statement that the registry should have refused; the text says which rule and why."""


MOST_ALIKE = 4096


@dataclass(slots=True)
class Heads:
    """The log's ``heads`` replayed in Python: (kind, subject) -> (version, state word of 192 bits).

    A replay asks a rulebook for the next state of every statement in turn and then calls
    :meth:`put`.
    """

    log: LogIdentity
    genesis_authority: bytes
    slots: dict[tuple[str, bytes], tuple[int, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    _alike: dict[tuple[int, int], tuple[int, int]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Versions and words that many subjects share, so that a million heads are kept by one of each."""

    def get(self, kind: str, subject: bytes) -> tuple[int, int]:
        """Version and state word of a subject, (0, 0) where there is none."""
        return self.slots.get((kind, subject), (0, 0))

    def put(self, kind: str, subject: bytes, version: int, state: int) -> None:
        """Move a head to what a statement left behind."""
        place = (kind, subject)
        if place not in self.slots:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(self._alike) >= MOST_ALIKE:
            self._alike.clear()
        word = (version, state)
        self.slots[place] = self._alike.setdefault(word, word)

    def count(self, kind: str) -> int:
        """How many subjects of a kind have a head."""
        return self.counts.get(kind, 0)


class Rulebook(Protocol):
    """A registry's rules, written a second time in Python, for auditors who trust no bytecode."""

    kinds: frozenset[str]

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word that the statement leaves behind; raises :class:`RuleBroken`.

        The caller has checked version, signature and digest already; the rulebook checks roles,
        organisations, transitions, references and ranges, against ``heads`` as they were before.
        """
        ...
