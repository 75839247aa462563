"""Whether a given value satisfies a rule (取值检查), one function a predicate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import ibis

from ledger.quality import checks, identity, patterns
from ledger.quality.columns import DEAR, Columns
from ledger.quality.reasons import NotAssessable
from ledger.quality.terms import Terms
from ledger.quality.values import Engine, as_text

if TYPE_CHECKING:
    import ibis.expr.types as ir


def satisfies(rule: checks.OfValues, name: str, columns: Columns, terms: Terms) -> ir.BooleanValue:
    """Whether a given value satisfies the rule; never NULL for one."""
    return _FITS[type(rule)](rule, name, columns, terms)


def _of_text(
    check: Callable[[Any, Engine, ir.StringValue], ir.BooleanValue],
) -> Callable[[Any, str, Columns, Terms], ir.BooleanValue]:
    """A check of text alone."""
    return lambda rule, name, columns, _: check(rule, columns.engine, as_text(columns[name]))


def _citizen(_: Any, name: str, columns: Columns, __: Terms) -> ir.BooleanValue:  # noqa: ANN401
    text = as_text(columns[name])
    digits = columns.once(f"{DEAR}{name}", lambda: identity.citizen_digits(columns.engine, text))
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
    return any_of(found) if found else ibis.literal(False)  # noqa: FBT003


def any_of(conditions: Sequence[ir.BooleanValue]) -> ir.BooleanValue:
    """Whether one of the conditions holds."""
    whole = conditions[0]
    for one in conditions[1:]:
        whole = whole | one
    return whole


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
