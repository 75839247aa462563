"""A report as tables for people (报告表格), in Chinese or English; workbook and Markdown are made of the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.audits.audit import Audit
from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS, RUNGS
from ledger.audits.metrics import CLOCKS, METRICS, STATE_LABELS, Metric, State
from ledger.audits.report import (
    clock_line,
    dataset_line,
    entry_line,
    exemption_line,
    finding_line,
    gap_line,
    measures,
    report_head,
    source_line,
    table_line,
    upper_line,
)
from ledger.codes import EXEMPTION_SCOPES, ExemptionScope

Cell = str | int | None
_RUNG_LABELS = {code: (zh, en) for code, zh, en in RUNGS}
_CLOCK_OF = {metric: clock for clock, metric in CLOCKS.items()}
_SCOPES = {labels[1]: labels for labels in EXEMPTION_SCOPES.values()}


@dataclass(frozen=True, slots=True)
class Section:
    """One table: a heading, the names of its columns, its rows, and what is to be said of it."""

    title: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]
    note: str = ""


class Sections:
    """The sections of an audit in one language (``zh`` or ``en``)."""

    def __init__(self, audit: Audit, language: str) -> None:
        self.audit = audit
        self.chinese = language == "zh"
        self.measures = measures(audit)
        self.names = {
            one.code: (one.name if self.chinese else one.name_en or one.name) or one.code
            for one in audit.organisations()
        }

    def say(self, zh: str, en: str) -> str:
        return zh if self.chinese else en

    @property
    def title(self) -> str:
        return self.say("应归尽归审计报告", "Completeness audit")

    def overview(self) -> Section:
        """What was audited, when, and how."""
        head = report_head(self.audit)
        scope = ", ".join(f"{name}={value}" for name, value in head["scope"].items())
        rows: list[tuple[Cell, ...]] = [
            (self.say("审计日", "day"), head["day"]),
            (self.say("日志大小", "log size"), head["size"]),
            (self.say("树根", "root"), head["root"]),
            (self.say("日志合约", "log"), f"{head['log']['address']} @ {head['log']['chain_id']}"),
            (self.say("范围", "scope"), scope or self.say("全部", "everything")),
            (self.say("审计口径", "policy"), f"{head['policy']['name']} {head['policy_digest']}"),
            (self.say("工作日历", "calendar"), head["calendar_digest"]),
            (self.say("计入的血缘日志", "journal counted"), _journal(head["journal"])),
        ]
        return Section(
            self.say("概览", "Overview"),
            (self.say("项目", "item"), self.say("内容", "value")),
            rows,
        )

    def metrics(self) -> Section:
        """Every metric over all."""
        states = [state for state in State if state is not State.MET]
        columns = (
            self.say("指标", "metric"),
            self.say("比率", "rate"),
            self.say("分子", "numerator"),
            self.say("分母", "denominator"),
            *(self.say(*STATE_LABELS[state]) for state in states),
            self.say("公式", "formula"),
            self.say("依据", "source"),
        )
        rows = [
            (
                self.say(metric.zh, metric.en),
                percent(told["rate_basis_points"]),
                told["numerator"],
                told["denominator"],
                *(told[state.word] for state in states),
                self.say(metric.formula_zh, metric.formula_en),
                metric.source,
            )
            for metric, told in zip(METRICS, self.measures, strict=True)
        ]
        return Section(self.say("指标", "Metrics"), columns, rows)

    def organisations(self) -> Section:
        """Every organisation's rates, the lowest collection first."""
        rates = {
            one["id"]: {of["organisation"]: of["rate_basis_points"] for of in one["organisations"]}
            for one in self.measures
        }
        order = list(rates["collection"])
        columns = (
            self.say("机构", "organisation"),
            self.say("代码", "code"),
            *(self.say(metric.zh, metric.en) for metric in METRICS),
        )
        rows = [
            (
                self.names.get(code, code),
                code,
                *(percent(rates[metric.id].get(code)) for metric in METRICS),
            )
            for code in order
        ]
        return Section(self.say("各机构", "Organisations"), columns, rows)

    def metric(self, metric: Metric) -> Section:
        """Every unit of one metric with its state."""
        columns = (
            self.say("代码", "code"),
            self.say("机构", "organisation"),
            self.say("结果", "state"),
            self.say("缺口环节", "gap"),
            self.say("声明位置", "statements"),
        )
        return Section(self.say(metric.zh, metric.en), columns, self._units(metric))

    def gaps(self) -> Section:
        columns = (
            self.say("义务", "obligation"),
            self.say("机构", "organisation"),
            self.say("环节", "rung"),
            self.say("原因", "reason"),
            self.say("条款", "article"),
            self.say("应办单位", "who must act"),
            self.say("应办事项", "what to do"),
            self.say("始于", "since"),
            self.say("期限", "due"),
            self.say("逾期", "overdue"),
            self.say("声明位置", "statements"),
        )
        return Section(self.say("缺口", "Gaps"), columns, self._gaps())

    def findings(self) -> Section:
        columns = (
            self.say("发现", "finding"),
            self.say("对象", "subject"),
            self.say("机构", "organisation"),
            self.say("条款", "article"),
            self.say("数值", "number"),
            self.say("说明", "detail"),
            self.say("声明位置", "statements"),
        )
        return Section(self.say("审计发现", "Findings"), columns, self._findings())

    def clocks(self) -> Section:
        columns = (
            self.say("时限", "clock"),
            self.say("对象", "subject"),
            self.say("应办单位", "who must act"),
            self.say("起", "started"),
            self.say("止", "due"),
            self.say("办结", "done"),
            self.say("结果", "state"),
            self.say("声明位置", "statement"),
        )
        return Section(self.say("法定时限", "Clocks"), columns, self._clocks())

    def exemptions(self) -> Section:
        columns = (
            self.say("对象", "target"),
            self.say("范围", "scope"),
            self.say("截止", "expires"),
            self.say("声明位置", "statement"),
        )
        return Section(self.say("豁免", "Exemptions"), columns, self._exemptions())

    def _units(self, metric: Metric) -> Iterator[tuple[Cell, ...]]:
        for line in self._lines(metric):
            if line.get("part_of") is not None:
                continue
            states = line.get("states") or {metric.id: line["state"]}
            leaves = line["leaves"] if "leaves" in line else {"": line["leaf"]}
            gap = line.get("gap")
            yield (
                line["code"],
                self.names.get(line["organisation"], line["organisation"]),
                self.say(*STATE_LABELS[State[states[metric.id].upper()]]),
                self.say(*_RUNG_LABELS[gap]) if gap else None,
                " ".join(str(leaf) for leaf in leaves.values()),
            )

    def _lines(self, metric: Metric) -> Iterator[dict[str, Any]]:
        audit = self.audit
        if metric.unit in ("duties", "systems"):
            rows = audit.duties() if metric.unit == "duties" else audit.systems()
            yield from (dict(upper_line(audit, row)) for row in rows)
        elif metric.unit == "tables":
            yield from (dict(table_line(audit, row)) for row in audit.tables())
        elif metric.unit == "entries":
            yield from (dict(entry_line(audit, row)) for row in audit.entries())
        elif metric.unit == "datasets":
            yield from (dict(dataset_line(audit, row)) for row in audit.datasets())
        elif metric.unit == "sources":
            yield from (dict(source_line(audit, row)) for row in audit.sources())
        else:
            clock = _CLOCK_OF[metric.id]
            yield from (
                dict(clock_line(audit, row)) for row in audit.clocks() if row.clock == clock
            )

    def _gaps(self) -> Iterator[tuple[Cell, ...]]:
        for row in self.audit.gaps():
            gap = gap_line(self.audit, row)
            reason = REASONS[gap["reason"]]
            yield (
                gap["obligation"],
                self.names.get(gap["organisation"], gap["organisation"]),
                self.say(*_RUNG_LABELS[gap["rung"]]),
                self.say(reason.zh, reason.en),
                gap["article"],
                self.names.get(gap["acts"], gap["acts"]),
                self.say(reason.way_zh, reason.way_en),
                gap["since"],
                gap["due"],
                self.say("是", "yes") if gap["overdue"] else None,
                " ".join(str(leaf) for leaf in gap["leaves"].values()),
            )

    def _findings(self) -> Iterator[tuple[Cell, ...]]:
        for row in self.audit.findings():
            found = finding_line(self.audit, row)
            signal = SIGNALS[found["name"]]
            yield (
                self.say(signal.zh, signal.en),
                found["subject"],
                self.names.get(found["organisation"], found["organisation"]),
                found["article"],
                found["number"],
                found["detail"],
                " ".join(map(str, found["leaves"])),
            )

    def _clocks(self) -> Iterator[tuple[Cell, ...]]:
        labels = {metric.id: metric for metric in METRICS}
        for row in self.audit.clocks():
            line = clock_line(self.audit, row)
            metric = labels[CLOCKS[line["clock"]]]
            yield (
                self.say(metric.zh, metric.en),
                line["code"],
                self.names.get(line["organisation"], line["organisation"]),
                line["started"],
                line["due"],
                line["done"],
                self.say(*STATE_LABELS[State[line["state"].upper()]]),
                line["leaf"],
            )

    def _exemptions(self) -> Iterator[tuple[Cell, ...]]:
        for row in self.audit.exemptions():
            line = exemption_line(row)
            scope = EXEMPTION_SCOPES[ExemptionScope(row.bit)]
            yield line["target"], self.say(*scope), line["expires"], line["leaf"]


def _journal(counted: dict[str, Any] | None) -> str:
    return "–" if counted is None else f"{counted['origin']} @ {counted['size']} {counted['root']}"


def percent(points: int | None) -> str:
    """Basis points as per cent with two decimals; a dash where there is no rate."""
    return "–" if points is None else f"{points // 100}.{points % 100:02d} %"
