"""What statements make of themselves, before anything is asked of a database: read, checked, and drafted.

Each statement is examined alone, so that several processes may do it at once and the outcome is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.mirror.projections import Decoded, Drafting, Projection
from ledger.mirror.reading import CHECK, read
from ledger.statements import Statement


@dataclass(slots=True)
class Examined:
    """Rows of ``flag`` for what is malformed, and for each projection what it is to write, in leaf order: drafts of a
    :class:`Drafting` one, of any other the statements, decoded.
    """

    flags: list[Sequence[Any]] = field(default_factory=list)
    fit: list[list[Any]] = field(default_factory=list)


def examine(projections: Sequence[Projection], statements: Iterable[Statement]) -> Examined:
    """Examine ``statements``, in leaf order, for every projection that takes their kind."""
    found = Examined(fit=[[] for _ in projections])
    drafting = [each if isinstance(each, Drafting) else None for each in projections]
    takers: dict[str, list[int]] = {}
    for place, projection in enumerate(projections):
        for kind in projection.kinds:
            takers.setdefault(kind, []).append(place)
    for statement in statements:
        wanted = takers.get(statement.kind)
        if wanted is None:
            continue
        decoded = read(statement)
        if isinstance(decoded, str):
            found.flags.append((statement.index, CHECK, decoded))
            continue
        for place in wanted:
            drafts = drafting[place]
            made: Any = drafts.draft(decoded) if drafts else _whole(projections[place], decoded)
            if isinstance(made, str):
                found.flags.append((statement.index, projections[place].name, made))
            else:
                found.fit[place].append(made)
    return found


def _whole(projection: Projection, decoded: Decoded) -> Decoded | str:
    return projection.malformed(decoded) or decoded
