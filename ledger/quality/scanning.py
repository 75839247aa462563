"""From rules to one scan (一次扫描): every count of a table's rules in a single aggregate.

A rule becomes, for each column it speaks of, two conditions that are never NULL where it matters:
*applies* (the element is evaluated) and *fails*. Counts of equal conditions are asked for once. What
many rules need of a column (whether a value is given, text read as a day) is worked out once a row,
in a projection below the aggregate, so that one more rule costs its own comparison and little else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
from ibis.common.exceptions import IbisError

from ledger.quality import checks
from ledger.quality.columns import ROWS, Columns, Scan
from ledger.quality.fitting import any_of, satisfies
from ledger.quality.reasons import NotApplicable, NotAssessable
from ledger.quality.scoring import Outcome, State
from ledger.quality.sql_conditions import ExpressionError, condition
from ledger.quality.terms import CYCLE_DAYS, Counts, Terms

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Measure(NamedTuple):
    """A rule in the scan: names of the scan's values, and what they come to.

    ``bad`` is true for a row with a failing element, for whoever asks for examples; None where no
    single row is to blame.
    """

    names: tuple[str, ...]
    conclude: Callable[[Sequence[Any]], Counts]
    bad: Callable[[], ir.BooleanValue] | None


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
    return Measure(tuple(names), _summed, lambda: any_of([fails for _, fails in pairs]))


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
        else any_of([one for one in applies if one is not None])
    )
    return every, any_of([fails for _, fails in pairs])


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
            fits = satisfies(rule, name, columns, terms)
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
    return given, any_of([ibis.coalesce(one, ibis.literal(False)) for one in fails])  # noqa: FBT003


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
