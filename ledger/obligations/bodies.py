"""Bodies of statements about obligations (归集义务): what canonical JSON must say, member by member."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from ledger.bodies import DayText, Line, Prose
from ledger.codes import (
    EXEMPTION_SCOPES,
    Code,
    ExemptionScope,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationType,
    UpdateCycle,
)
from ledger.faults import Unfit
from ledger.organisations.bodies import OrganisationCode

MAX_CODE = 128
_FULL_WIDTH = 0xFEE0
"""How far full-width forms (U+FF01 to U+FF5E) are from what they look like."""
_LIKE_LATIN = {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "MATHEMATICAL"}
"""Scripts with letters that look like Latin ones."""


def _code(text: str) -> str:
    if len(text) > MAX_CODE:
        raise Unfit(
            f"代码至多 {MAX_CODE} 个字符，实际 {len(text)} 个",
            f"a code has at most {MAX_CODE} characters, this one has {len(text)}",
        )
    for place, character in enumerate(text, start=1):
        if character.isspace():
            raise Unfit(
                f"第 {place} 个字符是空格，代码中不能有空格",
                f"character {place} is a space; a code has none",
            )
    if not text.isascii():
        _check_looks(text)
    return text


def _check_looks(text: str) -> None:
    """Raise :class:`Unfit` for a code that a reader may take for another one (形近字符)."""
    if unicodedata.normalize("NFC", text) != text:
        raise Unfit(
            "字符由多个部分拼成，与另一写法看不出差别；请重新输入",
            "its characters are composed of parts, and look like others; type it anew",
        )
    for place, character in enumerate(text, start=1):
        if "\uff01" <= character <= "\uff5e":
            half = chr(ord(character) - _FULL_WIDTH)
            raise Unfit(
                f"第 {place} 个字符是全角 {character!r}，请用半角 {half!r}",
                f"character {place} is the full-width {character!r}; write {half!r}",
            )
        if unicodedata.category(character) in ("Cf", "Co", "Cn"):
            raise Unfit(
                f"第 {place} 个字符 U+{ord(character):04X} 不可见，请删去",
                f"character {place} is U+{ord(character):04X}, which nobody sees; remove it",
            )
        if unicodedata.category(character) == "Pd" and not character.isascii():
            raise Unfit(
                f"第 {place} 个字符是连接号 {character!r}，请用 '-'",
                f"character {place} is the dash {character!r}; write '-'",
            )
        script = unicodedata.name(character, "").partition(" ")[0]
        if script in _LIKE_LATIN:
            raise Unfit(
                f"第 {place} 个字符 {character!r} 形似拉丁字母（{script}），请用拉丁字母",
                f"character {place}, {character!r}, is no Latin letter though it may look like one "
                f"({script}); write the Latin one",
            )


def _one_of(table: type[Code]) -> AfterValidator:
    def known(text: str) -> str:
        if all(text != member.value for member in table):
            words = ", ".join(member.value for member in table)
            raise Unfit(f"{text!r} 不是 {words} 之一", f"{text!r} is none of {words}")
        return text

    return AfterValidator(known)


ObligationCode = Annotated[Line, AfterValidator(_code)]
"""A code of an obligation or exemption (义务代码), chosen by who files: 1 to 128 characters, without spaces and
without what looks like another character.
"""
Reasons = Annotated[list[Prose], Field(max_length=50)]
TypeName = Annotated[str, _one_of(ObligationType)]
CycleName = Annotated[str, _one_of(UpdateCycle)]
LibraryName = Annotated[str, _one_of(Library)]
StateName = Annotated[str, _one_of(ObjectionState)]
TargetName = Annotated[str, _one_of(ExemptionTarget)]


def scope_names(mask: int) -> tuple[str, ...]:
    """The names in a scope mask, from the lowest bit: ``3`` is ``("catalogue", "collect")``."""
    return tuple(str(one.name).lower() for one in EXEMPTION_SCOPES if mask & one)


def scope_mask(names: list[str] | tuple[str, ...]) -> int:
    """The mask of scope names, at least one; raises :class:`ValueError` naming what is none."""
    mask = 0
    for name in names:
        scope = ExemptionScope.__members__.get(name.upper())
        if scope is None or name != name.lower():
            known = ", ".join(scope_names(ALL_SCOPES))
            raise Unfit(
                f"没有豁免范围 {name!r}，应为 {known}", f"{name!r} is no scope: one of {known}"
            )
        mask |= scope
    if not mask:
        known = ", ".join(scope_names(ALL_SCOPES))
        raise Unfit(f"至少写明 {known} 之一", f"name at least one of {known}")
    return mask


ALL_SCOPES = sum(int(scope) for scope in EXEMPTION_SCOPES)
"""Every bit that an exemption may have: 31."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    def said(self) -> dict[str, Any]:
        """The members that say something."""
        return {
            name: value
            for name, value in self.model_dump().items()
            if value is not None and value != []
        }


class ObligationBody(_Body):
    """Body of an ``Obligation`` statement."""

    code: ObligationCode
    name: Line
    name_en: Line | None = None
    type: TypeName
    responsible: OrganisationCode
    parent: ObligationCode | None = None
    legal_basis: Annotated[list[Prose], Field(min_length=1, max_length=50)]
    update_cycle: CycleName | None = None
    library: LibraryName | None = None
    produces_data: bool = True
    valid_from: DayText
    valid_until: DayText | None = None
    reasons: Reasons = []
    source: Line | None = None
    note: Prose | None = None


class BindingBody(_Body):
    """Body of a ``Binding`` statement."""

    obligation: ObligationCode
    entry: Line
    reasons: Reasons = []


class ObjectionBody(_Body):
    """Body of an ``Objection`` statement."""

    obligation: ObligationCode
    state: StateName
    reasons: Annotated[list[Prose], Field(min_length=1, max_length=50)]


class ExemptionBody(_Body):
    """Body of an ``Exemption`` statement."""

    code: ObligationCode
    target: Line
    target_type: TargetName
    scope: Annotated[list[str], Field(min_length=1)]
    law: Prose
    approver: OrganisationCode
    valid_from: DayText
    expires: DayText
    reasons: Reasons = []

    @field_validator("scope")
    @classmethod
    def _known_scopes(cls, names: list[str]) -> list[str]:
        return list(scope_names(scope_mask(names)))
