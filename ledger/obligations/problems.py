"""Why a row of a list does not become an obligation (导入拒绝原因), beside the mistakes any table may have."""

from __future__ import annotations

from typing import Any

from ledger.catalogue.problems import RULES as FILING_RULES
from ledger.catalogue.problems import Problem, Rule, problem_by

RULES: dict[str, Rule] = {
    **{
        code: FILING_RULES[code]
        for code in ("invalid", "required", "row_shape", "duplicate_record", "duplicate_row")
    },
    "code_taken": Rule(
        "error",
        "代码 {value} 已用于另一来源的义务",
        "the code {value} belongs to an obligation that did not come from this list",
        "请在映射中换用前缀。",
        "Choose another prefix in the mapping.",
    ),
    "duplicate_code": Rule(
        "error",
        "与第 {other} 行的代码相同：{value}",
        "same code as line {other}: {value}",
        "每项义务使用自己的代码。",
        "Give every obligation its own code.",
    ),
    "unknown_parent": Rule(
        "error",
        "上级 {value} 不在账本上，也不在清单中（或其所在行被拒绝）",
        "its parent {value} is neither on the ledger nor among the rows taken",
        "请先登记上级，或更正其所在行。",
        "Register the parent first, or correct its row.",
    ),
    "parent_type": Rule(
        "error",
        "上级 {value} 不高于{kind}",
        "its parent {value} does not stand above a {kind}",
        "次序为 职责 → 系统 → 业务表 → 目录。",
        "The order is duty, system, table, entry.",
    ),
    "type_changed": Rule(
        "error",
        "义务 {other} 登记为{was}，类型不可更改",
        "obligation {other} is registered as a {was}, and its type never changes",
        "请取消该义务，并以新代码登记。",
        "Withdraw it, and register another under a new code.",
    ),
    "withdrawn": Rule(
        "error",
        "义务 {other} 已取消（日志 {leaf}）",
        "obligation {other} was withdrawn at leaf {leaf}",
        "导入不会恢复；如仍应归集，请用 obligation amend 恢复。",
        "An import restores nothing; if it is owed all the same, amend it.",
    ),
    "changed_at_desk": Rule(
        "error",
        "清单已变化，但义务 {other} 导入后已另行调整",
        "the list changed, but obligation {other} was amended since its import",
        "请人工调整该义务；导入不会覆盖。",
        "Amend that obligation by hand; an import does not overwrite it.",
    ),
}
"""All reasons by code."""


def problem(code: str, pointer: str, **facts: Any) -> Problem:  # noqa: ANN401 - goes into texts
    """The problem with this code at ``pointer``; ``facts`` fill the texts. KeyError for an unknown code."""
    return problem_by(RULES[code], code, pointer, **facts)
