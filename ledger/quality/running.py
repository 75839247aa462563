"""Carrying out a rule set on a table: one scan, then the passes that some rules need of their own.

What comes out are counts and states alone. A rule that fails to be carried out takes no other with it:
where the engine refuses the whole scan, rules are tried in halves until those that it refuses stand
alone. Order, reasons and counts do not depend on the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.quality import checks
from ledger.quality.asking import engine_of, rows_of
from ledger.quality.columns import ROWS, Columns, Scan
from ledger.quality.reasons import NotAssessable
from ledger.quality.ruleset import RuleSet
from ledger.quality.scanning import Measure, concluded, guarded, measure
from ledger.quality.scoring import Outcome, State
from ledger.quality.structure import Items, agreement, answering
from ledger.quality.terms import Counts, Terms
from ledger.quality.values import Engine
from ledger.quality.wholes import Bench, Pass, own_pass

if TYPE_CHECKING:
    import ibis.expr.types as ir

Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """What a run found: rows of the table, and an outcome for every rule, in the order of the file."""

    rows: int
    outcomes: tuple[Outcome, ...]


class Job(NamedTuple):
    """A run: the table, its rules, and what else it needs.

    ``observed`` are outcomes that cannot be counted again (``reachable``), by rule, as they were seen
    before; where it is None addresses are asked now.
    """

    table: ir.Table
    rules: RuleSet
    terms: Terms
    bench: Bench
    items: Items | None = None
    observed: Mapping[str, Counts] | None = None


class Plan(NamedTuple):
    """Where each rule is counted: in the scan, in a pass of its own, or not at all (an outcome)."""

    scan: Scan
    parts: dict[str, Measure | Pass | Outcome]


def plan_of(job: Job) -> Plan:
    """Every rule in its place. Nothing is read yet but the table's schema."""
    columns = Columns(job.table, Engine(engine_of(job.table)))
    first = _planned(job, columns)
    prepared = columns.prepared()
    return first if prepared is columns else _planned(job, prepared)


def _planned(job: Job, columns: Columns) -> Plan:
    scan = Scan(columns)
    parts: dict[str, Measure | Pass | Outcome] = {}
    for rule in job.rules.rules:
        if not isinstance(rule, checks.Metadata | checks.Reachable):
            parts[rule.id] = guarded(rule, partial(_part, rule, scan, job.terms))
    return Plan(scan, parts)


def _part(rule: checks.Rule, scan: Scan, terms: Terms) -> Measure | Pass:
    return own_pass(rule, scan) or measure(rule, scan, terms)


def run(job: Job, progress: Progress | None = None) -> Found:
    """Carry out every rule. ``progress`` is told how many passes of how many are done.

    Raises what the engine raises where not even the rows can be counted.
    """
    plan = plan_of(job)
    passes = [rule for rule in job.rules.rules if isinstance(plan.parts.get(rule.id), Pass)]
    steps = 1 + len(passes)
    tell = progress or (lambda *_: None)
    tell(0, steps)
    answers = _answers(plan)
    rows = int(answers[ROWS])
    tell(1, steps)
    outcomes: dict[str, Outcome] = {}
    for rule in job.rules.rules:
        part = plan.parts.get(rule.id)
        if isinstance(part, Outcome):
            outcomes[rule.id] = part
        elif isinstance(part, Measure):
            outcomes[rule.id] = _measured(rule, part, answers, rows)
        elif part is None:
            outcomes[rule.id] = guarded(rule, partial(_unread, rule, job, rows))
    for done, rule in enumerate(passes, start=2):
        outcomes[rule.id] = _passed(rule, plan.parts[rule.id], job, answers, rows)
        tell(done, steps)
    return Found(rows, tuple(outcomes[rule.id] for rule in job.rules.rules))


def _refused(rule: checks.Rule) -> Outcome:
    return Outcome(rule.id, rule.indicator, State.NOT_ASSESSABLE, 0, 0, "engine_error")


def _measured(rule: checks.Rule, part: Measure, answers: Mapping[str, Any], rows: int) -> Outcome:
    if any(name not in answers for name in part.names):
        return _refused(rule)
    return concluded(rule, part.conclude([answers[name] for name in part.names]), rows)


def _passed(
    rule: checks.Rule, part: Any, job: Job, answers: Mapping[str, Any], rows: int  # noqa: ANN401
) -> Outcome:  # fmt: skip
    if part.evaluated is not None and part.evaluated not in answers:
        return _refused(rule)
    try:
        found = guarded(rule, lambda: part.run(job.bench))
    except Exception as error:  # noqa: BLE001 - engines raise what they like
        _reraise_exhaustion(error)
        return _refused(rule)
    if isinstance(found, Outcome):
        return found
    counts = found if isinstance(found, Counts) else Counts(int(answers[part.evaluated]), found)
    return concluded(rule, counts, rows)


def _unread(rule: checks.Rule, job: Job, rows: int) -> Outcome:
    return concluded(rule, _read(rule, job), rows)


def _read(rule: checks.Rule, job: Job) -> Counts:
    if isinstance(rule, checks.Metadata):
        return agreement(job.items, job.table.schema())
    if not isinstance(rule, checks.Reachable):
        raise TypeError(f"{type(rule).__name__} has no place in a run")
    if job.observed is None:
        return answering(rule)
    if rule.id not in job.observed:
        raise NotAssessable("not_observed")
    return job.observed[rule.id]


def _answers(plan: Plan) -> dict[str, Any]:
    """The scan's values by name; those that the engine refuses are left out."""
    table = plan.scan.columns.table

    def ask(names: Sequence[str]) -> dict[str, Any]:
        asked = table.aggregate(**{name: plan.scan.values[name] for name in names})
        return rows_of(asked)[0]

    names = list(plan.scan.values)
    try:
        return ask(names)
    except Exception as error:  # noqa: BLE001 - engines raise what they like
        _reraise_exhaustion(error)
    answers = ask([ROWS])
    waiting = [names[1:]]
    while waiting:
        some = waiting.pop()
        try:
            answers |= ask(some)
        except Exception as error:  # noqa: BLE001
            _reraise_exhaustion(error)
            if len(some) > 1:
                waiting += [some[: len(some) // 2], some[len(some) // 2 :]]
    return answers


def _reraise_exhaustion(error: Exception) -> None:
    """Memory or disk that ran out is no property of the data: it must not pass for one."""
    if isinstance(error, MemoryError | OSError) or "OutOfMemory" in type(error).__name__:
        raise error
