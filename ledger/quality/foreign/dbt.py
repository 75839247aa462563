"""dbt: ``run_results.json`` with the ``manifest.json`` beside it, which says what each test is.

Only nodes of the type ``test`` are checks. ``pass`` and ``fail`` are answers; ``warn`` is a failure that the
project lets pass, and counts as one. ``error`` and ``skipped`` are none, nor is ``success``: a command
that compiles (``dbt docs generate``) writes it for tests that were never run. ``failures`` is the number of
rows that a test found, of a number that dbt does not tell: so the test is one element.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.quality.foreign.found import (
    Found,
    Reading,
    ResultsError,
    answered,
    part,
    parts,
    text,
    unanswered,
)

TOOL = "dbt"
_ANSWERS = {"pass": True, "fail": False, "warn": False}
_NO_ANSWERS = {"error": "tool_error", "runtime error": "tool_error", "success": "not_run"}


def is_result(document: Mapping[str, Any]) -> bool:
    """Whether a document is a ``run_results.json``."""
    return "run-results" in str(part(document, "metadata").get("dbt_schema_version"))


def is_manifest(document: Mapping[str, Any]) -> bool:
    """Whether a document is a ``manifest.json``."""
    return "/manifest/" in str(part(document, "metadata").get("dbt_schema_version"))


def read(document: Mapping[str, Any], manifest: Mapping[str, Any] | None) -> Reading:
    """The tests of a run; raises :class:`ResultsError` without the manifest."""
    if manifest is None:
        raise ResultsError(
            "run_results.json does not say what its tests are: give manifest.json of the same run, too",
            zh="run_results.json 不含测试的定义：请同时给出同一次运行的 manifest.json",
        )
    nodes = part(manifest, "nodes")
    found: list[Found] = []
    for one in parts(document, "results"):
        name = str(one.get("unique_id"))
        if not name.startswith("test."):
            continue
        node = part(nodes, name)
        if not node:
            raise ResultsError(
                f"manifest.json does not know {name[:120]}: it is of another run",
                zh=f"manifest.json 中没有 {name[:120]}：不是同一次运行",
            )
        found.append(_found(one, node))
    return Reading(TOOL, text(part(document, "metadata").get("dbt_version")), tuple(found))


def _found(one: Mapping[str, Any], node: Mapping[str, Any]) -> Found:
    told = part(node, "test_metadata")
    check = text(told.get("name")) or "singular_test"
    space = text(told.get("namespace"))
    check = f"{space}.{check}" if space else check
    column = text(node.get("column_name")) or text(part(told, "kwargs").get("column_name"))
    attached = text(node.get("attached_node")) or ""
    table = attached.rsplit(".", 1)[-1] or None
    status = str(one.get("status")).lower()
    if status in _ANSWERS:
        return answered(TOOL, check, column=column, table=table, passed=_ANSWERS[status])
    reason = _NO_ANSWERS.get(status, "tool_skipped")
    return unanswered(TOOL, check, reason, column=column, table=table)
