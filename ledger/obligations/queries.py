"""Questions about obligations to collect (归集义务), answered as of any size of the log.

Every function takes a connection to the mirror and only reads; ``as_of`` is a log size, None for what is held
now. The ``…_at`` functions give selects, for others to join: codes as text, days as YYYYMMDD, ``leaf`` the
index of the statement that made the row. Lists come in the order of codes; a page begins after ``after``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    func,
    select,
)

from ledger.catalogue import queries as catalogue
from ledger.codes import (
    BindingStatus,
    ObjectionState,
    ObligationType,
)
from ledger.obligations.answers import (
    Binding,
    Chain,
    Exemption,
    Objection,
    Obligation,
    Told,
    told,
)
from ledger.obligations.filters import (
    ExemptionFilters,
    ObligationFilters,
    matching,
    matching_exemptions,
)
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBJECTIONS, OBLIGATIONS
from ledger.obligations.selects import (
    amended_at,
    bindings_at,
    exemptions_at,
    exemptions_begun_at,
    objections_at,
    obligations_at,
    owed_at,
)
from ledger.store.ranged import held

__all__ = [
    "Binding",
    "Chain",
    "Exemption",
    "ExemptionFilters",
    "Objection",
    "Obligation",
    "ObligationFilters",
    "amended_at",
    "below",
    "bindings",
    "bindings_at",
    "bound_to",
    "chain_of",
    "count",
    "effects_on",
    "exemption",
    "exemption_history",
    "exemptions",
    "exemptions_at",
    "exemptions_begun_at",
    "exemptions_of",
    "from_list",
    "history",
    "objections",
    "objections_at",
    "objections_of",
    "obligation",
    "obligations",
    "obligations_at",
    "owed_at",
    "standing",
]

_CHUNK = 500


def obligations(
    connection: Connection,
    filters: ObligationFilters | None = None,
    *,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Obligation]:
    """Obligations that match, by code."""
    asked = matching(select(OBLIGATIONS), filters or ObligationFilters(), as_of)
    return _page(connection, asked, OBLIGATIONS.c.code, Obligation, after=after, limit=limit)


def count(
    connection: Connection,
    filters: ObligationFilters | None = None,
    *,
    as_of: int | None = None,
) -> int:
    """How many obligations match."""
    asked = select(func.count()).select_from(OBLIGATIONS)
    asked = matching(asked, filters or ObligationFilters(), as_of)
    return int(connection.execute(asked).scalar_one())


def standing(
    connection: Connection, codes: Iterable[str], *, as_of: int | None = None
) -> dict[str, Obligation]:
    """How these obligations stand, by code; unknown ones are left out."""
    rows = _of(connection, OBLIGATIONS, OBLIGATIONS.c.code, codes, as_of)
    return {found.code: found for found in told(rows, Obligation)}


def obligation(connection: Connection, code: str, *, as_of: int | None = None) -> Obligation | None:
    """The obligation with this code, None where there is none."""
    return standing(connection, [code], as_of=as_of).get(code)


def from_list(
    connection: Connection, name: str, *, as_of: int | None = None
) -> dict[str, Obligation]:
    """The obligations that came from a list, withdrawn ones too, by the record's identity there."""
    prefix = f"{name}:"
    column = OBLIGATIONS.c.source
    asked = select(OBLIGATIONS).where(
        column >= prefix, column < f"{name};", held(OBLIGATIONS, as_of)
    )
    rows = connection.execute(asked.order_by(OBLIGATIONS.c.code)).mappings()
    return {str(one.source).removeprefix(prefix): one for one in told(rows, Obligation)}


def bindings(
    connection: Connection, codes: Iterable[str], *, as_of: int | None = None
) -> dict[str, Binding]:
    """The newest binding of each of these obligations, released ones too, by obligation."""
    rows = _of(connection, BINDINGS, BINDINGS.c.obligation, codes, as_of)
    return {found.obligation: found for found in told(rows, Binding)}


def bound_to(
    connection: Connection, entries: Iterable[str], *, as_of: int | None = None
) -> list[Binding]:
    """The obligations that these entries answer, by code."""
    rows = _of(connection, BINDINGS, BINDINGS.c.entry, entries, as_of)
    found = [one for one in told(rows, Binding) if one.status == BindingStatus.BOUND.value]
    return sorted(found, key=lambda one: one.obligation)


def chain_of(connection: Connection, code: str, *, as_of: int | None = None) -> Chain | None:
    """What an obligation follows from, the duty first, and what answers it; None for an unknown code."""
    links: list[Obligation] = []
    above: str | None = code
    # A parent's type is less than its child's, so no chain is longer than there are types.
    while above is not None and len(links) < len(ObligationType):
        found = obligation(connection, above, as_of=as_of)
        if found is None:
            break
        links.insert(0, found)
        above = found.parent
    if not links:
        return None
    bound = bindings(connection, [code], as_of=as_of).get(code)
    return Chain(tuple(links), bound, above)


def below(
    connection: Connection, codes: Iterable[str], *, as_of: int | None = None
) -> list[Obligation]:
    """All that follows from these obligations, level by level, each level by code."""
    found: list[Obligation] = []
    level = set(codes)
    for _ in ObligationType:
        if not level:
            break
        rows = told(_of(connection, OBLIGATIONS, OBLIGATIONS.c.parent, level, as_of), Obligation)
        fresh = sorted(rows, key=lambda one: one.code)
        found += fresh
        level = {one.code for one in fresh}
    return found


def history(
    connection: Connection, code: str, *, as_of: int | None = None
) -> list[Obligation | Binding | Objection]:
    """Every statement about an obligation, what answers it and what was objected, in leaf order."""
    every: list[Obligation | Binding | Objection] = [
        *_every(connection, OBLIGATIONS, OBLIGATIONS.c.code == code, as_of, Obligation),
        *_every(connection, BINDINGS, BINDINGS.c.obligation == code, as_of, Binding),
        *_every(connection, OBJECTIONS, OBJECTIONS.c.obligation == code, as_of, Objection),
    ]
    return sorted(every, key=lambda one: one.leaf_from)


def objections(
    connection: Connection,
    *,
    state: ObjectionState | None = None,
    organisation: str | None = None,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Objection]:
    """The newest word on each objection, by obligation; ``organisation`` is the responsible one."""
    asked = select(OBJECTIONS).where(held(OBJECTIONS, as_of))
    if state is not None:
        asked = asked.where(OBJECTIONS.c.state == state.value)
    if organisation is not None:
        theirs = select(OBLIGATIONS.c.code).where(
            OBLIGATIONS.c.responsible == organisation, held(OBLIGATIONS, as_of)
        )
        asked = asked.where(OBJECTIONS.c.obligation.in_(theirs))
    return _page(connection, asked, OBJECTIONS.c.obligation, Objection, after=after, limit=limit)


def objections_of(
    connection: Connection, codes: Iterable[str], *, as_of: int | None = None
) -> dict[str, Objection]:
    """The newest word on the objection to each of these obligations, by obligation."""
    rows = _of(connection, OBJECTIONS, OBJECTIONS.c.obligation, codes, as_of)
    return {found.obligation: found for found in told(rows, Objection)}


def exemptions(
    connection: Connection,
    filters: ExemptionFilters | None = None,
    *,
    as_of: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Exemption]:
    """Exemptions that match, by code, whether they count today or not."""
    asked = matching_exemptions(filters or ExemptionFilters(), as_of)
    return _page(connection, asked, EXEMPTIONS.c.code, Exemption, after=after, limit=limit)


def exemption(connection: Connection, code: str, *, as_of: int | None = None) -> Exemption | None:
    """The exemption with this code, None where there is none."""
    rows = _of(connection, EXEMPTIONS, EXEMPTIONS.c.code, [code], as_of)
    return next(told(rows, Exemption), None)


def effects_on(
    connection: Connection, found: Iterable[Exemption], day: date, *, as_of: int | None = None
) -> dict[str, str]:
    """What each of these exemptions does on a day, by code: see :meth:`Exemption.effect_on`.

    ``self_approved`` is one that would count, but whose approver has come to profit from it.
    """
    every = list(found)
    targets = sorted({one.target for one in every})
    owed = standing(connection, targets, as_of=as_of)
    entries = catalogue.standing(connection, targets, as_of=as_of)
    profits = {code: one.responsible for code, one in owed.items()}
    owners = {code: one.provider for code, one in entries.items()}
    effects = {}
    for one in every:
        effect = one.effect_on(day)
        beneficiary = (profits if one.frees_obligation else owners).get(one.target)
        own = effect == "counting" and beneficiary == one.approver
        effects[one.code] = "self_approved" if own else effect
    return effects


def exemption_history(
    connection: Connection, code: str, *, as_of: int | None = None
) -> list[Exemption]:
    """Every version of an exemption, the first one first."""
    return _every(connection, EXEMPTIONS, EXEMPTIONS.c.code == code, as_of, Exemption)


def exemptions_of(
    connection: Connection, targets: Iterable[str], *, as_of: int | None = None
) -> list[Exemption]:
    """The exemptions of these obligations and entries, by code."""
    rows = _of(connection, EXEMPTIONS, EXEMPTIONS.c.target, targets, as_of)
    return sorted(told(rows, Exemption), key=lambda one: one.code)


def _page(
    connection: Connection,
    asked: Select[Any],
    key: ColumnElement[str],
    of: type[Told],
    *,
    after: str | None,
    limit: int | None,
) -> list[Told]:
    if after is not None:
        asked = asked.where(key > after)
    rows = connection.execute(asked.order_by(key).limit(limit)).mappings()
    return list(told(rows, of))


def _of(
    connection: Connection,
    table: Table,
    column: ColumnElement[str],
    asked: Iterable[str],
    as_of: int | None,
) -> Iterator[RowMapping]:
    """The rows held whose ``column`` is one of those asked for, some hundreds a question."""
    wanted: Sequence[str] = sorted(set(asked))
    for start in range(0, len(wanted), _CHUNK):
        question = select(table).where(
            column.in_(wanted[start : start + _CHUNK]), held(table, as_of)
        )
        yield from connection.execute(question).mappings()


def _every(
    connection: Connection,
    table: Table,
    wanted: ColumnElement[bool],
    as_of: int | None,
    of: type[Told],
) -> list[Told]:
    asked = select(table).where(wanted).order_by(table.c.leaf_from)
    if as_of is not None:
        asked = asked.where(table.c.leaf_from < as_of)
    return list(told(connection.execute(asked).mappings(), of))
