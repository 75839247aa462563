"""Words of correction requests that stand in bodies alone, so that the chain knows no number of them."""

from __future__ import annotations

from ledger.codes import Code


class Category(Code):
    """反馈类型: what is wrong with the data."""

    ERROR = ("error", 1, "信息有误", "wrong information")
    QUALITY = ("quality", 2, "数据质量问题", "poor quality")
    OTHER = ("other", 3, "其他", "other")


class Outcome(Code):
    """处理结果: what came of the provider's check (核查、校正、反馈, 条例 Art. 26)."""

    CORRECTED = ("corrected", 1, "已更正", "corrected")
    PARTLY = ("partly", 2, "部分更正", "partly corrected")
    CONFIRMED = ("confirmed", 3, "核实无误", "checked, and right as it is")


class Standing(Code):
    """时限状态: how a request stands against its clock on a day."""

    RUNNING = ("running", 1, "办理期内", "within its time")
    ON_TIME = ("on_time", 2, "按时答复", "answered on time")
    LATE = ("late", 3, "逾期答复", "answered late")
    OVERDUE = ("overdue", 4, "逾期未答复", "overdue")
    CANCELLED = ("cancelled", 5, "按期内撤回", "cancelled in time")
    LAPSED = ("lapsed", 6, "逾期后撤回", "cancelled after its time had run out")
