"""A table's columns as rules read them, and the one aggregate that counts them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ledger.quality.reasons import NotAssessable
from ledger.quality.values import Engine

if TYPE_CHECKING:
    import ibis.expr.types as ir

ROWS = "rows"
"""Name of the count of all rows in a scan's answer."""


class Columns:
    """A table's columns, and values worked out from them once a row.

    Built twice: first over the table itself, to learn what is worth preparing, then over the table
    with the prepared columns.
    """

    def __init__(
        self, table: ir.Table, engine: Engine, prepared: frozenset[str] = frozenset()
    ) -> None:
        self.table = table
        self.engine = engine
        self._made: dict[str, ir.Value] = {}
        self._asked: Counter[str] = Counter()
        self._prepared = prepared

    def __getitem__(self, name: str) -> ir.Value:
        if name not in self.table.columns or name.startswith(_PREFIX):
            raise NotAssessable("missing_column", name)
        return self.table[name]

    def named(self) -> Mapping[str, ir.Value]:
        """All columns by name, for SQL expressions."""
        return {
            name: self.table[name] for name in self.table.columns if not name.startswith(_PREFIX)
        }

    def once(self, key: str, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - a value of any type
        """The value that ``make`` gives, prepared under ``key``."""
        name = f"{_PREFIX}{key}"
        if name in self._prepared:
            return self.table[name]
        self._asked[name] += 1
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def prepared(self) -> Columns:
        """The same columns over a table that has what was asked for more than once."""
        worth = {
            name: value
            for name, value in self._made.items()
            if self._asked[name] > 1 or name.startswith(_ALWAYS)
        }
        if not worth:
            return self
        return Columns(self.table.mutate(**worth), self.engine, frozenset(worth))

    def given(self, name: str) -> ir.BooleanValue:
        """Whether a value of the column is given."""
        column = self[name]
        if not column.type().is_string():
            return self.engine.given(column)
        return self.once(f"given.{name}", lambda: self.engine.given(column))

    def moment(self, name: str) -> Any:  # noqa: ANN401
        """The column read as moments."""
        return self._read(name, "moment", self.engine.moment)

    def day(self, name: str) -> Any:  # noqa: ANN401
        """The column read as days."""
        return self._read(name, "day", self.engine.day)

    def number(self, name: str) -> Any:  # noqa: ANN401
        """The column read as numbers."""
        return self._read(name, "number", self.engine.number)

    def _read(self, name: str, kind: str, read: Callable[[Any], Any]) -> Any:  # noqa: ANN401
        column = self[name]
        return (
            self.once(f"{kind}.{name}", lambda: read(column))
            if column.type().is_string()
            else read(column)
        )


_PREFIX = "__govledger."
DEAR = "citizen."
_ALWAYS = (f"{_PREFIX}given.", f"{_PREFIX}{DEAR}")
"""What one rule alone uses several times."""


class Scan:
    """The aggregate that grows as rules are added; equal values are asked for once."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.values: dict[str, ir.Scalar] = {ROWS: columns.table.count()}
        self._known: dict[Any, str] = {columns.table.count().op(): ROWS}

    def name(self, value: ir.Scalar) -> str:
        """The name under which a scalar stands in the answer."""
        node = value.op()
        if node not in self._known:
            self._known[node] = f"v{len(self._known)}"
            self.values[self._known[node]] = value
        return self._known[node]

    def count(self, when: ir.BooleanValue | None) -> str:
        """The name of a count of rows, of all where ``when`` is None."""
        return self.name(self.columns.table.count(where=when))
