"""Names compared the way a reviewer compares them (名称规范化):
width, case, spaces, punctuation aside.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TRAILING_NUMBER = re.compile(r"^(.*?)(\d{1,9})(\D{0,2})$", re.DOTALL)
_SYSTEM = re.compile(
    r"(系统|网站|app|小程序|公众号|(管理|信息|服务|业务|监管|办公|办事|共享|交换|数据|云)平台)$"
)
RUN = 3
"""From how many names that count up one by one a dragged cell is suspected."""


class _Kept(dict[int, int | None]):
    """For ``str.translate``: drops separators, punctuation, symbols and controls;
    learns as it goes.
    """

    def __missing__(self, codepoint: int) -> int | None:
        dropped = unicodedata.category(chr(codepoint))[0] in "ZPSC"
        self[codepoint] = None if dropped else codepoint
        return self[codepoint]


_KEPT = _Kept()


def folded(text: str) -> str:
    """``text`` as search compares it: NFKC, lower case, runs of white space as one space."""
    # What is ASCII is its own normal form.
    normal = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    # Of all white space, one space alone counts as printable.
    plain = normal.isprintable() and " " not in normal
    return normal if plain else " ".join(normal.split())


def bare(text: str) -> str:
    """``text`` without spaces, punctuation and symbols, NFKC, case-folded: equal names are
    duplicates.

    A name of nothing but punctuation keeps its folded form, so that it never equals another such
    name.
    """
    normal = unicodedata.normalize("NFKC", text).casefold()
    joined = normal.replace(" ", "")
    # Letters and digits all stay; telling so takes a tenth of looking at each.
    return joined if joined.isalnum() else normal.translate(_KEPT) or folded(text)


def system_named(name: str, systems: Iterable[str]) -> str | None:
    """The system that a catalogue is named after (以系统命名), or None.

    True where the name is one of ``systems``, or ends the way only systems are called.
    """
    plain = bare(name)
    for system in systems:
        if bare(system) == plain:
            return system
    return name if _SYSTEM.search(plain) else None


@dataclass(frozen=True, slots=True)
class _Numbered:
    position: int
    stem: str
    number: int
    tail: str


def dragged(names: Sequence[str], sameness: Sequence[object]) -> list[tuple[int, int]]:
    """Positions of names that merely count up from the one before, as a dragged cell does.

    ``sameness[i]`` is everything else about i, compared with ``==``; only names in at least ``RUN``
    consecutive positions count, and only with equal sameness. Returns (position, position of the
    run's first name). A four-digit number that may be a year (1900..2099) is not counted: tables
    of successive years are real.
    """
    parts = [_numbered(position, name) for position, name in enumerate(names)]
    found: list[tuple[int, int]] = []
    run: list[_Numbered] = []

    def close() -> None:
        if len(run) >= RUN:
            found.extend((one.position, run[0].position) for one in run[1:])
        run.clear()

    for position, part in enumerate(parts):
        if part is None:
            close()
            continue
        if run:
            last = run[-1]
            follows = (part.stem, part.tail, part.number) == (
                last.stem,
                last.tail,
                last.number + 1,
            ) and sameness[position] == sameness[last.position]
            if not follows:
                close()
        run.append(part)
    close()
    return found


def _numbered(position: int, name: str) -> _Numbered | None:
    match = _TRAILING_NUMBER.match(unicodedata.normalize("NFKC", name).strip())
    if match is None:
        return None
    stem, digits, tail = match.groups()
    number = int(digits)
    if not bare(stem) or (len(digits) == 4 and 1900 <= number <= 2099):  # noqa: PLR2004
        return None
    return _Numbered(position, bare(stem), number, tail)
