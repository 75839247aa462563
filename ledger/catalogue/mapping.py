"""Mappings (映射): how the columns of a source catalogue become entry fields.

Beside what every mapping has (:mod:`ledger.catalogue.columns`), one of a catalogue says how resource codes are
made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from ledger.catalogue.columns import (
    Column,
    MappingError,
    TableMapping,
    Targets,
    load_table_mapping,
    map_cells,
    mappings_in,
    short_digest,
)
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.publishers import Publisher
from ledger.catalogue.vocabulary import vocabulary

__all__ = [
    "CodeRule",
    "Column",
    "Mapped",
    "Mapping",
    "MappingError",
    "content_digest",
    "load_mapping",
    "map_row",
    "mappings",
]

PLACE = Path(__file__).parent / "mappings"
TARGETS = Targets(
    lists=frozenset({"classification", "themes", "keywords", "systems", "matters", "related"}),
    dates=frozenset({"published_on", "revised_on"}),
    texts=frozenset(
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
    ),
    turned=frozenset({"formats", "update_cycle", "access", "library"}),
    vocabulary=vocabulary,
)
"""What columns can fill; ``access`` fills share type and open type, whichever is meant."""
_NOT_CONTENT = frozenset({"code", "provider", "provider_check", "provider_evidence", "source"})


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


class Mapping(TableMapping):
    """A mapping as its file says it; see ``docs/catalogue.md`` for an example."""

    code: CodeRule


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row turned into entry fields, without code, provider's code and source; ``record`` is what
    identifies it in its catalogue.
    """

    fields: dict[str, Any]
    record: str


def mappings() -> list[str]:
    """The mappings that come with the package."""
    return mappings_in(PLACE)


def load_mapping(given: str | Path) -> Mapping:
    """A mapping of the package by name, or one from a file; raises :class:`MappingError`."""
    mapping, where = load_table_mapping(given, PLACE, Mapping, TARGETS, ("name", "provider_name"))
    probe = {"code": "000000/000000", "name": "x", "provider": "TMP-0", **mapping.constants}
    try:
        Entry.parse(probe)
    except EntryRefused as refusal:
        first = refusal.problems[0]
        raise MappingError(f"{where}: /constants{first.pointer}: {first.en}") from refusal
    own = {"code", "name", "provider", "source"} & set(mapping.constants)
    if own:
        raise MappingError(f"{where}: /constants/{sorted(own)[0]} differs from row to row")
    return mapping


def map_row(
    mapping: Mapping, cells: AnyMapping[str, str], not_turned: Counter[tuple[str, str]]
) -> Mapped:
    """The entry fields in a row, see :func:`ledger.catalogue.columns.map_cells`."""
    fields = map_cells(mapping, TARGETS, cells, not_turned)
    return Mapped(fields, short_digest([cells[column] for column in mapping.identity]))


def content_digest(document: AnyMapping[str, Any]) -> str:
    """A digest of what an entry says beyond code, provider and source: 32 hex digits."""
    return short_digest({name: document[name] for name in document if name not in _NOT_CONTENT})
