"""``/docs``: the reference of this API, with everything it needs served from here (no internet)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer
from api.language import Text
from api.problems import PROBLEMS, Problem

router = APIRouter(include_in_schema=False)

_OWN = files("api") / "static"
# The distribution of Swagger UI that this package carries; nothing else of it is used.
_SWAGGER = files("fastapi_offline") / "static"
_ASSETS: dict[str, tuple[Traversable, str]] = {
    "home.css": (_OWN / "home.css", "text/css; charset=utf-8"),
    "docs.js": (_OWN / "docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": (_SWAGGER / "swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (
        _SWAGGER / "swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
    ),
}
# Swagger UI styles its elements inline and draws its icons from data URLs.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def asset(name: str) -> bytes:
    """The bytes of one file under ``/assets/``; raises :class:`KeyError` for any other name."""
    return _ASSETS[name][0].read_bytes()


@router.get("/docs")
async def reference() -> Response:
    return Response(
        (_OWN / "docs.html").read_bytes(),
        media_type="text/html; charset=utf-8",
        headers={"content-security-policy": _DOCS_POLICY},
    )


@router.get("/assets/{name}")
async def assets(name: str) -> Response:
    if name not in _ASSETS:
        raise Problem("not_found", Text(f"没有文件 {name}", f"there is no file {name}"))
    return Response(
        asset(name),
        media_type=_ASSETS[name][1],
        headers={"cache-control": "public, max-age=3600"},
    )


@router.get("/problems")
async def problem_types(request: Request) -> Response:
    """All error types that this API answers, in both languages."""
    return answer(request, {"problems": [_problem_type(code) for code in PROBLEMS]})


@router.get("/problems/{code}")
async def problem_type(request: Request, code: str) -> Response:
    """What one error type means and what to do about it, in both languages."""
    if code not in PROBLEMS:
        raise Problem("not_found", Text(f"没有错误类型 {code}", f"there is no problem {code}"))
    return answer(request, _problem_type(code))


def _problem_type(code: str) -> dict[str, object]:
    kind = PROBLEMS[code]
    return {
        "type": f"/problems/{code}",
        "status": kind.status,
        "title": kind.title.both(),
        "hint": kind.hint.both(),
    }
