"""A picture as SVG 1.1: one file, no script, no font or image from elsewhere (血缘图)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from ledger.lineage.pictures.layout import BOX_HEIGHT, BOX_WIDTH, Layout, Point, lay_out
from ledger.lineage.pictures.picture import Arrow, Box, Picture

_MARGIN, _HEAD, _FOOT = 24, 44, 40
_TITLE_CELLS, _PLACE_CELLS = 30, 36
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FONTS = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"
_STYLE = f"""
text {{ font-family: {_FONTS}; fill: #1b2733 }}
.head {{ font-size: 16px; font-weight: bold }}
.title {{ font-size: 13px }}
.place {{ font-size: 10.5px; fill: #5a6b7b }}
.box {{ fill: #e8f3ec; stroke: #2e7d4f; stroke-width: 1.2 }}
.dark {{ fill: #f4f4f4; stroke: #8a8a8a; stroke-dasharray: 5 3 }}
.job {{ fill: #eaf1fb; stroke: #3566a8; stroke-width: 1.2 }}
.root {{ stroke-width: 3 }}
.arrow {{ fill: none; stroke: #6b7b8c; stroke-width: 1.3 }}
.design {{ stroke-dasharray: 6 4 }}
.rule {{ stroke: #9aa7b3; stroke-dasharray: 2 3 }}
.step {{ stroke: #2e7d4f; stroke-width: 2 }}
.closing {{ stroke: #c62828 }}
"""
_WORDS = {
    "box": ("数据集（已编目）", "data set, catalogued"),
    "box dark": ("数据集（未编目）", "data set, not catalogued"),
    "column": ("数据项（已编目）", "column, catalogued"),
    "column dark": ("数据项（未编目）", "column, not catalogued"),
    "job": ("作业", "job"),
    "run": ("运行", "run"),
    "design": ("设计", "design"),
    "step": ("声明的步骤", "declared step"),
    "DIRECT": ("直接", "direct"),
    "INDIRECT": ("间接（筛选、连接）", "indirect (filter, join)"),
    "": ("未说明", "not said"),
    "rule": ("按规则归属", "the same, by rule"),
    "cycle": ("环", "cycle"),
}
"""The legend, in Chinese and English."""
_LINES = {"design": " design", "INDIRECT": " design", "step": " step", "rule": " rule"}


def svg(picture: Picture, language: str = "zh") -> str:
    """The drawing; the legend and nothing else depends on ``language`` (``zh`` or ``en``)."""
    layout = lay_out(len(picture.boxes), [(arrow.source, arrow.target) for arrow in picture.arrows])
    legend = _legend(picture, 0 if language == "zh" else 1)
    width = max(layout.width, legend[1], _cells(picture.title) * 9.0) + 2 * _MARGIN
    height = layout.height + _HEAD + _FOOT + 2 * _MARGIN
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        _opening(width, height),
        f"<title>{_text(picture.title or 'lineage')}</title>",
        f"<style>{_STYLE}</style>",
        _marker("end", "#6b7b8c"),
        _marker("end-step", "#2e7d4f"),
        _marker("end-closing", "#c62828"),
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="#ffffff"/>',
        f'<text class="head" x="{_MARGIN}" y="{_MARGIN + 14}">{_text(picture.title)}</text>',
        f'<g transform="translate({_MARGIN} {_MARGIN + _HEAD})">',
        *_arrows(picture.arrows, layout, language),
        *(_box(box, at) for box, at in zip(picture.boxes, layout.boxes, strict=True)),
        "</g>",
        f'<g transform="translate({_MARGIN} {_n(height - _MARGIN - 6)})">{legend[0]}</g>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _opening(width: float, height: float) -> str:
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'


def _marker(name: str, colour: str) -> str:
    return (
        f'<defs><marker id="{name}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{colour}"/></marker></defs>'
    )


def _arrows(arrows: Sequence[Arrow], layout: Layout, language: str) -> list[str]:
    drawn = []
    for arrow, bends in zip(arrows, layout.bends, strict=True):
        kind, end = _look(arrow)
        marker = f' marker-end="url(#{end})"' if end else ""
        drawn.append(
            f'<path class="arrow{kind}"{marker} d="{_curve(bends)}">'
            f"<title>{_text(arrow.said(language))}</title></path>"
        )
    return drawn


def _look(arrow: Arrow) -> tuple[str, str]:
    look = " design" if arrow.origin in ("design", "INDIRECT") else ""
    look += " step" if arrow.origin == "step" else ""
    if arrow.origin in ("rule", "RULE"):
        return " rule", ""
    if arrow.closing:
        return look + " closing", "end-closing"
    return look, "end-step" if arrow.origin == "step" else "end"


def _curve(points: Sequence[Point]) -> str:
    """A smooth line that leaves and enters sideways."""
    drawn = [f"M{_n(points[0].x)} {_n(points[0].y)}"]
    for here, there in pairwise(points):
        reach = max(abs(there.x - here.x) / 2, 24.0)
        way = 1 if there.x >= here.x else -1
        back = -1 if there.x == here.x else way
        drawn.append(
            f"C{_n(here.x + way * reach)} {_n(here.y)} {_n(there.x - back * reach)} {_n(there.y)} "
            f"{_n(there.x)} {_n(there.y)}"
        )
    return "".join(drawn)


def _box(box: Box, at: Point) -> str:
    kind = _kind(box) + (" root" if box.root else "")
    rounded = BOX_HEIGHT / 2 if box.kind == "job" else 4
    lines = [box.title, box.place, box.entry or "", box.organisation or ""]
    return (
        f'<g transform="translate({_n(at.x)} {_n(at.y)})">'
        f"<title>{_text(chr(10).join(dict.fromkeys(line for line in lines if line)))}</title>"
        f'<rect class="{kind}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="{_n(rounded)}"/>'
        f'<text class="title" x="{BOX_WIDTH // 2}" y="20" text-anchor="middle">'
        f"{_text(_cut(box.title, _TITLE_CELLS))}</text>"
        f'<text class="place" x="{BOX_WIDTH // 2}" y="36" text-anchor="middle">'
        f"{_text(_cut(box.under, _PLACE_CELLS))}</text></g>"
    )


_KINDS = {"dataset": "box", "column": "column", "job": "job"}


def _kind(box: Box) -> str:
    return "job" if box.kind == "job" else "box" + _dark(box)


def _dark(box: Box) -> str:
    return "" if box.kind == "job" or box.entry else " dark"


def _legend(picture: Picture, language: int) -> tuple[str, float]:
    """What the colours and lines mean, as far as they occur, and how wide that is."""
    looks = {_kind(box): _KINDS[box.kind] + _dark(box) for box in picture.boxes}
    shapes = sorted(looks.items(), key=lambda one: list(_WORDS).index(one[1]))
    origins = {arrow.origin.replace("RULE", "rule") for arrow in picture.arrows}
    lines = [(_LINES.get(one, ""), one) for one in _WORDS if one in origins]
    if any(arrow.closing for arrow in picture.arrows):
        lines.append((" closing", "cycle"))
    drawn, x = [], 0.0
    for look, word in shapes:
        drawn.append(f'<rect class="{look}" x="{_n(x)}" y="-9" width="18" height="11" rx="3"/>')
        x = _say(drawn, _WORDS[word][language], x + 24)
    for look, word in lines:
        drawn.append(f'<path class="arrow{look}" d="M{_n(x)} -4h26"/>')
        x = _say(drawn, _WORDS[word][language], x + 32)
    return "".join(drawn), x


def _say(drawn: list[str], word: str, x: float) -> float:
    drawn.append(f'<text class="place" x="{_n(x)}" y="0">{_text(word)}</text>')
    return x + _cells(word) * 6.0 + 18


def _cells(text: str) -> int:
    """How wide a text is: Chinese characters are two cells wide (Unicode annex 11)."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def _cut(text: str, cells: int) -> str:
    """The text, or its beginning and end where it is wider; names differ most at their ends."""
    if _cells(text) <= cells:
        return text
    tail, head, left = "", "", cells - 1
    for one in reversed(text):
        if _cells(tail + one) > left * 2 // 3:
            break
        tail = one + tail
    for one in text:
        if _cells(head + one + tail) > left:
            break
        head += one
    return f"{head}…{tail}"


def _text(text: str) -> str:
    """Text for XML 1.0, which has no place for most control characters."""
    return escape(_NO_XML.sub("\ufffd", text), {'"': "&quot;"})


def _n(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")
