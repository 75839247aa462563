"""``/``: where a newcomer begins. A page for people, JSON for programs."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer
from api.context import ContextOf
from api.language import Text
from api.state import counts
from ledger.mirror import queries as mirror
from ledger.mirror.queries import MirrorQueryError

router = APIRouter(include_in_schema=False)

_PAGE = Template((files("api") / "static" / "home.html").read_text("utf-8"))
_COUNTS: dict[str, Text] = {
    "statements": Text("声明", "statements"),
    "organisations": Text("机构", "organisations"),
    "entries": Text("目录条目", "catalogue entries"),
    "published": Text("已发布", "published"),
    "waiting": Text("正在上链", "on their way"),
}
_TOUR: tuple[tuple[Text, tuple[tuple[str, Text], ...]], ...] = (
    (
        Text("想查数据的部门", "a department that looks for data"),
        (
            ("/api/v1/catalogue/entries?q=许可", Text("检索目录", "search the catalogue")),
            ("/api/v1/organisations", Text("有哪些机构", "the organisations")),
            ("/api/v1/quality/league", Text("质量排名", "the quality league")),
        ),
    ),
    (
        Text("审计人员", "an auditor"),
        (
            ("/api/v1/log/checkpoint", Text("保存检查点", "keep a checkpoint")),
            ("/api/v1/log/statements?first=0&limit=20", Text("逐条查看日志", "read the log")),
            ("/api/v1/log/proofs/inclusion?index=0", Text("取得证明", "get a proof")),
        ),
    ),
    (
        Text("数据管理员", "a data steward"),
        (
            ("/docs", Text("接口文档:准备、签名、提交", "the reference: prepare, sign, hand in")),
            ("/api/v1/schemas", Text("目录条目的格式", "the format of an entry")),
            ("/problems", Text("错误类型及对策", "errors, and what to do about them")),
        ),
    ),
)


@router.get("/")
def home(request: Request, context: ContextOf) -> Response:
    with context.view() as view:
        numbers = counts(context, view.conn)
        try:
            root = mirror.checkpoint(view.conn).root
        except MirrorQueryError:
            root = None
    if _wants_html(request.headers.get("accept", "")):
        return _page(numbers, root, context.duty.error, context.office.deployment.log)
    links = {href: text.both() for _, stops in _TOUR for href, text in stops}
    return answer(
        request,
        {"name": "GovLedger", "counts": numbers, "root": root, "links": links, "docs": "/docs"},
        headers={"vary": "Accept"},
    )


def _wants_html(accept: str) -> bool:
    """Whether a browser asks: it names HTML, and a program that names JSON first gets JSON."""
    kinds = [part.partition(";")[0].strip() for part in accept.split(",")]
    if "text/html" not in kinds:
        return False
    return "application/json" not in kinds or kinds.index("text/html") < kinds.index(
        "application/json"
    )


def _page(numbers: dict[str, int], root: str | None, error: str | None, log: str) -> Response:
    shown = "".join(
        f'<div><dt>{label.zh} <span lang="en">{label.en}</span></dt><dd>{numbers[name]:,}</dd></div>'
        for name, label in _COUNTS.items()
    )
    tour = "".join(
        f'<tr><td>{who.zh}<br><span lang="en">{who.en}</span></td><td>{_links(stops)}</td></tr>'
        for who, stops in _TOUR
    )
    health = (
        "运行正常 · Everything works"
        if error is None
        else f"后台工作出错 · The background work fails: {escape(error)}"
    )
    page = _PAGE.substitute(
        counts=shown,
        root=escape(root or "—"),
        tour=tour,
        health=health,
        log=escape(log),
    )
    return Response(
        page,
        media_type="text/html; charset=utf-8",
        headers={"cache-control": "no-cache", "vary": "Accept", "content-language": "zh, en"},
    )


def _links(stops: tuple[tuple[str, Text], ...]) -> str:
    return " · ".join(
        f'<a href="{escape(href)}">{text.zh} <span lang="en">{text.en}</span></a>'
        for href, text in stops
    )
