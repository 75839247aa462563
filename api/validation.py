"""Reading requests strictly: JSON bodies into models, and faults as pointers in both languages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from api.language import Text
from api.problems import Fault, Problem
from ledger.canonical import CanonicalError, parse_json
from ledger.faults import chinese_of, english_of, json_pointer

MAX_REQUEST_BYTES = 20_000_000
"""Largest request body in bytes: room for 100 statements whose bodies are as large as they may be."""

_M = TypeVar("_M", bound=BaseModel)


class Written(BaseModel):
    """Base of everything that a client writes: unknown fields are refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def require_json(request: Request) -> None:
    """Raise ``unsupported_media_type`` for a body that does not say it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            "unsupported_media_type",
            Text(
                f"内容类型为 {kind or '(未给出)'},应为 application/json",
                f"the content type is {kind or '(none)'}, expected application/json",
            ),
        )


def body_of(model: type[_M]) -> Callable[[Request], Awaitable[_M]]:
    """A dependency that reads the request's JSON body into ``model``.

    Raises problems ``unsupported_media_type``, ``malformed_request`` (not UTF-8, not JSON, duplicate keys,
    too deep) and ``validation_failed``.
    """

    async def read(request: Request) -> _M:
        require_json(request)
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
    return Fault(pointer, Text(chinese_of(error), english_of(error)), str(error["type"]))
