"""The catalogue entry (目录条目): its fields, and its canonical document.

Fields follow 政务数据共享条例 (State Council Decree 809) Arts. 13-15, 上海市数据条例 Art. 28 and
the core metadata of the 1272 guide (发改高技术〔2017〕1272号). An entry may be incomplete: only
code, name and provider must be there, whatever else the law asks for is looked after by
:mod:`ledger.catalogue.checks`. Codes are the string codes of :mod:`ledger.codes` and
:mod:`ledger.catalogue.dictionaries`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from ledger.canonical import printable
from ledger.catalogue.dictionaries import (
    BasisCategory,
    Channel,
    DataScope,
    DataType,
    FormatCategory,
    ProviderCheck,
    Scene,
    ShareMode,
    SystemLevel,
)
from ledger.catalogue.problems import EntryRefused, Problem, problem
from ledger.codes import Level, Library, NationalClass, OpenType, Origin, ShareType, UpdateCycle

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _blank_is_none(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _plain_text(value: str) -> str:
    """``value`` with line ends as ``\\n``;
    control characters other than that and tabs are refused.
    """
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    found = _CONTROL.search(value)
    if found:
        raise ValueError(f"control character U+{ord(found.group()):04X} in the text")
    return value


Short = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    AfterValidator(_plain_text),
]
Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256),
    AfterValidator(_plain_text),
]
Paragraph = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    AfterValidator(_plain_text),
]
MaybeShort = Annotated[Short | None, BeforeValidator(_blank_is_none)]
MaybeLine = Annotated[Line | None, BeforeValidator(_blank_is_none)]
MaybeParagraph = Annotated[Paragraph | None, BeforeValidator(_blank_is_none)]
MaybeType = Annotated[
    Annotated[Short, StringConstraints(to_lower=True)] | None, BeforeValidator(_blank_is_none)
]
Grade = Annotated[int, Field(ge=1, le=4)]


class Part(BaseModel):
    """Base of all parts of an entry: immutable, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Format(Part):
    """信息资源格式 (1272, element 7):
    category, and type within it, lower case (``xlsx``, ``mysql``).
    """

    category: FormatCategory
    type: MaybeType = None


class NotSharedBasis(Part):
    """不予共享依据 (条例 Art. 14):
    law, administrative regulation or State Council decision, and which.
    """

    category: BasisCategory
    document: Line
    article: MaybeShort = None


class Assessment(Part):
    """A statutory assessment before filing (条例 Art. 13):
    done or not, when, and where it is kept.
    """

    done: bool
    date: dt.date | None = None
    reference: MaybeLine = None


class Source(Part):
    """Where an imported entry comes from: the mapping's name, the source record's identity, and a
    digest of what the record said, so that a later import sees whether it changed.
    """

    catalogue: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    record: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Item(Part):
    """信息项 (1272, element 8), with the sharing, opening and grading of the single item."""

    name: Short
    name_en: MaybeShort = None
    data_type: DataType | None = None
    length: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    precision: Annotated[int, Field(ge=0, le=100)] | None = None
    unit: MaybeShort = None
    value_range: MaybeLine = None
    description: MaybeParagraph = None
    share_type: ShareType | None = None
    share_condition: MaybeLine = None
    not_shared_reason: MaybeLine = None
    open_type: OpenType | None = None
    secret: bool | None = None
    sensitive: bool | None = None
    primary_key: bool | None = None
    incremental: bool | None = None
    locally_generated: bool | None = None
    standardised: bool | None = None
    code_set: MaybeShort = None
    data_element: MaybeShort = None
    source_system: MaybeShort = None
    source_system_level: SystemLevel | None = None
    grade: Grade | None = None


class Entry(Part):
    """One catalogue entry.
    Lists keep their order; empty lists and absent values mean *not stated*.
    """

    code: Short
    name: Short
    name_en: MaybeShort = None
    classification: tuple[Short, ...] = ()
    themes: tuple[Short, ...] = ()
    provider: Annotated[Short, StringConstraints(max_length=32)]
    provider_name: MaybeLine = None
    provider_unit: MaybeLine = None
    provider_check: ProviderCheck | None = None
    provider_evidence: MaybeLine = None
    abstract: MaybeParagraph = None
    keywords: tuple[Short, ...] = ()
    formats: tuple[Format, ...] = ()
    items: Annotated[tuple[Item, ...], Field(max_length=2000)] = ()
    share_type: ShareType | None = None
    share_scope: MaybeLine = None
    share_purpose: MaybeLine = None
    not_shared_reason: MaybeLine = None
    not_shared_basis: NotSharedBasis | None = None
    share_modes: tuple[ShareMode, ...] = ()
    use_conditions: MaybeLine = None
    open_type: OpenType | None = None
    open_condition: MaybeLine = None
    update_cycle: UpdateCycle | None = None
    published_on: dt.date | None = None
    revised_on: dt.date | None = None
    related: tuple[Short, ...] = ()
    library: Library | None = None
    library_name: MaybeShort = None
    level: Level | None = None
    origin: Origin | None = None
    grade: Grade | None = None
    national_class: NationalClass | None = None
    restricted: bool | None = None
    secret: bool | None = None
    secrecy_assessment: Assessment | None = None
    personal_information_assessment: Assessment | None = None
    systems: tuple[Short, ...] = ()
    duty: MaybeLine = None
    matters: tuple[Line, ...] = ()
    channels: tuple[Channel, ...] = ()
    scenes: tuple[Scene, ...] = ()
    data_scope: DataScope | None = None
    industry: Annotated[str, StringConstraints(pattern=r"^[A-T]$")] | None = None
    processing: MaybeShort = None
    authorised_operation: bool | None = None
    certificate: bool | None = None
    link: MaybeParagraph = None
    source: Source | None = None

    @classmethod
    def parse(cls, data: Mapping[str, Any], where: str = "") -> Entry:
        """The entry in ``data``;
        raises :class:`EntryRefused` with one problem for every bad field.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise EntryRefused(problems_of(error), where) from error

    @property
    def effective_grade(self) -> int | None:
        """The highest of the stated grade and the items' grades (就高从严),
        None if there is none.
        """
        if not self.items:
            return self.grade
        graded = [grade for grade in (self.grade, *(i.grade for i in self.items)) if grade]
        return max(graded, default=None)

    @property
    def is_restricted(self) -> bool:
        """Whether only a commitment goes on the chain: marked so, or grade 3 or 4."""
        return bool(self.restricted) or (self.effective_grade or 0) >= 3  # noqa: PLR2004

    def document(self) -> dict[str, Any]:
        """The entry as JSON values, its effective grade filled in and nothing unstated present."""
        bare = _without_blanks(self.model_dump(mode="json", exclude_none=True))
        if self.effective_grade is not None:
            bare["grade"] = self.effective_grade
        return bare


def _without_blanks(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in ([], (), {})}


_KINDS: dict[str, str] = {"extra_forbidden": "unknown_field", "missing": "required"}


def pointer_of(location: tuple[int | str, ...]) -> str:
    """A pydantic location as JSON pointer (RFC 6901), printable whatever names it holds."""
    steps = (printable(str(step)).replace("~", "~0").replace("/", "~1") for step in location)
    return "".join(f"/{step}" for step in steps)


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".")


def problems_of(error: ValidationError) -> list[Problem]:
    """The problems behind a pydantic error, one a field, ordered by pointer."""
    found = []
    for detail in error.errors(include_url=False):
        pointer = pointer_of(detail["loc"])
        if detail["type"] == "enum":
            allowed = str(detail.get("ctx", {}).get("expected", "")).replace("'", "")
            allowed = allowed.replace(" or ", ", ")
            found.append(
                problem("not_in_dictionary", pointer, value=detail["input"], allowed=allowed)
            )
        elif detail["type"] == "string_too_short":
            found.append(problem("required", pointer))
        elif detail["type"] in _KINDS:
            found.append(problem(_KINDS[detail["type"]], pointer))
        else:
            found.append(problem("invalid", pointer, reason=_reason(detail["msg"])))
    return sorted(found, key=lambda one: (one.pointer, one.code))
