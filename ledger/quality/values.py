"""Single values as Ibis expressions: what is given, and text read as numbers, days and moments.

Nothing here can fail while a table is read: text is cast only where a pattern says that it can be, and
the cast stands outside the choice (``CAST(CASE WHEN … THEN text END AS …)``), so that no engine can try
it early.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ibis

from ledger.quality import patterns
from ledger.quality.reasons import NotAssessable

if TYPE_CHECKING:
    import ibis.expr.types as ir

_BLANKS = " \t\n\r\x0b\x0c\u00a0\u3000"
_NO_BREAK_SPACE, _AFTER_WIDE_SPACE = "\u00a0", "\u3001"


class Engine:
    """How one engine spells what Ibis leaves to it. ``name`` is the Ibis backend's."""

    def __init__(self, name: str) -> None:
        self.name = name

    def anchored(self, pattern: str) -> str:
        """A pattern that matches the whole text, line ends included."""
        if self.name == "pyspark":
            return f"(?s)^(?:{pattern})\\z"
        return f"^(?:{pattern})$"

    def matches(self, text: ir.StringValue, pattern: str) -> ir.BooleanValue:
        """Whether the whole text matches a portable pattern."""
        return text.re_search(self.anchored(pattern))

    def contains(self, text: ir.StringValue, characters: str) -> ir.BooleanValue:
        """Whether the text has one of the characters (a class without its brackets)."""
        return text.re_search(f"[{characters}]")

    def given(self, value: ir.Value) -> ir.BooleanValue:
        """Whether a value is there: not NULL, not NaN, not text of blanks alone (U+3000 is one)."""
        there = value.notnull()
        if value.type().is_floating():
            return there & ~value.isnan()
        if not value.type().is_string():
            return there
        blank = self.matches(value, f"[{_BLANKS}]*")
        if self.name != "duckdb":
            return there & ~blank
        # DuckDB compares bytes: where a text begins settles nearly every value, and of a CASE it works
        # out the other branches for the rest alone.
        ascii_or_han = ((value >= "!") & (value < _NO_BREAK_SPACE)) | (value >= _AFTER_WIDE_SPACE)
        return ibis.cases((ascii_or_han, True), (value.isnull(), False), else_=~blank)

    def number(self, value: ir.Value) -> ir.NumericValue:
        """The value as a number; NULL for text that is none (18 digits before, 9 after the point)."""
        if value.type().is_numeric():
            return value
        if value.type().is_string():
            return self.read(value, patterns.DECIMAL, "decimal(38, 9)")
        raise NotAssessable("wrong_type", value.get_name())

    def read(self, text: ir.Value, pattern: str, kind: str) -> Any:  # noqa: ANN401 - a value of the kind
        """Text as a value of a type where the pattern matches, else NULL."""
        kept = self.matches(text, pattern).ifelse(text, ibis.null("string"))
        return kept.cast(kind)

    def moment(self, value: ir.Value) -> ir.TimestampValue:
        """The value as a moment: dates, moments, and ISO 8601 text (years 1000..2999, no zone)."""
        kind = value.type()
        if kind.is_timestamp():
            return value
        if kind.is_date():
            return value.cast("timestamp")
        if kind.is_string():
            return self.read(value, patterns.ISO_MOMENT, "timestamp")
        raise NotAssessable("wrong_type", value.get_name())

    def day(self, value: ir.Value) -> ir.DateValue:
        """The value as a day: the day of a moment."""
        if value.type().is_date():
            return value
        return self.moment(value).date()

    def cast(self, value: ir.Value, kind: str) -> ir.Value:
        """``CAST`` that gives NULL where text cannot be read as the type."""
        if not value.type().is_string() or kind == "string":
            return value.cast(kind)
        reading: dict[str, Callable[[], ir.Value]] = {
            "int64": lambda: self.read(value, patterns.INTEGER, kind),
            "timestamp": lambda: self.moment(value),
            "date": lambda: self.day(value),
            "boolean": lambda: value.isin(["true", "True", "TRUE", "1", "是"]),
        }
        return reading.get(kind, lambda: self.number(value).cast(kind))()


def as_text(value: ir.Value) -> ir.StringValue:
    """Text as it is; an integer as its digits. Raises :class:`NotAssessable` for other types."""
    if value.type().is_string():
        return value
    if value.type().is_integer():
        return value.cast("string")
    raise NotAssessable("wrong_type", value.get_name())
