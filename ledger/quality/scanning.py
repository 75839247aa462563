"""From rules to one scan (一次扫描): every count of a table's rules in a single aggregate.

A rule becomes, for each column it speaks of, two conditions that are never NULL where it matters:
*applies* (the element is evaluated) and *fails*. Counts of equal conditions are asked for once. What
many rules need of a column (whether a value is given, text read as a day) is worked out once a row,
in a projection below the aggregate, so that one more rule costs its own comparison and little else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
from ibis.common.exceptions import IbisError

from ledger.codes import UpdateCycle
from ledger.quality import checks, identity, patterns
from ledger.quality.reasons import NotApplicable, NotAssessable
from ledger.quality.scoring import Outcome, State
from ledger.quality.sql_conditions import ExpressionError, condition
from ledger.quality.values import Engine, as_text

if TYPE_CHECKING:
    import ibis.expr.types as ir

ROWS = "rows"
"""Name of the count of all rows in a scan's answer."""

CYCLE_DAYS: dict[UpdateCycle, int] = {
    UpdateCycle.REALTIME: 1,
    UpdateCycle.DAILY: 1,
    UpdateCycle.WEEKLY: 7,
    UpdateCycle.MONTHLY: 31,
    UpdateCycle.QUARTERLY: 92,
    UpdateCycle.HALF_YEARLY: 184,
    UpdateCycle.YEARLY: 366,
}
"""更新周期 in days: the longest that the calendar makes of it."""


class Terms(NamedTuple):
    """What a run is told beside rules and data. ``day`` is the day of assessment: nothing reads a clock."""

    day: date
    period: tuple[date, date] | None = None
    cycle: UpdateCycle | None = None


class Counts(NamedTuple):
    """B and the failing among them."""

    evaluated: int
    failing: int


class Measure(NamedTuple):
    """A rule in the scan: names of the scan's values, and what they come to.

    ``bad`` is true for a row with a failing element, for whoever asks for examples; None where no
    single row is to blame.
    """

    names: tuple[str, ...]
    conclude: Callable[[Sequence[Any]], Counts]
    bad: Callable[[], ir.BooleanValue] | None


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
_DEAR = "citizen."
_ALWAYS = (f"{_PREFIX}given.", f"{_PREFIX}{_DEAR}")
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


def measure(rule: checks.Rule, scan: Scan, terms: Terms) -> Measure:
    """A rule's place in the scan.

    Raises :class:`NotAssessable` or :class:`NotApplicable`.
    """
    columns = scan.columns
    if isinstance(rule, checks.Fresh):
        return _fresh(rule, scan, terms)
    if isinstance(rule, checks.RowCount):
        expected = rule.expected
        return Measure((ROWS,), lambda rows: Counts(expected, max(0, expected - rows[0])), None)
    when = _when(rule, columns)
    pairs = [_with(when, applies, fails) for applies, fails in _conditions(rule, columns, terms)]
    if getattr(rule, "element", "record") == "record" and len(pairs) > 1:
        pairs = [_record(pairs)]
    names = []
    for applies, fails in pairs:
        names += [scan.count(applies), scan.count(fails)]
    return Measure(tuple(names), _summed, lambda: _any([fails for _, fails in pairs]))


def _summed(values: Sequence[Any]) -> Counts:
    return Counts(sum(map(int, values[::2])), sum(map(int, values[1::2])))


Pair = tuple["ir.BooleanValue | None", "ir.BooleanValue"]
"""When an element is evaluated (None: always), and when it fails."""


def _with(
    when: ir.BooleanValue | None, applies: ir.BooleanValue | None, fails: ir.BooleanValue
) -> Pair:
    """Both conditions narrowed by ``when``; failing elements are evaluated ones."""
    if when is not None:
        applies = when if applies is None else when & applies
    return applies, fails if applies is None else applies & fails


def _record(pairs: Sequence[Pair]) -> Pair:
    """One element a row: evaluated where any column is, failing where any fails."""
    applies = [applies for applies, _ in pairs]
    every = (
        None
        if any(one is None for one in applies)
        else _any([one for one in applies if one is not None])
    )
    return every, _any([fails for _, fails in pairs])


def _any(conditions: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    whole = conditions[0]
    for one in conditions[1:]:
        whole = whole | one
    return whole


def _when(rule: checks.Rule, columns: Columns) -> ir.BooleanValue | None:
    return None if rule.when is None else sql(rule.when, columns)


def sql(text: str, columns: Columns) -> ir.BooleanValue:
    """A condition of a rule; raises :class:`NotAssessable`."""
    try:
        return condition(text, columns.named(), columns.engine)
    except ExpressionError as error:
        raise NotAssessable("bad_expression") from error


def _conditions(rule: checks.Rule, columns: Columns, terms: Terms) -> list[Pair]:
    if isinstance(rule, checks.NotNull):
        return [(None, _missing(columns, name, blank=rule.blank)) for name in rule.columns]
    if isinstance(rule, checks.Expression):
        holds = sql(rule.sql, columns)
        return [
            (holds.notnull(), ~holds) if rule.nulls == "skip" else (None, holds.isnull() | ~holds)
        ]
    if isinstance(rule, checks.Order):
        return [_order(rule, columns)]
    if isinstance(rule, checks.OfValues):
        made = []
        for name in rule.columns:
            given = columns.given(name)
            fits = _fits(rule, name, columns, terms)
            if rule.nulls == "skip":
                made.append((given, ~fits))
            else:
                made.append((None, ~given | ~fits))
        return made
    raise TypeError(f"{type(rule).__name__} is not counted in a scan")


def _missing(columns: Columns, name: str, *, blank: bool) -> ir.BooleanValue:
    return ~columns.given(name) if blank else columns[name].isnull()


def _order(rule: checks.Order, columns: Columns) -> Pair:
    """Given in all columns; failing where a text is no moment, or one comes before its forerunner."""
    moments = [columns.moment(name) for name in rule.columns]
    given = columns.given(rule.columns[0])
    for name in rule.columns[1:]:
        given = given & columns.given(name)
    fails = []
    for before, after in pairwise(moments):
        fails.append(before >= after if rule.strict else before > after)
    fails += [
        moment.isnull()
        for name, moment in zip(rule.columns, moments, strict=True)
        if columns[name].type().is_string()
    ]
    return given, _any([ibis.coalesce(one, ibis.literal(False)) for one in fails])  # noqa: FBT003


def _fits(rule: checks.OfValues, name: str, columns: Columns, terms: Terms) -> ir.BooleanValue:
    """Whether a given value satisfies the rule; never NULL for one."""
    return _FITS[type(rule)](rule, name, columns, terms)


def _of_text(
    fits: Callable[[Any, Engine, ir.StringValue], ir.BooleanValue],
) -> Callable[[Any, str, Columns, Terms], ir.BooleanValue]:
    """A check of text alone."""
    return lambda rule, name, columns, _: fits(rule, columns.engine, as_text(columns[name]))


def _citizen(_: Any, name: str, columns: Columns, __: Terms) -> ir.BooleanValue:  # noqa: ANN401
    text = as_text(columns[name])
    digits = columns.once(f"{_DEAR}{name}", lambda: identity.citizen_digits(columns.engine, text))
    return _never_null(identity.is_citizen_id(text, digits))


def _date_form(rule: checks.DateFormat, name: str, columns: Columns, _: Terms) -> ir.BooleanValue:
    column = columns[name]
    if column.type().is_temporal():
        return ibis.literal(True)  # noqa: FBT003
    return columns.engine.matches(as_text(column), patterns.DATE_FORMATS[rule.format])


def _in_period(_: Any, name: str, columns: Columns, terms: Terms) -> ir.BooleanValue:  # noqa: ANN401
    if terms.period is None:
        raise NotAssessable("no_period")
    start, end = (ibis.literal(one) for one in terms.period)
    return _never_null(columns.day(name).between(start, end))


def _never_null(value: ir.BooleanValue) -> ir.BooleanValue:
    return ibis.coalesce(value, ibis.literal(False))  # noqa: FBT003


_TEXT_FORMS = {
    "integer": patterns.INTEGER,
    "decimal": patterns.DECIMAL,
    "boolean": patterns.BOOLEAN,
    "date": patterns.ISO_DAY,
    "timestamp": patterns.ISO_MOMENT,
}


def _type(wanted: str, column: ir.Value, engine: Engine) -> ir.BooleanValue:
    kind = column.type()
    if kind.is_string():
        if wanted == "string":
            return ibis.literal(True)  # noqa: FBT003
        return engine.matches(column, _TEXT_FORMS[wanted])
    has = {
        "string": False,
        "integer": kind.is_integer(),
        "decimal": kind.is_numeric() and not kind.is_boolean(),
        "boolean": kind.is_boolean(),
        "date": kind.is_date(),
        "timestamp": kind.is_timestamp() or kind.is_date(),
    }
    if wanted == "integer" and kind.is_floating():
        return column == column.floor()
    return ibis.literal(has[wanted])


def _between(value: Any, low: Any, high: Any) -> ir.BooleanValue:  # noqa: ANN401 - numbers or days
    fits = None if low is None else value >= low
    if high is not None:
        fits = value <= high if fits is None else fits & (value <= high)
    return fits


def _range(rule: checks.InRange, name: str, columns: Columns) -> ir.BooleanValue:
    if rule.of_days:
        value = columns.day(name)
        low, high = (
            None if one is None else ibis.literal(date.fromisoformat(one))
            for one in (rule.min, rule.max)
        )
    else:
        value = columns.number(name)
        low, high = (_exact(one) for one in (rule.min, rule.max))
    fits = _between(value, low, high)
    return _never_null(fits) if columns[name].type().is_string() else fits


def _exact(text: str | None) -> Any:  # noqa: ANN401
    if text is None:
        return None
    return ibis.literal(int(text)) if "." not in text else ibis.literal(text).cast("decimal(28, 9)")


def _one_of(rule: checks.OneOf, column: ir.Value) -> ir.BooleanValue:
    values: list[Any] = list(rule.values)
    if column.type().is_string():
        values = [str(value) for value in values]
    elif column.type().is_integer():
        values = [int(value) for value in values if str(value).lstrip("-").isdecimal()]
    elif not column.type().is_boolean():
        raise NotAssessable("wrong_type", column.get_name())
    return column.isin(values) if values else ibis.literal(False)  # noqa: FBT003


_CONTROLS = "\x01-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd"


def _dirty(rule: checks.Dirty, column: ir.Value, engine: Engine) -> ir.BooleanValue:
    found: list[ir.BooleanValue] = []
    if column.type().is_string():
        if rule.words:
            found.append(column.isin(rule.words))
        if rule.controls:
            found.append(engine.contains(column, _CONTROLS))
        if rule.stray_blanks:
            found.append(column != column.strip())
    if rule.numbers:
        number = engine.number(column)
        found.append(_never_null(number.isin([_exact(one) for one in rule.numbers])))
    return _any(found) if found else ibis.literal(False)  # noqa: FBT003


_FITS: dict[type[checks.OfValues], Callable[[Any, str, Columns, Terms], ir.BooleanValue]] = {
    checks.OfType: lambda rule, name, columns, _: _type(rule.type, columns[name], columns.engine),
    checks.OfLength: _of_text(lambda rule, _, text: _between(text.length(), rule.min, rule.max)),
    checks.InRange: lambda rule, name, columns, _: _range(rule, name, columns),
    checks.OneOf: lambda rule, name, columns, _: _one_of(rule, columns[name]),
    checks.Pattern: _of_text(lambda rule, engine, text: engine.matches(text, rule.pattern)),
    checks.Uscc: _of_text(lambda _, engine, text: identity.is_uscc(engine, text)),
    checks.CitizenId: _citizen,
    checks.Phone: _of_text(
        lambda rule, engine, text: engine.matches(text, patterns.PHONES[rule.kind])
    ),
    checks.DateFormat: _date_form,
    checks.Dirty: lambda rule, name, columns, _: ~_dirty(rule, columns[name], columns.engine),
    checks.InPeriod: _in_period,
}


def _fresh(rule: checks.Fresh, scan: Scan, terms: Terms) -> Measure:
    cycle = rule.cycle or terms.cycle
    if cycle is None:
        raise NotAssessable("no_cycle")
    if cycle not in CYCLE_DAYS:
        raise NotApplicable("no_fixed_cycle")
    when = _when(rule, scan.columns)
    newest = scan.name(scan.columns.day(rule.column).max(where=when))
    oldest = terms.day - timedelta(days=CYCLE_DAYS[cycle] + rule.grace_days)
    return Measure((newest,), lambda found: Counts(1, int(_older(found[0], oldest))), None)


def _older(found: Any, oldest: date) -> bool:  # noqa: ANN401 - a date, a moment, or nothing
    if found is None:
        return True
    day = found.date() if hasattr(found, "date") else found
    return bool(day < oldest)


def concluded(rule: checks.Rule, counts: Counts, rows: int) -> Outcome:
    """The outcome of a counted rule. An empty table earns no credit: only what it fails counts."""
    indicator = rule.indicator
    if rows == 0 and counts.failing < max(counts.evaluated, 1):
        return Outcome(rule.id, indicator, State.NOT_APPLICABLE, 0, 0, "empty_table")
    if counts.evaluated == 0:
        return Outcome(rule.id, indicator, State.NOT_APPLICABLE, 0, 0, "nothing_given")
    return Outcome(rule.id, indicator, State.ASSESSED, counts.evaluated, counts.failing)


def guarded(rule: checks.Rule, act: Callable[[], Any]) -> Any | Outcome:  # noqa: ANN401
    """What ``act`` gives, or the outcome of a rule that could not be carried out."""
    try:
        return act()
    except NotAssessable as problem:
        reason, state = problem.reason, State.NOT_ASSESSABLE
    except NotApplicable as problem:
        reason, state = problem.reason, State.NOT_APPLICABLE
    except (IbisError, TypeError, NotImplementedError):
        # Ibis refuses types that an operation does not take while the expression is built.
        reason, state = "wrong_type", State.NOT_ASSESSABLE
    return Outcome(rule.id, rule.indicator, state, 0, 0, reason)
