"""Counting what is owed (应归计数) while statements and days go by.

:class:`Play` holds obligations, bindings and exemptions as they stand on a day, and tells what each further
statement, and each day that passes, does to the denominators.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import RowMapping, Table

from ledger.codes import (
    BindingStatus,
    ExemptionScope,
    ExemptionStatus,
    ExemptionTarget,
    ObligationStatus,
)
from ledger.days import china_day, day_number, day_of
from ledger.obligations.bodies import scope_names
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBLIGATIONS
from ledger.statements import BINDING, EXEMPTION, OBLIGATION

FREED_BY: dict[str, int] = {
    "owed": 0,
    "catalogue": int(ExemptionScope.CATALOGUE),
    "collect": int(ExemptionScope.CATALOGUE | ExemptionScope.COLLECT),
    "update": int(ExemptionScope.CATALOGUE | ExemptionScope.COLLECT | ExemptionScope.UPDATE),
    "quality": int(ExemptionScope.CATALOGUE | ExemptionScope.COLLECT | ExemptionScope.QUALITY),
    "share": int(ExemptionScope.CATALOGUE | ExemptionScope.SHARE),
}
"""For each denominator, the scopes of exemption that take an obligation out of it.

What need not be catalogued need not be collected or shared; what need not be collected is not judged by how often
it comes or how good it is.
"""
PURPOSES: tuple[str, ...] = tuple(FREED_BY)
"""What a denominator is for: all that is owed, and of that what is not exempt from each scope."""
_KINDS = {OBLIGATIONS.name: OBLIGATION.kind, BINDINGS.name: BINDING.kind}
_OBLIGATION_MEMBERS = (
    "name",
    "parent",
    "responsible",
    "status",
    "legal_basis",
    "update_cycle",
    "library",
    "produces_data",
    "valid_from",
    "valid_until",
)
_EXEMPTION_MEMBERS = ("target", "scope", "status", "law", "approver", "valid_from", "expires")
_DAY = timedelta(days=1)


class Group(NamedTuple):
    """Whose obligations, of which type and for which library; what all denominators are counted by."""

    organisation: str
    type: str
    library: str | None


Counts = Counter[tuple[Group, str]]
"""How many obligations of a group count for each of :data:`PURPOSES`."""


class Effect(msgspec.Struct, frozen=True):
    """What a change did to one denominator: ``change`` obligations more (or, below 0, fewer)."""

    organisation: str
    type: str
    library: str | None
    purpose: str
    change: int


class Change(msgspec.Struct, frozen=True):
    """One thing that came, went or changed, and by whose signature.

    ``act`` is ``registered``, ``amended``, ``withdrawn``, ``restored``, ``bound``, ``released`` or ``granted``
    for a statement, and ``begins`` or ``ends`` where only a day has passed (``by_day``): then ``leaf`` and
    signature are those of the statement that set that day. ``members`` has what was and what is.
    """

    leaf: int
    day: date
    by_day: bool
    kind: str
    code: str
    about: str
    """The obligation or entry that it is about."""
    name: str | None
    act: str
    members: dict[str, tuple[Any, Any]]
    reasons: tuple[str, ...]
    law: str | None
    organisation: str
    """Hash of the code of the organisation that spoke, lower-case hex with ``0x``."""
    signer: str
    authorisation: str
    recorded_at: int
    effects: tuple[Effect, ...]

    def total(self, purpose: str) -> int:
        """The change of one purpose's denominator, over all groups."""
        return sum(one.change for one in self.effects if one.purpose == purpose)

    @property
    def shrinks(self) -> bool:
        """Whether any denominator of anybody is less for it."""
        return any(one.change < 0 for one in self.effects)


class Play:
    """Obligations, bindings and exemptions as they stand while statements and days go by."""

    def __init__(self, day: date | None) -> None:
        self.day = day
        self._obligations: dict[str, RowMapping] = {}
        self._bound: dict[str, RowMapping] = {}
        self._exemptions: dict[str, RowMapping] = {}
        self._live: set[tuple[str, str]] = set()
        """(table, code) of what holds on the day: in force, granted, begun and not run out."""
        self._answered_by: dict[str, set[str]] = {}
        self._exempt: dict[tuple[str, str], set[str]] = {}
        self._days: list[tuple[int, str, str, int, str]] = []
        """A heap: day on which something begins or ends, table, code, leaf that set the day, which."""

    def counts(self) -> Counts:
        """The denominators now; groups without any are left out."""
        return _expanded(map(self._counted, self._obligations))

    def totals(self) -> dict[str, int]:
        """The denominators of everybody, for each purpose."""
        totals = dict.fromkeys(PURPOSES, 0)
        for (_, purpose), number in self.counts().items():
            totals[purpose] += number
        return totals

    def put(self, table: Table, row: RowMapping) -> None:
        """Let a row take the place of the one before it."""
        if table is OBLIGATIONS:
            self._obligations[row["code"]] = row
            lasting = row["valid_until"]
        elif table is BINDINGS:
            self._bind(row)
            return
        else:
            before = self._exemptions.get(row["code"])
            if before is not None:
                self._exempt[before["target_type"], before["target"]].discard(row["code"])
            self._exemptions[row["code"]] = row
            self._exempt.setdefault((row["target_type"], row["target"]), set()).add(row["code"])
            lasting = row["expires"]
        key = (table.name, row["code"])
        self._live.discard(key)
        if row["status"] not in (ObligationStatus.IN_FORCE.value, ExemptionStatus.GRANTED.value):
            return
        today = 0 if self.day is None else day_number(self.day)
        if row["valid_from"] <= today <= (lasting or today):
            self._live.add(key)
        after = None if lasting is None else day_number(day_of(lasting) + _DAY)
        for number, which in ((row["valid_from"], "begins"), (after, "ends")):
            if number is not None and number > today:
                heapq.heappush(self._days, (number, *key, row["leaf_from"], which))

    def take(self, table: Table, row: RowMapping) -> Change:
        """What a statement changed."""
        if table is OBLIGATIONS:
            old = self._obligations.get(row["code"])
            act, members = _amended(old, row, _OBLIGATION_MEMBERS, "registered")
            touched = {row["code"]}
        elif table is BINDINGS:
            old = self._bound.get(row["obligation"])
            act, members = row["status"], _compared(old, row, ("entry", "status"))
            touched = {row["obligation"]}
        else:
            old = self._exemptions.get(row["code"])
            act, members = _amended(old, row, _EXEMPTION_MEMBERS, "granted")
            touched = self._freed_by(row) | (self._freed_by(old) if old is not None else set())
        before = self._of(touched)
        self.put(table, row)
        return self._change(table, row, act, members, _difference(before, self._of(touched)))

    def pass_to(self, day: date) -> list[Change]:
        """What begins and ends with the days until ``day``, that day included."""
        passed: list[Change] = []
        number = day_number(day)
        while self._days and self._days[0][0] <= number:
            on, table_name, code, leaf, which = heapq.heappop(self._days)
            table = OBLIGATIONS if table_name == OBLIGATIONS.name else EXEMPTIONS
            rows = self._obligations if table is OBLIGATIONS else self._exemptions
            row = rows[code]
            if row["leaf_from"] != leaf:
                continue  # set by a statement that another has replaced since
            touched = {code} if table is OBLIGATIONS else self._freed_by(row)
            before = self._of(touched)
            (self._live.add if which == "begins" else self._live.discard)((table_name, code))
            effects = _difference(before, self._of(touched))
            passed.append(self._change(table, row, which, {}, effects, on=day_of(on)))
        self.day = day
        return passed

    def _bind(self, row: RowMapping) -> None:
        code = row["obligation"]
        before = self._bound.get(code)
        if before is not None:
            self._answered_by.get(before["entry"], set()).discard(code)
        self._bound[code] = row
        if row["status"] == BindingStatus.BOUND.value:
            self._answered_by.setdefault(row["entry"], set()).add(code)

    def _freed_by(self, exemption: RowMapping) -> set[str]:
        if exemption["target_type"] == ExemptionTarget.ENTRY.value:
            return set(self._answered_by.get(exemption["target"], ()))
        return {exemption["target"]}

    def _of(self, codes: Iterable[str]) -> Counts:
        return _expanded(map(self._counted, codes))

    def _counted(self, code: str) -> tuple[Group, int] | None:
        """The group in which an obligation counts now, and the scopes that it is freed from."""
        row = self._obligations.get(code)
        if row is None or not row["produces_data"] or (OBLIGATIONS.name, code) not in self._live:
            return None
        group = Group(row["responsible"], row["type"], row["library"])
        if not self._exempt:
            return group, 0
        mask = self._freed_from((ExemptionTarget.OBLIGATION.value, code), row)
        bound = self._bound.get(code)
        if bound is not None and bound["status"] == BindingStatus.BOUND.value:
            mask |= self._freed_from((ExemptionTarget.ENTRY.value, bound["entry"]), row)
        return group, mask

    def _freed_from(self, target: tuple[str, str], obligation: RowMapping) -> int:
        mask = 0
        for code in self._exempt.get(target, ()):
            exemption = self._exemptions[code]
            # Nobody is freed by an exemption of its own, even where responsibility moved since.
            own = exemption["approver"] == obligation["responsible"]
            if not own and (EXEMPTIONS.name, code) in self._live:
                mask |= exemption["scope"]
        return mask

    def _change(
        self,
        table: Table,
        row: RowMapping,
        act: str,
        members: dict[str, tuple[Any, Any]],
        effects: tuple[Effect, ...],
        *,
        on: date | None = None,
    ) -> Change:
        code = row["obligation"] if table is BINDINGS else row["code"]
        about = row["target"] if table is EXEMPTIONS else code
        obligation = self._obligations.get(about)
        return Change(
            leaf=row["leaf_from"],
            day=on or china_day(row["recorded_at"]),
            by_day=on is not None,
            kind=_KINDS.get(table.name, EXEMPTION.kind),
            code=code,
            about=about,
            name=obligation["name"] if obligation is not None else None,
            act=act,
            members=members,
            reasons=tuple(json.loads(row["reasons"])),
            law=row["law"] if table is EXEMPTIONS else None,
            organisation="0x" + bytes(row["organisation"]).hex(),
            signer="0x" + bytes(row["signer"]).hex(),
            authorisation="0x" + bytes(row["authorisation"]).hex(),
            recorded_at=row["recorded_at"],
            effects=effects,
        )


def _expanded(counted: Iterable[tuple[Group, int] | None]) -> Counts:
    """For each purpose, how many of a group count."""
    alike = Counter(counted)
    counts: Counts = Counter()
    for one, number in alike.items():
        if one is None:
            continue
        group, mask = one
        for purpose, scopes in FREED_BY.items():
            if not mask & scopes:
                counts[group, purpose] += number
    return counts


def _difference(before: Counts, after: Counts) -> tuple[Effect, ...]:
    moved = Counter(after)
    moved.subtract(before)
    order = {purpose: place for place, purpose in enumerate(PURPOSES)}
    return tuple(
        Effect(group.organisation, group.type, group.library, purpose, number)
        for (group, purpose), number in sorted(
            moved.items(),
            key=lambda one: (
                one[0][0].organisation,
                one[0][0].type,
                one[0][0].library or "",
                order[one[0][1]],
            ),
        )
        if number
    )


def _amended(
    old: RowMapping | None, new: RowMapping, members: tuple[str, ...], first: str
) -> tuple[str, dict[str, tuple[Any, Any]]]:
    """What a statement did to its subject, and the members that it changed."""
    compared = _compared(old, new, members)
    withdrawn = ObligationStatus.WITHDRAWN.value
    if new["status"] == withdrawn and (old is None or old["status"] != withdrawn):
        return withdrawn, compared
    if old is None:
        return first, compared
    if old["status"] == withdrawn and new["status"] != withdrawn:
        return "restored", compared
    return "amended", compared


def _compared(
    old: RowMapping | None, new: RowMapping, members: tuple[str, ...]
) -> dict[str, tuple[Any, Any]]:
    """What was and what is, of the members that differ; days as they are written, scopes by name."""
    return {
        name: (None if old is None else _shown(name, old[name]), _shown(name, new[name]))
        for name in members
        if (None if old is None else old[name]) != new[name]
    }


def _shown(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever a column holds
    if value is None:
        return None
    if name in ("valid_from", "valid_until", "expires"):
        return day_of(value).isoformat()
    if name == "scope":
        return list(scope_names(value))
    if name == "legal_basis":
        return json.loads(value)
    return value
