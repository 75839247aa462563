"""Regular expressions that mean the same to RE2 (DuckDB), PostgreSQL and Java (Spark).

A pattern describes a whole value. Taken are literals, ``.``, classes ``[…]``, groups ``(…)`` and
``(?:…)``, ``|``, and the quantifiers ``* + ? {m} {m,n}``; ``\\d \\w \\s`` are rewritten as ASCII
classes, ``\\uXXXX`` as the character. Look-around, back references, named groups, flags, possessive and
lazy quantifiers and Unicode properties are refused: engines disagree on them or lack them.
"""

from __future__ import annotations

import re

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \t\n\r\f"}
_LITERAL_ESCAPES = frozenset(r".\[](){}|*+?^$-/")
_CONTROL = {"t": "\t", "n": "\n", "r": "\r"}
_MOST_REPEATS = 1000

_YEAR = "[12][0-9]{3}"
_LEAP = "(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:12|16|20|24|28)00)"


def day_pattern(separator: str) -> str:
    """A pattern that every real day of the years 1000..2999 matches, and nothing else."""
    return (
        f"(?:{_YEAR}{separator}(?:(?:0[13578]|1[02]){separator}(?:0[1-9]|[12][0-9]|3[01])"
        f"|(?:0[469]|11){separator}(?:0[1-9]|[12][0-9]|30)"
        f"|02{separator}(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}{separator}02{separator}29)"
    )


CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
ISO_DAY = day_pattern("-")
DATE_FORMATS: dict[str, str] = {
    "YYYY-MM-DD": ISO_DAY,
    "YYYYMMDD": day_pattern(""),
    "YYYY/MM/DD": day_pattern("/"),
    "YYYY-MM": f"{_YEAR}-(?:0[1-9]|1[0-2])",
    "YYYY-MM-DD hh:mm:ss": f"{ISO_DAY} {CLOCK}",
    "YYYYMMDDhhmmss": f"{day_pattern('')}(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]",
}
"""The forms of ``date_format``, each with the pattern of all that is real in it."""
ISO_MOMENT = f"{ISO_DAY}(?:[ T]{CLOCK}(?:\\.[0-9]{{1,6}})?)?"
"""A day, or a moment without a zone."""

PHONES: dict[str, str] = {
    "mobile": "(?:\\+?86-?)?1[3-9][0-9]{9}",
    "landline": "(?:(?:0[0-9]{2,3}-?)?[2-9][0-9]{6,7}(?:-[0-9]{1,6})?|[48]00-?[0-9]{3}-?[0-9]{4})",
}
PHONES["any"] = f"(?:{PHONES['mobile']}|{PHONES['landline']})"

INTEGER = "[+-]?[0-9]{1,18}"
DECIMAL = "[+-]?[0-9]{1,18}(?:\\.[0-9]{1,9})?"
BOOLEAN = "(?:[tT]rue|TRUE|[fF]alse|FALSE|[01]|是|否)"


class PatternError(ValueError):
    """A pattern that is not taken; the message says where and why."""


def portable_pattern(pattern: str) -> str:
    """The pattern in the form that every engine reads alike, without anchors.

    Raises :class:`PatternError` (a :class:`ValueError`).
    """
    body = pattern.removeprefix("^")
    if body.endswith("$") and not body.endswith("\\$"):
        body = body[:-1]
    written = _Reader(body).read()
    try:
        re.compile(written)
    except re.error as error:
        raise PatternError(f"pattern: {error}") from error
    return written


class _Reader:
    """One pass over a pattern, character by character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.out: list[str] = []

    def read(self) -> str:
        while self.at < len(self.text):
            self._step()
        return "".join(self.out)

    def _refuse(self, what: str) -> PatternError:
        return PatternError(f"pattern, character {self.at + 1}: {what}")

    def _step(self) -> None:
        character = self.text[self.at]
        if character == "\\":
            self._escape(in_class=False)
        elif character == "[":
            self._class()
        elif character == "(":
            self._group()
        elif character in "*+?{":
            self._quantifier()
        elif character in "^$":
            raise self._refuse(
                f"{character!r} stands at an end only; the whole value is matched anyway"
            )
        else:
            self.out.append(character)
            self.at += 1

    def _escape(self, *, in_class: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "u":
            digits = self.text[self.at + 2 : self.at + 6]
            if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                raise self._refuse("\\u needs four hexadecimal digits")
            self.out.append(re.escape(chr(int(digits, 16))))
            self.at += 6
            return
        if following in _CLASSES and following:
            inner = _CLASSES[following]
            self.out.append(inner if in_class else f"[{inner}]")
        elif following in _CONTROL and following:
            self.out.append(_CONTROL[following])
        elif following in _LITERAL_ESCAPES and following:
            self.out.append("\\" + following)
        else:
            raise self._refuse(f"'\\{following}' does not mean the same everywhere")
        self.at += 2

    def _class(self) -> None:
        opened = self.at
        self.out.append("[")
        self.at += 1
        if self.text[self.at : self.at + 1] == "^":
            self.out.append("^")
            self.at += 1
        empty = True
        while self.at < len(self.text) and self.text[self.at] != "]":
            character = self.text[self.at]
            if character == "\\":
                self._escape(in_class=True)
            elif character == "[" or self.text.startswith("&&", self.at):
                raise self._refuse("a class within a class is not taken; write \\[ for the bracket")
            else:
                self.out.append(character)
                self.at += 1
            empty = False
        if self.at >= len(self.text) or empty:
            self.at = opened
            raise self._refuse("the class [ is not closed, or empty")
        self.out.append("]")
        self.at += 1

    def _group(self) -> None:
        if self.text.startswith("(?", self.at):
            if not self.text.startswith("(?:", self.at):
                raise self._refuse("of groups that begin with (? only (?: is taken")
            self.at += 3
        else:
            self.at += 1
        self.out.append("(?:")

    def _quantifier(self) -> None:
        found = re.compile(r"[*+?]|\{([0-9]+)(?:,([0-9]*))?\}").match(self.text, self.at)
        if found is None:
            raise self._refuse("{ opens a count like {3} or {1,5}; write \\{ for the bracket")
        if any(int(number) > _MOST_REPEATS for number in found.groups() if number):
            raise self._refuse(f"a count is at most {_MOST_REPEATS}")
        self.at = found.end()
        if self.text[self.at : self.at + 1] in ("?", "+"):
            raise self._refuse(
                "lazy and possessive quantifiers are not taken; they change nothing here"
            )
        self.out.append(found.group())
