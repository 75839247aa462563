"""Mappings (映射) of lists of duties, systems, tables and data sets: how their rows become obligations.

Beside what every mapping has (:mod:`ledger.catalogue.columns`), one of obligations says how codes are made, what
stands above the rows, where the list names a department's code a second time, and which rows the list itself
calls published.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ledger.bodies import Line, Prose
from ledger.catalogue.columns import (
    MappingError,
    TableMapping,
    Targets,
    load_table_mapping,
    mappings_in,
    short_digest,
)
from ledger.catalogue.names import bare
from ledger.codes import ObligationType
from ledger.faults import faults_of
from ledger.obligations.statements import ObligationDraft
from ledger.obligations.vocabulary import vocabulary

PLACE = Path(__file__).parent / "mappings"
TARGETS = Targets(
    texts=frozenset({"name", "name_en", "department", "department_code", "parent", "note"}),
    turned=frozenset({"type", "update_cycle", "library", "produces_data"}),
    lists=frozenset({"legal_basis"}),
    dates=frozenset({"valid_from", "valid_until"}),
    vocabulary=vocabulary,
)
MAX_RECORD = 200
_OWN = frozenset({"code", "name", "responsible", "department", "source", "status", "version"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CodeRule(_Part):
    """An obligation's code: a prefix, and the text of a column (the first of the identity where none)."""

    prefix: Annotated[str, Field(max_length=32, pattern=r"^\S*$")] = ""
    column: str | None = None


class Evidence(_Part):
    """A column that names a department's code beside the code column; the pattern's group is the code."""

    column: str
    pattern: str

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if groups != 1:
            raise ValueError(f"the pattern has one group, the code; this one has {groups}")
        return pattern


class Above(_Part):
    """One obligation of each department above all its rows; ``{department}`` and ``{key}`` are filled in.

    ``key`` is made from the department's name, so that the same department always has the same one.
    """

    type: ObligationType = ObligationType.DUTY
    code: Annotated[str, Field(pattern=r"^\S*\{key\}\S*$")]
    name: Line
    legal_basis: Annotated[tuple[Prose, ...], Field(min_length=1)]


class Published(_Part):
    """Which rows the list itself calls published, and under which name and link: something to bind."""

    column: str
    values: Annotated[tuple[str, ...], Field(min_length=1)]
    name: str
    link: str | None = None


class ObligationMapping(TableMapping):
    """A mapping as its file says it; ``docs/obligations.md`` explains one."""

    code: CodeRule
    evidence: tuple[Evidence, ...] = ()
    above: Above | None = None
    notes: tuple[str, ...] = ()
    published: Published | None = None

    def wanted(self) -> set[str]:
        """All columns that the file must have."""
        wanted = {one.column for one in self.evidence} | set(self.notes) | super().wanted()
        if self.code.column is not None:
            wanted.add(self.code.column)
        if self.published is not None:
            named = (self.published.column, self.published.name, self.published.link)
            wanted |= {column for column in named if column is not None}
        return wanted

    def code_of(self, cells: AnyMapping[str, str]) -> str:
        """The code of a row's obligation."""
        return self.code.prefix + cells[self.code.column or self.identity[0]]

    def record_of(self, cells: AnyMapping[str, str]) -> str:
        """What identifies a row in its list: the texts of the identity, or a digest of long ones."""
        texts = [cells[column] for column in self.identity]
        record = "|".join(texts)
        return record if len(record) <= MAX_RECORD else short_digest(texts)

    def evidence_in(self, cells: AnyMapping[str, str]) -> Iterator[str]:
        """The codes that a row names beside its code column."""
        for one in self.evidence:
            match = re.search(one.pattern, cells[one.column])
            if match is not None:
                yield match[1]


def key_of(department: str) -> str:
    """Eight letters and digits that stand for a department's name, whatever its spaces and width."""
    return hashlib.sha256(bare(department).encode()).hexdigest()[:8].upper()


def mappings() -> list[str]:
    """The mappings that come with the package."""
    return mappings_in(PLACE)


def load_mapping(given: str | Path) -> ObligationMapping:
    """A mapping of the package by name, or one from a file.

    Raises :class:`~ledger.catalogue.columns.MappingError` with what is wrong and where.
    """
    mapping, where = load_table_mapping(
        given, PLACE, ObligationMapping, TARGETS, ("name", "department")
    )
    own = _OWN & set(mapping.constants)
    if own:
        raise MappingError(f"{where}: /constants/{sorted(own)[0]} differs from row to row")
    if "type" not in {*mapping.columns, *mapping.constants}:
        raise MappingError(f"{where}: neither /columns/type nor /constants/type says what rows are")
    _check_constants(mapping, where)
    return mapping


def _check_constants(mapping: ObligationMapping, where: str) -> None:
    """The constants, held against what a whole obligation would have beside them."""
    kind = mapping.constants.get("type", ObligationType.TABLE.value)
    probe = {
        "code": "x",
        "name": "x",
        "responsible": "TMP-0",
        "parent": None if kind == ObligationType.DUTY.value else "y",
        "legal_basis": ["x"],
        "valid_from": "2000-01-01",
        **mapping.constants,
        "type": kind,
    }
    try:
        ObligationDraft.model_validate(probe)
    except ValidationError as error:
        first = faults_of(error)[0]
        raise MappingError(f"{where}: /constants{first.pointer}: {first.en}") from error
