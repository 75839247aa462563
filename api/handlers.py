"""From exceptions to problems: the framework's own, the store's, the chain's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.guard import instance
from api.language import Language, Text
from api.problems import Problem, problem_response
from api.validation import invalid
from ledger.chain.deployment import RegistryMissing
from ledger.chain.interface import ChainError
from ledger.corrections.vocabulary import VocabularyError
from ledger.store.errors import StoreError
from ledger.workdays import CalendarError

log = logging.getLogger("govledger.api")

_RETRY = {"retry-after": "5"}


def from_framework(error: HTTPException, request: Request) -> Problem:
    """The router's refusals: no such path, wrong method, unreadable request."""
    path = instance(request.scope)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Problem("not_found", Text(f"没有 {path}", f"there is no {path}"))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers["Allow"] = ", ".join(_methods(request, headers.get("Allow", "")))
        return Problem(
            "method_not_allowed",
            Text(
                f"{path} 不支持 {request.method},可用:{allowed}",
                f"{path} does not take {request.method}, it takes {allowed}",
            ),
            headers=headers,
        )
    return Problem(
        "malformed_request",
        Text(f"请求无法处理:{error.detail}", f"the request cannot be handled: {error.detail}"),
        status=error.status_code,
        headers=headers,
    )


def _methods(request: Request, told: str) -> list[str]:
    """What an address takes: one that several routes share takes what any of them does, and the framework
    tells of the first alone.
    """
    found = {method for method in told.split(", ") if method}
    for included in request.app.routes:
        router = getattr(included, "original_router", None)
        for route in router.routes if router is not None else [included]:
            if isinstance(route, Route) and route.path_regex.match(request.scope["path"]):
                found |= route.methods or set()
    return sorted(found)


def from_chain(error: ChainError) -> Problem:
    return Problem(
        "chain_unavailable",
        Text(f"区块链未能应答:{error}", f"the chain did not answer: {error}"),
        headers=_RETRY,
    )


def from_registry(error: RegistryMissing) -> Problem:
    return Problem("registry_missing", Text(error.zh, str(error)))


def from_store(error: StoreError) -> Problem:
    log.error("the database refused: %s", error)
    return Problem(
        "storage_unavailable",
        Text(f"数据库未能应答:{error}", f"the database did not answer: {error}"),
        headers=_RETRY,
    )


def from_calendar(error: CalendarError) -> Problem:
    return Problem("unknown_calendar", Text(f"工作日历不全:{error}", str(error)))


def from_vocabulary(error: VocabularyError) -> Problem:
    log.error("correction_reasons: %s", error)
    return Problem(
        "misconfigured",
        Text(f"设置 correction_reasons:{error.zh}", f"the setting correction_reasons: {error}"),
    )


def install(app: FastAPI, language: Language) -> None:
    """Give ``app`` the handlers that turn every expected exception into a problem."""

    def answer(request: Request, problem: Problem) -> Response:
        return problem_response(problem, request.headers, instance(request.scope), language)

    def handler(convert: Callable[..., Problem]) -> Callable[[Request, Exception], Response]:
        return lambda request, error: answer(request, convert(error))

    app.add_exception_handler(Problem, handler(lambda error: error))
    app.add_exception_handler(
        RequestValidationError, handler(lambda error: invalid(error.errors()))
    )
    app.add_exception_handler(
        HTTPException,
        lambda request, error: answer(request, from_framework(_http(error), request)),
    )
    app.add_exception_handler(RegistryMissing, handler(from_registry))
    app.add_exception_handler(ChainError, handler(from_chain))
    app.add_exception_handler(StoreError, handler(from_store))
    app.add_exception_handler(CalendarError, handler(from_calendar))
    app.add_exception_handler(VocabularyError, handler(from_vocabulary))


def _http(error: Exception) -> HTTPException:
    if not isinstance(error, HTTPException):
        raise TypeError("not an HTTP exception") from error
    return error
