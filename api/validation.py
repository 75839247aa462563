"""Reading requests strictly: JSON bodies into models, and faults as pointers in both languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from api.language import Text
from api.problems import Fault, Problem
from ledger.canonical import CanonicalError, parse_json

MAX_REQUEST_BYTES = 20_000_000
"""Largest request body in bytes: room for 100 statements whose bodies are as large as they may be."""

_M = TypeVar("_M", bound=BaseModel)


class Written(BaseModel):
    """Base of everything that a client writes: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def body_of(model: type[_M]) -> Callable[[Request], Awaitable[_M]]:
    """A dependency that reads the request's JSON body into ``model``.

    Raises problems ``unsupported_media_type``, ``malformed_request`` (not UTF-8, not JSON, duplicate keys,
    too deep) and ``validation_failed``.
    """

    async def read(request: Request) -> _M:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(
                "unsupported_media_type",
                Text(
                    f"内容类型为 {kind or '(未给出)'},应为 application/json",
                    f"the content type is {kind or '(none)'}, expected application/json",
                ),
            )
        content = await request.body()
        try:
            value = parse_json(content, MAX_REQUEST_BYTES)
        except CanonicalError as error:
            raise Problem(
                "malformed_request",
                Text(
                    f"请求体不是可接受的 JSON:{error}", f"the body is not acceptable JSON: {error}"
                ),
            ) from error
        try:
            return model.model_validate(value)
        except ValidationError as error:
            raise invalid(error.errors(include_url=False)) from error

    return read


def invalid(errors: Iterable[Any]) -> Problem:
    """Pydantic's error list as one ``validation_failed`` problem."""
    faults = [fault_of(error) for error in errors]
    places = "、".join(fault.pointer for fault in faults[:3])
    return Problem(
        "validation_failed",
        Text(
            f"{len(faults)} 处不符合要求:{places}",
            f"{len(faults)} value(s) do not fit: {places.replace('、', ', ')}",
        ),
        errors=faults,
    )


def fault_of(error: Mapping[str, Any]) -> Fault:
    """One pydantic error, with its place as a JSON Pointer or ``?parameter``."""
    location = list(error["loc"])
    if location and location[0] == "query":
        pointer = "?" + ".".join(str(part) for part in location[1:])
    elif location and location[0] in ("path", "header"):
        pointer = f"{location[0]}:{'.'.join(str(part) for part in location[1:])}"
    else:
        parts = location[1:] if location and location[0] == "body" else location
        pointer = json_pointer(parts)
    context = error.get("ctx", {})
    return Fault(pointer, Text(_chinese(error, context), str(error["msg"])), str(error["type"]))


def json_pointer(parts: Iterable[str | int]) -> str:
    """RFC 6901: ``/`` before each part, ``~`` and ``/`` in a part escaped."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


_CHINESE: dict[str, str] = {
    "missing": "缺少此项",
    "extra_forbidden": "没有这一项,不接受未知字段",
    "string_type": "应为文本",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为数组",
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


def _chinese(error: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    template = _CHINESE.get(str(error["type"]))
    if template is None:
        return f"不符合要求({error['msg']})"
    return template.format_map({key: str(value) for key, value in context.items()})
