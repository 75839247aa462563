"""What quality rules have in common: how they are named, how grave they are, what they count.

:mod:`ledger.quality.checks` has the predicates themselves.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from ledger.bodies import Line, Prose
from ledger.quality.indicators import INDICATORS, LEAVES

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Column = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Number = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,9})?$")]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Severity(Enum):
    """How grave a failing element is (严重程度); it orders what people read, scores do not know it."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


SEVERITY_LABELS: dict[Severity, tuple[str, str]] = {
    Severity.CRITICAL: ("严重", "critical"),
    Severity.MAJOR: ("主要", "major"),
    Severity.MINOR: ("次要", "minor"),
    Severity.INFO: ("提示", "info"),
}


def _leaf(code: object) -> object:
    if isinstance(code, int):
        raise ValueError(  # noqa: TRY004 - pydantic tells value errors
            f'indicator codes begin with 0: write it in quotes, "0{code}"'
        )
    if code in INDICATORS and code not in LEAVES:
        raise ValueError(f"{code} is the mean of other indicators: name one of those")
    if code not in INDICATORS:
        raise ValueError(f"{code!r} is no indicator of DB31/T 1523-2024")
    return code


def _number(value: object) -> object:
    """An exact number as text without an exponent or trailing zeros."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number is needed")  # noqa: TRY004 - pydantic tells value errors
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _bound(value: object) -> object:
    """A bound: a number, or a day YYYY-MM-DD."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str) and value.count("-") == 2 and not value.startswith("-"):  # noqa: PLR2004
        return dt.date.fromisoformat(value).isoformat()
    return _number(value)


Exact = Annotated[Number, BeforeValidator(_number)]
Bound = Annotated[Number | Day, BeforeValidator(_bound)]
Literal_ = str | int | bool


class Rule(BaseModel):
    """What every rule says. ``indicator`` is a leaf of the tree, ``when`` a condition (an SQL
    expression) without which a row is not evaluated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: Name
    indicator: Annotated[str, BeforeValidator(_leaf)]
    title: Line | None = None
    severity: Severity = Severity.MAJOR
    when: Prose | None = None


class OfColumns(Rule):
    """A rule about single values. ``column: x`` is short for ``columns: [x]``."""

    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=256)]
    element: Literal["cell", "record"] = "cell"

    @model_validator(mode="before")
    @classmethod
    def _one_column(cls, data: Any) -> Any:  # noqa: ANN401 - whatever stands in the file
        if isinstance(data, dict) and "column" in data:
            if "columns" in data:
                raise ValueError("give column or columns, not both")
            return {**{k: v for k, v in data.items() if k != "column"}, "columns": [data["column"]]}
        return data

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns: one stands there twice")
        return self


class OfValues(OfColumns):
    """A rule about given values; ``nulls: fail`` counts missing ones as failing."""

    nulls: Literal["skip", "fail"] = "skip"


class OfReference(Rule):
    """A rule that holds the table against another: ``columns`` here, ``reference_columns`` there."""

    reference: Name
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=16)]
    reference_columns: Annotated[tuple[Column, ...], Field(max_length=16)] = ()
    """The same names where they are not given."""
    element: Literal["record"] = "record"

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if self.reference_columns and len(self.reference_columns) != len(self.columns):
            raise ValueError("reference_columns: as many as columns, in the same order")
        return self

    @property
    def theirs(self) -> tuple[str, ...]:
        """The reference's columns, in the order of ``columns``."""
        return self.reference_columns or self.columns


def two_bounds(low: Any, high: Any) -> None:  # noqa: ANN401 - numbers or days
    if low is None and high is None:
        raise ValueError("give min, max or both")
    if low is not None and high is not None and low > high:
        raise ValueError(f"min {low} is above max {high}")
