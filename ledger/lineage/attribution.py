"""To which catalogue entry a data set belongs, by the rules in force (数据集归属)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """A rule as one statement left it."""

    code: str
    active: bool
    holder: str
    entry: str
    namespace: str
    name: str
    system: str | None
    priority: int
    note: str | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None

    @property
    def order(self) -> tuple[int, int, str]:
        """Rules that match are taken in this order, the least first."""
        said = len(self.namespace + self.name) - sum(map((self.namespace + self.name).count, "*?"))
        return (-self.priority, -said, self.code)


class Attribution:
    """Rules ready to be asked.

    Those without wildcards are looked up. Of the others only those are tried of which the namespace, or the
    text before its first wildcard, and that of the name begin as the data set does.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted((rule for rule in rules if rule.active), key=lambda rule: rule.order)
        self._plain: dict[tuple[str, str], Rule] = {}
        self._patterns: dict[tuple[str, str], list[_Pattern]] = {}
        """By what stands before the first wildcard: of the namespace and of the name."""
        self._lengths: list[tuple[int, int]] = []
        """The lengths of these beginnings."""
        self._by_entry: dict[str, list[Rule]] = {}
        for place, rule in enumerate(ordered):
            self._by_entry.setdefault(rule.entry, []).append(rule)
            if _is_plain(rule.namespace) and _is_plain(rule.name):
                self._plain.setdefault((rule.namespace, rule.name), rule)
            else:
                pattern = _Pattern(place, _compiled(rule.namespace), _compiled(rule.name), rule)
                heads = (_head(rule.namespace), _head(rule.name))
                self._patterns.setdefault(heads, []).append(pattern)
        self._lengths = sorted({(len(space), len(name)) for space, name in self._patterns})

    def __bool__(self) -> bool:
        return bool(self._by_entry)

    def rules_for(self, entries: Collection[str]) -> list[Rule]:
        """The rules that name one of these entries."""
        return [rule for entry in sorted(entries) for rule in self._by_entry.get(entry, ())]

    def rule_of(self, namespace: str, name: str) -> Rule | None:
        """The rule that counts for a data set, None where none matches."""
        best = self._plain.get((namespace, name))
        first: _Pattern | None = None
        for of_space, of_name in self._lengths:
            for pattern in self._patterns.get((namespace[:of_space], name[:of_name]), ()):
                if first is not None and first.place < pattern.place:
                    break
                if pattern.namespace.fullmatch(namespace) and pattern.name.fullmatch(name):
                    first = pattern
                    break
        if first is None or (best is not None and best.order < first.rule.order):
            return best
        return first.rule

    def entry_of(self, namespace: str, name: str) -> str | None:
        """The code of the entry that a data set belongs to, None where no rule says."""
        rule = self.rule_of(namespace, name)
        return rule.entry if rule is not None else None

    def entries_of(self, datasets: Sequence[tuple[str, str]]) -> list[str | None]:
        """:meth:`entry_of` for many."""
        return [self.entry_of(namespace, name) for namespace, name in datasets]


class _Pattern(NamedTuple):
    place: int
    """Among all rules in the order in which they count."""
    namespace: re.Pattern[str]
    name: re.Pattern[str]
    rule: Rule


def _head(pattern: str) -> str:
    """What stands before the first wildcard."""
    return pattern.partition("*")[0].partition("?")[0]


def _is_plain(pattern: str) -> bool:
    return "*" not in pattern and "?" not in pattern


@lru_cache(maxsize=4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (
        ".*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL)
