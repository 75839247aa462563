"""To which catalogue entry a data set belongs, by the rules in force (数据集归属)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

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
    """Rules ready to be asked. Those without wildcards are looked up; only the others are tried in turn."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted((rule for rule in rules if rule.active), key=lambda rule: rule.order)
        self._plain: dict[tuple[str, str], Rule] = {}
        self._patterns: list[tuple[re.Pattern[str], re.Pattern[str], Rule]] = []
        for rule in ordered:
            if _is_plain(rule.namespace) and _is_plain(rule.name):
                self._plain.setdefault((rule.namespace, rule.name), rule)
            else:
                self._patterns.append((_compiled(rule.namespace), _compiled(rule.name), rule))

    def rule_of(self, namespace: str, name: str) -> Rule | None:
        """The rule that counts for a data set, None where none matches."""
        best = self._plain.get((namespace, name))
        for by_namespace, by_name, rule in self._patterns:
            if best is not None and best.order < rule.order:
                break
            if by_namespace.fullmatch(namespace) and by_name.fullmatch(name):
                return rule
        return best

    def entry_of(self, namespace: str, name: str) -> str | None:
        """The code of the entry that a data set belongs to, None where no rule says."""
        rule = self.rule_of(namespace, name)
        return rule.entry if rule is not None else None

    def entries_of(self, datasets: Sequence[tuple[str, str]]) -> list[str | None]:
        """:meth:`entry_of` for many."""
        return [self.entry_of(namespace, name) for namespace, name in datasets]


def _is_plain(pattern: str) -> bool:
    return "*" not in pattern and "?" not in pattern


@lru_cache(maxsize=4_096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (
        ".*" if part == "*" else "." if part == "?" else re.escape(part)
        for part in re.split(r"([*?])", pattern)
    )
    return re.compile("".join(parts), re.DOTALL)
