"""What the bodies of statements about organisations (机构) and keys (密钥) hold.

Canonical JSON (RFC 8785). The models are used both ways: builders write from them, the projection
reads through them, and leaves members alone that they do not know, since the body is kept whole.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from ledger.bodies import Line, Prose
from ledger.identifiers import UsccVerdict, check_organisation_code

UsccState = Literal["valid", "unchecked", "missing", "overridden"]
"""``missing``: a provisional code stands in; ``overridden``: the check character is wrong, but
evidence says that the code is so registered; ``unchecked``: nobody looked."""


def _code(text: str) -> str:
    check_organisation_code(text)
    return text


OrganisationCode = Annotated[str, AfterValidator(_code)]
"""A USCC (GB 32100-2015) whose check characters may be wrong, or a provisional code."""
Region = Annotated[str, Field(pattern=r"^[1-9][0-9]{5}([0-9]{3}){0,2}$")]
"""行政区划代码: 6 digits (GB/T 2260), 9 with the street, 12 with the village."""


class OrganisationBody(BaseModel):
    """Body of an ``Organisation`` statement."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    code: OrganisationCode
    name: Line
    name_en: Line | None = None
    parent: OrganisationCode | None = None
    region: Region | None = None
    aliases: Annotated[list[Line], Field(max_length=50)] = []
    uscc: UsccState = "unchecked"
    evidence: Annotated[Prose | None, Field(validate_default=True)] = None

    @field_validator("uscc")
    @classmethod
    def _uscc_agrees(cls, said: UsccState, info: ValidationInfo) -> UsccState:
        if "code" not in info.data:
            return said
        verdict = check_organisation_code(info.data["code"])
        found = uscc_state(verdict)
        if said != found and not (said == "unchecked" and verdict is not None):
            raise ValueError(f"the body says {said}, the code itself says {found}")
        return said

    @field_validator("evidence")
    @classmethod
    def _evidence_given(cls, evidence: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("uscc") == "overridden" and evidence is None:
            raise ValueError("an overridden code needs evidence")
        return evidence


class KeyBody(BaseModel):
    """Body of a ``Key`` statement."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    holder: OrganisationCode
    label: Line | None = None
    reason: Prose | None = None


def uscc_state(verdict: UsccVerdict | None) -> UsccState:
    """The state that goes with a verdict on a code (None: provisional)."""
    if verdict is None:
        return "missing"
    return "valid" if verdict.valid else "overridden"
