"""Dark data (应归未归): data sets that jobs read or write and no entry covers, and whose they most likely are.

The owner is, by the first of these that names one organisation:

1. ``namespace``: whose rules cover more than half of the data sets of the same namespace that any rule covers;
2. ``writer``: for whom most runs came that wrote it, by their tokens, or who declared the steps that write it;
3. ``neighbours``: who provides the entries of the most data sets one job away; here the first code breaks a tie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, func, select

from ledger.lineage.findings.noise import is_noise
from ledger.lineage.findings.picture import Picture, before
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.models import OUTPUT, RUN_IO, RUNS


class Owner(msgspec.Struct, frozen=True):
    """An organisation, by which of the rules, and how many of how many spoke for it."""

    organisation: str
    by: str
    """``namespace``, ``writer`` or ``neighbours``."""
    count: int
    of: int


class Dark(msgspec.Struct, frozen=True):
    """A data set in use that nobody catalogued. ``last_seen`` is an event's time, microseconds since 1970."""

    dataset: int
    jobs: int
    """Jobs that read or write it now."""
    reads: int
    writes: int
    runs: int
    last_seen: int | None
    owner: Owner | None

    @property
    def order(self) -> tuple[int, int, int]:
        """The most used first."""
        return (-self.jobs, -self.runs, -(self.last_seen or 0))


def dark_data(connection: Connection, picture: Picture) -> list[Dark]:
    """Every such data set, the most used first, then by name."""
    dark = {number for number in picture.datasets if is_dark(picture, number)}
    if not dark:
        return []
    used, owners = _uses(connection, picture), Owners(connection, picture)
    found = []
    for number in picture.datasets:
        if number in dark:
            readers, writers = picture.readers.get(number, []), picture.writers.get(number, [])
            runs, last = used.get(number, (0, None))
            found.append(
                Dark(
                    dataset=number,
                    jobs=len({*readers, *writers}),
                    reads=len(readers),
                    writes=len(writers),
                    runs=runs,
                    last_seen=last,
                    owner=owners.of(number),
                )
            )
    return sorted(found, key=lambda one: one.order)


def is_dark(picture: Picture, number: int) -> bool:
    """Whether no entry covers a data set that somebody would catalogue."""
    namespace, name = picture.datasets[number]
    return (
        namespace != ENTRY_NAMESPACE
        and not is_noise(name)
        and picture.registered(number) is None
        and number not in picture.rules
    )


def _uses(connection: Connection, picture: Picture) -> dict[int, tuple[int, int]]:
    asked = (
        select(RUN_IO.c.dataset_id, func.count(RUN_IO.c.run.distinct()), func.max(RUN_IO.c.said_at))
        .where(before(RUN_IO, picture.journal))
        .group_by(RUN_IO.c.dataset_id)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(asked)}


class Owners:
    """What the three rules need to know, and whom they name."""

    def __init__(self, connection: Connection, picture: Picture) -> None:
        self._picture = picture
        namespaces: dict[str, Counter[str]] = {}
        for number, rule in picture.rules.items():
            holders = namespaces.setdefault(picture.datasets[number][0], Counter())
            holders[rule.holder] += 1
        self._covering: dict[str, Owner | None] = {
            namespace: _most("namespace", holders, half=True)
            for namespace, holders in namespaces.items()
        }
        self._writers = _writers(connection, picture)

    def of(self, number: int) -> Owner | None:
        """The likely owner of a data set, None where nothing tells."""
        namespace = self._picture.datasets[number][0]
        return (
            self._covering.get(namespace)
            or _most("writer", self._written(number))
            or _most("neighbours", self._neighbours(number), ties=True)
        )

    def _written(self, number: int) -> Mapping[str, int]:
        found = Counter(self._writers.get(number, {}))
        for job in self._picture.writers.get(number, []):
            if (declared := self._picture.step_organisations.get(job)) is not None:
                found[declared] += 1
        return found

    def _neighbours(self, number: int) -> Mapping[str, int]:
        picture = self._picture
        around = {
            one
            for jobs, beyond in (
                (picture.writers.get(number, []), picture.inputs),
                (picture.readers.get(number, []), picture.outputs),
            )
            for job in jobs
            for one in beyond.get(job, [])
        }
        entries = (picture.registered(one) for one in sorted(around))
        return Counter(entry.provider for entry in entries if entry is not None)


def _writers(connection: Connection, picture: Picture) -> dict[int, dict[str, int]]:
    """Data set -> organisation -> how many runs that wrote it came for it."""
    asked = (
        select(RUN_IO.c.dataset_id, RUNS.c.organisation, func.count())
        .join(RUNS, RUNS.c.id == RUN_IO.c.run)
        .where(
            RUN_IO.c.direction == OUTPUT,
            RUNS.c.organisation.is_not(None),
            before(RUN_IO, picture.journal),
        )
        .group_by(RUN_IO.c.dataset_id, RUNS.c.organisation)
    )
    found: dict[int, dict[str, int]] = {}
    for dataset, organisation, runs in connection.execute(asked):
        found.setdefault(dataset, {})[organisation] = runs
    return found


def _most(
    by: str, counted: Mapping[str, int], *, half: bool = False, ties: bool = False
) -> Owner | None:
    if not counted:
        return None
    total = sum(counted.values())
    ordered: list[tuple[int, str]] = sorted((-count, code) for code, count in counted.items())
    if not ties and len(ordered) > 1 and ordered[0][0] == ordered[1][0]:
        return None
    if half and -2 * ordered[0][0] <= total:
        return None
    return Owner(ordered[0][1], by, -ordered[0][0], total)
