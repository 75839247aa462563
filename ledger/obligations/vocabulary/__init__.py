"""Vocabularies (词表) that only lists of obligations need, beside those of the catalogue."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ledger.catalogue.vocabulary import Vocabulary, load_vocabulary
from ledger.catalogue.vocabulary import vocabulary as of_the_catalogue

PLACE = Path(__file__).parent


@cache
def vocabulary(name: str) -> Vocabulary:
    """A vocabulary of obligations or of the catalogue.

    Raises :class:`~ledger.catalogue.vocabulary.VocabularyError` where neither has it.
    """
    file = PLACE / f"{name}.yaml"
    if file.parent == PLACE and file.is_file():
        return load_vocabulary(file)
    return of_the_catalogue(name)
