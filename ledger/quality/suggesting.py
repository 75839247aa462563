"""Drafting a rule file (规则草拟) from what the entry says of its items, and from a profile of the data.

The profile is one scan: for every column how many values are given, how many differ, the longest
text, the newest day, and how many look like a code that this system knows. A draft is a beginning:
it says what the data are like today, and a person decides what they should be like. It holds no value
of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.quality import identity, patterns
from ledger.quality.asking import engine_of, rows_of
from ledger.quality.ruleset import RuleSet
from ledger.quality.structure import Items, columns_of_items
from ledger.quality.values import Engine

if TYPE_CHECKING:
    import ibis.expr.types as ir

NEARLY_ALL = 90
"""Per cent of the given values that must look like a code before a rule is suggested for it."""
_UPDATED = ("更新", "修改", "update", "modif", "etl_time", "入库")
_ENDS = (("start", "end"), ("begin", "end"), ("开始", "结束"), ("起始", "截止"), ("发证", "失效"))
_TYPES = {
    "integer": "integer",
    "numeric": "decimal",
    "currency": "decimal",
    "decimal": "decimal",
    "double": "decimal",
    "float": "decimal",
    "date": "date",
    "datetime": "timestamp",
    "logical": "boolean",
}


class Profile(NamedTuple):
    """What one column is like: values given, different ones, longest text, and looks by name."""

    kind: str
    given: int
    distinct: int
    longest: int | None
    looks: dict[str, int]


def profile(table: ir.Table) -> tuple[int, dict[str, Profile]]:
    """Rows of a table, and the profile of each column. One scan; distinct values are approximate."""
    engine = Engine(engine_of(table))
    asked: dict[str, Any] = {"rows": table.count()}
    for place, name in enumerate(table.columns):
        column = table[name]
        given = engine.given(column)
        asked[f"g{place}"] = table.count(where=given)
        asked[f"d{place}"] = column.approx_nunique(where=given)
        if column.type().is_string():
            asked[f"l{place}"] = column.length().max(where=given)
            for look, seen in _LOOKS.items():
                asked[f"{look}{place}"] = table.count(where=given & seen(engine, column))
    told = rows_of(table.aggregate(**asked))[0]
    found = {}
    for place, (name, kind) in enumerate(table.schema().items()):
        looks = {look: told[f"{look}{place}"] for look in _LOOKS if f"{look}{place}" in told}
        found[name] = Profile(
            str(kind), told[f"g{place}"], told[f"d{place}"] or 0, told.get(f"l{place}"), looks
        )
    return int(told["rows"]), found


_LOOKS: dict[str, Callable[[Engine, Any], Any]] = {
    "uscc": lambda engine, text: engine.matches(text, identity.USCC_FORM),
    "citizen_id": lambda engine, text: engine.matches(text, identity.CITIZEN_FORM),
    "mobile": lambda engine, text: engine.matches(text, patterns.PHONES["mobile"]),
    "phone": lambda engine, text: engine.matches(text, patterns.PHONES["any"]),
    "date": lambda engine, text: engine.matches(text, patterns.ISO_DAY),
    "compact_date": lambda engine, text: engine.matches(text, patterns.DATE_FORMATS["YYYYMMDD"]),
}
"""From the most particular look to the least."""


def suggest(table: ir.Table, entry: str, items: Items | None, cycle: str | None) -> RuleSet:
    """A rule set for a table: structure, missing values, codes, types, lengths, keys, order, freshness."""
    rows, columns = profile(table)
    places = columns_of_items(items or (), table.columns)
    item_of = {column: item for item in items or () if (column := places[str(item["name"])])}
    keys = [name for name, item in item_of.items() if item.get("primary_key")]
    keys = keys or _likely_key(rows, columns)
    drafts = _Drafts()
    if items:
        drafts.add("metadata", "040300", check="metadata", severity="major")
    for place, (name, seen) in enumerate(columns.items(), start=1):
        _of_column(
            drafts, f"c{place:03}", name, seen, item_of.get(name, {}), rows=rows, key=name in keys
        )
    if keys:
        drafts.add("key", "030400", check="unique", columns=keys, severity="critical")
    drafts.add("duplicates", "030300", check="duplicate_rows", severity="major")
    for number, (start, end) in enumerate(_intervals(list(columns)), start=1):
        drafts.add(
            f"order-{number}", "050300", check="order", columns=[start, end], severity="major"
        )
    updated = _updated(table)
    if updated is not None:
        fresh: dict[str, Any] = {} if cycle else {"cycle": "yearly"}
        drafts.add("fresh", "050200", check="fresh", column=updated, severity="major", **fresh)
    return RuleSet.model_validate({"entry": entry, "key": keys, "rules": drafts.rules})


class _Drafts:
    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []

    def add(self, identity: str, indicator: str, **rule: Any) -> None:  # noqa: ANN401
        self.rules.append({"id": identity, "indicator": indicator, **rule})


def _of_column(
    drafts: _Drafts,
    place: str,
    name: str,
    seen: Profile,
    item: Mapping[str, Any],
    *,
    rows: int,
    key: bool,
) -> None:
    if key or (rows and seen.given * 100 >= rows * NEARLY_ALL):
        severity = "critical" if key else "major"
        drafts.add(f"{place}-given", "020100", check="not_null", columns=[name], severity=severity)
    look = next(
        (
            look
            for look, count in seen.looks.items()
            if count and count * 100 >= seen.given * NEARLY_ALL
        ),
        None,
    )
    if look is not None:
        drafts.add(
            f"{place}-format",
            _LOOK_INDICATOR.get(look, "030200"),
            columns=[name],
            **_LOOK_RULES[look],
        )
    wanted = _TYPES.get(str(item.get("data_type")))
    if wanted is not None:
        drafts.add(f"{place}-type", "010101", check="type", columns=[name], type=wanted)
    if item.get("length") and seen.kind == "string":
        drafts.add(f"{place}-length", "010103", check="length", columns=[name], max=item["length"])
    if seen.kind == "string":
        drafts.add(f"{place}-dirty", "030500", check="dirty", columns=[name], severity="minor")


_LOOK_RULES: dict[str, dict[str, Any]] = {
    "uscc": {"check": "uscc", "severity": "critical"},
    "citizen_id": {"check": "citizen_id", "severity": "critical"},
    "mobile": {"check": "phone", "kind": "mobile"},
    "phone": {"check": "phone"},
    "date": {"check": "date_format"},
    "compact_date": {"check": "date_format", "format": "YYYYMMDD"},
}
_LOOK_INDICATOR = {"date": "010102", "compact_date": "010102"}


def _likely_key(rows: int, columns: Mapping[str, Profile]) -> list[str]:
    """The first column that is always given and nearly as varied as there are rows."""
    for name, seen in columns.items():
        if (
            rows
            and seen.given == rows
            and seen.distinct * 100 >= rows * 97
            and "float" not in seen.kind
        ):
            return [name]
    return []


def _intervals(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of columns that name a beginning and an end alike."""
    known, pairs = set(names), []
    for name in names:
        for start, end in _ENDS:
            other = name.replace(start, end)
            if start in name and other in known and other != name:
                pairs.append((name, other))
                break
    return pairs


def _updated(table: ir.Table) -> str | None:
    """The column that says when a record was last changed, if one is named so."""
    for name, kind in table.schema().items():
        if any(mark in name.casefold() for mark in _UPDATED) and (
            kind.is_temporal() or kind.is_string()
        ):
            return str(name)
    return None
