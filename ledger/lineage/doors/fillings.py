"""What statements of SQL fill, and from which queries (sqlglot's trees taken apart)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlglot import exp

from ledger.lineage.doors.told import Place
from ledger.lineage.doors.tracing import UNNAMED, Name, name_of


class Trouble(NamedTuple):
    """A statement of which not everything could be told."""

    file: str
    line: int
    what: str


@dataclass(frozen=True)
class Options:
    """How names are to be understood.

    ``namespace`` is the data sets' (OpenLineage: ``postgres://host:5432``), ``job_namespace`` the jobs';
    ``catalog`` and ``schema`` those of tables that name none. With ``models`` a file that is one bare SELECT
    fills the table of its own name, as compiled dbt models do.
    """

    dialect: str
    namespace: str
    job_namespace: str = "sql"
    catalog: str = ""
    schema: str = ""
    models: bool = False

    @property
    def default(self) -> tuple[str, str]:
        return self.catalog, self.schema

    def place(self, name: Name) -> Place:
        return Place(self.namespace, ".".join(part for part in name if part != UNNAMED))


class Statement(NamedTuple):
    file: str
    line: int
    sql: str
    tree: exp.Expr


@dataclass
class Filling:
    """One statement that fills ``target`` from ``queries``; None where it only reads."""

    statement: Statement
    target: Name | None
    queries: list[exp.Query]
    names: list[str]
    temporary: bool = False
    defines: bool = False
    """Whether the columns of the query are those of the table, and all of them."""

    def reads(self, default: tuple[str, str]) -> set[Name]:
        return {
            name_of(table, default)
            for query in self.queries
            for table in query.find_all(exp.Table)
            if table.name
        }


def fillings_of(statement: Statement, options: Options) -> Iterator[Filling]:
    """What a statement fills; nothing for one that moves no data."""
    tree, default = statement.tree, options.default
    if isinstance(tree, exp.Query):
        yield _selected(statement, tree, options)
    elif isinstance(tree, exp.Create | exp.Insert):
        table, names = _target(tree.this)
        query = tree.expression
        if table is not None and isinstance(query, exp.Query):
            if tree.args.get("with_") and not query.args.get("with_"):
                query = query.copy()
                query.set("with_", tree.args["with_"].copy())
            temporary = isinstance(tree, exp.Create) and is_temporary(tree)
            defines = isinstance(tree, exp.Create)
            name = name_of(table, default)
            yield Filling(statement, name, [query], names, temporary, defines)
    elif isinstance(tree, exp.Update | exp.Delete | exp.Merge):
        queries = list(_queries_of(tree))
        if queries and isinstance(tree.this, exp.Table):
            yield Filling(statement, name_of(tree.this, default), queries, [])


def _selected(statement: Statement, query: exp.Query, options: Options) -> Filling:
    """A bare query: what it only reads, or fills by ``INTO``, or by the name of its file."""
    target: Name | None = None
    into = query.args.get("into")
    if isinstance(into, exp.Into) and isinstance(into.this, exp.Table):
        target = name_of(into.this, options.default)
        query = query.copy()
        query.set("into", None)
    elif options.models:
        stem = statement.file.rsplit("/", 1)[-1].removesuffix(".sql")
        target = (options.catalog or UNNAMED, options.schema or UNNAMED, stem)
    return Filling(statement, target, [query], [], defines=True)


_MOVING = frozenset({"CALL", "COPY", "DO", "EXEC", "EXECUTE", "LOAD", "MERGE", "UNLOAD"})
_HOLDING = frozenset({"FUNCTION", "PROCEDURE", "TRIGGER", "RULE"})


def may_move_data(statement: Statement) -> bool:
    """Whether a statement that sqlglot does not take apart may move data, now or when it is called."""
    if not isinstance(statement.tree, exp.Command | exp.Copy):
        return False
    words = statement.sql.upper().split()[:5]
    return words[0] in _MOVING or (words[0] == "CREATE" and bool(_HOLDING.intersection(words)))


def _target(node: object) -> tuple[exp.Table | None, list[str]]:
    """The table that is written, and its columns where they are listed."""
    if isinstance(node, exp.Schema) and isinstance(node.this, exp.Table):
        return node.this, [part.name for part in node.expressions]
    return (node, []) if isinstance(node, exp.Table) else (None, [])


def _queries_of(tree: exp.Update | exp.Delete | exp.Merge) -> Iterator[exp.Query]:
    """What an UPDATE, DELETE or MERGE does, as queries whose columns are those that it sets."""
    if isinstance(tree, exp.Merge):
        using, target, on = tree.args["using"], tree.this, tree.args["on"]
        for when in tree.args["whens"].expressions:
            sets = list(_sets(when.args.get("then")))
            if sets:
                yield (
                    exp.select(*sets)
                    .from_(using.copy())
                    .join(target.copy(), on=on.copy(), join_type="left")
                )
        return
    if isinstance(tree, exp.Update):
        sets = [exp.alias_(one.expression.copy(), one.this.name) for one in tree.expressions]
    else:
        sets = [exp.alias_(exp.Literal.number(1), "deleted")]
    query = exp.select(*sets).from_(tree.this.copy())
    source = tree.args.get("from_")
    sources = [source.this] if isinstance(source, exp.From) else list(tree.args.get("using") or ())
    for one in sources:
        query = query.join(one.copy(), join_type="cross")
    where = tree.args.get("where")
    if isinstance(where, exp.Where):
        query = query.where(where.this.copy())
    if isinstance(tree, exp.Update) or len(list(query.find_all(exp.Table))) > 1:
        yield query


def _sets(then: object) -> Iterator[exp.Expr]:
    """The columns that a branch of a MERGE sets."""
    if isinstance(then, exp.Update):
        for one in then.expressions:
            if isinstance(one, exp.EQ):
                yield exp.alias_(one.expression.copy(), one.this.name)
    elif isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
        names = then.this.expressions if isinstance(then.this, exp.Tuple) else []
        for name, value in zip(names, then.expression.expressions, strict=False):
            yield exp.alias_(value.copy(), name.name)


def is_temporary(tree: exp.Create) -> bool:
    properties = tree.args.get("properties")
    return properties is not None and properties.find(exp.TemporaryProperty) is not None


def in_order(fillings: list[Filling], default: tuple[str, str]) -> list[Filling]:
    """Each after what fills the tables it reads; in a circle, and otherwise, in order of the files."""
    by_target: dict[Name, list[int]] = {}
    for place, filling in enumerate(fillings):
        if filling.target is not None:
            by_target.setdefault(filling.target, []).append(place)
    ordered: list[int] = []
    seen: set[int] = set()
    for first in range(len(fillings)):
        waiting = [(first, False)]
        while waiting:
            place, done = waiting.pop()
            if done:
                ordered.append(place)
            elif place not in seen:
                seen.add(place)
                waiting.append((place, True))
                needed = {
                    other
                    for name in fillings[place].reads(default)
                    for other in by_target.get(name, ())
                }
                waiting += [(other, False) for other in sorted(needed - seen, reverse=True)]
    return [fillings[place] for place in ordered]
