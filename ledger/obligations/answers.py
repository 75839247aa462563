"""What the mirror answers about obligations: an obligation, a binding, an objection, an exemption.

Each is what one statement left, held in the log from ``leaf_from`` until, not including, ``leaf_until``. Hashes
and addresses are lower-case hex with ``0x``; ``organisation`` is the hash of the speaker's code, ``recorded_at``
the block time in Unix seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping

from ledger.codes import ExemptionStatus, ExemptionTarget, ObligationStatus
from ledger.days import day_of
from ledger.obligations.bodies import scope_names


class Obligation(msgspec.Struct, frozen=True):
    """An obligation (归集义务): a duty, a system, a table or an expected entry."""

    code: str
    type: str
    parent: str | None
    responsible: str
    status: str
    update_cycle: str | None
    library: str | None
    produces_data: bool
    valid_from: date
    valid_until: date | None
    name: str
    name_en: str | None
    legal_basis: tuple[str, ...]
    reasons: tuple[str, ...]
    source: str | None
    note: str | None
    version: int
    organisation: str
    signer: str
    authorisation: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None

    def in_force_on(self, day: date) -> bool:
        """Whether the obligation holds on a day: not withdrawn, begun, and not run out."""
        return bool(
            self.status == ObligationStatus.IN_FORCE.value
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )


class Binding(msgspec.Struct, frozen=True):
    """Which entry answers an obligation, or did so until it was released."""

    obligation: str
    entry: str
    status: str
    reasons: tuple[str, ...]
    version: int
    organisation: str
    signer: str
    authorisation: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Objection(msgspec.Struct, frozen=True):
    """An objection that was raised, or the answer to it."""

    obligation: str
    state: str
    reasons: tuple[str, ...]
    version: int
    organisation: str
    signer: str
    authorisation: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Exemption(msgspec.Struct, frozen=True):
    """An exemption as one statement left it; it counts up to and including the day ``expires``."""

    code: str
    target: str
    target_type: str
    scope: int
    status: str
    law: str
    approver: str
    valid_from: date
    expires: date
    reasons: tuple[str, ...]
    version: int
    organisation: str
    signer: str
    authorisation: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The names of what is exempted."""
        return scope_names(self.scope)

    @property
    def frees_obligation(self) -> bool:
        """Whether its target is an obligation; otherwise it is a catalogue entry."""
        return bool(self.target_type == ExemptionTarget.OBLIGATION.value)

    def effect_on(self, day: date) -> str:
        """``withdrawn``, ``pending``, ``expired``, or ``counting``, on a day."""
        if self.status != ExemptionStatus.GRANTED.value:
            return "withdrawn"
        if day < self.valid_from:
            return "pending"
        return "counting" if day <= self.expires else "expired"


class Chain(msgspec.Struct, frozen=True):
    """From the duty down to one obligation (职责—系统—业务表—目录), and the entry that answers it."""

    links: tuple[Obligation, ...]
    binding: Binding | None
    missing: str | None
    """A parent that is named but not projected (its statement was malformed), None where all are there."""


Told = TypeVar("Told", Obligation, Binding, Objection, Exemption)
_READ: dict[str, Any] = {
    "legal_basis": lambda text: tuple(json.loads(text)),
    "reasons": lambda text: tuple(json.loads(text)),
    "valid_from": day_of,
    "valid_until": lambda number: None if number is None else day_of(number),
    "expires": day_of,
    "organisation": lambda raw: "0x" + bytes(raw).hex(),
    "signer": lambda raw: "0x" + bytes(raw).hex(),
    "authorisation": lambda raw: "0x" + bytes(raw).hex(),
}


def told(rows: Iterable[RowMapping], of: type[Told]) -> Iterator[Told]:
    """Rows as ``of`` says them."""
    for row in rows:
        yield of(
            **{
                name: _READ[name](row[name]) if name in _READ else row[name]
                for name in of.__struct_fields__
            }
        )
