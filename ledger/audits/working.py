"""Working an audit out (审计计算): each step one statement of SQL over sets, whatever their size.

The SQL stands in ``*.sql`` beside this module. While one step works with what was read, the next input is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from ledger.audits.columns import count_items, find_dropped_columns
from ledger.audits.editions import find_weaker_editions
from ledger.audits.inputs import CODES, MANNERS, PREFIX, inputs, later_inputs
from ledger.audits.moments import Days
from ledger.audits.periods import Periods, known
from ledger.audits.policy import Policy
from ledger.audits.reading import Reading
from ledger.audits.scope import Scope
from ledger.audits.workspace import Workspace, steps, workspace
from ledger.codes import ExemptionScope
from ledger.days import day_number
from ledger.lineage.findings.usage import used
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.organisations import queries as organisations
from ledger.statements import LogIdentity

Progress = Callable[[int, int], None]
"""Called with how many steps are done, and of how many."""
Plan = tuple[tuple[str, tuple[str, ...]], ...]
"""Files of steps in their order, each with the inputs that are taken before it."""
SUPPLY: Plan = (
    ("entries", ("exemption", "unreadable", "entry", "names", "resource", "obligation")),
    ("units", ("binding",)),
    ("supply", ("manifest", "received")),
)
"""What everything else is judged by."""
LADDER: Plan = (
    ("scores", ("score",)),
    ("corrections", ("correction",)),
    ("verdicts", ()),
    ("families", ()),
    ("gaps", ()),
)
BESIDE: Plan = (
    ("clocks", ("act",)),
    ("sources", ("item",)),
    ("datasets", ()),
    ("consistency", ("sound",)),
)
"""What no rung of the ladder waits for: a second thread does it meanwhile."""
_COUNTED_BY = "families"
"""The file of steps that wants items counted."""
_PASSING = {
    "entries": ("resource",),
    "units": ("binding",),
    "supply": ("names",),
    "scores": ("score",),
    "corrections": ("correction",),
}
"""Inputs that nothing needs after a file's steps, findings and explanations neither."""
_DIFFERENCES = "SELECT leaf, differences FROM audit_in_received WHERE differences IS NOT NULL"
_COUNTED = ("missing", "extra", "changed", "duplicate_keys", "null_keys")
_FINDINGS = "findings"
_DELIVERY = (
    "CREATE VIEW audit_in_delivery AS SELECT d.*, CASE WHEN m.root = d.root AND m.rows = d.rows "
    "AND m.schema = d.schema AND m.mode = d.mode THEN 1 ELSE 0 END AS complete "
    "FROM audit_in_received d LEFT JOIN audit_in_manifest m ON m.entry = d.entry "
    "AND m.period_end = d.period_end AND m.period_start = d.period_start AND m.version = d.manifest"
)
"""Deliveries, and whether each is what the manifest that it names says."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is audited: the log at ``size`` on ``day``, which is the day of its last leaf in China."""

    size: int
    day: date
    begun: date
    """The day of the log's first leaf, before which nothing was recorded."""
    window_leaf: int
    """The first leaf that was recorded within the policy's window."""
    scope: Scope
    policy: Policy
    log: LogIdentity
    """The log that the audit is of: the mirror's, or one that it carries on."""
    journal: AnchoredCheckpoint | None = None
    """Up to where a lineage journal counts too, None: it does not."""


@contextmanager
def worked_out(
    connection: Connection, question: Question, progress: Progress | None = None
) -> Iterator[Workspace]:
    """The working tables, filled, while the block runs."""
    speakers, in_use = _organisations(connection, question), _used(connection, question)
    asked = inputs(
        question.size,
        question.window_leaf,
        libraries=question.scope.library is not None,
    )
    with ExitStack() as kept:
        # Reading begins first: it takes longest.
        with Reading(connection, asked, question.size, MANNERS) as reading:
            work = kept.enter_context(workspace())
            work.put("audit_organisation", speakers)
            work.put("audit_used", in_use)
            _fill(work, question, reading, progress)
        yield work


def parameters(question: Question) -> dict[str, Any]:
    """What the SQL's parameters stand for."""
    periods = Periods(question.day, question.policy)
    scope = question.scope
    return {
        "size": question.size,
        "day": day_number(question.day),
        "first_day": day_number(periods.first_day),
        "window": day_number(periods.window_start),
        "library": scope.library.value if scope.library else "",
        "strangers": int(scope.organisation is None and scope.level is None),
        "window_leaf": question.window_leaf,
        "full_since": day_number(question.day - timedelta(days=question.policy.full_count_days)),
        "calendar_known": int(known(question.day)),
        "timeliness_pass": question.policy.timeliness_pass,
        "quality_pass": question.policy.quality_pass,
        "rows_fell": question.policy.rows_fell,
        "mount_days": question.policy.mount,
        "improve_days": question.policy.improve,
        "publish_days": question.policy.clocks.publish,
        "update_days": question.policy.clocks.catalogue_update,
        "deliver_days": question.policy.clocks.deliver,
        "correct_days": question.policy.clocks.correct,
    }


def _fill(
    work: Workspace,
    question: Question,
    reading: Reading,
    progress: Progress | None,
) -> None:
    filling = _Filling(question, reading, _fill_calendar(work, question), progress)
    filling.run(work, SUPPLY)
    counting = reading.ask(partial(count_items, work=work, size=question.size))
    # In this order: whatever goes wrong, the thread ends before its connection.
    with work.beside() as other, ThreadPoolExecutor(1, "audit-beside") as second:
        rest = second.submit(filling.run, other, BESIDE)
        filling.run(work, LADDER, {_COUNTED_BY: counting})
        rest.result()


class _Filling:
    """Takes inputs over and runs steps, part by part."""

    def __init__(
        self, question: Question, reading: Reading, days: Days, progress: Progress | None
    ) -> None:
        self._told = parameters(question)
        self._reading = reading
        self._days = days
        self._progress = progress
        self._counted = Lock()
        self._done = 0
        self._total = sum(len(steps(name)) for name, _ in (*SUPPLY, *LADDER, *BESIDE))

    def run(
        self, work: Workspace, plan: Plan, awaited: Mapping[str, Future[None]] | None = None
    ) -> None:
        """Do what ``plan`` says; before a file that is ``awaited`` for something, wait for that."""
        for name, needed in plan:
            for one in needed:
                pieces = self._days.of(self._reading.pieces(one))
                work.load(PREFIX + one, pieces, CODES.get(one))
                if one == "received":
                    work.run(_DELIVERY)
                    _fill_differences(work)
            if awaited and name in awaited:
                awaited[name].result()
            for step in steps(name):
                work.run(step, self._told)
                self._count()
            for one in _PASSING.get(name, ()):
                work.drop(PREFIX + one)

    def _count(self) -> None:
        with self._counted:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)


def find(connection: Connection, work: Workspace, question: Question) -> None:
    """Fill in the findings, which no metric and no gap needs: only whoever asks for them waits for them."""
    asked = later_inputs(question.size)
    days = Days(list(Periods(question.day, question.policy).calendar_rows(question.begun)))
    with Reading(connection, asked, question.size) as reading:
        for name in asked:
            work.load(PREFIX + name, days.of(reading.pieces(name)))
    for step in steps(_FINDINGS):
        work.run(step, parameters(question))
    find_dropped_columns(connection, work, question.size)
    find_weaker_editions(connection, work, question.size, question.window_leaf)


def _fill_calendar(work: Workspace, question: Question) -> Days:
    periods = Periods(question.day, question.policy)
    calendar = list(periods.calendar_rows(question.begun))
    days = {row.ordinal: row.day for row in reversed(calendar)}
    days.pop(0, None)
    work.put("audit_date", [(row.day, row.ordinal, row.special) for row in calendar])
    work.put("audit_workday", sorted(days.items()))
    work.put("audit_cycle", periods.cycle_rows())
    work.put(
        "audit_day",
        [
            (row.cycle * 100_000_000 + row.day, row.before, row.upto, row.late)
            for row in periods.day_rows()
        ],
    )
    work.put("audit_bit", [(int(bit),) for bit in ExemptionScope])
    return Days(calendar)


def _organisations(connection: Connection, question: Question) -> list[tuple[Any, ...]]:
    asked = connection.execute(organisations.organisations_at(question.size))
    rows = sorted(asked.all(), key=lambda row: str(row.code).encode())
    # The competent department (主管部门) is the root: it registered everybody else.
    root = min((row.leaf for row in rows if row.parent is None), default=None)
    return [
        (
            number,
            row.code,
            bytes(row.hash),
            int(question.scope.covers(row.code, row.level)),
            int(row.leaf == root),
            *(row.name, row.name_en, row.level, row.status, row.leaf),
        )
        for number, row in enumerate(rows, 1)
    ]


def _fill_differences(work: Workspace) -> None:
    """What collectors counted, out of the JSON that they wrote it in."""
    found = [
        (row.leaf, *(int(counts.get(name, 0)) for name in _COUNTED))
        for row in work.rows(_DIFFERENCES)
        if (counts := json.loads(row.differences)) is not None
    ]
    work.put("audit_difference", found)


def _used(connection: Connection, question: Question) -> list[tuple[Any, ...]]:
    """Data sets that steps, and jobs where the journal counts, read or write."""
    journal = question.journal.size if question.journal else None
    return [
        (
            one.namespace,
            one.name,
            one.entry,
            int(one.noise),
            one.leaf,
            one.position,
            one.organisation,
        )
        for one in used(connection, question.size, journal)
    ]
