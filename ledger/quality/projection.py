"""From statements to rows: quality scores (质量评分)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table

from ledger.bodies import problem_of
from ledger.days import day_in, day_number, day_of
from ledger.mirror.projections import Decoded
from ledger.quality.dimensions import ALL_ASSESSED, DIMENSIONS, FULL, total_of
from ledger.quality.models import OUTCOMES, SCORES
from ledger.quality.statements import ZERO, ScoreBody
from ledger.statements import SCORE, text_hash
from ledger.store.bulk import insert_mappings
from ledger.store.ranged import supersede
from ledger.typed_data import integer

_BOUNDS: tuple[tuple[str, int], ...] = (
    ("assessed", ALL_ASSESSED),
    *((dimension.name, FULL) for dimension in DIMENSIONS),
    ("total", FULL),
    ("coverage", FULL),
)


class QualityProjection:
    """Rows of :data:`SCORES`, one a statement, and of :data:`OUTCOMES`, one a rule."""

    name = "quality"
    version = 2
    kinds = frozenset({SCORE.kind})
    tables: Sequence[Table] = (SCORES, OUTCOMES)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one score, or None."""
        if decoded.struct is not SCORE:
            return f"a {decoded.struct.name} is no score"
        values = decoded.values
        for name, most in _BOUNDS:
            value = values[name]
            if not isinstance(value, int) or value > most:
                return f"{name}: {value!r} is not in 0..{most}"
        try:
            body = ScoreBody.model_validate(decoded.body)
            for name in ("periodStart", "periodEnd"):
                day_of(integer(decoded.values[name]))
        except ValidationError as error:
            return problem_of(error)
        except ValueError as error:
            return f"period: {error}"
        return _disagreement(body, decoded)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it; outcomes hold while theirs does."""
        supersede(connection, SCORES, ("subject",), [_row(decoded) for decoded in statements])
        outcomes = [row for decoded in statements for row in _outcome_rows(decoded)]
        if outcomes:
            insert_mappings(connection, OUTCOMES, outcomes)


def _disagreement(body: ScoreBody, decoded: Decoded) -> str | None:
    if text_hash(body.entry) != decoded.values["entry"]:
        return f"body/entry: {body.entry} is not the entry that was signed"
    if body.edition != decoded.values["edition"]:
        return f"body/edition: {body.edition} is not the edition that was signed"
    total = integer(decoded.values["total"])
    if body.total is not None and body.total != total:
        return f"body/total: {body.total} is not the total that was signed"
    if body.weights is not None:
        follows = total_of(_scores(decoded), body.weights) or 0
        if follows != total:
            return f"body/weights: they give a total of {follows}, {total} was signed"
    return None


def _scores(decoded: Decoded) -> list[int | None]:
    assessed = integer(decoded.values["assessed"])
    return [
        integer(decoded.values[dimension.name]) if assessed >> place & 1 else None
        for place, dimension in enumerate(DIMENSIONS)
    ]


def _row(decoded: Decoded) -> dict[str, Any]:
    # Only what passed malformed() comes here, so the body needs no second look.
    statement, values, body = decoded.statement, decoded.values, decoded.body
    weights = body.get("weights")
    assessed = integer(decoded.values["assessed"])
    scores = zip(DIMENSIONS, _scores(decoded), strict=True)
    return {
        "subject": statement.subject,
        "leaf_from": statement.index,
        "version": statement.version,
        "entry": body["entry"],
        "edition": body["edition"],
        "period_start": values["periodStart"],
        "period_end": values["periodEnd"],
        "assessor": statement.org,
        "assessed": assessed,
        **{dimension.name: score for dimension, score in scores},
        "total": integer(decoded.values["total"]) if assessed else None,
        "coverage": values["coverage"],
        "rule_set": values["ruleSet"],
        "data_root": None if values["dataRoot"] == ZERO else values["dataRoot"],
        "method": body.get("method"),
        "notes": body.get("notes"),
        "weights": None if weights is None else json.dumps(weights),
        "weights_digest": _bytes(body.get("weights_digest")),
        "result_digest": _bytes(body.get("result_digest")),
        "profile": body.get("profile"),
        "grade": body.get("grade"),
        "day": None if body.get("day") is None else day_number(day_in(body["day"])),
        "rows": body.get("rows"),
        "delivery": body.get("delivery"),
        "recorded_at": statement.recorded_at,
    }


def _outcome_rows(decoded: Decoded) -> list[dict[str, Any]]:
    return [
        {
            "leaf_from": decoded.statement.index,
            "leaf_until": None,
            "entry": decoded.body["entry"],
            "rule": one["rule"],
            "indicator": one["indicator"],
            "severity": one["severity"],
            "state": one["state"],
            "evaluated": one.get("evaluated", 0),
            "failing": one.get("failing", 0),
            "reason": one.get("reason"),
        }
        for one in decoded.body.get("outcomes") or ()
    ]


def _bytes(digest: str | None) -> bytes | None:
    return None if digest is None else bytes.fromhex(digest.removeprefix("0x"))


PROJECTION = QualityProjection()
