"""How obligations, objections and exemptions are shown (归集义务的呈现): codes with names, days, who spoke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Protocol

from api.context import View
from api.wording import named, time_of
from ledger.codes import (
    EXEMPTION_SCOPES,
    BindingStatus,
    ExemptionStatus,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    UpdateCycle,
)
from ledger.obligations import queries
from ledger.obligations.denominator import Change, Unread
from ledger.obligations.queries import Binding, Exemption, Objection, Obligation
from ledger.organisations.queries import Name, names
from ledger.statements import text_hash


class _Spoken(Protocol):
    @property
    def organisation(self) -> str: ...


class Names:
    """What the organisations of one answer are called."""

    def __init__(self, known: dict[bytes, Name]) -> None:
        self._known = known

    @classmethod
    def of(cls, view: View, told: Iterable[_Spoken], codes: Iterable[str] = ()) -> Names:
        """The names of all who spoke, and of all who are responsible; one question for all of them."""
        hashes = {text_hash(code) for code in codes}
        for one in told:
            hashes.add(bytes.fromhex(one.organisation[2:]))
            if isinstance(one, Obligation):
                hashes.add(text_hash(one.responsible))
        return cls(names(view.conn, hashes, view.held))

    def party(self, code: str) -> dict[str, Any]:
        found = self._known.get(text_hash(code))
        return {
            "code": code,
            "zh": found.name if found else None,
            "en": found.name_en if found else None,
        }

    def speaker(self, hashed: str) -> dict[str, Any] | None:
        found = self._known.get(bytes.fromhex(hashed[2:]))
        if found is None:
            return None
        return {"code": found.code, "zh": found.name, "en": found.name_en}


def show_obligation(one: Obligation, binding: Binding | None, known: Names) -> dict[str, Any]:
    bound = binding is not None and binding.status == BindingStatus.BOUND.value
    return {
        "code": one.code,
        "type": named(ObligationType, one.type),
        "name": one.name,
        "name_en": one.name_en,
        "parent": one.parent,
        "responsible": known.party(one.responsible),
        "status": named(ObligationStatus, one.status),
        "update_cycle": named(UpdateCycle, one.update_cycle),
        "library": named(Library, one.library),
        "produces_data": one.produces_data,
        "legal_basis": list(one.legal_basis),
        "valid_from": one.valid_from,
        "valid_until": one.valid_until,
        "reasons": list(one.reasons),
        "source": one.source,
        "note": one.note,
        "entry": binding.entry if bound and binding is not None else None,
        **_spoken(one, known),
    }


def show_binding(one: Binding, known: Names) -> dict[str, Any]:
    return {
        "obligation": one.obligation,
        "entry": one.entry,
        "status": named(BindingStatus, one.status),
        "reasons": list(one.reasons),
        **_spoken(one, known),
    }


def show_objection(one: Objection, known: Names) -> dict[str, Any]:
    return {
        "obligation": one.obligation,
        "state": named(ObjectionState, one.state),
        "reasons": list(one.reasons),
        **_spoken(one, known),
    }


def show_exemption(one: Exemption, effect: str, known: Names) -> dict[str, Any]:
    """``effect`` is whether it counts on the day of the log size asked about."""
    return {
        "code": one.code,
        "target": one.target,
        "target_type": named(ExemptionTarget, one.target_type),
        "scope": [
            {"code": str(scope.name).lower(), "zh": zh, "en": en}
            for scope, (zh, en) in EXEMPTION_SCOPES.items()
            if one.scope & scope
        ],
        "status": named(ExemptionStatus, one.status),
        "effect": effect,
        "law": one.law,
        "approver": one.approver,
        "valid_from": one.valid_from,
        "expires": one.expires,
        "reasons": list(one.reasons),
        **_spoken(one, known),
    }


def show_act(one: Obligation | Binding | Objection, known: Names) -> dict[str, Any]:
    if isinstance(one, Obligation):
        state = named(ObligationStatus, one.status)
    elif isinstance(one, Binding):
        state = named(BindingStatus, one.status)
    else:
        state = named(ObjectionState, one.state)
    return {
        "act": type(one).__name__.lower(),
        "state": state,
        "entry": one.entry if isinstance(one, Binding) else None,
        "reasons": list(one.reasons),
        **_spoken(one, known),
    }


def show_change(one: Change, known: Names) -> dict[str, Any]:
    return {
        "leaf": one.leaf,
        "day": one.day,
        "by_day": one.by_day,
        "kind": one.kind,
        "code": one.code,
        "about": one.about,
        "name": one.name,
        "act": one.act,
        "members": {name: list(pair) for name, pair in one.members.items()},
        "reasons": list(one.reasons),
        "law": one.law,
        "organisation": known.speaker(one.organisation),
        "organisation_hash": one.organisation,
        "signer": one.signer,
        "authorisation": one.authorisation,
        "recorded_at": time_of(one.recorded_at),
        "effects": [
            {
                "organisation": known.party(effect.organisation),
                "type": named(ObligationType, effect.type),
                "library": named(Library, effect.library),
                "purpose": effect.purpose,
                "change": effect.change,
            }
            for effect in one.effects
        ],
    }


def show_unread(one: Unread) -> dict[str, Any]:
    return {
        "leaf": one.leaf,
        "kind": one.kind,
        "organisation_hash": one.organisation,
        "signer": one.signer,
        "reason": one.reason,
    }


def _spoken(one: Obligation | Binding | Objection | Exemption, known: Names) -> dict[str, Any]:
    return {
        "version": one.version,
        "organisation": known.speaker(one.organisation),
        "organisation_hash": one.organisation,
        "signer": one.signer,
        "authorisation": one.authorisation,
        "recorded_at": time_of(one.recorded_at),
        "leaf_from": one.leaf_from,
        "leaf_until": one.leaf_until,
    }


def effects_of(view: View, found: Sequence[Exemption], day: date | None) -> dict[str, str]:
    """What exemptions do on the day of the log size that the answer is about."""
    return queries.effects_on(view.conn, found, day or date.min, as_of=view.held)
