"""From which columns a query's columns come, and which decide what rows it has (sqlglot's scopes).

DIRECT is what a column's value is made of; INDIRECT what decides about it: filters, joins, grouping and order
for the whole output, conditions and windows for one column. Subtypes are those of OpenLineage's facet
``columnLineage``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from sqlglot import exp
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

Name = tuple[str, str, str]
"""Catalogue, schema and table; :data:`UNNAMED` where a part is not known."""
UNNAMED = "_"
DIRECT, INDIRECT = "DIRECT", "INDIRECT"
_STRENGTH = {"IDENTITY": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}
_MASKING = (exp.MD5, exp.MD5Digest, exp.SHA, exp.SHA2)
_DEEPEST = 200


class Origin(NamedTuple):
    """A column of a table, and how it takes part."""

    table: Name
    column: str
    kind: str = DIRECT
    subtype: str = "IDENTITY"
    masking: bool = False


@dataclass
class Traced:
    """What a query is made of.

    ``columns`` are its own in order, each with where it comes from; ``influence`` decides about all of them.
    ``unresolved`` names what could not be told: columns of several possible tables, stars over unknown ones.
    """

    inputs: set[Name] = field(default_factory=set)
    columns: dict[str, list[Origin]] = field(default_factory=dict)
    influence: list[Origin] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)

    def renamed(self, names: Iterable[str]) -> Traced:
        """The same with the columns called ``names`` by position; further ones keep their own."""
        given = list(names)
        own = list(self.columns.items())
        fresh = {
            given[place] if place < len(given) else name: origins
            for place, (name, origins) in enumerate(own)
        }
        return Traced(self.inputs, fresh, self.influence, self.unresolved)

    def merged(self, other: Traced) -> Traced:
        """Both together: what two statements write into one table."""
        columns = {name: list(origins) for name, origins in self.columns.items()}
        for name, origins in other.columns.items():
            columns[name] = _unique([*columns.get(name, []), *origins])
        return Traced(
            self.inputs | other.inputs,
            columns,
            _unique([*self.influence, *other.influence]),
            [*self.unresolved, *other.unresolved],
        )

    def through(self, passing: Mapping[Name, Traced]) -> Traced:
        """The same where the tables of ``passing`` are only passed through: they are replaced by their own."""
        inputs: set[Name] = set()
        for name in self.inputs:
            inputs |= passing[name].inputs if name in passing else {name}
        more = [
            origin for name in self.inputs if name in passing for origin in passing[name].influence
        ]
        columns = {
            name: _unique(part for origin in origins for part in _passed(origin, passing))
            for name, origins in self.columns.items()
        }
        own = [part for origin in self.influence for part in _passed(origin, passing)]
        return Traced(inputs, columns, _unique([*own, *more]), self.unresolved)


def trace(
    query: exp.Query, schema: MappingSchema, dialect: str, default: tuple[str, str]
) -> Traced:
    """Trace a query; ``default`` is the catalogue and schema of tables that name none.

    Raises :class:`sqlglot.errors.SqlglotError` for a query that makes no sense.
    """
    catalog, db = default
    qualified = qualify(
        query.copy(),
        dialect=dialect,
        schema=schema,
        catalog=catalog or UNNAMED,
        db=db or UNNAMED,
        validate_qualify_columns=False,
        quote_identifiers=False,
        identify=False,
    )
    root = build_scope(cast("exp.Expression", qualified))
    if root is None:
        return Traced()
    return _Tracer().whole(root)


def name_of(table: exp.Table, default: tuple[str, str]) -> Name:
    """A table's full name; what it does not say is ``default`` (catalogue, schema)."""
    return (
        table.catalog or default[0] or UNNAMED,
        table.db or default[1] or UNNAMED,
        table.name,
    )


class _Tracer:
    """One query; what was traced of a scope is kept."""

    def __init__(self) -> None:
        self._columns: dict[int, dict[str, list[Origin]]] = {}
        self._under_way: set[int] = set()
        self.unresolved: list[str] = []

    def whole(self, root: Scope) -> Traced:
        inputs: set[Name] = set()
        for scope in root.traverse():
            for source in scope.sources.values():
                if isinstance(source, exp.Table) and source.name:
                    inputs.add(name_of(source, ("", "")))
        columns = {name: _unique(origins) for name, origins in self.columns_of(root).items()}
        influence = _unique(self.influence_of(root, set()))
        return Traced(inputs, columns, influence, list(dict.fromkeys(self.unresolved)))

    def columns_of(self, scope: Scope) -> dict[str, list[Origin]]:
        """The columns that a scope gives, by name in order."""
        key = id(scope.expression)
        if key in self._columns:
            return self._columns[key]
        if key in self._under_way or len(self._under_way) > _DEEPEST:
            return {}  # a recursive CTE: what comes out of it went in already
        self._under_way.add(key)
        try:
            found = self._columns_of(scope)
        finally:
            self._under_way.discard(key)
        self._columns[key] = found
        return found

    def _columns_of(self, scope: Scope) -> dict[str, list[Origin]]:
        if scope.union_scopes:
            left, right = (self.columns_of(side) for side in scope.union_scopes)
            others = list(right.values())
            return {
                name: [*origins, *(others[place] if place < len(others) else [])]
                for place, (name, origins) in enumerate(left.items())
            }
        expression = scope.expression
        if not isinstance(expression, exp.Select):
            return {}
        found: dict[str, list[Origin]] = {}
        for projection in expression.selects:
            if projection.is_star:
                if scope.is_root:
                    self.unresolved.append(projection.sql())
                continue
            origins = list(self._origins(projection.unalias(), scope, Origin(("", "", ""), "")))
            found.setdefault(projection.alias_or_name, []).extend(origins)
        return found

    def _origins(self, node: exp.Expr, scope: Scope, how: Origin) -> Iterator[Origin]:
        """Where the value of ``node`` comes from; ``how`` says what was done with it so far."""
        if isinstance(node, exp.Column):
            yield from self._column(node, scope, how)
        elif isinstance(node, exp.Query):
            yield from self._subquery(node, scope, how)
        elif isinstance(node, exp.Case | exp.If):
            yield from self._conditional(node, scope, _changed(how, "TRANSFORMATION"))
        elif isinstance(node, exp.Window):
            yield from self._origins(node.this, scope, _changed(how, "TRANSFORMATION"))
            for part in (*node.args.get("partition_by", ()), node.args.get("order")):
                if isinstance(part, exp.Expr):
                    yield from self._origins(part, scope, _decides(how, "WINDOW"))
        else:
            subtype = "AGGREGATION" if isinstance(node, exp.AggFunc) else "TRANSFORMATION"
            if isinstance(node, exp.Paren):
                subtype = "IDENTITY"
            fresh = _changed(how, subtype)
            if isinstance(node, _MASKING):
                fresh = fresh._replace(masking=True)
            for child in node.iter_expressions():
                yield from self._origins(child, scope, fresh)

    def _conditional(self, node: exp.Case | exp.If, scope: Scope, how: Origin) -> Iterator[Origin]:
        decides = _decides(how, "CONDITIONAL")
        branches = node.args.get("ifs", ()) if isinstance(node, exp.Case) else (node,)
        if isinstance(node, exp.Case) and node.this is not None:
            yield from self._origins(node.this, scope, decides)
        for branch in branches:
            yield from self._origins(branch.this, scope, decides)
            for value in (branch.args.get("true"), branch.args.get("false")):
                if isinstance(value, exp.Expr):
                    yield from self._origins(value, scope, how)
        otherwise = node.args.get("default")
        if isinstance(otherwise, exp.Expr):
            yield from self._origins(otherwise, scope, how)

    def _subquery(self, node: exp.Query, scope: Scope, how: Origin) -> Iterator[Origin]:
        inner = node.unnest() if isinstance(node, exp.Subquery) else node
        for sub in scope.subquery_scopes:
            if sub.expression is inner or sub.expression is node:
                for origins in self.columns_of(sub).values():
                    for origin in origins:
                        yield _combined(how, origin)
                for origin in self.influence_of(sub, set()):
                    yield _combined(how, origin)

    def _column(self, column: exp.Column, scope: Scope, how: Origin) -> Iterator[Origin]:
        if not column.table and (known := self.columns_of(scope).get(column.name)) is not None:
            # The name of a column of the query itself, as ORDER BY may use it.
            for origin in known:
                yield _combined(how, origin)
            return
        source = self._source(column, scope)
        if source is not None:
            yield from self._from_source(source, column.name, how)
        else:
            self.unresolved.append(column.sql())

    def _from_source(self, source: exp.Table | Scope, name: str, how: Origin) -> Iterator[Origin]:
        """A column of something that is read."""
        if isinstance(source, exp.Table):
            yield _combined(how, Origin(name_of(source, ("", "")), name))
            return
        known = self.columns_of(source)
        if name in known:
            for origin in known[name]:
                yield _combined(how, origin)
        elif not isinstance(source.expression, exp.Query):
            # UNNEST, LATERAL and the like: what goes into them comes out of them.
            if source.parent is not None:
                for inner in source.expression.find_all(exp.Column):
                    yield from self._column(inner, source.parent, _changed(how, "TRANSFORMATION"))
        elif source.expression.is_star and len(source.sources) == 1:
            # A star over one table of which nothing is known: the column can only be that table's.
            (only,) = source.sources.values()
            yield from self._from_source(only, name, how)
        else:
            self.unresolved.append(name)

    def _source(self, column: exp.Column, scope: Scope) -> exp.Table | Scope | None:
        name = column.table
        if not name:
            sources = list(scope.sources.values())
            return sources[0] if len(sources) == 1 else None
        at: Scope | None = scope
        while at is not None:
            if name in at.sources:
                return at.sources[name]
            at = at.parent
        return None

    def influence_of(self, scope: Scope, seen: set[int]) -> Iterator[Origin]:
        """What decides which rows a scope has, through everything that it reads."""
        if id(scope) in seen:
            return
        seen.add(id(scope))
        for side in scope.union_scopes or ():
            yield from self.influence_of(side, seen)
        expression = scope.expression
        if isinstance(expression, exp.Select):
            for part, subtype in _deciding(expression):
                yield from self._origins(part, scope, _decides(Origin(("", "", ""), ""), subtype))
        for source in scope.sources.values():
            if isinstance(source, Scope) and source is not scope.parent:
                yield from self.influence_of(source, seen)


def _deciding(select: exp.Select) -> Iterator[tuple[exp.Expr, str]]:
    """The parts of a SELECT that decide which rows there are, and as what."""
    for key, subtype in (
        ("where", "FILTER"),
        ("having", "FILTER"),
        ("qualify", "FILTER"),
        ("group", "GROUP_BY"),
        ("order", "SORT"),
    ):
        part = select.args.get(key)
        if isinstance(part, exp.Expr):
            yield part, subtype
    for join in select.find_all(exp.Join):
        # Joins in parentheses stand deeper in the tree; those of a subquery are its own.
        condition = join.args.get("on")
        if isinstance(condition, exp.Expr) and join.parent_select is select:
            yield condition, "JOIN"


def _changed(how: Origin, subtype: str) -> Origin:
    """``how`` after one more thing was done to the value; the strongest counts."""
    if how.kind == INDIRECT or _STRENGTH[subtype] <= _STRENGTH.get(how.subtype, 0):
        return how
    return how._replace(subtype=subtype)


def _decides(how: Origin, subtype: str) -> Origin:
    """``how`` for something that decides about the value and is no part of it."""
    return how if how.kind == INDIRECT else how._replace(kind=INDIRECT, subtype=subtype)


def _combined(outer: Origin, inner: Origin) -> Origin:
    """``inner`` under what was done with it outside."""
    masking = outer.masking or inner.masking
    if INDIRECT in (outer.kind, inner.kind):
        subtype = outer.subtype if outer.kind == INDIRECT else inner.subtype
        return inner._replace(kind=INDIRECT, subtype=subtype, masking=masking)
    strongest = max(outer.subtype, inner.subtype, key=lambda subtype: _STRENGTH.get(subtype, 0))
    return inner._replace(subtype=strongest, masking=masking)


def _passed(origin: Origin, passing: Mapping[Name, Traced]) -> Iterator[Origin]:
    if origin.table not in passing:
        yield origin
        return
    for inner in passing[origin.table].columns.get(origin.column, ()):
        yield _combined(origin, inner)


def _unique(origins: Iterable[Origin]) -> list[Origin]:
    return list(dict.fromkeys(origins))
