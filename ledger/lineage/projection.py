"""From statements to rows: rules, declared steps and anchored checkpoints of journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Table, bindparam, update

from ledger.bodies import problem_of
from ledger.canonical import canonical_json
from ledger.codes import InForce
from ledger.lineage.bodies import CheckpointBody, RuleBody, StepBody
from ledger.lineage.identity import job_number
from ledger.lineage.models import (
    CHECKPOINTS,
    INPUT,
    OUTPUT,
    PROJECTED,
    RULES,
    STEP_COLUMNS,
    STEP_EDGES,
    STEPS,
)
from ledger.mirror.projections import Decoded
from ledger.statements import CHECKPOINT, DATASET_RULE, STEP, text_hash
from ledger.store.bulk import insert_mappings
from ledger.store.ranged import supersede
from ledger.typed_data import integer

STEP_NAMESPACE = "govledger:step"
"""The namespace under which a declared step stands among the jobs, named by its code."""
_BODIES: dict[str, type[BaseModel]] = {
    DATASET_RULE.name: RuleBody,
    STEP.name: StepBody,
    CHECKPOINT.name: CheckpointBody,
}


class LineageProjection:
    """Rows of :data:`~ledger.lineage.models.PROJECTED`."""

    name = "lineage"
    version = 1
    kinds = frozenset({DATASET_RULE.kind, STEP.kind, CHECKPOINT.kind})
    tables: Sequence[Table] = PROJECTED

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not say one thing, or None."""
        model = _BODIES.get(decoded.struct.name)
        if model is None:
            return f"a {decoded.struct.name} is no statement about lineage"
        try:
            return _disagreement(model.model_validate(decoded.body), decoded)
        except ValidationError as error:
            return problem_of(error)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it; ends and columns go with their step."""
        rules, steps, checkpoints = [], [], []
        for decoded in statements:
            # Only what passed malformed() comes here: this validation cannot fail.
            body = _BODIES[decoded.struct.name].model_validate(decoded.body)
            if isinstance(body, RuleBody):
                rules.append(_rule_row(body, decoded))
            elif isinstance(body, StepBody):
                steps.append((body, decoded))
            elif isinstance(body, CheckpointBody):
                checkpoints.append(_checkpoint_row(body, decoded))
        supersede(connection, RULES, ("code",), rules)
        supersede(connection, CHECKPOINTS, ("origin",), checkpoints)
        supersede(connection, STEPS, ("code",), [_step_row(*each) for each in steps])
        for table, rows_of in ((STEP_EDGES, _edge_rows), (STEP_COLUMNS, _column_rows)):
            _replace(
                connection,
                table,
                [(decoded, rows_of(*each)) for each in steps for decoded in [each[1]]],
            )


def _disagreement(body: BaseModel, decoded: Decoded) -> str | None:
    values = decoded.values
    if isinstance(body, CheckpointBody):
        if text_hash(body.origin) != values["origin"]:
            return f"body/origin: {body.origin} is not the origin that was signed"
        if body.size != values["size"] or bytes.fromhex(body.root) != values["root"]:
            return "body: size and root are not those that were signed"
        return None
    if isinstance(body, RuleBody) and text_hash(body.holder) != values["holder"]:
        return f"body/holder: {body.holder} is not the holder that was signed"
    return _status_disagrees(body, decoded) if isinstance(body, RuleBody | StepBody) else None


def _status_disagrees(body: RuleBody | StepBody, decoded: Decoded) -> str | None:
    if text_hash(body.code) != decoded.values["code"]:
        return f"body/code: {body.code} is not the code that was signed"
    try:
        status = InForce.of_number(integer(decoded.values["status"]))
    except ValueError as error:
        return f"status: {error}"
    if status is InForce.WITHDRAWN and not body.reasons:
        return "body/reasons: withdrawn without reasons"
    return None


def _spoken(decoded: Decoded) -> dict[str, Any]:
    statement = decoded.statement
    return {
        "leaf_from": statement.index,
        "version": statement.version,
        "recorded_at": statement.recorded_at,
    }


def _active(decoded: Decoded) -> bool:
    return decoded.values["status"] == InForce.ACTIVE.number


def _rule_row(body: RuleBody, decoded: Decoded) -> dict[str, Any]:
    return {
        **_spoken(decoded),
        "code": body.code,
        "active": _active(decoded),
        "holder": body.holder,
        "entry": body.entry,
        "namespace": body.namespace,
        "name": body.name,
        "system": body.system,
        "priority": body.priority,
        "note": body.note,
    }


def _checkpoint_row(body: CheckpointBody, decoded: Decoded) -> dict[str, Any]:
    return {
        **_spoken(decoded),
        "origin": body.origin,
        "size": body.size,
        "root": bytes.fromhex(body.root),
        "organisation": decoded.statement.org,
    }


def _step_row(body: StepBody, decoded: Decoded) -> dict[str, Any]:
    how = body.deidentification
    return {
        **_spoken(decoded),
        "code": body.code,
        "active": _active(decoded),
        "job_id": job_number(STEP_NAMESPACE, body.code),
        "organisation": decoded.statement.org,
        "name": body.name,
        "name_en": body.name_en,
        "type": body.type,
        "deidentified": how is not None,
        "deidentification": canonical_json(how.said()).decode() if how is not None else None,
        "note": body.note,
    }


def _edge_rows(body: StepBody, decoded: Decoded) -> list[dict[str, Any]]:
    """Inputs and outputs of a step in force; none of one that was withdrawn."""
    if not _active(decoded):
        return []
    return [
        {
            "code": body.code,
            "leaf_from": decoded.statement.index,
            "direction": direction,
            "dataset_id": end.number,
            "job_id": job_number(STEP_NAMESPACE, body.code),
            "namespace": end.names[0],
            "name": end.names[1],
            "entry": end.entry,
        }
        for direction, ends in ((INPUT, body.inputs), (OUTPUT, body.outputs))
        for end in ends
    ]


def _column_rows(body: StepBody, decoded: Decoded) -> list[dict[str, Any]]:
    if not _active(decoded):
        return []
    pairs = [(mapping, end) for mapping in body.columns for end in mapping.inputs]
    return [
        {
            "code": body.code,
            "leaf_from": decoded.statement.index,
            "ordinal": ordinal,
            "output_id": mapping.output.number,
            "output_field": mapping.output.field or "",
            "input_id": end.number,
            "input_field": end.field or "",
            "kind": mapping.kind,
            "subtype": mapping.subtype or "",
            "masking": mapping.masking,
        }
        for ordinal, (mapping, end) in enumerate(pairs)
    ]


def _replace(
    connection: Connection,
    table: Table,
    told: Sequence[tuple[Decoded, Sequence[Mapping[str, Any]]]],
) -> None:
    """Append each step's rows, in leaf order, and end all that its version before had."""
    fresh: list[dict[str, Any]] = []
    newest: dict[bytes, list[dict[str, Any]]] = {}
    endings: list[dict[str, Any]] = []
    for decoded, rows in told:
        leaf, subject = decoded.statement.index, decoded.statement.subject
        if subject in newest:
            for row in newest[subject]:
                row["leaf_until"] = leaf
        elif decoded.statement.version > 1:
            endings.append({"at": leaf, "of_code": decoded.body["code"]})
        newest[subject] = [{**row, "leaf_until": None} for row in rows]
        fresh += newest[subject]
    if endings:
        connection.execute(
            update(table)
            .where(table.c.code == bindparam("of_code"), table.c.leaf_until.is_(None))
            .values(leaf_until=bindparam("at")),
            endings,
        )
    insert_mappings(connection, table, fresh)


PROJECTION = LineageProjection()
