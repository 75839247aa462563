"""What is wrong with what somebody wrote (填写有误), value by value, in both languages.

Pydantic says it in English; here are the Chinese words for it, and a ``ValueError`` that brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError


class Unfit(ValueError):
    """A value that does not fit, in both languages; for validators of what people write."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh


class Fault(NamedTuple):
    """One value at fault; ``pointer`` is a JSON Pointer (RFC 6901), "" for the whole."""

    pointer: str
    zh: str
    en: str


def faults_of(error: ValidationError) -> list[Fault]:
    """Everything that a model finds wrong."""
    return [
        Fault(json_pointer(one["loc"]), chinese_of(one), english_of(one))
        for one in error.errors(include_url=False)
    ]


def json_pointer(parts: Iterable[str | int]) -> str:
    """RFC 6901: ``/`` before each part, ``~`` and ``/`` in a part escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def english_of(error: Mapping[str, Any]) -> str:
    """Pydantic's words for one of its errors."""
    return str(error["msg"]).removeprefix("Value error, ")


def chinese_of(error: Mapping[str, Any]) -> str:
    """The Chinese words for one of pydantic's errors."""
    template = _CHINESE.get(str(error["type"]))
    if template is None:
        return f"不符合要求({error['msg']})"
    context = {name: str(value) for name, value in error.get("ctx", {}).items()}
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, Unfit):
        return cause.zh
    return template.format_map(context)


_CHINESE: dict[str, str] = {
    "missing": "缺少此项",
    "extra_forbidden": "没有这一项,不接受未知字段",
    "string_type": "应为文本",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "date_type": "应为日期,如 2026-01-01",
    "date_parsing": "应为日期,如 2026-01-01",
    "date_from_datetime_parsing": "应为日期,如 2026-01-01",
    "date_from_datetime_inexact": "应为日期,如 2026-01-01",
    "list_type": "应为数组",
    "tuple_type": "应为数组",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "none_required": "应为 null",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "格式应符合 {pattern}",
    "too_short": "至少 {min_length} 项,实际 {actual_length} 项",
    "too_long": "至多 {max_length} 项",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "literal_error": "应为 {expected} 之一",
    "enum": "应为 {expected} 之一",
    "union_tag_invalid": "类型 {tag} 未知,应为 {expected_tags} 之一",
    "union_tag_not_found": "缺少类型标识 {discriminator}",
    "value_error": "{error}",
}
