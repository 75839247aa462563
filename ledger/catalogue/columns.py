"""How the columns of somebody's table become fields (列映射): what every mapping file has in common.

A mapping is a YAML file: which column fills which field, what to split, which vocabulary turns the spellings,
which fields are the same for all rows, and what identifies a record. It describes a format and holds no data.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ledger.canonical import canonical_json
from ledger.catalogue.documents import read_document
from ledger.catalogue.entry import pointer_of
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.rows import TableError, TableRow
from ledger.catalogue.vocabulary import Vocabulary, VocabularyError

_DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?$")
_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_DIGEST = 32


class MappingError(ValueError):
    """A mapping that cannot be used; the text says which field and why."""


class Column(BaseModel):
    """Where a field comes from:
    a column, characters to split its text at, a vocabulary to turn it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: Annotated[str, Field(min_length=1)]
    split: str | None = None
    vocabulary: str | None = None


class TableMapping(BaseModel):
    """What every mapping file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    title: str
    sheet: str | None = None
    identity: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: dict[str, Column | str]
    constants: dict[str, Any] = {}

    def column(self, field: str) -> Column:
        """The column of a field; a bare name in the file means a column without more."""
        found = self.columns[field]
        return Column(column=found) if isinstance(found, str) else found

    def wanted(self) -> set[str]:
        """All columns that the file must have."""
        return {self.column(field).column for field in self.columns} | set(self.identity)


@dataclass(frozen=True, slots=True)
class Targets:
    """The fields that columns can fill, by how a cell is read; ``turned`` ones take a vocabulary."""

    texts: frozenset[str]
    turned: frozenset[str]
    vocabulary: Callable[[str], Vocabulary]
    lists: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()

    def all(self) -> frozenset[str]:
        return self.texts | self.turned | self.lists | self.dates


_Table = TypeVar("_Table", bound=TableMapping)


def mappings_in(place: Path) -> list[str]:
    """The names of the mappings that come with the package in a directory."""
    return sorted(file.stem for file in place.glob("*.yaml"))


def load_table_mapping(
    given: str | Path, place: Path, model: type[_Table], targets: Targets, needed: Iterable[str]
) -> tuple[_Table, str]:
    """A mapping by its name in ``place``, or from a file; and the file's name.

    Raises :class:`MappingError` with the line, for a column that fills no field, or where one of
    the ``needed`` fields has no column.
    """
    path = Path(given)
    if not path.is_file():
        path = place / f"{given}.yaml"
    if not path.is_file():
        raise MappingError(
            f"no mapping {str(given)!r}: give a file, or one of {', '.join(mappings_in(place))}"
        )
    try:
        value, lines = read_document(path)
        mapping = model.model_validate(value)
    except EntryRefused as refusal:
        raise MappingError(str(refusal)) from refusal
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        pointer = pointer_of(first["loc"])
        line = lines.get(pointer) or lines.get(pointer.rpartition("/")[0])
        raise MappingError(f"{path.name}, line {line}, {pointer or '/'}: {first['msg']}") from error
    _check_columns(mapping, path.name, targets, needed)
    return mapping, path.name


def _check_columns(
    mapping: TableMapping, where: str, targets: Targets, needed: Iterable[str]
) -> None:
    for field in needed:
        if field not in mapping.columns:
            raise MappingError(f"{where}: /columns/{field} is missing: which column holds it?")
    for field in mapping.columns:
        if field not in targets.all():
            raise MappingError(
                f"{where}: /columns/{field}: no column can fill this field; those that can are "
                + ", ".join(sorted(targets.all()))
            )
        column = mapping.column(field)
        if (field in targets.turned) != (column.vocabulary is not None):
            takes = "needs" if field in targets.turned else "takes no"
            raise MappingError(f"{where}: /columns/{field} {takes} vocabulary")
        if column.vocabulary is not None:
            try:
                targets.vocabulary(column.vocabulary)
            except VocabularyError as error:
                raise MappingError(f"{where}: /columns/{field}: {error}") from error


def require_columns(path: Path, mapping: TableMapping, row: TableRow) -> None:
    """Raise :class:`~ledger.catalogue.rows.TableError` where the file lacks a column."""
    absent = sorted(mapping.wanted() - set(row.cells))
    if absent:
        raise TableError(
            f"{path.name} has no column {absent[0]!r}, which mapping {mapping.name} needs; "
            f"it has {', '.join(row.cells)}"
        )


def map_cells(
    mapping: TableMapping,
    targets: Targets,
    cells: AnyMapping[str, str],
    not_turned: Counter[tuple[str, str]],
) -> dict[str, Any]:
    """The fields in a row, over the constants. Spellings and dates that cannot be turned are counted
    in ``not_turned`` under (field, spelling), and the field stays as the constants have it.
    """
    fields: dict[str, Any] = dict(mapping.constants)
    for field in mapping.columns:
        column = mapping.column(field)
        text = cells[column.column]
        if field in targets.turned and column.vocabulary is not None:
            table = targets.vocabulary(column.vocabulary)
            _turn(fields, field, table, _parts(text, column.split), not_turned)
        elif field in targets.lists:
            parts = _parts(text, column.split)
            if parts:
                fields[field] = parts
        elif field in targets.dates:
            day = _date(text)
            if day is not None:
                fields[field] = day
            elif text:
                not_turned[field, text] += 1
        elif text:
            fields[field] = text
    return fields


def short_digest(value: object) -> str:
    """32 hex digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()[:_DIGEST]


def _turn(
    fields: dict[str, Any],
    field: str,
    table: Vocabulary,
    spellings: Iterable[str],
    not_turned: Counter[tuple[str, str]],
) -> None:
    for spelling in spellings:
        meaning = table.turn(spelling)
        if meaning is None:
            not_turned[field, spelling] += 1
            continue
        for name, value in meaning.items():
            if isinstance(value, list):
                held = fields.setdefault(name, [])
                fields[name] = [*held, *(one for one in value if one not in held)]
            else:
                fields[name] = value


def _parts(text: str, split: str | None) -> list[str]:
    """The parts of a cell, each once, in order; without ``split`` the cell is one part."""
    pieces = re.split(f"[{re.escape(split)}]", text) if split else [text]
    return list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))


def _date(text: str) -> str | None:
    match = _DATE.match(text) or _DAY.match(text)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups())
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None
