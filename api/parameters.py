"""Query parameters are taken seriously: one that no route knows is refused, not passed over."""

from __future__ import annotations

import difflib

from fastapi.routing import APIRoute
from starlette.requests import Request

from api.language import Text
from api.problems import Fault, Problem


async def refuse_unknown_parameters(request: Request) -> None:
    """Raise ``unknown_parameter`` for a query parameter that the route does not declare, or one given twice.

    A misspelt filter that was ignored would answer a wider question than the one asked.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    if not names:
        return
    known = _known(request)
    for name in names:
        pointer = f"?{name}"
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                Text(f",是否要写 {near[0]}", f"; did you mean {near[0]}") if near else Text("", "")
            )
            detail = Text(
                f"没有参数 {name}{hint.zh}。可用:{'、'.join(known) or '无'}",
                f"there is no parameter {name}{hint.en}. Known: {', '.join(known) or 'none'}",
            )
            raise Problem(
                "unknown_parameter", detail, [Fault(pointer, detail, "unknown_parameter")]
            )
        if names.count(name) > 1:
            detail = Text(
                f"参数 {name} 只能出现一次", f"the parameter {name} is given more than once"
            )
            raise Problem(
                "unknown_parameter", detail, [Fault(pointer, detail, "repeated_parameter")]
            )


def _known(request: Request) -> list[str]:
    route = request.scope["route"]
    if not isinstance(route, APIRoute):
        return []
    return [field.alias for field in route.dependant.query_params]
