"""What all shapes are made of: hashes, sizes, times, names, and the one shape of errors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Hex32 = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$")]
Hex = Annotated[str, Field(pattern="^0x([0-9a-f]{2})*$")]
Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
Time = Annotated[
    str, Field(description="ISO 8601, Beijing time", examples=["2026-05-01T12:00:00+08:00"])
]
Size = Annotated[int, Field(ge=0, description="日志大小 log size: number of leaves")]
Index = Annotated[int, Field(ge=0, description="叶序号 leaf index, from 0")]


class Shape(BaseModel):
    """Base of all shapes: an answer holds what is written here and nothing else."""

    model_config = ConfigDict(extra="forbid")


def ok(model: type[BaseModel], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers ``model``."""
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": model, "description": "成功 · Success"}
    }
    return described


def proof(*names: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that answers a proof file of one of these forms (``docs/proof-format.md``)."""
    found: list[dict[str, Any]] = [{"$ref": f"#/components/schemas/{name}"} for name in names]
    schema = found[0] if len(found) == 1 else {"oneOf": found}
    return {
        200: {"description": "成功 · Success", "content": {"application/json": {"schema": schema}}}
    }


class FaultShape(Shape):
    """One value at fault."""

    pointer: str
    detail: str
    code: str


class ProblemShape(BaseModel):
    """RFC 9457 problem details; further members depend on the type."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    hint: str
    errors: list[FaultShape] | None = None


class Named(Shape):
    """A coded value with its names."""

    code: str
    zh: str
    en: str


class NamedGrade(Shape):
    """A security grade with its names."""

    code: Annotated[int, Field(ge=1, le=4)]
    zh: str
    en: str


class PartyName(Shape):
    """An organisation by code, with the names that are known."""

    code: str
    zh: str | None
    en: str | None


class Bilingual(Shape):
    """The same text in both languages."""

    zh: str
    en: str
