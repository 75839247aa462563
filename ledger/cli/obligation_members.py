"""What a later version of an obligation or exemption says otherwise (变动), member by member, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.cli.obligation_page import named
from ledger.cli.organisations import word
from ledger.cli.output import say
from ledger.codes import (
    EXEMPTION_SCOPES,
    BindingStatus,
    Code,
    ExemptionStatus,
    Library,
    ObligationStatus,
    UpdateCycle,
)
from ledger.obligations.queries import Obligation
from ledger.organisations.queries import Name

_LABELS = {
    "name": ("名称", "name"),
    "parent": ("上级", "parent"),
    "responsible": ("责任机构", "responsible"),
    "status": ("状态", "status"),
    "legal_basis": ("依据", "legal basis"),
    "update_cycle": ("更新周期", "update cycle"),
    "library": ("目标库", "library"),
    "produces_data": ("产生数据", "produces data"),
    "valid_from": ("起始日", "valid from"),
    "valid_until": ("终止日", "valid until"),
    "entry": ("目录", "entry"),
    "target": ("对象", "target"),
    "scope": ("范围", "scope"),
    "law": ("依据", "law"),
    "approver": ("批准机构", "approver"),
    "expires": ("截止日", "expires"),
}
_ORGANISATIONS = ("responsible", "approver")
_STATUSES: tuple[type[Code], ...] = (ObligationStatus, ExemptionStatus, BindingStatus)
_CODED: dict[str, tuple[type[Code], ...]] = {
    "update_cycle": (UpdateCycle,),
    "library": (Library,),
    "status": _STATUSES,
}
_SCOPES = {label[1]: label for label in EXEMPTION_SCOPES.values()}
_COMPARED = (
    *("name", "parent", "responsible", "legal_basis", "update_cycle", "library"),
    *("produces_data", "valid_from", "valid_until"),
)


def spoken_member(name: str, was: object, now: object, known: Mapping[bytes, Name]) -> str:
    """One member, before and after; ``known`` has the names of organisations by their hash."""
    label = say(*_LABELS.get(name, (name, name)))
    return f"{label}{say('：', ': ')}{_spoken(name, was, known)} → {_spoken(name, now, known)}"


def organisations_in(members: Mapping[str, tuple[Any, Any]]) -> set[str]:
    """Codes of the organisations that stand in members, before or after."""
    return {
        str(code) for name in _ORGANISATIONS for code in members.get(name, ()) if code is not None
    }


def differences(was: Obligation, now: Obligation) -> dict[str, tuple[Any, Any]]:
    """The members that a later version of an obligation says otherwise, before and after."""
    sides = {name: (getattr(was, name), getattr(now, name)) for name in _COMPARED}
    return {name: pair for name, pair in sides.items() if pair[0] != pair[1]}


def _spoken(name: str, value: object, known: Mapping[bytes, Name]) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return say("是", "yes") if value else say("否", "no")
    if isinstance(value, list | tuple):
        return say("、", ", ").join(_spoken(name, one, known) for one in value)
    text = str(value)
    if name in _ORGANISATIONS:
        return named(known, text)
    for codes in _CODED.get(name, ()):
        if any(text == code.value for code in codes):
            return word(codes, text)
    return say(*_SCOPES[text]) if name == "scope" and text in _SCOPES else text
