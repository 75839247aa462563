"""Keys of failing records, masked by grade (脱敏), for whoever asks on the machine where the data are.

Counts leave that machine, keys do not: no statement, result document or log has them. Grade 1 is shown
as it is, grade 2 by its first and last character, grades 3 and 4 and whatever has no grade as a keyed
digest, by which its owner finds the record again. A value that looks like a person's number is
treated as grade 4 wherever it stands.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from ledger.quality.asking import rows_of
from ledger.quality.running import Job, plan_of
from ledger.quality.scanning import Measure, guarded
from ledger.quality.scoring import Outcome
from ledger.quality.statements import RuleOutcome
from ledger.quality.structure import Items, columns_of_items
from ledger.quality.wholes import Pass

OPEN_GRADE, PARTLY_GRADE, CLOSED_GRADE = 1, 2, 4
_PERSONAL = re.compile(
    r"[0-9]{17}[0-9Xx]|(?<![0-9])1[3-9][0-9]{9}(?![0-9])|(?<![0-9])[0-9]{15,19}(?![0-9])"
)
_SHORT = 3
_DIGEST_DIGITS = 16


class Examples(msgspec.Struct, frozen=True):
    """Masked keys of records that fail a rule; ``keys`` is empty where the rule blames no single record."""

    rule: str
    keys: tuple[dict[str, str | None], ...]


def grades_of(
    items: Items | None, columns: Sequence[str], entry_grade: int | None
) -> dict[str, int]:
    """The grade of each column: its item's, or the entry's where the item states none.

    A column that no item names was never graded, and counts as grade 4.
    """
    graded = dict.fromkeys(columns, CLOSED_GRADE)
    places = columns_of_items(items or (), columns)
    for item in items or ():
        column, grade = places[str(item["name"])], item.get("grade")
        if column is not None:
            graded[column] = grade if isinstance(grade, int) else entry_grade or CLOSED_GRADE
    return graded


def masked(value: object, grade: int, secret: bytes, column: str) -> str | None:
    """A value as it may be shown; None for a missing one. ``secret`` keys the digest (32 bytes)."""
    if value is None:
        return None
    text = str(value)
    if _PERSONAL.search(text):
        grade = CLOSED_GRADE
    if grade <= OPEN_GRADE:
        return text
    if grade == PARTLY_GRADE:
        return (
            "*" * len(text) if len(text) < _SHORT else f"{text[0]}{'*' * (len(text) - 2)}{text[-1]}"
        )
    told = hmac.digest(secret, f"{column}\n{text}".encode(), "sha256").hex()
    return f"#{told[:_DIGEST_DIGITS]}"


def examples(
    job: Job,
    outcomes: Sequence[Outcome | RuleOutcome],
    grades: Mapping[str, int],
    secret: bytes,
    *,
    limit: int,
) -> list[Examples]:
    """Up to ``limit`` masked keys for each rule that fails, in the order of the keys themselves."""
    keys = [name for name in job.rules.key if name in job.table.columns]
    failing = {one.rule for one in outcomes if one.failing}
    plan = plan_of(job)
    found = []
    for rule in job.rules.rules:
        part = plan.parts.get(rule.id)
        if rule.id not in failing:
            continue
        rows: Any = None
        if isinstance(part, Measure) and part.bad is not None:
            rows = plan.scan.columns.table.filter(part.bad())
        elif isinstance(part, Pass) and part.bad is not None:
            rows = guarded(rule, partial(part.bad, job.bench))
        if rows is None or isinstance(rows, Outcome) or not keys:
            found.append(Examples(rule.id, ()))
            continue
        few = rows_of(rows.select(*keys).distinct().order_by(keys).limit(limit))
        told = tuple(
            {name: masked(row[name], grades.get(name, CLOSED_GRADE), secret, name) for name in keys}
            for row in few
        )
        found.append(Examples(rule.id, told))
    return found
