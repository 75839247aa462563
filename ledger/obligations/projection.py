"""From statements to rows: obligations, bindings, objections and exemptions (归集义务, 绑定, 异议, 豁免)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Table

from ledger.bodies import problem_of
from ledger.catalogue.names import folded
from ledger.codes import (
    BindingStatus,
    Code,
    ExemptionStatus,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    UpdateCycle,
)
from ledger.days import day_in, day_number
from ledger.mirror.projections import Decoded
from ledger.obligations.bodies import (
    BindingBody,
    ExemptionBody,
    ObjectionBody,
    ObligationBody,
    scope_mask,
)
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBJECTIONS, OBLIGATIONS
from ledger.statements import (
    BINDING,
    EXEMPTION,
    OBJECTION,
    OBLIGATION,
    StructType,
    text_hash,
)
from ledger.store.ranged import supersede
from ledger.typed_data import integer


class _Disagreement(Exception):
    """What is wrong with a statement; the text is the flag."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How statements of one struct are read: the body's model, what must agree, and the row."""

    struct: StructType
    body: type[BaseModel]
    table: Table
    key: str
    check: Callable[[Any, Decoded], None]
    row: Callable[[Decoded], dict[str, Any]]


class ObligationsProjection:
    """Rows of :data:`OBLIGATIONS`, :data:`BINDINGS`, :data:`OBJECTIONS` and :data:`EXEMPTIONS`."""

    name = "obligations"
    version = 2
    kinds = frozenset({OBLIGATION.kind, BINDING.kind, OBJECTION.kind, EXEMPTION.kind})
    tables: Sequence[Table] = (OBLIGATIONS, BINDINGS, OBJECTIONS, EXEMPTIONS)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not say one thing, or None."""
        kind = _KINDS.get(decoded.struct.name)
        if kind is None:
            return f"a {decoded.struct.name} is no statement about obligations"
        try:
            body = kind.body.model_validate(decoded.body)
            kind.check(body, decoded)
        except ValidationError as error:
            return problem_of(error)
        except _Disagreement as found:
            return str(found)
        return None

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it."""
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _KINDS}
        for decoded in statements:
            kind = _KINDS[decoded.struct.name]
            # Only what passed malformed() comes here, so that the body needs no second look.
            rows[decoded.struct.name].append({**_spoken(decoded), **kind.row(decoded)})
        for name, made in rows.items():
            supersede(connection, _KINDS[name].table, (_KINDS[name].key,), made)


def _spoken(decoded: Decoded) -> dict[str, Any]:
    statement = decoded.statement
    return {
        "leaf_from": statement.index,
        "version": statement.version,
        "organisation": statement.org,
        "signer": statement.signer,
        "authorisation": statement.authorisation,
        "recorded_at": statement.recorded_at,
    }


def _check_obligation(body: ObligationBody, decoded: Decoded) -> None:
    _same_text(decoded, "code", body.code)
    _same_text(decoded, "responsible", body.responsible)
    _same_text(decoded, "parent", body.parent or "")
    _same_code(decoded, "type", ObligationType, body.type)
    _same_code(decoded, "updateCycle", UpdateCycle, body.update_cycle)
    _same_code(decoded, "library", Library, body.library)
    _same_day(decoded, "validFrom", body.valid_from)
    _same_day(decoded, "validUntil", body.valid_until)
    status = _coded(decoded, "status", ObligationStatus)
    if status is ObligationStatus.WITHDRAWN and not body.reasons:
        raise _Disagreement("body/reasons: an obligation is withdrawn without reasons")


def _obligation_row(decoded: Decoded) -> dict[str, Any]:
    body = decoded.body
    texts = (body["name"], body.get("name_en") or "", body["code"], *body["legal_basis"])
    return {
        "code": body["code"],
        "type": body["type"],
        "parent": body.get("parent"),
        "responsible": body["responsible"],
        "status": _coded(decoded, "status", ObligationStatus).value,
        "update_cycle": body.get("update_cycle"),
        "library": body.get("library"),
        "produces_data": body.get("produces_data", True),
        "valid_from": decoded.values["validFrom"],
        "valid_until": decoded.values["validUntil"] or None,
        "name": body["name"],
        "name_en": body.get("name_en"),
        "legal_basis": _listed(body["legal_basis"]),
        "reasons": _listed(body.get("reasons", ())),
        "source": body.get("source"),
        "note": body.get("note"),
        "search": "\n".join(folded(text) for text in texts),
    }


def _check_binding(body: BindingBody, decoded: Decoded) -> None:
    _same_text(decoded, "obligation", body.obligation)
    _same_text(decoded, "entry", body.entry)
    status = _coded(decoded, "status", BindingStatus)
    if status is BindingStatus.RELEASED and not body.reasons:
        raise _Disagreement("body/reasons: an entry is released without reasons")


def _binding_row(decoded: Decoded) -> dict[str, Any]:
    body = decoded.body
    return {
        "obligation": body["obligation"],
        "entry": body["entry"],
        "status": _coded(decoded, "status", BindingStatus).value,
        "reasons": _listed(body.get("reasons", ())),
    }


def _check_objection(body: ObjectionBody, decoded: Decoded) -> None:
    _same_text(decoded, "obligation", body.obligation)
    _same_code(decoded, "state", ObjectionState, body.state)


def _objection_row(decoded: Decoded) -> dict[str, Any]:
    body = decoded.body
    return {
        "obligation": body["obligation"],
        "state": body["state"],
        "reasons": _listed(body.get("reasons", ())),
    }


def _check_exemption(body: ExemptionBody, decoded: Decoded) -> None:
    _same_text(decoded, "code", body.code)
    _same_text(decoded, "target", body.target)
    _same_code(decoded, "targetType", ExemptionTarget, body.target_type)
    if scope_mask(body.scope) != decoded.values["scope"]:
        raise _disagrees(decoded, "scope", "scope", ", ".join(body.scope))
    if text_hash(body.approver) != decoded.statement.org:
        raise _Disagreement(f"body/approver: {body.approver} is not the organisation that signed")
    _same_day(decoded, "validFrom", body.valid_from)
    _same_day(decoded, "expires", body.expires)
    _coded(decoded, "status", ExemptionStatus)


def _exemption_row(decoded: Decoded) -> dict[str, Any]:
    body = decoded.body
    return {
        "code": body["code"],
        "target": body["target"],
        "target_type": body["target_type"],
        "scope": decoded.values["scope"],
        "status": _coded(decoded, "status", ExemptionStatus).value,
        "law": body["law"],
        "approver": body["approver"],
        "valid_from": decoded.values["validFrom"],
        "expires": decoded.values["expires"],
        "reasons": _listed(body.get("reasons", ())),
    }


def _listed(texts: Sequence[str]) -> str:
    return json.dumps(list(texts), ensure_ascii=False)


def _coded(decoded: Decoded, member: str, table: type[Any]) -> Any:  # noqa: ANN401 - of the table
    try:
        return table.of_number(integer(decoded.values[member]))
    except ValueError as error:
        raise _Disagreement(f"{member}: {error}") from error


def _same_text(decoded: Decoded, member: str, said: str) -> None:
    if text_hash(said) != decoded.values[member]:
        raise _disagrees(decoded, member, member, said or "nothing")


def _same_code(decoded: Decoded, member: str, table: type[Code], said: str | None) -> None:
    """The word in the body is the number that was signed; none said is 0."""
    number = table.of(said).number if said is not None else 0
    if number != decoded.values[member]:
        raise _disagrees(decoded, member, _snake(member), str(said))


def _same_day(decoded: Decoded, member: str, said: str | None) -> None:
    number = integer(decoded.values[member])
    if number != (day_number(day_in(said)) if said is not None else 0):
        raise _disagrees(decoded, member, _snake(member), str(said))


def _disagrees(decoded: Decoded, member: str, name: str, said: str) -> _Disagreement:
    signed = decoded.values[member]
    shown = f"0x{signed.hex()}" if isinstance(signed, bytes) else signed
    return _Disagreement(f"body/{name}: {said} is not the {name} that was signed ({shown})")


def _snake(member: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in member)


_KINDS = {
    kind.struct.name: kind
    for kind in (
        _Kind(OBLIGATION, ObligationBody, OBLIGATIONS, "code", _check_obligation, _obligation_row),
        _Kind(BINDING, BindingBody, BINDINGS, "obligation", _check_binding, _binding_row),
        _Kind(OBJECTION, ObjectionBody, OBJECTIONS, "obligation", _check_objection, _objection_row),
        _Kind(EXEMPTION, ExemptionBody, EXEMPTIONS, "code", _check_exemption, _exemption_row),
    )
}
PROJECTION = ObligationsProjection()
