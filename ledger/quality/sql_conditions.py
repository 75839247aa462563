"""SQL expressions in rules, as Ibis expressions: scalar, over one row, without a way out.

Text is parsed (sqlglot, DuckDB's grammar) and translated node by node; whatever is not listed here is
refused by name. So a rule file can neither read other tables or files nor call what only one engine
has, and the same text means the same on DuckDB, PostgreSQL and Spark.

Taken: columns, numbers, 'text', TRUE, FALSE, NULL, DATE '2026-01-31'; AND OR NOT; = <> < <= > >=;
IS [NOT] NULL; IN (…); BETWEEN; LIKE; + - * / %; || ; CASE; CAST(… AS integer, bigint, double, decimal(p,
s), text, date, timestamp, boolean); COALESCE NULLIF ABS ROUND FLOOR CEIL LENGTH LOWER UPPER TRIM
SUBSTRING CONCAT REPLACE STARTS_WITH YEAR MONTH DAY GREATEST LEAST; REGEXP_MATCHES(text, 'pattern'),
which matches the whole text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis
import sqlglot
from ibis.common.exceptions import IbisError
from sqlglot import exp

from ledger.quality.patterns import portable_pattern

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ledger.quality.values import Engine


class ExpressionError(ValueError):
    """An SQL expression that is not taken; the message names what in it is wrong."""


def parse_expression(text: str) -> exp.Expr:
    """The syntax tree of one scalar expression; raises :class:`ExpressionError`."""
    try:
        found = sqlglot.parse(text, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise ExpressionError(f"not an SQL expression: {reason}") from error
    if len(found) != 1 or found[0] is None:
        raise ExpressionError("one expression is needed")
    tree = found[0]
    for node in tree.walk():
        if type(node) not in _KNOWN:
            raise ExpressionError(f"{_named(node)} is not taken in a rule")
    return tree


def columns_of(text: str) -> tuple[str, ...]:
    """Names of the columns that an expression reads, sorted; raises :class:`ExpressionError`."""
    return tuple(sorted({node.name for node in parse_expression(text).find_all(exp.Column)}))


def condition(text: str, columns: Mapping[str, ir.Value], engine: Engine) -> ir.BooleanValue:
    """The expression over the columns of a table, which must be a condition.

    Raises :class:`ExpressionError`.
    """
    try:
        value = _Translation(columns, engine).value(parse_expression(text))
    except IbisError as error:
        raise ExpressionError(f"types do not fit: {str(error).splitlines()[0]}") from error
    except (TypeError, AttributeError) as error:
        raise ExpressionError("types do not fit: a function got a value of another type") from error
    if not value.type().is_boolean():
        raise ExpressionError(f"a condition is needed, this is a value of type {value.type()}")
    return value


def _named(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {node.name}"
    return type(node).__name__.upper()


class _Translation:
    def __init__(self, columns: Mapping[str, ir.Value], engine: Engine) -> None:
        self.columns = columns
        self.engine = engine

    def value(self, node: exp.Expr | None) -> Any:  # noqa: ANN401 - Ibis types its operators loosely
        if node is None:
            raise ExpressionError("an operand is missing")
        return _KNOWN[type(node)](self, node)

    def values(self, nodes: list[exp.Expr]) -> list[Any]:
        return [self.value(node) for node in nodes]

    def column(self, node: exp.Expr) -> Any:  # noqa: ANN401
        if node.args.get("table") is not None:
            raise ExpressionError(f"{node.sql()}: columns stand without a table's name")
        if node.name not in self.columns:
            raise ExpressionError(f"there is no column {node.name!r}")
        return self.columns[node.name]

    def literal(self, node: exp.Expr) -> Any:  # noqa: ANN401
        text = str(node.this)
        if node.args.get("is_string"):
            return ibis.literal(text)
        if text.isdecimal():
            return ibis.literal(int(text))
        return ibis.literal(Decimal(text))

    def chosen(self, node: exp.Expr) -> Any:  # noqa: ANN401
        subject = node.args.get("this")
        branches = []
        for branch in node.args["ifs"]:
            when = self.value(branch.this)
            if subject is not None:
                when = self.value(subject) == when
            branches.append((when, self.value(branch.args["true"])))
        default = node.args.get("default")
        if default is None:
            return ibis.cases(*branches)
        return ibis.cases(*branches, else_=self.value(default))

    def cast(self, node: exp.Expr) -> Any:  # noqa: ANN401
        wanted = node.args["to"]
        name = wanted.this.name
        if name not in _TYPES:
            raise ExpressionError(f"CAST to {wanted.sql()} is not taken in a rule")
        kind = _TYPES[name]
        if name == "DECIMAL" and wanted.expressions:
            sizes = [int(one.name) for one in wanted.expressions]
            kind = f"decimal({sizes[0]}, {sizes[1] if len(sizes) > 1 else 0})"
        return self.engine.cast(self.value(node.this), kind)

    def matches(self, node: exp.Expr) -> Any:  # noqa: ANN401
        pattern = node.args.get("expression")
        if not isinstance(pattern, exp.Literal) or not pattern.args.get("is_string"):
            raise ExpressionError("REGEXP_MATCHES needs its pattern written out")
        try:
            portable = portable_pattern(str(pattern.this))
        except ValueError as error:
            raise ExpressionError(str(error)) from error
        return self.engine.matches(self.value(node.this), portable)

    def substring(self, node: exp.Expr) -> Any:  # noqa: ANN401
        start = self.value(node.args["start"]) - 1
        length = node.args.get("length")
        text = self.value(node.this)
        return text.substr(start) if length is None else text.substr(start, self.value(length))

    def null_test(self, node: exp.Expr) -> Any:  # noqa: ANN401
        if not isinstance(node.expression, exp.Null):
            raise ExpressionError("IS is followed by NULL or NOT NULL")
        return self.value(node.this).isnull()

    def like(self, node: exp.Expr) -> Any:  # noqa: ANN401
        pattern = node.expression
        if not isinstance(pattern, exp.Literal) or not pattern.args.get("is_string"):
            raise ExpressionError("LIKE needs its pattern written out")
        return self.value(node.this).like(str(pattern.this))


_Node = Any
_TYPES = {
    "INT": "int64",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "DECIMAL": "decimal(38, 9)",
    "TEXT": "string",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
}


def _two(act: Callable[[Any, Any], Any]) -> Callable[[_Translation, _Node], Any]:
    return lambda to, node: act(to.value(node.left), to.value(node.right))


def _one(act: Callable[[Any], Any]) -> Callable[[_Translation, _Node], Any]:
    return lambda to, node: act(to.value(node.this))


def _many(act: Callable[..., Any]) -> Callable[[_Translation, _Node], Any]:
    return lambda to, node: act(*to.values([node.this, *node.expressions]))


def _unreached(_: _Translation, node: _Node) -> Any:  # noqa: ANN401
    raise ExpressionError(f"{_named(node)} does not stand alone")


_KNOWN: dict[type[exp.Expr], Callable[[_Translation, _Node], Any]] = {
    exp.Column: _Translation.column,
    exp.Identifier: _unreached,
    exp.Literal: _Translation.literal,
    exp.Boolean: lambda _, node: ibis.literal(bool(node.this)),
    exp.Null: lambda _, __: ibis.null(),
    exp.Paren: _one(lambda a: a),
    exp.And: _two(lambda a, b: a & b),
    exp.Or: _two(lambda a, b: a | b),
    exp.Not: _one(lambda a: ~a),
    exp.EQ: _two(lambda a, b: a == b),
    exp.NEQ: _two(lambda a, b: a != b),
    exp.LT: _two(lambda a, b: a < b),
    exp.LTE: _two(lambda a, b: a <= b),
    exp.GT: _two(lambda a, b: a > b),
    exp.GTE: _two(lambda a, b: a >= b),
    exp.Add: _two(lambda a, b: a + b),
    exp.Sub: _two(lambda a, b: a - b),
    exp.Mul: _two(lambda a, b: a * b),
    exp.Div: _two(lambda a, b: a / b.nullif(0)),
    exp.Mod: _two(lambda a, b: a % b.nullif(0)),
    exp.DPipe: _two(lambda a, b: a + b),
    exp.Neg: _one(lambda a: -a),
    exp.Is: _Translation.null_test,
    exp.In: lambda to, node: to.value(node.this).isin(to.values(node.expressions)),
    exp.Between: lambda to, node: to.value(node.this).between(
        to.value(node.args["low"]), to.value(node.args["high"])
    ),
    exp.Like: _Translation.like,
    exp.Case: _Translation.chosen,
    exp.If: _unreached,
    exp.Cast: _Translation.cast,
    exp.DataType: _unreached,
    exp.DataTypeParam: _unreached,
    exp.Coalesce: _many(ibis.coalesce),
    exp.Nullif: lambda to, node: to.value(node.this).nullif(to.value(node.expression)),
    exp.Abs: _one(lambda a: a.abs()),
    exp.Round: lambda to, node: to.value(node.this).round(
        *([to.value(node.args["decimals"])] if node.args.get("decimals") else [])
    ),
    exp.Floor: _one(lambda a: a.floor()),
    exp.Ceil: _one(lambda a: a.ceil()),
    exp.Length: _one(lambda a: a.length()),
    exp.Lower: _one(lambda a: a.lower()),
    exp.Upper: _one(lambda a: a.upper()),
    exp.Trim: _one(lambda a: a.strip()),
    exp.Substring: _Translation.substring,
    exp.Concat: lambda to, node: _joined(to.values(node.expressions)),
    exp.Replace: lambda to, node: to.value(node.this).replace(
        to.value(node.args["expression"]), to.value(node.args["replacement"])
    ),
    exp.StartsWith: lambda to, node: to.value(node.this).startswith(to.value(node.expression)),
    exp.Year: _one(lambda a: a.year()),
    exp.Month: _one(lambda a: a.month()),
    exp.Day: _one(lambda a: a.day()),
    exp.Greatest: _many(ibis.greatest),
    exp.Least: _many(ibis.least),
    exp.RegexpLike: _Translation.matches,
}


def _joined(parts: list[Any]) -> Any:  # noqa: ANN401
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole
