"""Text in the bodies of statements, and how a body's fault is told.

Bodies are canonical JSON (RFC 8785) that anyone may have written: models that read them are strict
about what they know and leave alone what they do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from ledger.canonical import canonical_json
from ledger.days import day_in, near

_FIRST_PRINTABLE = 0x20


def _plain(text: str) -> str:
    """No control characters but tab and newline; PostgreSQL keeps no U+0000."""
    for place, character in enumerate(text, start=1):
        if ord(character) < _FIRST_PRINTABLE and character not in "\n\t":
            raise ValueError(f"character {place} is the control character U+{ord(character):04X}")
    return text


Line = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_plain)]
Prose = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_plain)]


def _day_text(text: str) -> str:
    day_in(text)
    return text


Day = Annotated[date, AfterValidator(near)]
"""A day that a person gives, in 1900..2999."""
DayText = Annotated[str, AfterValidator(_day_text)]
"""A day in a body, ``YYYY-MM-DD``."""


def names_digest(names: Iterable[str]) -> bytes:
    """SHA-256 of a set of names, whatever their order: of their canonical JSON, sorted, each once."""
    return hashlib.sha256(canonical_json(sorted(set(names)))).digest()


def problem_of(error: ValidationError) -> str:
    """The first thing that a model finds wrong with a body, as ``body/member: what``."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    pointer = "".join(f"/{part}" for part in first["loc"])
    return f"body{pointer}: {first['msg']}"
