"""Rules that need a pass of their own (另行扫描), and why.

* ``unique`` and ``duplicate_rows`` group the whole table by its keys: an aggregate of one row a group
  cannot stand in an aggregate of one row. The group table is what may grow; the engine spills it.
* Rules that hold the table against a reference look every key up in another table, which may live in
  another database: keys go, grouped, into the *bench*, a DuckDB of our own with bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis

from ledger.quality import checks
from ledger.quality.asking import backend_of, batches_of, rows_of, value_of
from ledger.quality.columns import Columns, Scan
from ledger.quality.reasons import NotAssessable
from ledger.quality.scanning import sql
from ledger.quality.terms import Counts
from ledger.quality.values import Engine, as_text

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST_BITS = 1 << 29
"""The widest range of an integer key, in values, whose uniqueness a bitmap settles (64 MiB)."""
MOST_EXAMPLES = 50
_COUNT = "__govledger.n"
_HASH = "__govledger.hash"


class Bench(NamedTuple):
    """Where keys are looked up: an Ibis DuckDB connection, and the references as they were opened."""

    connection: Any
    references: Mapping[str, ir.Table]

    def reference(self, name: str, columns: Sequence[str]) -> ir.Table:
        """These columns of a reference, on the bench. Raises :class:`NotAssessable`."""
        table = self.references.get(name)
        if table is None:
            raise NotAssessable("missing_reference", name)
        for column in columns:
            if column not in table.columns:
                raise NotAssessable("reference_column", f"{name}.{column}")
        return self.bring(table.select(*dict.fromkeys(columns)))

    def bring(self, table: ir.Table) -> ir.Table:
        """A table on the bench: itself where it is there, else a copy, batch by batch."""
        if backend_of(table) is self.connection:
            return table
        native, name = self.connection.con, ibis.util.gen_name("govledger")
        native.register(f"{name}_batches", batches_of(table))
        try:
            native.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM "{name}_batches"')  # noqa: S608
        finally:
            native.unregister(f"{name}_batches")
        return self.connection.table(name, database="temp.main")


class Pass(NamedTuple):
    """A rule with a pass of its own.

    ``evaluated`` names the scan's count of evaluated elements, where the pass does not count them
    itself. ``bad`` gives rows with failing elements.
    """

    evaluated: str | None
    run: Callable[[Bench], Counts | int]
    bad: Callable[[Bench], ir.Table] | None


def own_pass(rule: checks.Rule, scan: Scan) -> Pass | None:
    """The pass that a rule needs, None for one that the scan counts. Raises :class:`NotAssessable`."""
    if isinstance(rule, checks.Unique | checks.DuplicateRows):
        return _repeated(rule, scan)
    if isinstance(rule, checks.Division) or (isinstance(rule, checks.OneOf) and rule.reference):
        return _listed(rule, scan)
    if isinstance(rule, checks.Refers):
        return _refers(rule, scan)
    if isinstance(rule, checks.Agrees):
        return _agrees(rule, scan)
    if isinstance(rule, checks.Covers):
        return _covers(rule, scan)
    return None


def _when(rule: checks.Rule, columns: Columns) -> ir.BooleanValue | None:
    return None if rule.when is None else sql(rule.when, columns)


def _both(one: ir.BooleanValue | None, other: ir.BooleanValue | None) -> ir.BooleanValue | None:
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _all_given(columns: Columns, names: Sequence[str]) -> ir.BooleanValue | None:
    whole: ir.BooleanValue | None = None
    for name in names:
        whole = _both(whole, columns.given(name))
    return whole


def _kept(table: ir.Table, when: ir.BooleanValue | None) -> ir.Table:
    return table if when is None else table.filter(when)


# Keys that repeat


def _repeated(rule: checks.Unique | checks.DuplicateRows, scan: Scan) -> Pass:
    columns = scan.columns
    if isinstance(rule, checks.Unique):
        names: Sequence[str] = rule.columns
        applies = _both(_when(rule, columns), _all_given(columns, names))
    else:
        names = rule.columns or list(columns.named())
        applies = _when(rule, columns)
    for name in names:
        _ = columns[name]
    table = _kept(columns.table, applies).select(*names)
    surplus = rule.counting == "surplus"
    duckdb = columns.engine.name == "duckdb"

    def run(_: Bench) -> int:
        if duckdb and len(names) == 1 and _dense(table, names[0]):
            return 0
        groups = _groups(table, names, hashed=duckdb)
        return int(value_of(groups.aggregate(n=(groups[_COUNT] - (1 if surplus else 0)).sum())))

    def bad(_: Bench) -> ir.Table:
        groups = _groups(table, names, hashed=duckdb)
        whole = _kept(columns.table, applies)
        return whole.semi_join(groups, [whole[name].identical_to(groups[name]) for name in names])

    return Pass(scan.count(applies), run, bad)


def _groups(table: ir.Table, names: Sequence[str], *, hashed: bool) -> ir.Table:
    """Groups of more than one row, with their count."""
    if hashed and (len(names) > 1 or table[names[0]].type().is_string()):
        # Groups of 64-bit hashes take a fraction of the memory; the few rows whose hash comes twice
        # are then grouped by their values, so that no collision counts.
        keyed = table.mutate(**{_HASH: _hash_of(table, names)})
        twice = _more_than_once(keyed, [_HASH]).select(_HASH)
        table = keyed.semi_join(twice, _HASH).drop(_HASH)
    return _more_than_once(table, names)


def _more_than_once(table: ir.Table, names: Sequence[str]) -> ir.Table:
    groups = table.group_by(list(names)).aggregate(**{_COUNT: table.count()})
    return groups.filter(groups[_COUNT] > 1)


def _hash_of(table: ir.Table, names: Sequence[str]) -> ir.IntegerValue:
    if len(names) == 1:
        return _duckdb_hash(table[names[0]])
    return _duckdb_hash(ibis.struct({name: table[name] for name in names}))


def _duckdb_hash(value: Any) -> Any:  # noqa: ANN401 - Ibis values carry no types
    """DuckDB's own hash of a value, 64 bits; not the same in every version, so nothing keeps it."""

    def hash_(value: Any) -> Any: ...  # noqa: ANN401

    signature = ((value.type(),), "uint64")
    return ibis.udf.scalar.builtin(hash_, name="hash", signature=signature)(value)


def _bits(value: Any, low: int, high: int) -> Any:  # noqa: ANN401
    """How many different integers there are between two bounds: one bit each."""

    def bits(value: Any, least: Any, most: Any) -> Any: ...  # noqa: ANN401

    def ones(value: Any) -> Any: ...  # noqa: ANN401

    kind = value.type()
    gathered = ibis.udf.agg.builtin(
        bits, name="bitstring_agg", signature=((kind, kind, kind), "string")
    )(value, ibis.literal(low, kind), ibis.literal(high, kind))
    counted = ibis.udf.scalar.builtin(ones, name="bit_count", signature=(("string",), "int64"))
    return counted(gathered)


def _dense(table: ir.Table, name: str) -> bool:
    """Whether an integer key is unique, settled by one bit a value; False says nothing."""
    column = table[name]
    if not column.type().is_integer():
        return False
    asked = table.aggregate(low=column.min(), high=column.max(), n=column.count())
    low, high, count = (rows_of(asked)[0][key] for key in ("low", "high", "n"))
    if low is None or high - low >= MOST_BITS or high - low + 1 < count:
        return low is None
    return bool(value_of(table.aggregate(n=_bits(column, low, high))) == count)


# References


def _comparable(left: ir.Value, right: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Both sides as they are where their types are alike, else as text."""
    one, other = left.type(), right.type()
    alike = (
        (one.is_integer() and other.is_integer())
        or (one.is_numeric() and other.is_numeric())
        or (one.is_string() and other.is_string())
        or (one.is_date() and other.is_date())
        or (one.is_timestamp() and other.is_timestamp())
        or (one.is_boolean() and other.is_boolean())
    )
    return (left, right) if alike else (left.cast("string"), right.cast("string"))


def _counted_keys(
    columns: Columns, names: Sequence[str], applies: ir.BooleanValue | None
) -> ir.Table:
    """How often each key comes: ``k0 … `` and the count."""
    table = _kept(columns.table, applies)
    keys = table.select(**{f"k{place}": table[name] for place, name in enumerate(names)})
    return keys.group_by([f"k{place}" for place in range(len(names))]).aggregate(
        **{_COUNT: keys.count()}
    )


def _known_keys(bench: Bench, name: str, theirs: Sequence[str], *, empty: bool = False) -> ir.Table:
    """The distinct keys of a reference, ``r0 …``; one with a part missing is no key."""
    found = bench.reference(name, theirs)
    keys = found.select(**{f"r{place}": found[column] for place, column in enumerate(theirs)})
    keys = keys.filter([keys[column].notnull() for column in keys.columns]).distinct()
    if not empty and not value_of(keys.limit(1).aggregate(n=keys.limit(1).count())):
        raise NotAssessable("empty_reference", name)
    return keys


def _unknown(counted: ir.Table, known: ir.Table) -> ir.Table:
    """The counted keys that are not among the known."""
    pairs = [_comparable(counted[f"k{n}"], known[f"r{n}"]) for n in range(len(known.columns))]
    return counted.anti_join(known, [left == right for left, right in pairs])


def _rows_of(counted: ir.Table) -> int:
    return int(value_of(counted.aggregate(n=counted[_COUNT].sum())))


def _lookup(known: ir.Table, bench: Bench, counted: ir.Table) -> ir.Table:
    """The counted keys that the reference does not know, on the bench."""
    return _unknown(bench.bring(counted), known)


def _examples(
    columns: Columns, name: str, applies: ir.BooleanValue | None, unknown: ir.Table
) -> ir.Table:
    """Rows whose key is one of the first unknown ones."""
    few = [row["k0"] for row in rows_of(unknown.order_by("k0").limit(MOST_EXAMPLES))]
    table = _kept(columns.table, applies)
    return table.filter(columns[name].isin(few) if few else ibis.literal(False))  # noqa: FBT003


def _refers(rule: checks.Refers, scan: Scan) -> Pass:
    columns = scan.columns
    applies = _both(_when(rule, columns), _all_given(columns, rule.columns))

    def unknown(bench: Bench) -> ir.Table:
        known = _known_keys(bench, rule.reference, rule.theirs)
        return _lookup(known, bench, _counted_keys(columns, rule.columns, applies))

    one = rule.columns[0] if len(rule.columns) == 1 else None
    return Pass(
        scan.count(applies),
        lambda bench: _rows_of(unknown(bench)),
        None if one is None else lambda bench: _examples(columns, one, applies, unknown(bench)),
    )


def _listed(rule: checks.OneOf | checks.Division, scan: Scan) -> Pass:
    """Each cell is one of a reference's values; a division code also has six or more digits."""
    columns = scan.columns
    when = _when(rule, columns)
    given = [columns.given(name) for name in rule.columns]
    theirs = (rule.reference_column or "",)
    strict = rule.nulls == "fail"
    if rule.element == "record" and len(rule.columns) > 1:
        raise NotAssessable("wrong_type", "element: record")

    def unknown(bench: Bench, place: int) -> ir.Table:
        name = rule.columns[place]
        applies = _both(when, given[place])
        counted = bench.bring(_counted_keys(columns, [name], applies))
        found = _lookup(_known_keys(bench, rule.reference or "", theirs), bench, counted)
        if isinstance(rule, checks.Division):
            formless = ~Engine("duckdb").matches(as_text(counted["k0"]), _DIVISION)
            return found.union(counted.filter(formless), distinct=True)
        return found

    def run(bench: Bench) -> Counts:
        table = columns.table
        asked = {f"e{n}": table.count(where=_both(when, one)) for n, one in enumerate(given)}
        every = {f"a{n}": table.count(where=when) for n in range(len(given))}
        numbers = rows_of(table.aggregate(**asked, **every))[0]
        there = sum(numbers[name] for name in asked)
        evaluated = sum(numbers[name] for name in every) if strict else there
        failing = sum(_rows_of(unknown(bench, place)) for place in range(len(given)))
        return Counts(evaluated, failing + evaluated - there)

    return Pass(
        None,
        run,
        lambda bench: _examples(columns, rule.columns[0], _both(when, given[0]), unknown(bench, 0)),
    )


_DIVISION = "[1-9][0-9]{5}(?:[0-9]{3})?(?:[0-9]{3})?"


def _agrees(rule: checks.Agrees, scan: Scan) -> Pass:
    columns = scan.columns
    applies = _both(_when(rule, columns), _all_given(columns, rule.columns))
    for name in rule.values:
        _ = columns[name]

    def matched(bench: Bench) -> tuple[ir.Table, ir.BooleanValue]:
        theirs = bench.reference(rule.reference, [*rule.theirs, *rule.their_values])
        names = {f"r{n}": theirs[name] for n, name in enumerate(rule.theirs)}
        names |= {f"w{n}": theirs[name] for n, name in enumerate(rule.their_values)}
        right = theirs.select(**names)
        keys = [f"r{n}" for n in range(len(rule.theirs))]
        if value_of(_twice(right, keys)):
            raise NotAssessable("reference_key", rule.reference)
        table = _kept(columns.table, applies)
        chosen = {f"k{n}": table[name] for n, name in enumerate(rule.columns)}
        chosen |= {f"v{n}": table[name] for n, name in enumerate(rule.values)}
        left = bench.bring(table.select(**chosen))
        pairs = [_comparable(left[f"k{n}"], right[f"r{n}"]) for n in range(len(keys))]
        joined = left.join(right, [one == other for one, other in pairs])
        differs: ir.BooleanValue | None = None
        for n in range(len(rule.values)):
            one, other = _comparable(joined[f"v{n}"], joined[f"w{n}"])
            unlike = ~one.identical_to(other)
            differs = unlike if differs is None else differs | unlike
        return joined, differs

    def run(bench: Bench) -> Counts:
        joined, differs = matched(bench)
        found = rows_of(joined.aggregate(b=joined.count(), a=joined.count(where=differs)))[0]
        evaluated, failing = (int(found[key]) for key in ("b", "a"))
        if rule.missing == "fail":
            left = _kept(columns.table, applies)
            whole = int(value_of(left.aggregate(n=left.count())))
            return Counts(whole, failing + whole - evaluated)
        return Counts(evaluated, failing)

    return Pass(None, run, None)


def _twice(table: ir.Table, keys: Sequence[str]) -> ir.Table:
    groups = _more_than_once(table, keys)
    return groups.aggregate(n=groups.count())


def _covers(rule: checks.Covers, scan: Scan) -> Pass:
    columns = scan.columns
    when = _both(_when(rule, columns), _all_given(columns, rule.columns))

    def run(bench: Bench) -> Counts:
        known = _known_keys(bench, rule.reference, rule.theirs)
        held = bench.bring(_counted_keys(columns, rule.columns, when))
        pairs = [_comparable(known[f"r{n}"], held[f"k{n}"]) for n in range(len(rule.columns))]
        absent = known.anti_join(held, [left == right for left, right in pairs])
        return Counts(
            int(value_of(known.aggregate(n=known.count()))),
            int(value_of(absent.aggregate(n=absent.count()))),
        )

    return Pass(None, run, None)
