"""The graph of lineage at one moment, read by sets of numbers: few statements, however many nodes (血缘图读取)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from ledger.codes import StepType
from ledger.lineage import queries
from ledger.lineage.attribution import Rule
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.lineage.models import INPUT, OUTPUT
from ledger.lineage.walks import LineageQueryError, Origin
from ledger.mirror import queries as mirror

ORIGINS = ("run", "design", "step", "rule")
KINDS = frozenset({*ORIGINS, *(member.value for member in StepType)})
_MANY_FIELDS = 500
"""From so many fields on whole sets of column edges are read."""
_BEYOND = "\U0010ffff"


_FROM_INPUT = itemgetter(0, 1, 2, 3, 4, 5, 6, 7)
_FROM_OUTPUT = itemgetter(2, 3, 0, 1, 4, 5, 6, 7)
"""Column edges by their far end, then by all that tells them apart."""


class Row(NamedTuple):
    """An edge as it is read: ``far`` is reached from ``near``."""

    far: int
    near: int
    origin: Origin
    pos: int | None
    leaf: int | None
    run: int | None


class RunSaid(NamedTuple):
    """What a run said of a data set: its UUID, the time of the event in microseconds, ``datasetVersion``."""

    run: str
    said_at: int
    version: str | None


End = tuple[int, int, int]
"""A job, a direction, a data set."""


class Reader:
    """What holds at one size of the ledger and one of the journal.

    ``kinds`` are the kinds of edges that count: ``run``, ``design``, ``step``, ``rule``, and of steps their
    types (``collect`` … ``backflow``), which stand for steps of that type; None for all. Raises
    :class:`LineageQueryError` for a kind that is none.
    """

    def __init__(
        self,
        conn: Connection,
        as_of: int | None = None,
        *,
        journal: int | None = None,
        kinds: Collection[str] | None = None,
    ) -> None:
        self.conn = conn
        self.lite = conn.dialect.name == "sqlite"
        cursor, folded = mirror.cursor_of(conn), queries.folded_size(conn)
        size = cursor.size if cursor else 0
        if journal is None:
            journal = folded if as_of is None else queries.journal_size(conn, as_of)
        self.journal = min(journal or 0, folded)
        """The size of the journal that answers are of."""
        self.size = size if as_of is None else as_of
        """The size of the ledger that answers are of."""
        self.held = None if self.size == size else self.size
        self.kinds = frozenset(ORIGINS) if kinds is None else frozenset(kinds)
        unknown = sorted(self.kinds - KINDS)
        if unknown:
            raise LineageQueryError(
                f"{unknown[0]!r} is no kind of edge",
                f"kinds are {', '.join(sorted(KINDS))}",
                zh=f"没有 {unknown[0]} 这种血缘边",
                hint_zh=f"可用的类型:{'、'.join(sorted(KINDS))}",
            )
        self._now = self.journal == folded
        self._names: dict[int, tuple[str, str]] = {}
        self._rules: dict[int, Rule | None] = {}
        self._ends: Sequence[Any] | None = None
        rules = "rule" in self.kinds
        self.attribution = queries.attribution(conn, self.held, cursor=cursor)
        self.crosses = rules and bool(self.attribution)
        """Whether a walk may cross between entries and their data sets."""

    def expand(
        self, nears: Sequence[int], *, jobs: bool, direction: int, limit: int | None = None
    ) -> list[Row]:
        """Edges of data sets (``jobs``: of jobs) in one direction seen from the job, sorted by the far end."""
        if not nears:
            return []
        near = "job_id" if jobs else "dataset_id"
        parts = self.edges_where(self._among(near, nears), jobs=jobs, direction=direction)
        if not parts:
            return []
        most = "" if limit is None else f" LIMIT {limit}"
        sql = f"{' UNION ALL '.join(parts)} ORDER BY 1, 2, 3{most}"
        return list(self._rows(sql, nears, times=len(parts)))

    def edges_where(self, where: str, *, jobs: bool, direction: int) -> list[str]:
        """Statements for the edges that hold and fit a condition, as :class:`Row`; ``jobs``: near ends are jobs."""
        far, near = ("dataset_id", "job_id") if jobs else ("job_id", "dataset_id")
        parts = []
        events = [origin for origin in ("run", "design") if origin in self.kinds]
        if events:
            chosen = f" AND source = '{events[0]}'" if len(events) == 1 else ""
            parts.append(
                f"SELECT {far} AS far, {near} AS near, source AS origin, pos_from AS pos,"  # noqa: S608 - ours
                f" CAST(NULL AS BIGINT) AS leaf, run FROM lineage_edge"
                f" WHERE {where} AND direction = {direction} AND {self.edge_holds()}{chosen}"
            )
        types = sorted(self.kinds - set(ORIGINS))
        if types or "step" in self.kinds:
            typed = ""
            if "step" not in self.kinds:
                listed = ", ".join(f"'{name}'" for name in types)
                typed = (
                    " AND code IN (SELECT code FROM lineage_step"  # noqa: S608 - ours
                    f" WHERE type IN ({listed}) AND {self.leaf_holds()})"
                )
            parts.append(
                f"SELECT {far}, {near}, 'step', CAST(NULL AS BIGINT), leaf_from,"  # noqa: S608 - ours
                f" CAST(NULL AS BIGINT) FROM lineage_step_edge"
                f" WHERE {where} AND direction = {direction} AND {self.leaf_holds()}{typed}"
            )
        return parts

    def column_edges(
        self, fields: Mapping[int, Collection[str]], *, upstream: bool
    ) -> list[tuple[Any, ...]]:
        """Edges of columns, by data set, that end there (``upstream``) or begin there.

        Input, its field, output, its field, job, kind, subtype, masking, position, leaf; sorted. An edge of a
        whole data set counts for every field of it, the empty field for every edge.
        """
        if not fields:
            return []
        near = "output" if upstream else "input"
        some = {field for listed in fields.values() for field in listed}
        datasets = list(fields)
        chosen, values = "", list[Any]()
        if "" not in some and len(some) < _MANY_FIELDS:
            mark = "SELECT value FROM json_each(?)" if self.lite else "SELECT unnest(%s::text[])"
            chosen = f" AND (c.{near}_field = '' OR c.{near}_field IN ({mark}))"
            values = [self._texts(sorted(some))]
        end = "s.output_id" if upstream else "c.input_id"
        parts, given = [], list[Any]()
        number = self.numbers(datasets)
        events = [origin for origin in ("run", "design") if origin in self.kinds]
        if events:
            source = f" AND s.source = '{events[0]}'" if len(events) == 1 else ""
            parts.append(
                "SELECT c.input_id, c.input_field, s.output_id, c.output_field, s.job_id, c.kind,"  # noqa: S608 - ours
                " c.subtype, c.masking, s.pos_from, CAST(NULL AS BIGINT)"
                " FROM lineage_column_set s JOIN lineage_column_edge c ON c.set_id = s.set_id"
                f" WHERE {self._among(end, datasets)} AND {self.edge_holds('s.')}{source}{chosen}"
                " AND EXISTS (SELECT 1 FROM lineage_edge e WHERE e.job_id = s.job_id"
                f" AND e.direction = {OUTPUT} AND e.dataset_id = s.output_id"
                f" AND e.source = s.source AND {self.edge_holds('e.')})"
            )
            given += [number, *values]
        types = sorted(self.kinds - set(ORIGINS))
        if types or "step" in self.kinds:
            listed = ", ".join(f"'{name}'" for name in types)
            typed = "" if "step" in self.kinds else f" AND t.type IN ({listed})"
            parts.append(
                "SELECT c.input_id, c.input_field, c.output_id, c.output_field, t.job_id, c.kind,"  # noqa: S608 - ours
                " c.subtype, c.masking, CAST(NULL AS BIGINT), c.leaf_from FROM lineage_step_column c"
                " JOIN lineage_step t ON t.code = c.code AND t.leaf_from = c.leaf_from"
                f" WHERE {self._among(f'c.{near}_id', datasets)} AND {self.leaf_holds('c.')}{chosen}{typed}"
            )
            given += [number, *values]
        if not parts:
            return []
        rows = self.conn.exec_driver_sql(" UNION ALL ".join(parts), tuple(given))
        found = [(*row[:7], bool(row[7]), *row[8:]) for row in rows]
        found.sort(key=_FROM_INPUT if upstream else _FROM_OUTPUT)
        return found

    def names(self, datasets: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Namespace and name of data sets; numbers of none are left out."""
        known = self._names
        wanted = [number for number in datasets if number not in known]
        for sql in (
            "SELECT id, namespace, name FROM lineage_dataset WHERE {among}",
            "SELECT DISTINCT dataset_id, namespace, name FROM lineage_step_edge WHERE {among}",
        ):
            if not wanted:
                break
            column = "dataset_id" if "dataset_id" in sql else "id"
            for number, namespace, name in self._rows(
                sql.format(among=self._among(column, wanted)), wanted
            ):
                known[number] = (namespace, name)
            wanted = [number for number in wanted if number not in known]
        return known

    def job_names(self, jobs: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Namespace and name of jobs that events told of."""
        sql = f"SELECT id, namespace, name FROM lineage_job WHERE {self._among('id', jobs)}"  # noqa: S608 - ours
        return {number: (space, name) for number, space, name in self._rows(sql, jobs)}

    def steps(self, jobs: Sequence[int]) -> dict[int, tuple[str, int, bytes]]:
        """Code, leaf and the speaker's hash of the declared steps among jobs."""
        sql = (
            "SELECT job_id, code, leaf_from, organisation FROM lineage_step"  # noqa: S608 - ours
            f" WHERE {self._among('job_id', jobs)} AND {self.leaf_holds()}"
        )
        return {row[0]: (row[1], row[2], bytes(row[3])) for row in self._rows(sql, jobs)}

    def runs(self, runs: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        """UUID of runs, and the organisation whose token brought them."""
        sql = f"SELECT id, run_id, organisation FROM lineage_run WHERE {self._among('id', runs)}"  # noqa: S608 - ours
        return {row[0]: (row[1], row[2] or None) for row in self._rows(sql, runs)}

    def newest_runs(self, ends: Sequence[End]) -> dict[End, RunSaid]:
        """The newest run of a job that named a data set, for each (job, direction, data set) of which one did."""
        if not ends:
            return {}
        if self.lite:
            listed = (
                "(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b,"
                " json_extract(value, '$[2]') AS c FROM json_each(?)) AS p"
            )
            values: tuple[Any, ...] = (msgspec.json.encode(ends).decode(),)
        else:
            listed = "unnest(%s::bigint[], %s::int[], %s::bigint[]) AS p (a, b, c)"
            values = tuple(map(list, zip(*ends, strict=True)))
        # From the newest run of the job back, until one is found that named it: mostly the first.
        newest = self.conn.exec_driver_sql(
            "SELECT p.a, p.b, p.c, (SELECT r.run FROM lineage_run u CROSS JOIN lineage_run_io r"  # noqa: S608 - ours
            " WHERE u.job_id = p.a AND r.run = u.id AND r.direction = p.b AND r.dataset_id = p.c"
            f" AND r.pos < {self.journal} ORDER BY u.event_at DESC LIMIT 1) FROM {listed}",
            values,
        ).fetchall()
        found = {
            (row[3], row[1], row[2]): (row[0], row[1], row[2])
            for row in newest
            if row[3] is not None
        }
        runs = sorted({run for run, _, _ in found})
        sql = (
            "SELECT r.run, r.direction, r.dataset_id, u.run_id, r.said_at, r.version"  # noqa: S608 - ours
            " FROM lineage_run_io r JOIN lineage_run u ON u.id = r.run"
            f" WHERE {self._among('r.run', runs)}"
        )
        return {
            found[row[0], row[1], row[2]]: RunSaid(*row[3:])
            for row in self._rows(sql, runs)
            if (row[0], row[1], row[2]) in found
        }

    def standing(self, numbers: Sequence[int]) -> tuple[set[int], set[int]]:
        """Which of these are data sets, and which are jobs, at this moment."""
        asked = " UNION ".join(
            f"SELECT {kind}, id FROM {table} WHERE {self._among('id', numbers)}"  # noqa: S608 - ours
            f" AND first_pos < {self.journal}"
            f" UNION SELECT {kind}, {column} FROM {steps} WHERE {self._among(column, numbers)}"
            f" AND {self.leaf_holds()}"
            for kind, table, column, steps in (
                (0, "lineage_dataset", "dataset_id", "lineage_step_edge"),
                (1, "lineage_job", "job_id", "lineage_step"),
            )
        )
        found: tuple[set[int], set[int]] = (set(), set())
        for kind, number in self._rows(asked, numbers, times=4):
            found[kind].add(number)
        return found

    def rule_of(self, dataset: int) -> Rule | None:
        """The rule that attributes a data set to an entry; its name must be among :meth:`names`."""
        if dataset in self._rules:
            return self._rules[dataset]
        names = self._names.get(dataset)
        if names is None:
            return None
        rule = None if names[0] == ENTRY_NAMESPACE else self.attribution.rule_of(*names)
        self._rules[dataset] = rule
        return rule

    def is_entry(self, dataset: int) -> bool:
        """Whether a data set, whose name is among :meth:`names`, is a catalogue entry."""
        return self._names.get(dataset, ("", ""))[0] == ENTRY_NAMESPACE

    def members(self, entries: Collection[str]) -> dict[str, list[tuple[int, Rule]]]:
        """Data sets that rules attribute to entries, by number, with the rule that counts for each."""
        found: dict[str, dict[int, Rule]] = {code: {} for code in entries}
        for number, namespace, name in self._matching(self.attribution.rules_for(set(entries))):
            self._names[number] = (namespace, name)
            counts = self.rule_of(number)
            if counts is not None and counts.entry in found:
                found[counts.entry][number] = counts
        return {code: sorted(rows.items(), key=lambda row: row[0]) for code, rows in found.items()}

    def edge_holds(self, alias: str = "") -> str:
        """The condition on ranged rows of the journal."""
        if self._now:
            return f"{alias}pos_until IS NULL"
        size = self.journal
        return (
            f"{alias}pos_from < {size} AND ({alias}pos_until IS NULL OR {alias}pos_until >= {size})"
        )

    def leaf_holds(self, alias: str = "") -> str:
        """The condition on ranged rows of the ledger."""
        if self.held is None:
            return f"{alias}leaf_until IS NULL"
        return (
            f"{alias}leaf_from < {self.held}"
            f" AND ({alias}leaf_until IS NULL OR {alias}leaf_until >= {self.held})"
        )

    def _matching(self, rules: Sequence[Rule]) -> Iterator[tuple[int, str, str]]:
        """Data sets whose names may match a rule: by the text before the first wildcard of each."""
        spans = sorted({(*_span(rule.namespace), *_span(rule.name)) for rule in rules})
        if not spans:
            return
        if self.lite:
            listed = (
                "(SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b,"
                " json_extract(value, '$[2]') AS c, json_extract(value, '$[3]') AS d"
                " FROM json_each(?))"
            )
            values: tuple[Any, ...] = (msgspec.json.encode(spans).decode(),)
        else:
            listed = "unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS r (a, b, c, d)"
            values = tuple(map(list, zip(*spans, strict=True)))
        between = "{0} >= r.a AND {0} <= r.b AND {1} >= r.c AND {1} <= r.d"
        if self.lite:
            listed += " AS r"
        # A range that is one value is asked for as one, so that the index serves the name behind it.
        exact = f"namespace = r.a AND r.a = r.b AND {between}".format("namespace", "name")
        wide = f"r.a < r.b AND {between}".format("namespace", "name")
        for how in (exact, wide):
            yield from self.conn.exec_driver_sql(
                f"SELECT id, namespace, name FROM {listed} CROSS JOIN lineage_dataset"  # noqa: S608 - ours
                f" WHERE {how} AND first_pos < {self.journal}",
                values,
            )
        yield from self._step_ends()

    def _step_ends(self) -> Sequence[tuple[int, str, str]]:
        """Data sets, not entries, that declared steps name."""
        if self._ends is None:
            self._ends = self.conn.exec_driver_sql(
                "SELECT DISTINCT dataset_id, namespace, name FROM lineage_step_edge"  # noqa: S608 - ours
                f" WHERE entry IS NULL AND {self.leaf_holds()}"
            ).fetchall()
        return self._ends

    def _among(self, column: str, numbers: Sequence[int]) -> str:
        if self.lite:
            listed = "= ?" if len(numbers) == 1 else "IN (SELECT value FROM json_each(?))"
            return f"{column} {listed}"
        # Behind a SELECT their number is hidden from the planner, so that one plan serves for all.
        return f"{column} = ANY((SELECT %s::bigint[])::bigint[])"

    def _rows(self, sql: str, numbers: Sequence[int], times: int = 1) -> Iterable[Any]:
        """Rows of a statement that takes a set of numbers, so many ``times``."""
        if not numbers:
            return ()
        return self.conn.exec_driver_sql(sql, (self.numbers(numbers),) * times).fetchall()

    def numbers(self, numbers: Sequence[int]) -> Any:  # noqa: ANN401 - as the driver takes it
        """Numbers as one parameter."""
        if not self.lite:
            # As text: the driver would look at every number by itself.
            return f"{{{','.join(map(str, numbers))}}}"
        return numbers[0] if len(numbers) == 1 else msgspec.json.encode(numbers).decode()

    def _texts(self, texts: Sequence[str]) -> Any:  # noqa: ANN401 - as the driver takes it
        return msgspec.json.encode(texts).decode() if self.lite else list(texts)


def _span(pattern: str) -> tuple[str, str]:
    """Between which texts everything lies that a pattern may match."""
    head = pattern.partition("*")[0].partition("?")[0]
    return (head, head) if head == pattern else (head, head + _BEYOND)


def entry_number(code: str) -> int:
    """The number of a catalogue entry as a data set."""
    return dataset_number(ENTRY_NAMESPACE, code)


__all__ = ["INPUT", "KINDS", "ORIGINS", "OUTPUT", "Reader", "Row", "entry_number"]
