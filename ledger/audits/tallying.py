"""Counting an audit's states (指标计数): a grouping query for each kind of unit, however many units there are."""

from __future__ import annotations

from ledger.audits.metrics import CLOCKS, METRICS, State, Tally
from ledger.audits.workspace import Row, Workspace

# States, each below 8, as one number, so that what is sorted for the grouping is short.
_UNIT_COUNTS = (
    "SELECT f.org, f.states, COUNT(*) AS units, SUM(f.rows_due) AS rows_due, SUM(f.rows_here) AS rows_here, "
    "SUM(f.items_due) AS items_due, SUM(f.items_here) AS items_here FROM ("
    "  SELECT u.org, ((((v.cataloguing * 8 + v.collection) * 8 + v.items) * 8 + v.records) * 8 + v.timeliness) * 8"
    "    + v.quality AS states, v.rows_due, v.rows_here, v.items_due, v.items_here"
    "  FROM audit_unit u JOIN audit_verdict v ON v.unit = u.leaf WHERE u.scoped = 1 AND u.child = 0"
    ") f GROUP BY f.org, f.states"
)
_PART_ROWS = (
    "SELECT u.org, SUM(v.rows_due) AS rows_due, SUM(v.rows_here) AS rows_here, "
    "SUM(v.items_due) AS items_due, SUM(v.items_here) AS items_here "
    "FROM audit_unit u JOIN audit_verdict v ON v.unit = u.leaf WHERE u.scoped = 1 AND u.child = 1 "
    "GROUP BY u.org"
)
_UPPER_COUNTS = (
    "SELECT org, type, state, COUNT(*) AS units FROM audit_upper WHERE scoped = 1 "
    "GROUP BY org, type, state"
)
_ENTRY_COUNTS = (
    "SELECT org, mount, on_chain, consistent, COUNT(*) AS units FROM audit_entry WHERE scoped = 1 "
    "GROUP BY org, mount, on_chain, consistent"
)
_SOURCE_COUNTS = (
    "SELECT org, state, COUNT(*) AS units FROM audit_source WHERE scoped = 1 GROUP BY org, state"
)
_DATASET_COUNTS = (
    "SELECT org, state, COUNT(*) AS units FROM audit_dataset WHERE scoped = 1 GROUP BY org, state"
)
_CLOCK_COUNTS = (
    "SELECT org, clock, state, COUNT(*) AS units FROM audit_clock WHERE scoped = 1 "
    "GROUP BY org, clock, state"
)
_ALONE = {"single_source": _SOURCE_COUNTS, "data_in_use": _DATASET_COUNTS}
"""Metrics of which each kind of unit has one."""
_UNIT_METRICS = (
    "cataloguing",
    "collection",
    "item_collection",
    "record_collection",
    "timeliness",
    "quality_pass",
)
"""In the order of their states in that number."""
_ENTRY_METRICS = {"mount": "mount", "on_chain": "on_chain", "consistency": "consistent"}
_PARTS = {"record_collection": "rows", "item_collection": "items"}
_PLACES = 2
"""Before the units: parts that are here, and parts that are due."""
_UPPER_METRICS = {1: "duty_coverage", 2: "system_cataloguing"}


def tallies(work: Workspace) -> dict[str, dict[int, Tally]]:
    """Every metric's tally for each organisation that has units, by metric and organisation number."""
    found = _Found()
    for metric, asked in _ALONE.items():
        for row in work.rows(asked):
            found.add(metric, row.org, row.state, row.units)
    for row in work.rows(_UNIT_COUNTS):
        for place, metric in enumerate(reversed(_UNIT_METRICS)):
            state = row.states >> 3 * place & 7
            found.add(metric, row.org, state, row.units)
            found.add_parts(metric, row.org, *_parts(metric, row))
    _add_parts(work, found)
    for row in work.rows(_UPPER_COUNTS):
        found.add(_UPPER_METRICS[row.type], row.org, row.state, row.units)
    for row in work.rows(_ENTRY_COUNTS):
        for metric, column in _ENTRY_METRICS.items():
            found.add(metric, row.org, getattr(row, column), row.units)
    for row in work.rows(_CLOCK_COUNTS):
        found.add(CLOCKS[row.clock], row.org, row.state, row.units)
    return found.tallies()


class _Found:
    """Tallies while they are added up: units by the number of their state, and before them the parts here and due."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[int, list[int]]] = {metric.id: {} for metric in METRICS}

    def add(self, metric: str, org: int, state: int, units: int) -> None:
        self._of(metric, org)[_PLACES + state] += units

    def add_parts(self, metric: str, org: int, here: int, due: int) -> None:
        counts = self._of(metric, org)
        counts[0] += here
        counts[1] += due

    def tallies(self) -> dict[str, dict[int, Tally]]:
        return {
            metric: {
                org: Tally(metric, {state: counts[_PLACES + state] for state in State}, *counts[:2])
                for org, counts in of.items()
            }
            for metric, of in self._counts.items()
        }

    def _of(self, metric: str, org: int) -> list[int]:
        return self._counts[metric].setdefault(org, [0] * (_PLACES + len(State) + 1))


def _add_parts(work: Workspace, found: _Found) -> None:
    """Items and rows of what is part of another unit, which counts itself."""
    for row in work.rows(_PART_ROWS):
        for metric in _PARTS:
            found.add_parts(metric, row.org, *_parts(metric, row))


def _parts(metric: str, row: Row) -> tuple[int, int]:
    """Items or rows that are here, and that are due, where the metric counts those."""
    what = _PARTS.get(metric)
    if what is None:
        return 0, 0
    return int(getattr(row, f"{what}_here")), int(getattr(row, f"{what}_due"))
