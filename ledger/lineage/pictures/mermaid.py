"""A picture as a Mermaid flowchart, which many wikis draw (流程图文本)."""

from __future__ import annotations

import json

from ledger.lineage.pictures.picture import Box, Picture

_LINKS = {"design": "-.->", "INDIRECT": "-.->", "step": "==>", "rule": "---", "RULE": "---"}
_ESCAPES = str.maketrans(
    {
        '"': "#quot;",
        "#": "#35;",
        "&": "#amp;",
        "<": "#lt;",
        ">": "#gt;",
        "`": "#96;",
        "|": "#124;",
        "\n": " ",
        "\r": " ",
    }
)
_CLASSES = (
    "classDef root stroke-width:3px",
    "classDef dark fill:#f1f1f1,stroke:#888,stroke-dasharray:4",
)


def mermaid(picture: Picture, language: str = "zh") -> str:
    """The flowchart, one line a box and an arrow; arrows that close a cycle are said to."""
    lines = ["flowchart LR"]
    if picture.title:
        lines = ["---", f"title: {json.dumps(picture.title, ensure_ascii=False)}", "---", *lines]
    lines += [f"  n{number}{_shape(box)}" for number, box in enumerate(picture.boxes)]
    for arrow in picture.arrows:
        said = ["↺"] if arrow.closing else []
        said.append(arrow.said(language))
        text = f'|"{_escaped(" ".join(said))}"|' if any(said) else ""
        lines.append(f"  n{arrow.source} {_LINKS.get(arrow.origin, '-->')}{text} n{arrow.target}")
    lines += [f"  {one}" for one in _CLASSES]
    return "\n".join(lines) + "\n"


def _shape(box: Box) -> str:
    lines = [box.title, box.under, box.organisation or ""]
    text = "<br/>".join(_escaped(line) for line in lines if line)
    opened, closed = ('(["', '"])') if box.kind == "job" else ('["', '"]')
    named = ":::root" if box.root else ""
    if not named and box.kind == "dataset" and box.entry is None:
        named = ":::dark"
    return f"{opened}{text}{closed}{named}"


def _escaped(text: str) -> str:
    kept = "".join(one if one.isprintable() or one in "\n\r" else "\ufffd" for one in text)
    return kept.translate(_ESCAPES)
