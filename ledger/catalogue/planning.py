"""The plan of an import (导入预览): what a file would put on the ledger, and what it would not,
and why.

Reading and judging only; :mod:`ledger.catalogue.importing` carries a plan out. The same file,
mapping, publishers and ledger give the same plan, codes included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ledger.catalogue import lookups, queries
from ledger.catalogue.checks import check_entry
from ledger.catalogue.columns import require_columns
from ledger.catalogue.completeness import missing_fields
from ledger.catalogue.entry import Entry, Source
from ledger.catalogue.kept_batches import UnfinishedImport, noted, require_settled
from ledger.catalogue.mapping import Mapped, Mapping, content_digest, map_row
from ledger.catalogue.names import bare, dragged
from ledger.catalogue.problems import EntryRefused, Problem, errors, problem
from ledger.catalogue.publishers import Publisher, Publishers
from ledger.catalogue.rows import TableRow, read_rows
from ledger.codes import EntryState
from ledger.identifiers import next_resource_code
from ledger.statements import FILING

__all__ = [
    "Plan",
    "Planned",
    "Refused",
    "UnfinishedImport",
    "plan_import",
    "reasons_of",
]

_NO_CODE = "000000/000000"
_VARYING = {"name", "link", "abstract", "published_on", "revised_on"}
_REVISABLE = frozenset({EntryState.DRAFT.value, EntryState.RETURNED.value})


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry to be filed as a draft: new with version 1, else a revision with the next one."""

    line: int
    entry: Entry
    version: int
    record: str
    digest: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken, and every reason."""

    line: int
    name: str
    publisher: str
    problems: tuple[Problem, ...]


def refusals_of(refused: Iterable[Refused]) -> list[dict[str, Any]]:
    """Every refused row with its reasons, for machines."""
    return [
        {"line": one.line, "name": one.name, "problems": [p.as_dict() for p in one.problems]}
        for one in refused
    ]


def reasons_of(refused: Iterable[Refused]) -> dict[str, int]:
    """How many rows are refused for each problem (code and field), most frequent first."""
    counts = Counter(f"{one.code} {one.pointer}" for row in refused for one in row.problems)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


@dataclass(slots=True)
class Plan:
    """What an import would do. ``not_turned`` counts (field, spelling) that no vocabulary holds;
    ``warnings`` counts problem codes that do not refuse; ``publishers`` has entries a publisher.
    """

    mapping: Mapping
    rows: int = 0
    planned: list[Planned] = field(default_factory=list)
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    not_turned: Counter[tuple[str, str]] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    publishers: dict[str, tuple[Publisher, int]] = field(default_factory=dict)

    @property
    def new(self) -> int:
        return sum(1 for one in self.planned if one.version == 1)

    @property
    def revised(self) -> int:
        return len(self.planned) - self.new

    @property
    def incomplete(self) -> int:
        return sum(1 for one in self.planned if one.missing)

    def reasons(self) -> dict[str, int]:
        """How many rows are refused for each problem (code and field), most frequent first."""
        return reasons_of(self.refused)

    def summary(self) -> dict[str, Any]:
        """The counts, and every refused row with its reasons, for people and tests."""
        return {
            "mapping": self.mapping.name,
            "rows": self.rows,
            "new": self.new,
            "revised": self.revised,
            "unchanged": self.unchanged,
            "refused": len(self.refused),
            "incomplete": self.incomplete,
            "publishers": len(self.publishers),
            "provisional": sum(1 for one, _ in self.publishers.values() if one.flag),
            "reasons": self.reasons(),
            "warnings": dict(sorted(self.warnings.items())),
            "not_turned": [
                {"field": name, "spelling": spelling, "rows": count}
                for (name, spelling), count in sorted(self.not_turned.items())
            ],
            "refusals": refusals_of(self.refused),
        }


@dataclass(frozen=True, slots=True)
class _Known:
    """A record that is on the ledger: its entry, and the digest it was imported with."""

    entry: queries.EntrySummary
    digest: str
    untouched: bool


def plan_import(
    path: Path,
    mapping: Mapping,
    publishers: Publishers,
    mirror: Connection,
    desk: Connection,
    *,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """The plan for a CSV or XLSX file against the ledger as ``mirror`` has it.

    ``publishers`` learns the publishers it did not know, with provisional codes. ``progress`` is
    told the number of rows read, now and then. Raises :class:`~ledger.catalogue.rows.TableError`
    where the file as a whole cannot be used, and :class:`UnfinishedImport` where an earlier import
    must be finished, or the mirror caught up, first.
    """
    require_settled(mapping.name, FILING, mirror, desk)
    plan = Plan(mapping)
    judge = _Judge(plan, publishers, mirror, desk)
    checked_columns = False
    for row in read_rows(path, sheet=mapping.sheet):
        if not checked_columns:
            require_columns(path, mapping, row)
            checked_columns = True
        plan.rows += 1
        judge.take(row)
        if progress is not None and plan.rows % 1000 == 0:
            progress(plan.rows)
    judge.finish()
    return plan


@dataclass(slots=True)
class _Candidate:
    """A row that may become an entry; ``entry`` is whole but for its code and source."""

    row: TableRow
    entry: Entry
    record: str
    digest: str
    publisher: Publisher
    known: _Known | None


class _Judge:
    """Rows in, one verdict each; codes are given out at the end, in file order."""

    def __init__(
        self, plan: Plan, publishers: Publishers, mirror: Connection, desk: Connection
    ) -> None:
        self._plan = plan
        self._publishers = publishers
        self._known = _known_records(plan.mapping.name, mirror, desk)
        self._names = lookups.names_of(mirror)
        self._mirror = mirror
        self._records: dict[str, int] = {}
        self._rows_of: dict[tuple[str, str], int] = {}
        self._candidates: list[_Candidate] = []
        self._last_code: dict[str, str] = {}

    def take(self, row: TableRow) -> None:
        """Refuse what can be refused at once, and keep the rest for :meth:`finish`."""
        try:
            self._candidates.append(self._candidate(row))
        except EntryRefused as refusal:
            self._refuse(row, refusal.problems)

    def finish(self) -> None:
        """Judge what is left, and give codes to what is new."""
        drags = self._dragged()
        for position, candidate in enumerate(self._candidates):
            if position in drags:
                self._refuse(candidate.row, [drags[position]])
                continue
            try:
                self._judge(candidate)
            except EntryRefused as refusal:
                self._refuse(candidate.row, refusal.problems)
        self._plan.refused.sort(key=lambda one: one.line)

    def _candidate(self, row: TableRow) -> _Candidate:
        if row.surplus:
            cells = len(row.cells) + row.surplus
            raise EntryRefused([problem("row_shape", "", cells=cells, columns=len(row.cells))])
        empty = [
            problem("required", f"/{target}")
            for target in ("name", "provider_name")
            if not bare(self._cell(row, target))
        ]
        if empty:
            raise EntryRefused(empty)
        mapped = map_row(self._plan.mapping, row.cells, self._plan.not_turned)
        publisher = self._publishers.of(self._cell(row, "provider_name"))
        known = self._known.get(mapped.record)
        provider = known.entry.provider if known is not None else publisher.code
        self._refuse_twin(row, mapped, provider, known)
        entry = Entry.parse({**mapped.fields, "code": _NO_CODE, "provider": provider})
        digest = content_digest(entry.document())
        return _Candidate(row, entry, mapped.record, digest, publisher, known)

    def _refuse_twin(
        self, row: TableRow, mapped: Mapped, provider: str, known: _Known | None
    ) -> None:
        """Refuse a row that repeats an earlier one, or an entry on the ledger."""
        earlier = self._records.setdefault(mapped.record, row.line)
        if earlier != row.line:
            raise EntryRefused([problem("duplicate_record", "", other=earlier)])
        name = self._cell(row, "name")
        key = (provider, bare(name))
        earlier = self._rows_of.setdefault(key, row.line)
        if earlier != row.line:
            raise EntryRefused([problem("duplicate_row", "/name", other=earlier, name=name)])
        on_ledger = self._names.get(key)
        if on_ledger is not None and (known is None or known.entry.code != on_ledger[0]):
            raise EntryRefused([problem("several_codes", "/code", other=on_ledger[0])])

    def _judge(self, candidate: _Candidate) -> None:
        plan, publisher, known = self._plan, candidate.publisher, candidate.known
        if known is not None and known.digest == candidate.digest:
            self._count(publisher)
            plan.unchanged += 1
            return
        if known is not None and not (known.untouched and known.entry.state in _REVISABLE):
            state = known.entry.state
            raise EntryRefused(
                [problem("changed_at_desk", "", other=known.entry.code, state=state)]
            )
        code = known.entry.code if known is not None else self._next_code(publisher)
        entry = self._finished(candidate, code)
        found = check_entry(entry)
        if errors(found):
            raise EntryRefused(errors(found))
        if known is None:
            self._last_code[plan.mapping.code.prefix(publisher)] = code
        plan.warnings.update(one.code for one in found)
        self._count(publisher)
        plan.planned.append(
            Planned(
                line=candidate.row.line,
                entry=entry,
                version=known.entry.version + 1 if known is not None else 1,
                record=candidate.record,
                digest=candidate.digest,
                missing=tuple(missing_fields(entry)),
            )
        )

    def _finished(self, candidate: _Candidate, code: str) -> Entry:
        source = Source(
            catalogue=self._plan.mapping.name, record=candidate.record, digest=candidate.digest
        )
        return candidate.entry.model_copy(update={"code": code, "source": source})

    def _dragged(self) -> dict[int, Problem]:
        names = [one.entry.name for one in self._candidates]
        sameness = [one.entry.model_dump(exclude=_VARYING) for one in self._candidates]
        return {
            position: problem("dragged_names", "/name", other=names[first])
            for position, first in dragged(names, sameness)
        }

    def _next_code(self, publisher: Publisher) -> str:
        prefix = self._plan.mapping.code.prefix(publisher)
        if prefix not in self._last_code:
            used = lookups.codes_with_prefix(self._mirror, prefix)
            return next_resource_code(prefix, used)
        return next_resource_code(prefix, [self._last_code[prefix]])

    def _count(self, publisher: Publisher) -> None:
        held = self._plan.publishers.get(publisher.name, (publisher, 0))
        self._plan.publishers[publisher.name] = (publisher, held[1] + 1)

    def _cell(self, row: TableRow, target: str) -> str:
        return row.cells[self._plan.mapping.column(target).column]

    def _refuse(self, row: TableRow, problems: Iterable[Problem]) -> None:
        self._plan.refused.append(
            Refused(
                row.line,
                self._cell(row, "name"),
                self._cell(row, "provider_name"),
                tuple(problems),
            )
        )


def _known_records(catalogue: str, mirror: Connection, desk: Connection) -> dict[str, _Known]:
    """What was imported before, by record: from the ledger, and where it cannot tell (restricted
    entries) from the desk's own notes.
    """
    known: dict[str, _Known] = {}
    for record, (entry, document) in lookups.sources(mirror, catalogue).items():
        digest = document["source"]["digest"]
        known[record] = _Known(entry, digest, untouched=content_digest(document) == digest)
    notes = {record: note for record, note in noted(catalogue, desk).items() if record not in known}
    standing = queries.standing(mirror, [code for code, _ in notes.values()])
    for record, (code, digest) in notes.items():
        held = standing.get(code)
        if held is not None:
            known[record] = _Known(held, digest, untouched=held.edition == 1)
    return known
