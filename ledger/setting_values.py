"""What a setting's value may be: how its text is read, and what of it may be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

Raw = str | int | bool | Path
"""A value as it is given: by a flag, the environment or a file."""
HIDDEN = "********"
_URL_PASSWORD = re.compile(r"(?<=://)([^/@:]*):.*(?=@)")
_URL_SECRET = re.compile(r"([?&](?:password|passfile|token|secret|api_?key|key)=)[^&#]*", re.I)


class Secret:
    """A text that no log, traceback or listing shows;
    :meth:`reveal` gives it to those who need it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return HIDDEN if self._text else "''"


def text(raw: Raw) -> str:
    """Any text."""
    return str(raw)


def path(raw: Raw) -> Path:
    """A path, made absolute; raises :class:`ValueError` for an empty one."""
    if not str(raw):
        raise ValueError("an empty path")
    return Path(raw if isinstance(raw, Path) else str(raw)).expanduser().absolute()


def optional_path(raw: Raw) -> Path | None:
    """A path, or None for an empty text."""
    return path(raw) if str(raw) else None


def secret(raw: Raw) -> Secret:
    """A text that is not shown."""
    return Secret(str(raw))


def integer(lowest: int, highest: int) -> Callable[[Raw], int]:
    """Whole numbers between two bounds, which belong to them; others raise :class:`ValueError`."""

    def convert(raw: Raw) -> int:
        if isinstance(raw, bool) or not re.fullmatch(r"[0-9]+", str(raw)):
            raise ValueError(f"a whole number from {lowest} to {highest} is needed")
        if not lowest <= int(str(raw)) <= highest:
            raise ValueError(f"it must lie between {lowest} and {highest}")
        return int(str(raw))

    return convert


def choice(*choices: str) -> Callable[[Raw], str]:
    """One of these words; others raise :class:`ValueError`."""

    def convert(raw: Raw) -> str:
        if str(raw) not in choices:
            raise ValueError(f"one of {', '.join(choices)} is needed")
        return str(raw)

    return convert


def shown(value: Path | str | int | Secret | None) -> str:
    """A value as people may see it: secrets, and passwords within URLs, are hidden."""
    if isinstance(value, Secret):
        return repr(value) if value else ""
    plain = _URL_PASSWORD.sub(rf"\1:{HIDDEN}", "" if value is None else str(value))
    return _URL_SECRET.sub(rf"\1{HIDDEN}", plain)
