"""What a quality rule (质量规则) may say: one model for each predicate, told apart by ``check``.

Names of columns are those of the table assessed. A *given* value is one that is neither NULL nor,
for text, blank; checks of values look at given ones (``nulls: skip``) unless they say ``nulls: fail``.
An element is a *cell* (one value), a *record* (one row, which fails where any of its columns does) or,
for some checks, the *table*.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ledger.bodies import Line, Prose
from ledger.codes import UpdateCycle
from ledger.quality.patterns import portable_pattern
from ledger.quality.rule_base import (
    Bound,
    Column,
    Exact,
    Literal_,
    Name,
    OfColumns,
    OfReference,
    OfValues,
    Rule,
    two_bounds,
)

__all__ = ["OfColumns", "OfReference", "OfValues", "Rule"]

DIRTY_WORDS: tuple[str, ...] = (
    "#N/A",
    "#VALUE!",
    "-",
    "--",
    "/",
    "?",
    "???",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "nan",
    "none",
    "null",
    "undefined",
    "不详",
    "待补",
    "无",
    "未知",
    "测试",
)
"""Texts that stand where a value should: placeholders that programs and people leave behind."""


class NotNull(OfColumns):
    """非空: a value is given. With ``when`` it is a conditional one (条件非空)."""

    check: Literal["not_null"]
    blank: bool = True
    """Whether blank text counts as missing."""


class OfType(OfValues):
    """类型: the column has the type, or its text can be read as such a value."""

    check: Literal["type"]
    type: Literal["string", "integer", "decimal", "boolean", "date", "timestamp"]


class OfLength(OfValues):
    """长度, in characters."""

    check: Literal["length"]
    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        two_bounds(self.min, self.max)
        return self


class InRange(OfValues):
    """值域: numbers or days between two bounds, both included."""

    check: Literal["range"]
    min: Bound | None = None
    max: Bound | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        days = {"-" in bound[1:] for bound in (self.min, self.max) if bound is not None}
        if len(days) > 1:
            raise ValueError("min and max are both numbers or both days")
        low = None if self.min is None else (self.min if True in days else Decimal(self.min))
        high = None if self.max is None else (self.max if True in days else Decimal(self.max))
        two_bounds(low, high)
        return self

    @property
    def of_days(self) -> bool:
        """Whether the bounds are days."""
        return any("-" in bound[1:] for bound in (self.min, self.max) if bound is not None)


class OneOf(OfValues):
    """代码表: one of the listed values, or of those in a column of a reference."""

    check: Literal["one_of"]
    values: Annotated[tuple[Literal_, ...], Field(max_length=10_000)] = ()
    reference: Name | None = None
    reference_column: Column | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.values) == (self.reference is not None):
            raise ValueError("give values, or reference with reference_column")
        if (self.reference is None) != (self.reference_column is None):
            raise ValueError("reference and reference_column go together")
        return self


class Pattern(OfValues):
    """正则: the whole text matches. Only what means the same on every engine is taken."""

    check: Literal["pattern"]
    pattern: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(portable_pattern)]


class Uscc(OfValues):
    """统一社会信用代码 (GB 32100-2015), both check characters included."""

    check: Literal["uscc"]


class CitizenId(OfValues):
    """公民身份号码 (GB 11643): 18 characters, a real day of birth, the check character."""

    check: Literal["citizen_id"]


class Phone(OfValues):
    """电话号码: mobile, landline or either."""

    check: Literal["phone"]
    kind: Literal["mobile", "landline", "any"] = "any"


class DateFormat(OfValues):
    """日期格式: text that is a real day, or moment, in one form. Columns of a date type comply."""

    check: Literal["date_format"]
    format: Literal[
        "YYYY-MM-DD", "YYYYMMDD", "YYYY/MM/DD", "YYYY-MM", "YYYY-MM-DD hh:mm:ss", "YYYYMMDDhhmmss"
    ] = "YYYY-MM-DD"


class Division(OfValues):
    """行政区划代码 (GB/T 2260): its form, and that it stands in the reference that is given."""

    check: Literal["division"]
    reference: Name
    reference_column: Column


class Dirty(OfValues):
    """脏数据: placeholders, control and replacement characters, sentinel numbers, stray blanks."""

    check: Literal["dirty"]
    words: tuple[str, ...] = DIRTY_WORDS
    numbers: tuple[Exact, ...] = ()
    controls: bool = True
    stray_blanks: bool = False


class Unique(OfColumns):
    """唯一: no two records have the same values in the columns. A record with a missing one is not
    evaluated. ``counting``: ``all`` fails every record of a group, ``surplus`` all but one.
    """

    check: Literal["unique"]
    element: Literal["record"] = "record"
    counting: Literal["all", "surplus"] = "all"


class DuplicateRows(Rule):
    """重复记录: records equal in all columns, or in those given; all but one of a group are bad."""

    check: Literal["duplicate_rows"]
    columns: Annotated[tuple[Column, ...], Field(max_length=256)] = ()
    element: Literal["record"] = "record"
    counting: Literal["all", "surplus"] = "surplus"


class Order(OfColumns):
    """时序: days or moments follow one another from column to column. Text is read as ISO 8601."""

    check: Literal["order"]
    columns: Annotated[tuple[Column, ...], Field(min_length=2, max_length=16)]
    element: Literal["record"] = "record"
    strict: bool = False


class InPeriod(OfValues):
    """时间段: days that lie in the period assessed."""

    check: Literal["in_period"]


class Fresh(Rule):
    """更新及时: the newest day in the column is no older, on the day of assessment, than the update
    cycle and ``grace_days`` allow. Without ``cycle`` it is the entry's.
    """

    check: Literal["fresh"]
    column: Column
    element: Literal["table"] = "table"
    cycle: UpdateCycle | None = None
    grace_days: Annotated[int, Field(ge=0, le=3660)] = 0


class Expression(Rule):
    """SQL 表达式: true for every record. Where it is NULL the record is not evaluated, or fails."""

    check: Literal["expression"]
    sql: Prose
    element: Literal["record"] = "record"
    nulls: Literal["skip", "fail"] = "skip"


class Refers(OfReference):
    """引用完整: what the columns name stands in the reference. A missing value is not evaluated."""

    check: Literal["refers"]


class Agrees(OfReference):
    """权威比对: the record of the same key in the authoritative source has the same values.

    ``columns`` are the key. Keys that the source does not have are not evaluated, or fail.
    """

    check: Literal["agrees"]
    values: Annotated[tuple[Column, ...], Field(min_length=1, max_length=64)]
    reference_values: Annotated[tuple[Column, ...], Field(max_length=64)] = ()
    missing: Literal["skip", "fail"] = "skip"

    @model_validator(mode="after")
    def _paired_values(self) -> Self:
        if self.reference_values and len(self.reference_values) != len(self.values):
            raise ValueError("reference_values: as many as values, in the same order")
        return self

    @property
    def their_values(self) -> tuple[str, ...]:
        """The reference's value columns, in the order of ``values``."""
        return self.reference_values or self.values


class Covers(OfReference):
    """记录完整: every key of the reference stands in the table; elements are the reference's keys."""

    check: Literal["covers"]


class RowCount(Rule):
    """记录数: at least so many records; elements are the records expected."""

    check: Literal["row_count"]
    expected: Annotated[int, Field(ge=1)]
    element: Literal["record"] = "record"


class Metadata(Rule):
    """元数据一致: every item (数据项) of the entry is a column, and its type can hold the item's."""

    check: Literal["metadata"]
    element: Literal["cell"] = "cell"


class Reachable(Rule):
    """可访问: every address answers in time. ``http(s)`` with a status below 400; a file is there
    and not empty. What was observed once cannot be counted again: a reproduction takes it as said.
    """

    check: Literal["reachable"]
    addresses: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
    seconds: Annotated[int, Field(ge=1, le=60)] = 5
    element: Literal["table"] = "table"


AnyRule = Annotated[
    NotNull
    | OfType
    | OfLength
    | InRange
    | OneOf
    | Pattern
    | Uscc
    | CitizenId
    | Phone
    | DateFormat
    | Division
    | Dirty
    | Unique
    | DuplicateRows
    | Order
    | InPeriod
    | Fresh
    | Expression
    | Refers
    | Agrees
    | Covers
    | RowCount
    | Metadata
    | Reachable,
    Field(discriminator="check"),
]
"""Every rule there is, by the value of ``check``."""
