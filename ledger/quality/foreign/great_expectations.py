"""Great Expectations: results of suites and checkpoints, 0.x and 1.x, in every result format.

What differs: 0.x names the type ``expectation_type``, 1.x ``type``. ``BOOLEAN_ONLY`` leaves ``result``
empty. An exception is told in ``exception_info`` directly, or one level down under the name of a metric.
``mostly`` lets a check succeed although elements fail; those are counted all the same. What
``CheckpointResult.describe_dict()`` writes has neither ids nor exceptions: a failure without any count is
then not assessable, since an exception looks the same there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.quality.foreign.found import (
    Found,
    Reading,
    answered,
    counted,
    part,
    parts,
    text,
    unanswered,
    whole,
)

TOOL = "great_expectations"
_OF_NULLS = {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}


def is_result(document: Mapping[str, Any]) -> bool:
    """Whether a document is a suite's or a checkpoint's result."""
    if "run_results" in document or "validation_results" in document:
        return True
    first = next(iter(parts(document, "results")), {})
    return "expectation_config" in first


def read(document: Mapping[str, Any]) -> Reading:
    """The checks of a suite's result, or of all suites of a checkpoint's."""
    version: str | None = None
    found: list[Found] = []
    for suite in _suites(document):
        meta = part(suite, "meta")
        version = version or text(meta.get("great_expectations_version"))
        table = text(part(meta, "active_batch_definition").get("data_asset_name"))
        told = parts(suite, "results")
        found += [_found(one, part(one, "expectation_config"), table) for one in told]
        found += [_described(one, table) for one in parts(suite, "expectations")]
    return Reading(TOOL, version, tuple(found))


def _suites(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    if "run_results" in document:  # CheckpointResult.to_json_dict(): by validation id
        runs = part(document, "run_results")
        inner = [one for one in runs.values() if isinstance(one, Mapping)]
        # 0.x puts the suite's result one level deeper.
        return [part(one, "validation_result") or one for one in inner]
    if "validation_results" in document:
        return parts(document, "validation_results")
    return [document]


def _found(one: Mapping[str, Any], config: Mapping[str, Any], table: str | None) -> Found:
    check = text(config.get("type")) or text(config.get("expectation_type")) or "expectation"
    column = _column(part(config, "kwargs"))
    if _raised(part(one, "exception_info")):
        return unanswered(TOOL, check, "tool_error", column=column, table=table)
    return _judged(one, check, column, table)


def _described(one: Mapping[str, Any], table: str | None) -> Found:
    check = text(one.get("expectation_type")) or "expectation"
    column = _column(part(one, "kwargs"))
    if one.get("success") is not True and not part(one, "result"):
        return unanswered(TOOL, check, "no_counts", column=column, table=table)
    return _judged(one, check, column, table)


def _judged(one: Mapping[str, Any], check: str, column: str | None, table: str | None) -> Found:
    success, result = one.get("success"), part(one, "result")
    if not isinstance(success, bool):
        return unanswered(TOOL, check, "tool_skipped", column=column, table=table)
    elements, failing = whole(result.get("element_count")), whole(result.get("unexpected_count"))
    if elements is None or failing is None:
        return answered(TOOL, check, column=column, table=table, passed=success)
    missing = 0 if check in _OF_NULLS else whole(result.get("missing_count")) or 0
    evaluated = elements - missing
    return counted(TOOL, check, column=column, table=table, evaluated=evaluated, failing=failing)


def _column(kwargs: Mapping[str, Any]) -> str | None:
    several = kwargs.get("column_list") or [kwargs.get("column_A"), kwargs.get("column_B")]
    if isinstance(several, list) and all(isinstance(name, str) for name in several):
        return text(", ".join(several))
    return text(kwargs.get("column"))


def _raised(info: Mapping[str, Any]) -> bool:
    nested = [one for one in info.values() if isinstance(one, Mapping)]
    return any(one.get("raised_exception") is True for one in [info, *nested])
