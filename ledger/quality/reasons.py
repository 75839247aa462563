"""Why a rule was not counted (未计数的原因): codes, never the engine's own words.

A database's error message may repeat a value of the data; what is kept, shown or anchored is a code
and, beside it, names from the rule file.
"""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    "missing_column": ("表中没有该列", "the table has no such column"),
    "wrong_type": ("列的类型不适用", "the column's type does not fit the check"),
    "bad_expression": ("表达式无法计算", "the expression cannot be evaluated"),
    "missing_reference": ("未提供参照表", "the reference was not given"),
    "empty_reference": ("参照表为空", "the reference is empty"),
    "reference_column": ("参照表中没有该列", "the reference has no such column"),
    "reference_key": ("参照表的键有重复", "the reference has a key twice"),
    "engine_error": ("数据引擎出错", "the engine failed"),
    "no_cycle": ("目录未说明更新周期", "the entry states no update cycle"),
    "no_fixed_cycle": ("更新周期为不定时或其他", "the update cycle is on demand or other"),
    "no_period": ("未说明评估期", "no period was given"),
    "no_items": ("目录未列出数据项", "the entry lists no items"),
    "empty_table": ("表中没有记录", "the table holds no record"),
    "not_observed": ("无可沿用的观测结果", "it was not observed before"),
    "tool_error": ("原工具报告异常", "the tool reported an exception"),
    "tool_skipped": ("原工具跳过了该检查", "the tool skipped the check"),
    "not_run": ("该检查未执行", "the check was not run"),
    "no_counts": ("原工具未说明失败原因与数量", "the tool tells neither counts nor why it failed"),
    "nothing_given": ("没有可评估的元素", "there is no element to evaluate"),
}
"""Code -> Chinese and English."""


class NotAssessable(Exception):
    """A rule that cannot be carried out (无法评估): ``reason`` is a code of :data:`REASONS`,
    ``what`` the name in the rule file that it is about.
    """

    def __init__(self, reason: str, what: str = "") -> None:
        super().__init__(f"{REASONS[reason][1]}: {what}" if what else REASONS[reason][1])
        self.reason = reason
        self.what = what


class NotApplicable(Exception):
    """A rule that has nothing to say of this table (不适用): ``reason`` as above."""

    def __init__(self, reason: str) -> None:
        super().__init__(REASONS[reason][1])
        self.reason = reason
