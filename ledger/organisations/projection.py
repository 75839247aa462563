"""From statements to rows: organisations (机构) and keys (密钥)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table

from ledger.bodies import problem_of
from ledger.codes import KeyStatus, Level, OrganisationStatus
from ledger.mirror.projections import Decoded
from ledger.organisations.bodies import KeyBody, OrganisationBody
from ledger.organisations.models import KEYS, ORGANISATIONS
from ledger.organisations.roles import ALL_ROLES
from ledger.statements import KEY, ORGANISATION, Value, text_hash
from ledger.store.ranged import supersede
from ledger.typed_data import integer


class OrganisationsProjection:
    """Rows of :data:`ORGANISATIONS` and :data:`KEYS`, one a statement."""

    name = "organisations"
    version = 1
    kinds = frozenset({ORGANISATION.kind, KEY.kind})
    tables: Sequence[Table] = (ORGANISATIONS, KEYS)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one organisation or key, or None."""
        if decoded.struct is ORGANISATION:
            return _malformed_organisation(decoded)
        if decoded.struct is KEY:
            return _malformed_key(decoded)
        return f"a {decoded.struct.name} is no statement about organisations or keys"

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it."""
        organisations = [_organisation_row(one) for one in statements if one.struct is ORGANISATION]
        keys = [_key_row(one) for one in statements if one.struct is KEY]
        supersede(connection, ORGANISATIONS, ("code",), organisations)
        supersede(connection, KEYS, ("address",), keys)


def _malformed_organisation(decoded: Decoded) -> str | None:
    values = decoded.values
    try:
        body = OrganisationBody.model_validate(decoded.body)
    except ValidationError as error:
        return problem_of(error)
    if text_hash(body.code) != values["code"]:
        return f"body/code: {body.code} is not the code that was signed"
    if text_hash(body.parent or "") != values["parent"]:
        return f"body/parent: {body.parent or 'none'} is not the parent that was signed"
    return _not_coded(values["level"], Level) or _not_coded(values["status"], OrganisationStatus)


def _malformed_key(decoded: Decoded) -> str | None:
    values = decoded.values
    try:
        body = KeyBody.model_validate(decoded.body)
    except ValidationError as error:
        return problem_of(error)
    if text_hash(body.holder) != values["holder"]:
        return f"body/holder: {body.holder} is not the holder that was signed"
    roles = values["roles"]
    if not isinstance(roles, int) or roles & ~ALL_ROLES:
        return f"roles: {roles!r} has bits that are no role"
    return _not_coded(values["status"], KeyStatus)


def _not_coded(number: Value, codes: type[Level | OrganisationStatus | KeyStatus]) -> str | None:
    try:
        codes.of_number(integer(number))
    except ValueError as error:
        return str(error)
    return None


def _organisation_row(decoded: Decoded) -> dict[str, Any]:
    statement, values = decoded.statement, decoded.values
    body = OrganisationBody.model_validate(decoded.body)
    names = [body.code, body.name, body.name_en or "", *body.aliases]
    return {
        "code": body.code,
        "leaf_from": statement.index,
        "org_hash": statement.subject,
        "version": statement.version,
        "name": body.name,
        "name_en": body.name_en,
        "parent": body.parent,
        "level": Level.of_number(integer(values["level"])).value,
        "status": OrganisationStatus.of_number(integer(values["status"])).value,
        "region": body.region,
        "aliases": json.dumps(list(body.aliases), ensure_ascii=False),
        "uscc": body.uscc,
        "evidence": body.evidence,
        "haystack": "\n".join(name for name in names if name).casefold(),
        "recorded_at": statement.recorded_at,
    }


def _key_row(decoded: Decoded) -> dict[str, Any]:
    statement, values = decoded.statement, decoded.values
    body = KeyBody.model_validate(decoded.body)
    return {
        "address": values["key"],
        "leaf_from": statement.index,
        "version": statement.version,
        "organisation": body.holder,
        "roles": integer(values["roles"]),
        "status": KeyStatus.of_number(integer(values["status"])).value,
        "label": body.label,
        "reason": body.reason,
        "recorded_at": statement.recorded_at,
    }


PROJECTION = OrganisationsProjection()
