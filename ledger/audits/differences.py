"""What differs between two reports (报告差异), named by JSON pointer (RFC 6901).

Lines of lists are held against each other by what names them (an id, a code), so that one line more does not make
every line after it differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LISTED = 50
"""Most differences that are named."""
_NAMES = ("id", "code", "organisation", "target", "clock", "scope", "leaf")
_ABSENT = object()


def differences(told: object, made: object) -> list[dict[str, Any]]:
    """At most :data:`LISTED` places where ``told`` is not ``made``, each with both values; None: absent."""
    found = []
    for pointer, one, other in _walk(told, made, ""):
        found.append({"pointer": pointer, "told": _shown(one), "made": _shown(other)})
        if len(found) == LISTED:
            break
    return found


def _walk(told: object, made: object, pointer: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(told, dict) and isinstance(made, dict):
        for name in sorted(told.keys() | made.keys()):
            yield from _walk(
                told.get(name, _ABSENT), made.get(name, _ABSENT), f"{pointer}/{_escaped(name)}"
            )
    elif isinstance(told, list) and isinstance(made, list):
        yield from _walk(_named(told), _named(made), pointer)
    elif told != made or type(told) is not type(made):
        yield pointer, told, made


def _named(lines: list[Any]) -> dict[str, Any]:
    """Lines by their names, or by their places where they have none or share one."""
    names = [_name(line) for line in lines]
    if None in names or len(set(names)) != len(names):
        return {str(place): line for place, line in enumerate(lines)}
    return {str(name): line for name, line in zip(names, lines, strict=True)}


def _name(line: object) -> str | None:
    if not isinstance(line, dict):
        return None
    if "id" in line:
        return str(line["id"])
    parts = [str(line[name]) for name in _NAMES if line.get(name) is not None]
    return ":".join(parts) or None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _shown(value: object) -> Any:  # noqa: ANN401 - any JSON value
    return None if value is _ABSENT else value
