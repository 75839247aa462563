"""Mappings (映射): how the columns of a source catalogue become entry fields.

A mapping is a YAML file: which column fills which field, what to split, which vocabulary turns the
spellings, which fields are the same for all rows, what identifies a record, and how resource codes
are made. It describes a format and holds no data.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ledger.canonical import canonical_json
from ledger.catalogue.documents import read_document
from ledger.catalogue.entry import Entry, pointer_of
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.publishers import Publisher
from ledger.catalogue.vocabulary import Vocabulary, VocabularyError, vocabulary

PLACE = Path(__file__).parent / "mappings"
LISTS = frozenset({"classification", "themes", "keywords", "systems", "matters", "related"})
DATES = frozenset({"published_on", "revised_on"})
TEXTS = frozenset(
    {
        "name",
        "name_en",
        "provider_name",
        "provider_unit",
        "abstract",
        "share_scope",
        "share_purpose",
        "use_conditions",
        "open_condition",
        "library_name",
        "duty",
        "processing",
        "link",
    }
)
TURNED = frozenset({"formats", "update_cycle", "access", "library"})
"""Targets that take a vocabulary; ``access`` fills share type and open type, whichever is meant."""
_DATE = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ].*)?$")
_DAY = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_DIGEST = 32
_NOT_CONTENT = frozenset({"code", "provider", "provider_check", "provider_evidence", "source"})


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


class CodeRule(BaseModel):
    """How resource codes are made (1272 §3): class, item and section here, the publisher's ordinal
    as detail, and a sequence of at least six digits per publisher.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    category: Annotated[str, StringConstraints(pattern=r"^[123]$")] = "3"
    item: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    section: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]

    def prefix(self, publisher: Publisher) -> str:
        return f"{self.category}{self.item}{self.section}{publisher.ordinal:04d}"


class Mapping(BaseModel):
    """A mapping as its file says it; see ``docs/catalogue.md`` for an example."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    title: str
    sheet: str | None = None
    identity: Annotated[tuple[str, ...], Field(min_length=1)]
    columns: dict[str, Column | str]
    constants: dict[str, Any] = {}
    code: CodeRule

    def column(self, field: str) -> Column:
        """The column of a field; a bare name in the file means a column without more."""
        found = self.columns[field]
        return Column(column=found) if isinstance(found, str) else found

    def wanted(self) -> set[str]:
        """All columns that the file must have."""
        return {self.column(field).column for field in self.columns} | set(self.identity)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row turned into entry fields, without code, provider's code and source; ``record`` is what
    identifies it in its catalogue.
    """

    fields: dict[str, Any]
    record: str


def mappings() -> list[str]:
    """The mappings that come with the package."""
    return sorted(file.stem for file in PLACE.glob("*.yaml"))


def load_mapping(given: str | Path) -> Mapping:
    """A mapping of the package by name, or one from a file; raises :class:`MappingError`."""
    path = Path(given)
    if not path.is_file():
        path = PLACE / f"{given}.yaml"
    if not path.is_file():
        raise MappingError(
            f"no mapping {str(given)!r}: give a file, or one of {', '.join(mappings())}"
        )
    try:
        value, lines = read_document(path)
        mapping = Mapping.model_validate(value)
    except EntryRefused as refusal:
        raise MappingError(str(refusal)) from refusal
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        pointer = pointer_of(first["loc"])
        line = lines.get(pointer) or lines.get(pointer.rpartition("/")[0])
        raise MappingError(f"{path.name}, line {line}, {pointer or '/'}: {first['msg']}") from error
    _check(mapping, path.name)
    return mapping


def _check(mapping: Mapping, where: str) -> None:
    for needed in ("name", "provider_name"):
        if needed not in mapping.columns:
            raise MappingError(f"{where}: /columns/{needed} is missing: which column holds it?")
    for field in mapping.columns:
        if field not in LISTS | DATES | TEXTS | TURNED:
            raise MappingError(
                f"{where}: /columns/{field}: no column can fill this field; those that can are "
                + ", ".join(sorted(LISTS | DATES | TEXTS | TURNED))
            )
        column = mapping.column(field)
        if (field in TURNED) != (column.vocabulary is not None):
            takes = "needs" if field in TURNED else "takes no"
            raise MappingError(f"{where}: /columns/{field} {takes} vocabulary")
        if column.vocabulary is not None:
            try:
                vocabulary(column.vocabulary)
            except VocabularyError as error:
                raise MappingError(f"{where}: /columns/{field}: {error}") from error
    probe = {"code": "000000/000000", "name": "x", "provider": "TMP-0", **mapping.constants}
    try:
        Entry.parse(probe)
    except EntryRefused as refusal:
        first = refusal.problems[0]
        raise MappingError(f"{where}: /constants{first.pointer}: {first.en}") from refusal
    own = {"code", "name", "provider", "source"} & set(mapping.constants)
    if own:
        raise MappingError(f"{where}: /constants/{sorted(own)[0]} differs from row to row")


def map_row(
    mapping: Mapping, cells: AnyMapping[str, str], not_turned: Counter[tuple[str, str]]
) -> Mapped:
    """The entry fields in a row. Spellings and dates that cannot be turned are counted in
    ``not_turned`` under (field, spelling), and the field stays unstated.
    """
    fields: dict[str, Any] = dict(mapping.constants)
    for field in mapping.columns:
        column = mapping.column(field)
        text = cells[column.column]
        if field in TURNED and column.vocabulary is not None:
            table = vocabulary(column.vocabulary)
            _turn(fields, field, table, _parts(text, column.split), not_turned)
        elif field in LISTS:
            parts = _parts(text, column.split)
            if parts:
                fields[field] = parts
        elif field in DATES:
            day = _date(text)
            if day is not None:
                fields[field] = day
            elif text:
                not_turned[field, text] += 1
        elif text:
            fields[field] = text
    identity = [cells[column] for column in mapping.identity]
    return Mapped(fields, _short_digest(identity))


def content_digest(document: AnyMapping[str, Any]) -> str:
    """A digest of what an entry says beyond code, provider and source: 32 hex digits."""
    return _short_digest({name: document[name] for name in document if name not in _NOT_CONTENT})


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


def _short_digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()[:_DIGEST]
