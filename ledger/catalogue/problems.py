"""Filing mistakes (填报问题): every one has a code, names the field, and says what to do about it.

An *error* refuses the entry in any state; a *missing* legal element only keeps it a draft; a
*warning* is told and accepted. The mistakes are those that reviewers meet, held against the
1272 guide (发改高技术〔2017〕1272号) and 政务数据共享条例 Arts. 13-15.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "missing", "warning"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one code means:
    severity, message and way out, Chinese and English (``str.format`` texts).
    """

    severity: Severity
    zh: str
    en: str
    hint_zh: str
    hint_en: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about one field. ``pointer`` is a JSON pointer (RFC 6901) into the entry;
    ``line`` the line of the file it was read from, where there is one.
    """

    pointer: str
    code: str
    severity: Severity
    zh: str
    en: str
    hint_zh: str
    hint_en: str
    line: int | None = None

    def message(self, language: str = "zh") -> str:
        """Field, what is wrong, and what to do, in one line."""
        place = self.pointer or "/"
        if language == "zh":
            at = f"第{self.line}行 " if self.line else ""
            return f"{at}{place}：{self.zh}。{self.hint_zh}"
        at = f"line {self.line}, " if self.line else ""
        return f"{at}{place}: {self.en}. {self.hint_en}"

    def as_dict(self) -> dict[str, str]:
        """For APIs: the members of RFC 9457 ``errors`` entries and the rest beside them."""
        return {
            "pointer": self.pointer,
            "code": self.code,
            "severity": self.severity,
            "detail": f"{self.en}. {self.hint_en}",
            "detail_zh": f"{self.zh}。{self.hint_zh}",
        }


class EntryRefused(ValueError):
    """An entry that cannot be filed as asked; ``problems`` says why, field by field."""

    def __init__(self, problems: Iterable[Problem], where: str = "") -> None:
        self.problems = tuple(problems)
        self.where = where
        lines = "; ".join(problem.message("en") for problem in self.problems)
        super().__init__(f"{where}: {lines}" if where else lines)


RULES: dict[str, Rule] = {
    "invalid": Rule(
        "error",
        "值无效：{reason}",
        "invalid value: {reason}",
        "请按要求改正。",
        "Correct the value.",
    ),
    "unknown_field": Rule(
        "error",
        "没有这个字段",
        "there is no such field",
        "请删除或改名；可用字段见 /api/v1/schemas/。",
        "Remove or rename it; the fields are listed at /api/v1/schemas/.",
    ),
    "required": Rule("error", "必填", "this field is required", "请填写。", "Fill it in."),
    "not_in_dictionary": Rule(
        "error",
        "「{value}」不在字典内",
        "{value!r} is not in the dictionary",
        "可用值：{allowed}。",
        "Use one of: {allowed}.",
    ),
    "code_too_short": Rule(
        "error",
        "资源代码「{value}」过短",
        "resource code {value!r} is too short",
        "结构为 类(1)项(2)目(3)细目/顺序码(至少6位)，如 307015/000001。",
        "It is class (1 digit), item (2), section (3), detail, '/', 6 digits or more.",
    ),
    "code_shape": Rule(
        "error",
        "资源代码「{value}」不合结构",
        "resource code {value!r} has the wrong structure",
        "结构为 类(1-3)项(2)目(3)细目/顺序码(至少6位)，如 307015/000001。",
        "It is class 1-3, item (2 digits), section (3), detail, '/', 6 digits or more.",
    ),
    "named_after_system": Rule(
        "error",
        "目录以信息系统「{value}」命名",
        "the entry is named after the system {value!r}",
        "请以数据内容命名，系统名填入 systems。",
        "Name it after the data; the system belongs in 'systems'.",
    ),
    "duplicate_name": Rule(
        "error",
        "与「{other}」同名（去除空格标点后）",
        "same name as {other!r} once spaces and punctuation are set aside",
        "请修订已有条目，或改用不同名称。",
        "Revise the existing entry, or choose a different name.",
    ),
    "several_codes": Rule(
        "error",
        "同一目录已有代码 {other}",
        "this catalogue name already has the code {other}",
        "一个目录只用一个代码，请使用已有代码修订。",
        "One catalogue has one code: revise under that code.",
    ),
    "duplicate_code": Rule(
        "error",
        "代码与另一条目「{other}」重复",
        "the code is already used by {other!r}",
        "每个条目使用自己的代码。",
        "Give every entry its own code.",
    ),
    "dragged_names": Rule(
        "error",
        "疑似拖拽递增产生的重复：{other}",
        "looks like a dragged cell that counted up: {other}",
        "内容相同、仅末尾数字递增；请只保留一条，或写明各自内容。",
        "Only a trailing number differs: keep one, or say what sets them apart.",
    ),
    "duplicate_item": Rule(
        "error",
        "信息项与 {other} 同名（去除空格标点后）",
        "same item name as {other} once spaces and punctuation are set aside",
        "请删除重复的信息项。",
        "Remove the repeated item.",
    ),
    "format_type_mismatch": Rule(
        "error",
        "格式类型「{value}」不属于{category}",
        "format type {value!r} does not belong to category {category}",
        "该分类可用：{allowed}。",
        "This category takes: {allowed}.",
    ),
    "format_share_mismatch": Rule(
        "error",
        "{category}不能以「{mode}」方式共享",
        "format category {category} cannot be shared by {mode}",
        "文件类格式只能文件下载，数据库类只能服务接口或批量交换。",
        "File formats are shared as files only, databases through an API or batch exchange.",
    ),
    "unit_in_numeric": Rule(
        "error",
        "数值型信息项含计量单位「{value}」",
        "a numeric item holds a unit: {value!r}",
        "请将单位填入 unit，值域只写数字。",
        "Put the unit into 'unit' and leave only numbers.",
    ),
    "precision_exceeds_length": Rule(
        "error",
        "小数位 {precision} 不小于长度 {length}",
        "precision {precision} is not below length {length}",
        "长度包含小数位。",
        "The length counts the decimal places too.",
    ),
    "state_secret": Rule(
        "error",
        "涉密数据不得进入本系统",
        "state and work secrets must not enter this system",
        "请按保密规定另行管理（条例第三条）。",
        "Manage it under the secrecy rules (条例 Art. 3).",
    ),
    "grade_below_items": Rule(
        "error",
        "安全等级 {stated} 低于信息项最高等级 {highest}",
        "grade {stated} is below the highest item grade {highest}",
        "就高从严：不填则取最高等级。",
        "The highest item decides; leave the grade out to take it.",
    ),
    "share_below_items": Rule(
        "error",
        "含不予共享的信息项，条目却为无条件共享",
        "an unconditionally shared entry holds an item that is not shared",
        "请将条目改为有条件共享并写明范围，或移除该信息项。",
        "Make the entry conditional and state the scope, or take the item out.",
    ),
    "own_condition": Rule(
        "error",
        "{share_type}不应填写该字段",
        "an entry whose share type is {share_type} must not state this",
        "不得自设共享条件（条例第十五条）；请删除或改正共享类型。",
        "No self-made conditions (条例 Art. 15): remove it or correct the share type.",
    ),
    "dates_reversed": Rule(
        "warning",
        "更新日期 {revised} 早于发布日期 {published}",
        "revised on {revised}, before it was published on {published}",
        "请核对两个日期。",
        "Check both dates.",
    ),
    "open_without_share": Rule(
        "warning",
        "不予共享的目录却向社会开放",
        "not shared between departments, yet open to the public",
        "请核对共享类型与开放类型。",
        "Check the share type against the open type.",
    ),
    "item_not_shared": Rule(
        "warning",
        "含不予共享的信息项",
        "holds items that are not shared",
        "共享时该信息项将被排除。",
        "These items are left out when the entry is shared.",
    ),
    "missing": Rule(
        "missing",
        "缺少{element}（{law}）",
        "{element} is missing ({law})",
        "补齐后方可报送；此前保持草案。",
        "Complete it to submit; until then the entry stays a draft.",
    ),
    "provider_code_unchecked": Rule(
        "warning",
        "提供方代码「{value}」未通过统一社会信用代码校验",
        "provider code {value!r} fails the check of GB 32100-2015",
        "若来自登记机关，请填写 provider_evidence 说明依据。",
        "If the registry itself issued it, say so in 'provider_evidence'.",
    ),
    "provider_code_provisional": Rule(
        "warning",
        "提供方使用临时代码「{value}」",
        "the provider has the provisional code {value!r}",
        "请在机构表中补充统一社会信用代码。",
        "Complete its unified social credit code in the publishers' table.",
    ),
    "row_shape": Rule(
        "error",
        "该行有 {cells} 个单元格，表头有 {columns} 个",
        "the row has {cells} cells, the header has {columns}",
        "请检查分隔符与引号。",
        "Check separators and quotes.",
    ),
    "duplicate_record": Rule(
        "error",
        "与第 {other} 行标识相同",
        "same identity as the record in line {other}",
        "请只保留一条。",
        "Keep one of them.",
    ),
    "duplicate_row": Rule(
        "error",
        "与第 {other} 行同一提供方同名（去除空格标点后）：{name}",
        "same provider and name as line {other} (spaces and punctuation aside): {name}",
        "请合并，或写明区别。",
        "Merge them, or name what sets them apart.",
    ),
    "changed_at_desk": Rule(
        "error",
        "来源已变化，但条目 {other} 导入后已另行修订（状态 {state}）",
        "the source changed, but entry {other} was revised since its import (state {state})",
        "请人工修订该条目；导入不会覆盖。",
        "Revise that entry by hand; an import does not overwrite it.",
    ),
    "provider_mismatch": Rule(
        "error",
        "提供方「{value}」不是申报机构「{speaker}」",
        "provider {value!r} is not the filing organisation {speaker!r}",
        "条目只能由其提供方申报。",
        "An entry is filed by its own provider.",
    ),
}
"""All filing mistakes by code."""


def problem(code: str, pointer: str, **facts: Any) -> Problem:  # noqa: ANN401 - goes into str.format
    """The problem with this code at ``pointer``; ``facts`` fill the texts.
    KeyError for an unknown code.
    """
    return problem_by(RULES[code], code, pointer, **facts)


def problem_by(rule: Rule, code: str, pointer: str, **facts: Any) -> Problem:  # noqa: ANN401
    """:func:`problem` for a rule that is not one of filing."""
    return Problem(
        pointer=pointer,
        code=code,
        severity=rule.severity,
        zh=rule.zh.format(**{**facts, **_localised(facts, "zh")}),
        en=rule.en.format(**{**facts, **_localised(facts, "en")}),
        hint_zh=rule.hint_zh.format(**{**facts, **_localised(facts, "zh")}),
        hint_en=rule.hint_en.format(**{**facts, **_localised(facts, "en")}),
    )


def _localised(facts: dict[str, Any], language: str) -> dict[str, Any]:
    """Facts given as ``(zh, en)`` pairs, in one language."""
    position = 0 if language == "zh" else 1
    return {
        name: value[position]
        for name, value in facts.items()
        if isinstance(value, tuple) and len(value) == 2  # noqa: PLR2004
    }


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that refuse an entry in any state."""
    return [found for found in problems if found.severity == "error"]


def missing(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep an entry a draft."""
    return [found for found in problems if found.severity == "missing"]
