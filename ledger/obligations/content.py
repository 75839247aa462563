"""What an obligation of a list says (义务内容), checked, and as a digest to tell whether it changed."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import ValidationError

from ledger.catalogue.columns import short_digest
from ledger.catalogue.problems import EntryRefused
from ledger.faults import faults_of
from ledger.obligations.problems import problem
from ledger.obligations.queries import Obligation
from ledger.obligations.statements import ObligationDraft

_CONTENT = (
    "name",
    "name_en",
    "type",
    "responsible",
    "parent",
    "legal_basis",
    "update_cycle",
    "library",
    "produces_data",
    "valid_from",
    "valid_until",
    "note",
)


def checked(fields: dict[str, Any]) -> ObligationDraft:
    """The draft with these members; raises :class:`EntryRefused` that names each fault."""
    try:
        return ObligationDraft.model_validate(fields)
    except ValidationError as error:
        raise EntryRefused(
            problem("required", fault.pointer)
            if fault.en == "Field required"
            else problem("invalid", fault.pointer, reason=(fault.zh, fault.en))
            for fault in faults_of(error)
        ) from error


def digest_of(said: ObligationDraft | Obligation) -> str:
    """A digest of what an obligation says beyond code, source, status and who said it."""
    content: dict[str, Any] = {}
    for name in _CONTENT:
        value = getattr(said, name)
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = list(value)
        content[name] = getattr(value, "value", value)
    return short_digest(content)
