"""Vocabularies (词表): the many spellings that people and portals use, turned into our codes.

A vocabulary is a YAML file beside this module: rows of ``set`` (entry fields and their codes) and
``spellings``. Spellings are compared by :func:`ledger.catalogue.names.bare`. What no row holds is
not turned: the caller lists it, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.catalogue.documents import read_document
from ledger.catalogue.names import bare

PLACE = Path(__file__).parent


class VocabularyError(ValueError):
    """A vocabulary that cannot be used; the text says which file, which spelling and why."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    set: Annotated[dict[str, Any], Field(min_length=1)]
    spellings: Annotated[list[str], Field(min_length=1)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    title: str
    rows: list[_Row]


@dataclass(frozen=True)
class Vocabulary:
    """Spellings of one thing; ``meanings`` maps the bare spelling to the fields it sets."""

    name: str
    title: str
    meanings: Mapping[str, Mapping[str, Any]]

    def turn(self, spelling: str) -> Mapping[str, Any] | None:
        """The entry fields that ``spelling`` sets, or None where it is not known."""
        return self.meanings.get(bare(spelling))


def names() -> list[str]:
    """The vocabularies that come with the package."""
    return sorted(file.stem for file in PLACE.glob("*.yaml"))


@cache
def vocabulary(name: str) -> Vocabulary:
    """A vocabulary of the package; raises :class:`VocabularyError` naming those there are."""
    if name not in names():
        raise VocabularyError(f"no vocabulary is called {name!r}: there are {', '.join(names())}")
    return load_vocabulary(PLACE / f"{name}.yaml")


def load_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary from a file;
    raises :class:`VocabularyError` for a spelling that stands twice.
    """
    value, _ = read_document(path)
    try:
        file = _File.model_validate(value)
    except ValidationError as error:
        raise VocabularyError(f"{path.name}: {error}") from error
    meanings: dict[str, Mapping[str, Any]] = {}
    for row in file.rows:
        for spelling in row.spellings:
            plain = bare(spelling)
            if plain in meanings and meanings[plain] != row.set:
                raise VocabularyError(f"{path.name}: {spelling!r} stands in two rows")
            meanings[plain] = row.set
    return Vocabulary(file.name, file.title, meanings)
