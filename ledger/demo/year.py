"""A year of collection (归集的一年): obligations, manifests, deliveries, assessments, a correction, the audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar

from eth_account.signers.local import LocalAccount

from ledger.codes import CorrectionType, ResourceType, Role
from ledger.corrections.statements import FiledDraft, steps
from ledger.deliveries.statements import ResourceDraft, mount
from ledger.demo.calendar import BEIJING
from ledger.demo.collecting import (
    EMPTY,
    FEWER,
    LATE,
    NEVER,
    QUARTERS,
    Collecting,
    Table,
    build_tables,
)
from ledger.demo.duties import build_duties
from ledger.demo.judging import write_rules
from ledger.obligations.statements import bind, exempt, in_order, oblige
from ledger.quality.statements import score
from ledger.statements import MAX_BATCH, Batch

if TYPE_CHECKING:
    from ledger.demo.play import Play

T = TypeVar("T")
Signed = tuple[Batch, LocalAccount, LocalAccount | None]
IMPOSED, BOUND, MOUNTED = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)
SIGNED = (date(2026, 4, 8), date(2026, 7, 8), date(2026, 10, 13))
DELIVERED = (date(2026, 4, 10), date(2026, 7, 9), date(2026, 10, 15))
DAY_LATE = date(2026, 10, 21)
"""The third quarter is due on 2026-10-20, ten working days after its end: the week from 1 October is a holiday."""
ASSESSED = (date(2026, 4, 14), date(2026, 7, 10), date(2026, 10, 22))
AUDITED = date(2026, 10, 26)
REPORT = "completeness.json"
COMPLAINED = date(2026, 9, 25)
CORRECTION = "JH-2026-0001"
EVERY = 9
"""Every so many-th published entry has no resource mounted on it."""


class Year:
    """The year of one demo, in the order of its days."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._work = Collecting(play.office, play.district, build_tables(play.district))

    def begin(self) -> None:
        """What must be collected, which entries answer it, and what is mounted on them."""
        with self._play.bar("数据表 tables", 1) as bar:
            self._work.write()
            write_rules(self._play.office.data_dir)
            bar(1)
        _impose(self._play)
        _mount(self._play)

    def quarter(self, number: int) -> None:
        """Manifests, deliveries and assessments of a quarter, from 0."""
        if number == len(QUARTERS) - 1:
            _complain(self._play, self._work.tables[FEWER])
        _quarter(self._play, self._work, number)

    def report(self) -> None:
        """The auditor's report on the year: kept beside the ledger, its digest anchored."""
        from ledger.audits.audit import audited  # noqa: PLC0415 - brings every capability along
        from ledger.audits.report import digest_of, measures, report_bytes, report_head  # noqa: PLC0415
        from ledger.audits.statements import ReportDraft, publish  # noqa: PLC0415
        from ledger.audits.verifying import headline  # noqa: PLC0415

        play, office = self._play, self._play.office
        statistics = next(one for one in play.district.departments if one.name.endswith("统计局"))
        play.calendar.turn(AUDITED)
        with office.read() as connection, audited(connection) as found:
            head, measure = report_head(found), headline(measures(found))
            pieces = list(report_bytes(found))
        (office.data_dir / REPORT).write_bytes(b"".join(pieces))
        draft = ReportDraft(
            code="completeness",
            size=head["size"],
            root=head["root"],
            numerator=measure["numerator"],
            denominator=measure["denominator"],
            report=digest_of(pieces),
            metric=measure["id"],
            policy=head["policy_digest"],
        )
        batch = publish([draft], speaker=statistics.code, deadline=office.deadline())
        auditor = play.account(statistics, Role.AUDITOR)
        play.record("审计报告 the audit report", [(batch, auditor, None)])


def _impose(play: Play) -> None:
    district, office = play.district, play.office
    duties = build_duties(district)
    publisher, bureau = play.account(district.authority, Role.AUTHORITY), district.authority.code
    play.calendar.turn(IMPOSED)
    signed: list[Signed] = [
        (oblige(part, speaker=bureau, deadline=office.deadline()), publisher, None)
        for part in parts(in_order(duties.obligations))
    ]
    play.record("归集义务 obligations", signed)
    play.calendar.turn(BOUND)
    signed = [
        (
            bind(part, speaker=one.code, deadline=office.deadline()),
            play.account(one, Role.STEWARD),
            None,
        )
        for one in district.departments
        for part in parts(duties.bindings.get(one.code, ()))
    ]
    exemptions = exempt(duties.exemptions, speaker=bureau, deadline=office.deadline())
    play.record("绑定与豁免 bindings, exemptions", [*signed, (exemptions, publisher, None)])


def _mount(play: Play) -> None:
    district, office = play.district, play.office
    out = {*district.incomplete, *district.suspended, *district.returned}
    play.calendar.turn(MOUNTED)
    signed: list[Signed] = []
    for one in district.departments:
        drafts = [
            ResourceDraft(
                code=f"{row['code']}#db",
                entry=str(row["code"]),
                type=ResourceType.TABLE,
                name=f"{row['name']}库表",
            )
            for place, row in enumerate(district.entries[one.code], start=1)
            if row["code"] not in out and place % EVERY
        ]
        signed += [
            (
                mount(part, speaker=one.code, deadline=office.deadline()),
                play.account(one, Role.STEWARD),
                None,
            )
            for part in parts(drafts)
        ]
    play.record("挂接资源 resources", signed)


def _quarter(play: Play, work: Collecting, quarter: int) -> None:
    collector = play.account(play.district.authority, Role.COLLECTOR)
    last = quarter == len(QUARTERS) - 1
    name = QUARTERS[quarter]

    def deliveries(tables: Sequence[Table], day: date) -> Callable[[], list[Signed]]:
        return lambda: [(work.delivery(one, quarter, day), collector, None) for one in tables]

    _on(
        play,
        SIGNED[quarter],
        f"数据清单 manifests {name}",
        lambda: [
            (work.manifest(one, quarter, _today(play)), play.account(one.owner, Role.STEWARD), None)
            for one in work.tables
        ],
    )
    out = {NEVER, LATE} if last else set()
    in_time = [one for one in work.tables if one.story not in out]
    _on(
        play,
        DELIVERED[quarter],
        f"归集交付 deliveries {name}",
        deliveries(in_time, DELIVERED[quarter]),
    )
    if last:
        late = [one for one in work.tables if one.story == LATE]
        _on(play, DAY_LATE, f"逾期交付 late deliveries {name}", deliveries(late, DAY_LATE))
    judged = [one for one in in_time if one.story < LATE and one.story != EMPTY]
    _on(
        play,
        ASSESSED[quarter],
        f"质量评估 assessments {name}",
        lambda: _assess(play, work, judged, quarter),
    )


def _assess(play: Play, work: Collecting, tables: Sequence[Table], quarter: int) -> list[Signed]:
    drafts = [work.assessment(one, quarter).draft() for one in tables]
    bureau, deadline = play.district.authority, play.office.deadline()
    batch = score(drafts, speaker=bureau.code, deadline=deadline)
    return [(batch, play.account(bureau, Role.ASSESSOR), None)]


def _complain(play: Play, table: Table) -> None:
    """A department that uses the table asks for a correction, and nobody answers in ten working days."""
    district = play.district
    health = next(one for one in district.departments if one.name.endswith("卫生健康委员会"))
    request = FiledDraft(
        code=CORRECTION,
        entry=table.entry,
        type=CorrectionType.USE,
        title="统一社会信用代码有误",
        description="核验时发现部分记录的统一社会信用代码校验位不符，请核实更正。",
        reasons=("wrong_values",),
    )

    def asked() -> list[Signed]:
        batch = steps([request], speaker=health.code, deadline=play.office.deadline())
        return [(batch, play.account(health, Role.STEWARD), None)]

    _on(play, COMPLAINED, "校核申请 a correction request", asked)


def _on(play: Play, day: date, what: str, make: Callable[[], list[Signed]]) -> None:
    play.calendar.turn(day)
    signed = make()
    if signed:
        play.record(what, signed)


def _today(play: Play) -> date:
    """The day as the chain has it, or will have it with the next act."""
    newest = datetime.fromtimestamp(play.office.chain.head().timestamp, BEIJING).date()
    return max(newest, play.calendar.day)


def parts(rows: Sequence[T]) -> list[Sequence[T]]:
    """Rows in as many parts as they need batches."""
    return [rows[at : at + MAX_BATCH] for at in range(0, len(rows), MAX_BATCH)]
