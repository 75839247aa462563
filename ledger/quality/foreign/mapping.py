"""Which indicator a check of another tool counts for (检查与指标的对应)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.bodies import Line
from ledger.canonical import canonical_json
from ledger.quality.foreign.found import Found
from ledger.quality.foreign.reading import TOOLS
from ledger.quality.indicators import LEAVES
from ledger.quality.ruleset import read_model

NONE = "none"


class MappingLine(BaseModel):
    """One line of a mapping: checks that fit all patterns given count for ``indicator``.

    ``indicator`` is a leaf of the tree, or ``none`` with the ``reason`` why the check is left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tool: Line | None = None
    check: Line = "*"
    column: Line | None = None
    table: Line | None = None
    indicator: Line
    reason: Line | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.tool is not None and self.tool not in TOOLS:
            raise ValueError(f"tool: {self.tool!r} is none of {', '.join(TOOLS)}")
        if self.indicator == NONE:
            if self.reason is None:
                raise ValueError("indicator: none needs a reason")
        elif self.indicator not in LEAVES:
            raise ValueError(f"indicator: {self.indicator!r} is no leaf of DB31/T 1523-2024")
        return self

    def fits(self, found: Found) -> bool:
        """Whether this line is about a check."""
        return (
            (self.tool is None or self.tool == found.tool)
            and fnmatchcase(found.check, self.check)
            and (self.column is None or fnmatchcase(found.column or "", self.column))
            and (self.table is None or fnmatchcase(found.table or "", self.table))
        )


class CheckMapping(BaseModel):
    """A mapping file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["govledger-quality-mapping/1"]
    checks: Annotated[tuple[MappingLine, ...], Field(max_length=2000)]

    def digest(self) -> bytes:
        """SHA-256 of the canonical form, 32 bytes."""
        return hashlib.sha256(
            canonical_json(self.model_dump(mode="json", exclude_none=True))
        ).digest()


@cache
def default_mapping() -> CheckMapping:
    """What this project knows of the tools' own checks."""
    told = resources.files(__package__).joinpath("mapping.yaml").read_text("utf-8")
    return CheckMapping.model_validate(yaml.safe_load(told))


def mapping_in(place: Path | None) -> CheckMapping:
    """The lines of a file before our own. Raises :class:`~ledger.quality.ruleset.RuleFileError`."""
    if place is None:
        return default_mapping()
    own = read_model(place, CheckMapping)
    return own.model_copy(update={"checks": own.checks + default_mapping().checks})


def line_of(found: Found, lines: Sequence[MappingLine]) -> MappingLine | None:
    """The first line that fits a check; None: unmapped."""
    return next((line for line in lines if line.fits(found)), None)
