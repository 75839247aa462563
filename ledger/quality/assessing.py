"""Assessing a table (质量评估): its rows are committed to, its rules counted, its scores reckoned.

Data and references are read as they stand; a source that changes while it is read is refused. The same
table, rules, weights, day, period and secret give the same document, byte for byte, on any engine.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.codes import UpdateCycle
from ledger.quality import checks
from ledger.quality.asking import batches_of
from ledger.quality.results import Data, ReferenceData, Result, Subject, result_of
from ledger.quality.ruleset import RuleSet, reference_of
from ledger.quality.running import Job, run
from ledger.quality.terms import Counts, Terms
from ledger.quality.weights import WeightProfile
from ledger.quality.wholes import Bench
from ledger.records.commitment import commit
from ledger.records.problems import SourceChanged
from ledger.records.schema import schema_of
from ledger.records.sources import Source, connect_duckdb, telling

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ledger.records.schema import RecordSchema

Tell = Callable[[str, int, int], None]
"""Told what is done (``commit`` or ``rules``), how much of how much."""


class Inputs(NamedTuple):
    """What an assessment is made of.

    ``secret``: 32 bytes. ``schema``: the records' where a manifest fixed it; else it is the source's own.
    ``rooted``: whether the data are committed to. ``observed``: what ``reachable`` rules saw before.
    """

    source: Source
    references: Mapping[str, Source]
    rules: RuleSet
    profile: WeightProfile
    subject: Subject
    secret: bytes
    schema: RecordSchema | None = None
    rooted: bool = True
    delivery: int | None = None
    observed: Mapping[str, Counts] | None = None


def assess(inputs: Inputs, tell: Tell | None = None) -> Result:
    """The result of an assessment.

    Raises what :func:`~ledger.records.commitment.commit` raises,
    :class:`~ledger.records.problems.SourceChanged`, and :class:`~ledger.records.problems.SourceError`
    where the engine cannot go on (memory, disk, a connection that is gone).
    """
    told = tell or (lambda *_: None)
    source = inputs.source
    before = _fingerprints(inputs)
    schema = (inputs.schema or _own_schema(inputs)) if inputs.rooted else None
    root: str | None = None
    if schema is not None:
        committed = commit(
            source,
            schema,
            inputs.secret,
            strict=False,
            progress=lambda done, whole: told("commit", done, whole or done),
        )
        root = committed.root.hex()
    with contextlib.ExitStack() as closing, telling(source.label):
        bench = bench_of(inputs, closing)
        found = run(job_of(inputs, bench), lambda done, whole: told("rules", done, whole))
        references = {
            name: reference_data(bench, inputs.rules, name) for name in sorted(bench.references)
        }
    if _fingerprints(inputs) != before:
        raise _changed(source)
    data = Data(
        rows=found.rows,
        secret=inputs.secret.hex(),
        root=root,
        row_schema=None if schema is None else schema.document(),
        delivery=inputs.delivery,
    )
    return result_of(
        inputs.subject,
        inputs.rules,
        inputs.profile,
        data,
        references=references,
        outcomes=found.outcomes,
    )


def bench_of(inputs: Inputs, closing: contextlib.ExitStack) -> Bench:
    """The bench of an assessment: the source's own DuckDB where it has one."""
    source = inputs.source
    connection = source.con if source.engine == "duckdb" else connect_duckdb(closing)
    needed = {reference_of(rule) for rule in inputs.rules.rules}
    tables = {name: one.table for name, one in inputs.references.items() if name in needed}
    return Bench(connection, tables)


def job_of(inputs: Inputs, bench: Bench) -> Job:
    """The run of an assessment."""
    subject = inputs.subject
    return Job(
        table=inputs.source.table,
        rules=inputs.rules,
        terms=Terms(
            subject.day,
            (subject.period_start, subject.period_end),
            None if subject.cycle is None else UpdateCycle.of(subject.cycle),
        ),
        bench=bench,
        items=subject.items,
        observed=inputs.observed,
    )


def _own_schema(inputs: Inputs) -> RecordSchema | None:
    """The schema that the rules' key, scales and offset give; None without a key."""
    rules = inputs.rules
    if not rules.key:
        return None
    return schema_of(inputs.source.table, rules.key, rules.scales, rules.offset)


def _fingerprints(inputs: Inputs) -> tuple[str, ...]:
    return tuple(one.fingerprint() for one in (inputs.source, *inputs.references.values()))


def _changed(source: Source) -> SourceChanged:
    return SourceChanged(
        "the data or a reference changed while they were assessed",
        "评估期间数据或参照表发生了变化",
        where=source.label,
        hint="assess a copy, or try again when nobody writes; nothing was recorded",
        hint_zh="请对副本评估，或在无人写入时重试；尚未记录任何内容",
    )


def reference_columns(rules: RuleSet, name: str) -> tuple[str, ...]:
    """The columns of a reference that rules read, sorted."""
    columns: set[str] = set()
    for rule in rules.rules:
        if reference_of(rule) != name:
            continue
        if isinstance(rule, checks.OneOf | checks.Division):
            columns.add(rule.reference_column or "")
        if isinstance(rule, checks.OfReference):
            columns |= set(rule.theirs)
        if isinstance(rule, checks.Agrees):
            columns |= set(rule.their_values)
    return tuple(sorted(columns - {""}))


def reference_data(bench: Bench, rules: RuleSet, name: str) -> ReferenceData:
    """Which reference data rules read: a SHA-256 over the sorted SHA-256 of the distinct rows.

    A row is its columns' texts, each with its length before it, NULL as ``-``; columns that the
    reference does not have are left out.
    """
    table = bench.references[name]
    columns = tuple(one for one in reference_columns(rules, name) if one in table.columns)
    if not columns:
        return ReferenceData(columns=(), rows=0, digest=hashlib.sha256(b"").hexdigest())
    brought = bench.reference(name, columns)
    hashes = _row_hashes(brought, columns)
    whole, rows = hashlib.sha256(), 0
    for batch in batches_of(hashes):
        texts = batch.column(0).to_pylist()
        whole.update("".join(texts).encode("ascii"))
        rows += len(texts)
    return ReferenceData(columns=columns, rows=rows, digest=whole.hexdigest())


def _row_hashes(table: ir.Table, columns: tuple[str, ...]) -> Any:  # noqa: ANN401 - Ibis carries no types
    import ibis  # noqa: PLC0415

    row: Any = ibis.literal("")
    for name in columns:
        text = table[name].cast("string")
        told = text.length().cast("string") + ":" + text + ","
        row = row + ibis.coalesce(told, ibis.literal("-,"))
    return table.select(h=row.hexdigest("sha256")).distinct().order_by("h")
