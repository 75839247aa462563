"""SQL files read for lineage: definitions, views, and statements that move data (建表、视图、ETL 脚本).

Each table or view that statements of a file write is one job, named ``<file>#<table>``; definitions of tables
give schemas, so that ``*`` and columns without table can be told. Temporary tables are passed through: what is
read from them is read from where they were filled. Statements are traced in the order in which they depend on
one another, across all files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.schema import MappingSchema
from sqlglot.tokens import Token, TokenType  # type: ignore[attr-defined]

from ledger.lineage.doors.fillings import (
    Filling,
    Options,
    Statement,
    Trouble,
    fillings_of,
    in_order,
    is_temporary,
    may_move_data,
)
from ledger.lineage.doors.told import (
    LONGEST_SQL,
    Column,
    Place,
    column_facet,
    dataset,
    dataset_event,
    facet,
    job_event,
    schema_facet,
)
from ledger.lineage.doors.tracing import Name, Traced, name_of, trace

# What sqlglot does not take apart it says in its log as well; here it is told, or is no matter.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


class SqlError(ValueError):
    """A file or directory that cannot be read as SQL; the text says what and where."""


@dataclass
class Reading:
    """What files say: definitions, what fills what, and what could not be told."""

    options: Options
    files: list[str] = field(default_factory=list)
    definitions: dict[Name, list[Column]] = field(default_factory=dict)
    filled: dict[tuple[str, Name], Traced] = field(default_factory=dict)
    """By file and table."""
    read_only: dict[str, Traced] = field(default_factory=dict)
    """By file: what is only read there."""
    texts: dict[tuple[str, Name | None], list[str]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def events(self, at: datetime) -> list[bytes]:
        """OpenLineage events for all of it, in order of files and names."""
        options = self.options
        told = [
            dataset_event(options.place(name), {"schema": schema_facet(columns)}, at)
            for name, columns in sorted(self.definitions.items())
            if columns
        ]
        for (file, name), traced in sorted(self.filled.items()):
            place = options.place(name)
            facets = {"columnLineage": column_facet(traced, self._places(traced))}
            if name not in self.definitions and traced.columns:
                facets["schema"] = schema_facet(Column(column) for column in traced.columns)
            job = Place(options.job_namespace, f"{file}#{place.name}")
            outputs = [dataset(place, facets)]
            told.append(job_event(job, self._facets(file, name), self._inputs(traced), outputs, at))
        for file, traced in sorted(self.read_only.items()):
            job = Place(options.job_namespace, file)
            told.append(job_event(job, self._facets(file, None), self._inputs(traced), [], at))
        return told

    def _inputs(self, traced: Traced) -> list[dict[str, object]]:
        return [dataset(self.options.place(name)) for name in sorted(traced.inputs)]

    def _places(self, traced: Traced) -> dict[Name, Place]:
        origins = [*traced.influence, *(one for each in traced.columns.values() for one in each)]
        return {origin.table: self.options.place(origin.table) for origin in origins}

    def _facets(self, file: str, name: Name | None) -> dict[str, object]:
        sql = ";\n".join(self.texts[file, name])[:LONGEST_SQL]
        return {
            "jobType": facet(
                "JobTypeJobFacet",
                "2-0-3",
                processingType="BATCH",
                integration="GOVLEDGER",
                jobType="QUERY",
            ),
            "sql": facet("SQLJobFacet", "1-1-0", query=sql, dialect=self.options.dialect),
        }


ENCODINGS = {"utf-8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030"}
"""How SQL files may be encoded, and what Python calls it."""


def read_scripts(place: Path, options: Options, encoding: str = "utf-8") -> Reading:
    """Read a file, or every ``*.sql`` below a directory; raises :class:`SqlError`. ``encoding``: of ENCODINGS.

    What cannot be understood is among :attr:`Reading.troubles`, by file and line; everything else counts.
    """
    if encoding not in ENCODINGS:
        raise SqlError(f"{encoding!r} is no encoding known here: give utf-8 or gb18030")
    files = [place] if place.is_file() else sorted(place.rglob("*.sql"))
    if not files:
        raise SqlError(f"{place} is no SQL file and holds none")
    root = place.parent if place.is_file() else place
    texts: dict[str, str] = {}
    troubles = []
    for file in files:
        name = file.relative_to(root).as_posix()
        content = file.read_bytes()
        try:
            texts[name] = content.decode(ENCODINGS[encoding])
        except UnicodeDecodeError as error:
            other = "gb18030" if encoding == "utf-8" else "utf-8"
            what = f"not {encoding.upper()} (byte {error.start}): save it so, or give --encoding {other}"
            if len(files) == 1:
                raise SqlError(f"{file} is {what}") from error
            troubles.append(Trouble(name, content.count(b"\n", 0, error.start) + 1, what))
    reading = read_texts(texts, options)
    reading.troubles[:0] = troubles
    return reading


def read_texts(texts: dict[str, str], options: Options) -> Reading:
    """:func:`read_scripts` for texts by file name."""
    try:
        dialect = Dialect.get_or_raise(options.dialect)
    except ValueError as error:
        raise SqlError(f"{options.dialect!r} is no SQL dialect that is known here") from error
    reading = Reading(options, sorted(texts))
    statements = [
        statement
        for file in reading.files
        for statement in _statements(dialect, file, texts[file], reading.troubles)
    ]
    fillings: list[Filling] = []
    for statement in statements:
        if _define(statement, reading):
            continue
        fillings += fillings_of(statement, options)
        if may_move_data(statement):
            what = f"{' '.join(statement.sql.split()[:2])} … is not understood, and nothing is told of it"
            reading.troubles.append(Trouble(statement.file, statement.line, what))
    _trace_all(fillings, reading)
    return reading


def _statements(
    dialect: Dialect, file: str, text: str, troubles: list[Trouble]
) -> Iterator[Statement]:
    """The statements of a text, one by one, so that one that is no SQL costs the others nothing."""
    try:
        tokens = dialect.tokenize(text)
    except SqlglotError as error:
        troubles.append(Trouble(file, 1, str(error).split("\n", 1)[0]))
        return
    for chunk in _chunks(tokens):
        sql = text[chunk[0].start : chunk[-1].end + 1]
        try:
            (tree,) = dialect.parser().parse(chunk, text)
        except (SqlglotError, ValueError) as error:
            troubles.append(Trouble(file, chunk[0].line, str(error).split("\n", 1)[0]))
            continue
        if tree is not None:
            yield Statement(file, chunk[0].line, sql, tree)


def _chunks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            chunk.append(token)
        elif chunk:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _define(statement: Statement, reading: Reading) -> bool:
    """Take a definition of a table into account; False for anything else."""
    tree = statement.tree
    if not isinstance(tree, exp.Create) or tree.kind != "TABLE" or tree.expression is not None:
        return False
    schema = tree.this
    if not isinstance(schema, exp.Schema) or not isinstance(schema.this, exp.Table):
        return True
    columns = [
        Column(
            part.name,
            part.args["kind"].sql(reading.options.dialect) if part.args.get("kind") else "",
        )
        for part in schema.expressions
        if isinstance(part, exp.ColumnDef)
    ]
    if not is_temporary(tree):
        reading.definitions[name_of(schema.this, reading.options.default)] = columns
    return True


def _trace_all(fillings: list[Filling], reading: Reading) -> None:
    """Trace every statement, each after those that fill what it reads."""
    options = reading.options
    schema = MappingSchema(dialect=options.dialect)
    for name, columns in reading.definitions.items():
        _add(schema, name, [column.name for column in columns])
    passing: dict[Name, Traced] = {}
    for filling in in_order(fillings, options.default):
        statement, target = filling.statement, filling.target
        for query in filling.queries:
            traced = _traced(query, statement, schema, reading)
            if traced is None:
                continue
            names = filling.names or _defined(reading, target, traced)
            told = traced.renamed(names).through(passing)
            _keep(reading, filling, told, passing)
            if target is not None and filling.defines and target not in reading.definitions:
                _add(schema, target, list(told.columns))


def _traced(
    query: exp.Query, statement: Statement, schema: MappingSchema, reading: Reading
) -> Traced | None:
    """A query traced; where a definition contradicts it, without any definition. None where it makes no sense."""
    options = reading.options
    troubles: list[str] = []
    traced: Traced | None = None
    for known in (schema, MappingSchema(dialect=options.dialect)):
        try:
            traced = trace(query, known, options.dialect, options.default)
            break
        except (SqlglotError, RecursionError, ValueError) as error:
            troubles.append(str(error).split("\n", 1)[0])
    if traced is not None:
        troubles += [f"{what}: no definition says whose it is" for what in traced.unresolved]
    reading.troubles += [
        Trouble(statement.file, statement.line, what) for what in dict.fromkeys(troubles)
    ]
    return traced


def _defined(reading: Reading, target: Name | None, traced: Traced) -> list[str]:
    """The columns of a table that is filled without naming them: by position, where it is defined."""
    columns = reading.definitions.get(target, []) if target is not None else []
    return [column.name for column in columns] if len(columns) == len(traced.columns) else []


def _keep(reading: Reading, filling: Filling, traced: Traced, passing: dict[Name, Traced]) -> None:
    target, file = filling.target, filling.statement.file
    if target is not None and (filling.temporary or target in passing):
        passing[target] = passing[target].merged(traced) if target in passing else traced
        return
    if target is None:
        earlier = reading.read_only.get(file)
        reading.read_only[file] = earlier.merged(traced) if earlier else traced
    else:
        # What a statement reads of the very table that it writes is no lineage.
        before = reading.filled.get((file, target))
        traced = Traced(traced.inputs - {target}, traced.columns, traced.influence)
        reading.filled[file, target] = before.merged(traced) if before else traced
    texts = reading.texts.setdefault((file, target), [])
    if filling.statement.sql not in texts:
        texts.append(filling.statement.sql)


def _add(schema: MappingSchema, name: Name, columns: list[str]) -> None:
    if columns:
        table = exp.table_(name[2], db=name[1], catalog=name[0])
        schema.add_table(table, dict.fromkeys(columns, "unknown"), match_depth=False)
