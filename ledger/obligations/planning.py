"""The plan of an import of obligations (导入预览): what a list would put on the ledger, what not, and why.

Reading and judging only; :mod:`ledger.obligations.importing` carries a plan out. The same file, mapping, table of
departments and ledger give the same plan. Nothing is withdrawn because a list no longer has it: that a list grew
shorter is told, and a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from ledger.catalogue.columns import map_cells, require_columns
from ledger.catalogue.kept_batches import noted, require_settled
from ledger.catalogue.names import bare
from ledger.catalogue.planning import Refused
from ledger.catalogue.problems import EntryRefused, Problem
from ledger.catalogue.publishers import Publishers
from ledger.catalogue.rows import TableRow, read_rows
from ledger.codes import ObligationStatus, ObligationType
from ledger.mirror.queries import newest_versions
from ledger.obligations import queries
from ledger.obligations.content import checked, digest_of
from ledger.obligations.departments import Decision, Departments
from ledger.obligations.mapping import TARGETS, ObligationMapping, key_of
from ledger.obligations.plan import Plan, Planned, PublishedRow
from ledger.obligations.problems import problem
from ledger.obligations.queries import Obligation
from ledger.obligations.statements import ObligationDraft
from ledger.organisations import queries as organisations
from ledger.statements import OBLIGATION, text_hash

ABOVE = "above/"
"""How the records begin that stand for obligations above all rows of a department."""


def source_of(mapping: ObligationMapping) -> str:
    """Under which name the desk keeps what a mapping imports; no catalogue's mapping has such a one."""
    return f"obligation:{mapping.name}"


def plan_import(
    path: Path,
    mapping: ObligationMapping,
    table: Publishers,
    mirror: Connection,
    desk: Connection,
    *,
    valid_from: date | None = None,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """The plan for a CSV or XLSX file against the ledger as ``mirror`` has it.

    ``valid_from`` is the first day of obligations for which neither list nor mapping gives one.
    ``progress`` is told the number of rows read, now and then. Raises
    :class:`~ledger.catalogue.rows.TableError` where the file as a whole cannot be used, and
    :class:`~ledger.catalogue.kept_batches.UnfinishedImport` where an earlier import must be
    finished, or the mirror caught up, first.
    """
    require_settled(source_of(mapping), OBLIGATION, mirror, desk)
    plan = Plan(mapping)
    judge = _Judge(plan, table, mirror, desk, valid_from)
    for row in read_rows(path, sheet=mapping.sheet):
        if plan.rows == 0:
            require_columns(path, mapping, row)
        plan.rows += 1
        judge.hear(row)
        if progress is not None and plan.rows % 1000 == 0:
            progress(plan.rows)
    judge.finish()
    return plan


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: TableRow
    record: str
    department: str


class _Judge:
    """Rows in, one verdict each; departments are decided once all rows are heard."""

    def __init__(
        self,
        plan: Plan,
        table: Publishers,
        mirror: Connection,
        desk: Connection,
        valid_from: date | None,
    ) -> None:
        self._plan = plan
        self._mapping = plan.mapping
        self._mirror = mirror
        self._valid_from = valid_from
        registered = {
            bare(name): one.code
            for one in organisations.organisations(mirror)
            if one.active
            for name in (*one.aliases, one.name)
        }
        self._departments = Departments(plan.mapping.name, table, registered)
        self._known = queries.from_list(mirror, plan.mapping.name)
        self._notes = noted(source_of(plan.mapping), desk)
        self._candidates: list[_Candidate] = []
        self._lines: dict[str, int] = {}
        self._names: dict[tuple[str, str], int] = {}
        self._taken: dict[str, tuple[int | None, ObligationType]] = {}
        """Codes of rows and departments that are taken, each with its line and type."""
        self._types: dict[str, ObligationType] = {}
        """Types of all rows that are obligations at all."""

    def hear(self, row: TableRow) -> None:
        """Refuse what can be refused at once, and keep the rest for :meth:`finish`."""
        mapping = self._mapping
        department = self._cell(row, "department")
        try:
            self._check_shape(row, department)
        except EntryRefused as refusal:
            self._refuse(row, refusal.problems)
            return
        given = "department_code" in mapping.columns and self._cell(row, "department_code")
        self._departments.hear(department, given or "", mapping.evidence_in(row.cells))
        record = mapping.record_of(row.cells)
        try:
            self._refuse_twin(row, record, department)
        except EntryRefused as refusal:
            self._refuse(row, refusal.problems)
            return
        self._candidates.append(_Candidate(row, record, bare(department)))

    def finish(self) -> None:
        """Decide on departments, then on the rows: parents before what follows from them."""
        plan, mapping = self._plan, self._mapping
        decided = self._departments.decide()
        drafts: list[tuple[_Candidate, ObligationDraft]] = []
        for candidate in self._candidates:
            try:
                drafts.append((candidate, self._draft(candidate, decided[candidate.department])))
            except EntryRefused as refusal:
                self._refuse(candidate.row, refusal.problems)
        self._types = {draft.code: draft.type for _, draft in drafts}
        above = self._above(decided, [candidate for candidate, _ in drafts])
        parents = {draft.parent for _, draft in drafts if draft.parent is not None}
        codes = {draft.code for _, draft in drafts} | parents
        standing = queries.standing(self._mirror, codes | {one.draft.code for one in above})
        for one in above:
            self._file_above(one, standing)
        of_department: Counter[str] = Counter()
        for candidate, draft in sorted(drafts, key=lambda one: one[1].type.number):
            try:
                self._judge(candidate, draft, standing)
            except EntryRefused as refusal:
                self._refuse(candidate.row, refusal.problems)
                continue
            of_department[candidate.department] += 1
            self._note_published(candidate.row, draft)
        plan.departments = {
            plain: (decision, of_department[plain]) for plain, decision in decided.items()
        }
        plan.refused.sort(key=lambda one: one.line)
        self._set_versions()
        present = {*self._lines, *(one.record for one in above)}
        plan.gone = sorted(
            one.code
            for record, one in self._known.items()
            if record not in present and one.status == ObligationStatus.IN_FORCE.value
        )
        if mapping.published is not None:
            plan.published.sort(key=lambda one: one.obligation)

    def _check_shape(self, row: TableRow, department: str) -> None:
        if row.surplus:
            cells = len(row.cells) + row.surplus
            raise EntryRefused([problem("row_shape", "", cells=cells, columns=len(row.cells))])
        empty = [
            problem("required", f"/{target}")
            for target, text in (("name", self._cell(row, "name")), ("department", department))
            if not bare(text)
        ]
        if empty:
            raise EntryRefused(empty)

    def _refuse_twin(self, row: TableRow, record: str, department: str) -> None:
        earlier = self._lines.setdefault(record, row.line)
        if earlier != row.line:
            raise EntryRefused([problem("duplicate_record", "", other=earlier)])
        name = self._cell(row, "name")
        earlier = self._names.setdefault((bare(department), bare(name)), row.line)
        if earlier != row.line:
            raise EntryRefused([problem("duplicate_row", "/name", other=earlier, name=name)])

    def _draft(self, candidate: _Candidate, decision: Decision) -> ObligationDraft:
        """The row as an obligation; raises :class:`EntryRefused` with all that it lacks."""
        mapping, cells = self._mapping, candidate.row.cells
        fields = map_cells(mapping, TARGETS, cells, self._plan.not_turned)
        for name in ("department", "department_code"):
            fields.pop(name, None)
        notes = [fields["note"]] if "note" in fields else []
        notes += [f"{column}: {cells[column]}" for column in mapping.notes if cells[column]]
        if "parent" in fields:
            fields["parent"] = mapping.code.prefix + fields["parent"]
        elif mapping.above is not None:
            fields["parent"] = mapping.above.code.format(key=key_of(decision.name))
        known = self._known.get(candidate.record)
        fields.setdefault("valid_from", known.valid_from if known else self._valid_from)
        code = known.code if known is not None else mapping.code_of(cells)
        return checked(
            {
                **{name: value for name, value in fields.items() if value is not None},
                "code": code,
                "note": "\n".join(notes) or None,
                "responsible": decision.code,
                "source": f"{mapping.name}:{candidate.record}",
            }
        )

    def _above(
        self, decided: dict[str, Decision], candidates: Iterable[_Candidate]
    ) -> list[Planned]:
        """The obligations above the rows: one for each department that has any."""
        above = self._mapping.above
        if above is None:
            return []
        made = []
        for plain in dict.fromkeys(candidate.department for candidate in candidates):
            decision = decided[plain]
            key = key_of(decision.name)
            record = f"{ABOVE}{key}"
            known = self._known.get(record)
            draft = checked(
                {
                    "code": above.code.format(key=key),
                    "name": above.name.format(department=decision.name, key=key),
                    "type": above.type,
                    "responsible": decision.code,
                    "legal_basis": above.legal_basis,
                    "valid_from": known.valid_from if known else self._earliest(plain),
                    "source": f"{self._mapping.name}:{record}",
                }
            )
            made.append(Planned(None, draft, record, digest_of(draft)))
        return made

    def _earliest(self, department: str) -> date | None:
        """The first day of what stands above the rows: the one given, or the earliest of the rows."""
        if self._valid_from is not None or "valid_from" in self._mapping.constants:
            return self._valid_from or self._mapping.constants["valid_from"]
        days = [
            fields["valid_from"]
            for candidate in self._candidates
            if candidate.department == department
            for fields in [map_cells(self._mapping, TARGETS, candidate.row.cells, Counter())]
            if "valid_from" in fields
        ]
        return min(days, default=None)

    def _judge(
        self, candidate: _Candidate, draft: ObligationDraft, standing: dict[str, Obligation]
    ) -> None:
        known = self._known.get(candidate.record)
        line = candidate.row.line
        earlier = self._taken.get(draft.code)
        if earlier is not None:
            found = problem("duplicate_code", "/code", other=earlier[0] or "–", value=draft.code)
            raise EntryRefused([found])
        if known is None and draft.code in standing:
            raise EntryRefused([problem("code_taken", "/code", value=draft.code)])
        self._check_parent(draft, standing)
        self._file(Planned(line, draft, candidate.record, digest_of(draft)), known)

    def _check_parent(self, draft: ObligationDraft, standing: dict[str, Obligation]) -> None:
        if draft.parent is None:
            return
        taken, held = self._taken.get(draft.parent), standing.get(draft.parent)
        if taken is not None:
            above = taken[1]
        elif held is not None:
            above = ObligationType.of(held.type)
        elif draft.parent in self._types:
            # Rows are judged from duties down: it is of this type or below, or was refused.
            above = self._types[draft.parent]
            if above.number < draft.type.number:
                raise EntryRefused([problem("unknown_parent", "/parent", value=draft.parent)])
        else:
            raise EntryRefused([problem("unknown_parent", "/parent", value=draft.parent)])
        if above.number >= draft.type.number:
            kind = (draft.type.zh, draft.type.en)
            raise EntryRefused([problem("parent_type", "/parent", value=draft.parent, kind=kind)])

    def _file(self, one: Planned, known: Obligation | None) -> None:
        """Take a planned obligation where it says something new; raises :class:`EntryRefused`."""
        if known is not None:
            self._check_known(one, known)
        self._taken[one.draft.code] = (one.line, one.draft.type)
        if known is not None and digest_of(known) == one.digest:
            self._plan.unchanged += 1
        else:
            self._plan.planned.append(one)

    def _file_above(self, one: Planned, standing: dict[str, Obligation]) -> None:
        """Take what stands above rows where it is new, or as the last import left it.

        It is no row of the list: where an authority amended or withdrew it, that stands.
        """
        self._taken[one.draft.code] = (one.line, one.draft.type)
        known = self._known.get(one.record)
        if known is None:
            wanted = one.draft.code not in standing
        else:
            wanted = self._untouched(one.record, known) and digest_of(known) != one.digest
        if wanted:
            self._plan.planned.append(one)

    def _untouched(self, record: str, known: Obligation) -> bool:
        """Whether an obligation is as an import left it."""
        if known.status != ObligationStatus.IN_FORCE.value:
            return False
        note = self._notes.get(record)
        return digest_of(known) == note[1] if note is not None else known.version == 1

    def _check_known(self, one: Planned, known: Obligation) -> None:
        if known.type != one.draft.type.value:
            kind = ObligationType.of(known.type)
            was = (kind.zh, kind.en)
            raise EntryRefused([problem("type_changed", "/type", other=known.code, was=was)])
        if known.status != ObligationStatus.IN_FORCE.value:
            leaf = known.leaf_from
            raise EntryRefused([problem("withdrawn", "", other=known.code, leaf=leaf)])
        if digest_of(known) != one.digest and not self._untouched(one.record, known):
            raise EntryRefused([problem("changed_at_desk", "", other=known.code)])

    def _set_versions(self) -> None:
        """Give every planned obligation the version that comes next on the ledger."""
        subjects = {one.draft.code: text_hash(one.draft.code) for one in self._plan.planned}
        newest = newest_versions(self._mirror, OBLIGATION.kind, subjects.values())
        self._plan.planned = [
            Planned(
                one.line,
                one.draft.model_copy(
                    update={"version": newest.get(subjects[one.draft.code], 0) + 1}
                ),
                one.record,
                one.digest,
            )
            for one in self._plan.planned
        ]

    def _note_published(self, row: TableRow, draft: ObligationDraft) -> None:
        published = self._mapping.published
        if published is None or row.cells[published.column] not in published.values:
            return
        link = row.cells[published.link] if published.link is not None else ""
        self._plan.published.append(
            PublishedRow(draft.code, draft.name, row.cells[published.name], link)
        )

    def _cell(self, row: TableRow, target: str) -> str:
        return row.cells[self._mapping.column(target).column]

    def _refuse(self, row: TableRow, problems: Iterable[Problem]) -> None:
        name, department = self._cell(row, "name"), self._cell(row, "department")
        self._plan.refused.append(Refused(row.line, name, department, tuple(problems)))
