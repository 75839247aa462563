"""The metrics of an audit (审计指标): what each counts, by which formula, and where that comes from.

Every unit of a metric (a duty, a system, a table, an entry …) has exactly one state. Numerator: met; denominator:
met and unmet. What is exempt, not applicable or not assessable is in neither, and is listed all the same. Rates are
basis points, rounded half-even once; a denominator of zero has no rate.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from ledger.canonical import written

FULL = 10_000


class State(enum.IntEnum):
    """How a unit stands in a metric."""

    MET = 1
    UNMET = 2
    EXEMPTED = 3
    NOT_APPLICABLE = 4
    NOT_ASSESSABLE = 5

    @property
    def word(self) -> str:
        return self.name.lower()


STATE_LABELS: dict[State, tuple[str, str]] = {
    State.MET: ("达标", "met"),
    State.UNMET: ("未达标", "unmet"),
    State.EXEMPTED: ("豁免", "exempt"),
    State.NOT_APPLICABLE: ("不适用", "not applicable"),
    State.NOT_ASSESSABLE: ("无法评估", "not assessable"),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; ``unit`` names the lines of the report in which its states stand."""

    id: str
    zh: str
    en: str
    unit: str
    formula_zh: str
    formula_en: str
    source: str


METRICS: tuple[Metric, ...] = (
    Metric(
        "duty_coverage",
        "职责覆盖率",
        "duty coverage",
        "duties",
        "至少有一个已发布目录的职责事项 ÷ 产生数据的职责事项",
        "duties with at least one published entry / duties that produce data",
        "条例 Art. 13; 权责清单",
    ),
    Metric(
        "system_cataloguing",
        "系统编目率",
        "system cataloguing",
        "systems",
        "业务表全部编目（或豁免）的信息系统 ÷ 已登记的信息系统",
        "systems with all tables catalogued or exempt / registered systems",
        "条例 Art. 13",
    ),
    Metric(
        "cataloguing",
        "编目率",
        "cataloguing",
        "tables",
        "有已发布目录对应的业务表 ÷ 应编目的业务表",
        "tables that a published entry answers / tables that should be catalogued",
        "条例 Art. 13",
    ),
    Metric(
        "mount",
        "挂接率",
        "mount",
        "entries",
        "至少挂接一个有效资源的目录 ÷ 已发布且可共享的目录",
        "entries with a live resource / published entries that are shared",
        "条例 Art. 22",
    ),
    Metric(
        "collection",
        "归集率",
        "collection",
        "tables",
        "已归集的业务表 ÷ 应归集的业务表",
        "tables collected / tables that should be collected",
        "上海市数据条例 Arts. 28, 34",
    ),
    Metric(
        "item_collection",
        "数据项归集率",
        "item collection",
        "tables",
        "已归集的数据项 ÷ 目录载明的数据项（按名称对应）",
        "items collected, by their names / items in the catalogue",
        "条例 Art. 13",
    ),
    Metric(
        "record_collection",
        "记录归集率",
        "record collection",
        "tables",
        "与数据清单一致的到达记录数 ÷ 数据清单载明的记录数",
        "rows that arrived as their manifests say / rows that the manifests state",
        "上海市数据条例 Art. 75",
    ),
    Metric(
        "on_chain",
        "上链率",
        "on chain",
        "entries",
        "最新声明在链上可读的目录 ÷ 已发布的目录",
        "entries whose newest statement stands on the chain, readable / published entries",
        "全量上链",
    ),
    Metric(
        "consistency",
        "链上一致率",
        "consistency",
        "entries",
        "库中内容与链上声明逐字节一致的目录 ÷ 已发布的目录",
        "entries that are in the database what the chain says, byte for byte / published entries",
        "上海市数据条例 Art. 75",
    ),
    Metric(
        "timeliness",
        "更新及时率",
        "timeliness",
        "tables",
        "按到期日及时更新的业务表 ÷ 已归集且有更新周期的业务表",
        "tables updated by their due dates / collected tables with an update cycle",
        "条例 Art. 13",
    ),
    Metric(
        "quality_pass",
        "质量合格率",
        "quality pass",
        "tables",
        "质量合格且无未决纠错的业务表 ÷ 已归集且已评估的业务表",
        "tables of sufficient score without an open correction / collected tables that were assessed",
        "DB31/T 1523-2024; 条例 Art. 26",
    ),
    Metric(
        "single_source",
        "一数一源率",
        "single source",
        "sources",
        "恰有一个数源部门的数据项 ÷ 已申报数源且由两个以上机构持有的数据项",
        "items with exactly one source / items that somebody says to produce and several hold",
        "条例 Art. 19",
    ),
    Metric(
        "data_in_use",
        "在用数据编目率",
        "data in use",
        "datasets",
        "有已发布目录对应的在用数据集 ÷ 加工步骤读写的数据集（可另计血缘日志）",
        "data sets that a published entry covers / data sets that declared steps, and a journal if told, read or write",
        "应归尽归; 条例 Art. 13",
    ),
    Metric(
        "publish_clock",
        "审核发布按时率",
        "publication in time",
        "clocks",
        "按时审核发布的目录报送 ÷ 到期的目录报送",
        "submissions decided in time / submissions whose time is over or that were decided",
        "条例 Art. 17",
    ),
    Metric(
        "catalogue_update_clock",
        "目录更新按时率",
        "catalogue updated in time",
        "clocks",
        "按时编目的新增义务 ÷ 到期的新增义务",
        "obligations that an entry answered in time / obligations whose time is over or that were answered",
        "条例 Art. 17",
    ),
    Metric(
        "correct_clock",
        "按时纠错率",
        "correction in time",
        "clocks",
        "按时答复的纠错申请 ÷ 到期的纠错申请",
        "requests answered in time / requests whose time is over or that were answered",
        "条例 Art. 26",
    ),
)
BY_ID: dict[str, Metric] = {metric.id: metric for metric in METRICS}
HEADLINE = BY_ID["collection"]
"""The metric whose rate a report's statement carries."""
COUNTED_BY_PARTS = frozenset({"item_collection", "record_collection"})
"""Metrics whose numerator and denominator are items or rows, while their states are counted in tables."""
CLOCKS = {
    "publish": "publish_clock",
    "catalogue_update": "catalogue_update_clock",
    "correct": "correct_clock",
}
"""Statutory clock -> the metric that counts it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many units of a metric are in each state; ``here`` of ``due`` where items or rows are."""

    metric: str
    states: Mapping[State, int]
    here: int = 0
    due: int = 0

    def __add__(self, other: Tally) -> Tally:
        both = {state: self.of(state) + other.of(state) for state in State}
        return Tally(self.metric, both, self.here + other.here, self.due + other.due)

    def of(self, state: State) -> int:
        return self.states.get(state, 0)

    @property
    def numerator(self) -> int:
        return self.here if self.metric in COUNTED_BY_PARTS else self.of(State.MET)

    @property
    def denominator(self) -> int:
        if self.metric in COUNTED_BY_PARTS:
            return self.due
        return self.of(State.MET) + self.of(State.UNMET)

    @property
    def rate(self) -> int | None:
        """Basis points, None where there is nothing to divide by."""
        return basis_points(self.numerator, self.denominator)

    @property
    def coverage(self) -> int | None:
        """Basis points of the units that could be judged, of those that should have been."""
        judged = self.of(State.MET) + self.of(State.UNMET)
        return basis_points(judged, judged + self.of(State.NOT_ASSESSABLE))

    def document(self) -> dict[str, object]:
        """The tally as JSON values; a count that JSON numbers do not hold exactly is text, as in bodies."""
        return {
            "numerator": written(self.numerator),
            "denominator": written(self.denominator),
            "rate_basis_points": self.rate,
            "coverage_basis_points": self.coverage,
            **{state.word: self.of(state) for state in State},
        }


def basis_points(part: int, whole: int) -> int | None:
    """``part`` of ``whole`` in 0..10000, half-even; None where ``whole`` is 0."""
    if not whole:
        return None
    points, rest = divmod(part * FULL, whole)
    # Rounded in whole numbers: a report has thousands of rates, and a fraction takes ten times as long.
    return points + (2 * rest > whole or (2 * rest == whole and points % 2))


def empty(metric: str) -> Tally:
    return Tally(metric, {})
