"""One audit (审计): the ledger at a size, judged on the day of its last leaf.

:func:`audited` works everything out and gives an :class:`Audit` to ask, which is good while the block runs. Whatever
is asked comes in one order on every database: by code, bytewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.audits.metrics import Tally
from ledger.audits.policy import DEFAULT_POLICY, Policy
from ledger.audits.scope import Scope
from ledger.audits.tallying import tallies
from ledger.audits.working import Progress, Question, find, worked_out
from ledger.audits.workspace import Row, Workspace
from ledger.lineage import queries as lineage
from ledger.lineage.findings.usage import anchored_journal
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.mirror import moments
from ledger.mirror import queries as mirror
from ledger.mirror.collecting import collecting_seldom
from ledger.statements import LogIdentity


class AuditError(LookupError):
    """An audit that cannot be made: what is wrong, and what would do; ``zh`` in Chinese."""

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class JournalNotCountedError(AuditError):
    """A lineage journal that was to be counted, and cannot be at that size."""


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    """An organisation within the scope; ``leaf`` is None for one whose own statement cannot be read."""

    id: int
    code: str
    name: str | None
    name_en: str | None
    level: str | None
    status: str | None
    leaf: int | None


class Audit:
    """What was worked out, and questions about it."""

    def __init__(self, connection: Connection, work: Workspace, question: Question) -> None:
        self.connection = connection
        self.work = work
        self.question = question
        self._searched = False
        self.codes = {
            int(row.id): str(row.code)
            for row in work.rows("SELECT id, code FROM audit_organisation")
        }

    def organisations(self) -> list[OrganisationLine]:
        """Every organisation within the scope, by code; none is left out for having nothing."""
        asked = (
            "SELECT id, code, name, name_en, level, status, leaf FROM audit_organisation "
            "WHERE scoped = 1 ORDER BY id"
        )
        return [OrganisationLine(*row) for row in self.work.rows(asked)]

    def tallies(self) -> dict[str, dict[int, Tally]]:
        """Every metric's tally for each organisation that has units, by metric and organisation number."""
        return tallies(self.work)

    def duties(self) -> Iterator[Row]:
        """Duties: code, leaf, org, state, tables, catalogued, excused."""
        return self.work.rows(_UPPER + _OF_KIND, {"kind": 1})

    def systems(self) -> Iterator[Row]:
        """Information systems, as :meth:`duties`."""
        return self.work.rows(_UPPER + _OF_KIND, {"kind": 2})

    def upper(self, code: str) -> Iterator[Row]:
        """The duty or system with this code, within the scope or not."""
        return self.work.rows(_UPPER + "u.code = $code", {"code": code})

    def tables(self, code: str | None = None) -> Iterator[Row]:
        """Business tables and expected entries with all their states and the statements that they rest on.

        With ``code`` that one alone, within the scope or not.
        """
        if code is not None:
            return self.work.rows(_TABLE + "u.code = $code", {"code": code})
        return self.work.rows(_TABLE + "u.scoped = 1 ORDER BY u.code")

    def entries(self) -> Iterator[Row]:
        """Catalogue entries."""
        return self.work.rows(_ENTRIES)

    def exemptions(self) -> Iterator[Row]:
        """Exemptions that count on the audit's day, a row for each scope."""
        return self.work.rows(_EXEMPTIONS)

    def sources(self) -> Iterator[Row]:
        """Items that somebody says to produce, by name."""
        return self.work.rows(_SOURCES)

    def datasets(self) -> Iterator[Row]:
        """Data sets in use, by name."""
        return self.work.rows(_DATASETS)

    def clocks(self) -> Iterator[Row]:
        """Statutory clocks that began in the window or still run, by clock, code and statement."""
        return self.work.rows(_CLOCKS)

    def findings(
        self,
        *,
        name: str | None = None,
        organisation: str | None = None,
        after: tuple[str, str, int] | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Findings by name, subject and statement, from the one ``after`` on."""
        self._search()
        asked = _FINDINGS
        told: dict[str, Any] = {}
        if name is not None:
            asked += " AND f.name = $name"
            told["name"] = name
        if organisation is not None:
            asked += " AND o.code = $organisation"
            told["organisation"] = organisation
        if after is not None:
            asked += (
                " AND (f.name > $name_ OR (f.name = $name_ AND (f.subject > $subject_ "
                "OR (f.subject = $subject_ AND f.leaf > $leaf_))))"
            )
            told |= {"name_": after[0], "subject_": after[1], "leaf_": after[2]}
        return self.work.rows(*_limited(asked + " ORDER BY f.name, f.subject, f.leaf", told, limit))

    def findings_about(self, obligation: str, entry: str) -> Iterator[Row]:
        """The findings about an obligation and about its entry, within the scope or not."""
        self._search()
        about = {"obligation": obligation, "entry": entry}
        return self.work.rows(_ABOUT, about)

    def gaps(
        self,
        *,
        code: str | None = None,
        organisation: str | None = None,
        rung: int | None = None,
        overdue: bool | None = None,
        after: str = "",
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Gaps by the code of their obligation, from the one ``after`` on; that of ``code`` in any scope."""
        asked = _GAPS
        told: dict[str, Any] = {"after": after}
        if code is not None:
            return self.work.rows(_GAP + "g.code = $code", {"code": code})
        if organisation is not None:
            asked += " AND o.code = $organisation"
            told["organisation"] = organisation
        if rung is not None:
            asked += " AND g.rung = $rung"
            told["rung"] = rung
        if overdue is not None:
            told["day"] = self._day
            asked += " AND g.due < $day" if overdue else " AND (g.due IS NULL OR g.due >= $day)"
        return self.work.rows(*_limited(asked + " ORDER BY g.code", told, limit))

    def _search(self) -> None:
        if not self._searched:
            find(self.connection, self.work, self.question)
            self._searched = True

    @property
    def _day(self) -> int:
        day = self.question.day
        return day.year * 10_000 + day.month * 100 + day.day


def _limited(asked: str, told: Mapping[str, Any], limit: int | None) -> tuple[str, dict[str, Any]]:
    if limit is None:
        return asked, dict(told)
    return asked + " LIMIT $limit", {**told, "limit": limit}


_OF_KIND = "u.scoped = 1 AND u.type = $kind ORDER BY u.code"
_UPPER = (
    "SELECT u.code, u.leaf, u.org, u.standing, u.state, u.tables, u.catalogued, u.excused "
    "FROM audit_upper u WHERE "
)
_TABLE = (
    "SELECT u.code, u.leaf, u.org, u.type, u.child, u.top, u.standing, u.entry, u.binding_leaf, u.entry_leaf, "
    "v.manifest_leaf, v.delivery_leaf, q.leaf AS score_leaf, q.own, v.cataloguing, v.collection, v.items, v.records, "
    "v.timeliness, v.quality, v.rung, v.reason, v.on_time, u.due_from, u.due_upto, v.rows_due, v.rows_here, "
    "v.items_due, v.items_here, u.exempt, u.share "
    "FROM audit_unit u JOIN audit_verdict v ON v.unit = u.leaf LEFT JOIN audit_score q ON q.entry = u.entry "
    "WHERE "
)
_ENTRIES = "SELECT code, leaf, org, state, mount, on_chain, consistent FROM audit_entry WHERE scoped = 1 ORDER BY code"
_EXEMPTIONS = (
    "SELECT kind, target, bit, leaf, expires FROM audit_exemption ORDER BY kind, target, bit"
)
_SOURCES = "SELECT name, leaf, org, holders, producers, state FROM audit_source WHERE scoped = 1 ORDER BY name"
_DATASETS = (
    "SELECT namespace, name, entry, org, leaf, position, state FROM audit_dataset WHERE scoped = 1 "
    "ORDER BY namespace, name"
)
_CLOCKS = (
    "SELECT clock, code, leaf, org, started, due, done, state FROM audit_clock WHERE scoped = 1 "
    "ORDER BY clock, code, leaf"
)
_FINDINGS = (
    "SELECT f.name, f.subject, f.org, f.leaf, f.other, f.number, f.detail FROM audit_finding f "
    "LEFT JOIN audit_organisation o ON o.id = f.org WHERE f.scoped = 1"
)
_ABOUT = (
    "SELECT name, subject, org, leaf, other, number, detail FROM audit_finding "
    "WHERE subject = $obligation OR subject = $entry ORDER BY name, subject, leaf"
)
_GAP = (
    "SELECT g.code, g.unit, g.org, g.acts, g.rung, g.reason, g.since, g.due, u.entry, u.binding_leaf, "
    "u.entry_leaf, v.manifest_leaf, v.delivery_leaf, q.leaf AS score_leaf FROM audit_gap g "
    "JOIN audit_unit u ON u.leaf = g.unit JOIN audit_verdict v ON v.unit = g.unit "
    "LEFT JOIN audit_score q ON q.entry = u.entry LEFT JOIN audit_organisation o ON o.id = g.org "
    "WHERE "
)
_GAPS = _GAP + "g.scoped = 1 AND g.code > $after"


@contextmanager
def audited(
    connection: Connection,
    size: int | None = None,
    *,
    scope: Scope | None = None,
    policy: Policy = DEFAULT_POLICY,
    journal: bool = False,
    log: LogIdentity | None = None,
    progress: Progress | None = None,
) -> Iterator[Audit]:
    """The audit at log size ``size`` (None: all that the mirror has).

    With ``journal`` data sets in use are those too that the lineage journal names up to the checkpoint anchored by
    then; else everything follows from the log alone. ``log`` is the one to be named, where it is one that the
    mirror's log carries on.

    Raises :class:`AuditError` for an empty log, and
    :class:`~ledger.mirror.queries.MirrorQueryError` for a size that the mirror does not reach.
    """
    cursor = mirror.cursor_of(connection)
    held = cursor.size if cursor else 0
    asked = held if size is None else size
    if asked > held:
        raise mirror.MirrorQueryError(f"the mirror holds {held} leaves, not {asked}")
    day = moments.day_at(connection, asked)
    if day is None or cursor is None:
        raise AuditError(
            "there is nothing to audit: the log is empty at that size",
            "name a size of 1 or more",
            zh="没有可审计的内容：该日志大小为 0",
            hint_zh="请指定不小于 1 的日志大小",
        )
    begun = moments.day_at(connection, 1) or day
    before = day - timedelta(days=policy.window_days + 1)
    first = min(asked, moments.resolve_as_of(connection, before.isoformat()))
    counted = _journal(connection, asked) if journal else None
    question = Question(
        asked, day, begun, first, scope or Scope(), policy, log or cursor.log, counted
    )
    with collecting_seldom(), worked_out(connection, question, progress) as work:
        yield Audit(connection, work, question)


def _journal(connection: Connection, size: int) -> AnchoredCheckpoint:
    """The anchored checkpoint up to which the journal counts; the edges have to reach it."""
    found = anchored_journal(connection, size)
    if found is None:
        raise JournalNotCountedError(
            f"no checkpoint of a lineage journal is anchored at size {size}",
            "anchor it with `govledger journal anchor`, or leave the journal out",
            zh=f"日志大小为 {size} 时没有已锚定的血缘日志检查点",
            hint_zh="请先用 `govledger journal anchor` 锚定，或不计入血缘日志",
        )
    if (reached := lineage.folded_size(connection)) < found.size:
        raise JournalNotCountedError(
            f"the edges reach entry {reached} of the journal, and {found.size} are anchored",
            "make them with `govledger journal fold`",
            zh=f"血缘边只到日志第 {reached} 条，已锚定 {found.size} 条",
            hint_zh="请先用 `govledger journal fold` 生成血缘边",
        )
    return found
