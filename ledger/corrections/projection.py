"""From statements to rows: the steps of correction requests (校核申请)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Table

from ledger.bodies import problem_of
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections.bodies import FiledBody, StepBody, read_body
from ledger.corrections.models import STEPS
from ledger.mirror.projections import Decoded
from ledger.statements import CORRECTION, text_hash
from ledger.store.ranged import supersede
from ledger.typed_data import integer

_SAID: dict[str, None] = dict.fromkeys(
    (
        "requester",
        "title",
        "category",
        "basis",
        "resource",
        "contact",
        "follows",
        "outcome",
        "edition",
        "delivery",
        "score",
        "solved",
    )
)
_TEXTS = ("description", "answer", "comment")


class CorrectionsProjection:
    """Rows of :data:`STEPS`, one a statement."""

    name = "corrections"
    version = 1
    kinds = frozenset({CORRECTION.kind})
    tables: Sequence[Table] = (STEPS,)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one step, or None."""
        if decoded.struct is not CORRECTION:
            return f"a {decoded.struct.name} is no step of a correction request"
        try:
            state = CorrectionState.of_number(integer(decoded.values["state"]))
        except ValueError as error:
            return f"state: {error}"
        try:
            body = read_body(state, decoded.body)
        except ValidationError as error:
            return problem_of(error)
        return _disagreement(body, decoded)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it."""
        supersede(connection, STEPS, ("code",), [_row(decoded) for decoded in statements])


def _disagreement(body: StepBody, decoded: Decoded) -> str | None:
    for member in ("code", "entry"):
        if text_hash(getattr(body, member)) != decoded.values[member]:
            return f"body/{member}: {getattr(body, member)} is not the {member} that was signed"
    if CorrectionType.of(body.type).number != decoded.values["type"]:
        return f"body/type: {body.type} is not the type that was signed"
    if isinstance(body, FiledBody):
        if text_hash(body.requester) != decoded.statement.org:
            return f"body/requester: {body.requester} is not the organisation that signed"
        if body.follows == body.code:
            return "body/follows: a request does not follow itself"
    return None


def _row(decoded: Decoded) -> dict[str, Any]:
    statement = decoded.statement
    state = CorrectionState.of_number(integer(decoded.values["state"]))
    # Only what passed malformed() comes here: this validation cannot fail.
    body = read_body(state, decoded.body)
    assessment = getattr(body, "assessment", None)
    return {
        "code": body.code,
        "leaf_from": statement.index,
        "version": statement.version,
        "state": state.value,
        "type": body.type,
        "entry": body.entry,
        **{name: getattr(body, name, None) for name in _SAID},
        "text": next((text for name in _TEXTS if (text := getattr(body, name, None))), None),
        "reasons": _listed(getattr(body, "reasons", ())),
        "items": _listed(getattr(body, "items", ())),
        "attachments": _listed(one.model_dump() for one in getattr(body, "attachments", ())),
        "assessment": _object(assessment),
        "assessed_leaf": None if assessment is None else assessment.leaf,
        "organisation": statement.org,
        "signer": statement.signer,
        "recorded_at": statement.recorded_at,
    }


def _listed(values: Any) -> str:  # noqa: ANN401 - any values of JSON
    return json.dumps(list(values), ensure_ascii=False)


def _object(model: BaseModel | None) -> str | None:
    return None if model is None else json.dumps(model.model_dump(), ensure_ascii=False)


PROJECTION = CorrectionsProjection()
