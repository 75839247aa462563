"""From statements to rows: audit reports (审计报告)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table

from ledger.audits.metrics import basis_points
from ledger.audits.models import REPORTS
from ledger.audits.statements import ReportBody
from ledger.bodies import problem_of
from ledger.canonical import MAX_INTEGER
from ledger.codes import ReportType
from ledger.mirror.projections import Decoded
from ledger.statements import REPORT, text_hash
from ledger.store.ranged import supersede
from ledger.typed_data import integer

_COUNTED = ("size", "numerator", "denominator")


class AuditsProjection:
    """Rows of :data:`REPORTS`, one a statement."""

    name = "audits"
    version = 1
    kinds = frozenset({REPORT.kind})
    tables: Sequence[Table] = (REPORTS,)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one report, or None."""
        if decoded.struct is not REPORT:
            return f"a {decoded.struct.name} is no audit report"
        values = decoded.values
        for name in _COUNTED:
            if integer(values[name]) > MAX_INTEGER:
                return f"{name}: {values[name]!r} is more than 2^53 - 1"
        try:
            ReportType.of_number(integer(values["type"]))
            body = ReportBody.model_validate(decoded.body)
        except ValidationError as error:
            return problem_of(error)
        except ValueError as error:
            return f"type: {error}"
        return _disagreement(body, decoded)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it."""
        supersede(connection, REPORTS, ("code",), [_row(decoded) for decoded in statements])


def _disagreement(body: ReportBody, decoded: Decoded) -> str | None:
    values = decoded.values
    agreeing = (
        ("code", text_hash(body.code) == values["code"]),
        ("type", body.type == ReportType.of_number(integer(values["type"])).value),
        ("scope", text_hash(body.scope.text()) == values["scope"]),
        ("size", body.size == values["size"]),
        ("root", bytes.fromhex(body.root) == values["root"]),
        ("report", bytes.fromhex(body.report) == values["report"]),
    )
    for name, same in agreeing:
        if not same:
            return f"body/{name}: not what was signed"
    rate = basis_points(integer(values["numerator"]), integer(values["denominator"]))
    if body.rate_basis_points not in (None, rate):
        return f"body/rate_basis_points: {body.rate_basis_points} was signed as {rate}"
    return None


def _row(decoded: Decoded) -> dict[str, Any]:
    statement, values = decoded.statement, decoded.values
    body = ReportBody.model_validate(decoded.body)
    return {
        "code": body.code,
        "leaf_from": statement.index,
        "version": statement.version,
        "type": ReportType.of_number(integer(values["type"])).value,
        "scope": body.scope.text(),
        "size": integer(values["size"]),
        "root": values["root"],
        "numerator": integer(values["numerator"]),
        "denominator": integer(values["denominator"]),
        "report": values["report"],
        "metric": body.metric,
        "rate": body.rate_basis_points,
        "policy": None if body.policy is None else bytes.fromhex(body.policy),
        "note": body.note,
        "organisation": statement.org,
        "signer": statement.signer,
        "recorded_at": statement.recorded_at,
    }


PROJECTION = AuditsProjection()
