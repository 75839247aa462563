"""Enumerations (代码表): the word that people and bodies use, and the number on the chain.

Bodies, the API and the CLI use the string codes; only typed structs use the numbers. Every member
has a Chinese and an English label. Sources: 政务数据共享条例 Arts. 13-15 and 22;
政务信息资源目录编制指南 (发改高技术〔2017〕1272号); 上海市数据条例 Arts. 28, 34, 41;
GB/T 43697-2024.
"""

from __future__ import annotations

from enum import Enum, IntFlag
from typing import Self


class Code(Enum):
    """A code: ``number`` (1.. on chain), ``value`` the string, labels ``zh``, ``en``."""

    number: int
    zh: str
    en: str

    def __new__(cls, code: str, number: int, zh: str, en: str) -> Self:
        member = object.__new__(cls)
        member._value_ = code
        member.number = number
        member.zh = zh
        member.en = en
        return member

    @classmethod
    def of(cls, code: str) -> Self:
        """The member with this string code; raises :class:`ValueError` naming the enumeration."""
        for member in cls:
            if member.value == code:
                return member
        raise ValueError(f"{code!r} is no {cls.__name__}")

    @classmethod
    def of_number(cls, number: int) -> Self:
        """The member with this number; raises :class:`ValueError` naming the enumeration."""
        for member in cls:
            if member.number == number:
                return member
        raise ValueError(f"{number} is no {cls.__name__}")


class ShareType(Code):
    """共享类型 (条例 Art. 14)."""

    UNCONDITIONAL = ("unconditional", 1, "无条件共享", "unconditional")
    CONDITIONAL = ("conditional", 2, "有条件共享", "conditional")
    NOT_SHARED = ("not_shared", 3, "不予共享", "not shared")


class OpenType(Code):
    """开放类型 (上海市数据条例 Art. 41)."""

    UNCONDITIONAL = ("unconditional", 1, "无条件开放", "unconditional")
    CONDITIONAL = ("conditional", 2, "有条件开放", "conditional")
    NOT_OPEN = ("not_open", 3, "非开放", "not open")


class UpdateCycle(Code):
    """更新周期 (1272 guide, element 13)."""

    REALTIME = ("realtime", 1, "实时", "real time")
    DAILY = ("daily", 2, "每日", "daily")
    WEEKLY = ("weekly", 3, "每周", "weekly")
    MONTHLY = ("monthly", 4, "每月", "monthly")
    QUARTERLY = ("quarterly", 5, "每季度", "quarterly")
    HALF_YEARLY = ("half_yearly", 6, "每半年", "half-yearly")
    YEARLY = ("yearly", 7, "每年", "yearly")
    ON_DEMAND = ("on_demand", 8, "不定时", "on demand")
    OTHER = ("other", 9, "其他", "other")


class Library(Code):
    """库 (上海市数据条例 Art. 34): comprehensive, theme, special-purpose, department's own."""

    COMPREHENSIVE = ("comprehensive", 1, "综合库", "comprehensive")
    THEME = ("theme", 2, "主题库", "theme")
    SPECIAL = ("special", 3, "专题库", "special-purpose")
    DEPARTMENT = ("department", 4, "部门库", "department")


class EntryState(Code):
    """目录状态: the life of a catalogue entry (条例 Arts. 16-17)."""

    DRAFT = ("draft", 1, "草案", "draft (incomplete)")
    SUBMITTED = ("submitted", 2, "已报送", "submitted")
    RETURNED = ("returned", 3, "已退回", "returned")
    PUBLISHED = ("published", 4, "已发布", "published")
    SUSPENDED = ("suspended", 5, "已暂停", "suspended")
    REVOKED = ("revoked", 6, "已撤销", "revoked")


class Level(Code):
    """行政层级."""

    CITY = ("city", 1, "市级", "city")
    DISTRICT = ("district", 2, "区级", "district")
    TOWN = ("town", 3, "街镇级", "town or street")


class Origin(Code):
    """目录来源 (上海市数据条例 Art. 28): a district writes only supplements (补充目录)."""

    INHERITED = ("inherited", 1, "市级目录继承", "inherited from the city")
    SUPPLEMENT = ("district_supplement", 2, "区域补充目录", "district supplement")


class OrganisationStatus(Code):
    """机构状态."""

    ACTIVE = ("active", 1, "有效", "active")
    DISSOLVED = ("dissolved", 2, "已撤并", "dissolved")


class KeyStatus(Code):
    """密钥状态."""

    ACTIVE = ("active", 1, "有效", "active")
    REVOKED = ("revoked", 2, "已吊销", "revoked")


class NationalClass(Code):
    """数据分级 (GB/T 43697-2024): general, important, core."""

    GENERAL = ("general", 1, "一般数据", "general")
    IMPORTANT = ("important", 2, "重要数据", "important")
    CORE = ("core", 3, "核心数据", "core")


class ObligationType(Code):
    """归集义务类型: the chain of duty, from 权责清单 down to the entry that is expected."""

    DUTY = ("duty", 1, "职责事项", "duty or permit item")
    SYSTEM = ("system", 2, "信息系统", "information system")
    TABLE = ("table", 3, "业务表", "business table")
    ENTRY = ("entry", 4, "应编目录", "expected catalogue entry")


class ObligationStatus(Code):
    """义务状态."""

    IN_FORCE = ("in_force", 1, "有效", "in force")
    WITHDRAWN = ("withdrawn", 2, "已取消", "withdrawn")


class BindingStatus(Code):
    """绑定状态 of obligation and entry."""

    BOUND = ("bound", 1, "已绑定", "bound")
    RELEASED = ("released", 2, "已解绑", "released")


class ObjectionState(Code):
    """异议状态."""

    RAISED = ("raised", 1, "已提出", "raised")
    UPHELD = ("upheld", 2, "成立", "upheld")
    DISMISSED = ("dismissed", 3, "不成立", "dismissed")


class ExemptionTarget(Code):
    """豁免对象."""

    OBLIGATION = ("obligation", 1, "归集义务", "obligation")
    ENTRY = ("entry", 2, "目录条目", "catalogue entry")


class ExemptionStatus(Code):
    """豁免状态; an exemption past its last day counts no more, whatever its status."""

    GRANTED = ("granted", 1, "已批准", "granted")
    WITHDRAWN = ("withdrawn", 2, "已取消", "withdrawn")


class ResourceType(Code):
    """资源类型 (条例 Art. 22: 服务接口, 批量交换, 文件下载)."""

    TABLE = ("table", 1, "库表", "table for batch exchange")
    FILE = ("file", 2, "文件", "file")
    API = ("api", 3, "服务接口", "service interface")


class ResourceStatus(Code):
    """挂接状态."""

    LIVE = ("live", 1, "已挂接", "live")
    CLOSED = ("closed", 2, "已下线", "closed")


class DeliveryMode(Code):
    """归集方式: all rows as they stand, or those that came in the period."""

    FULL = ("full", 1, "全量", "full")
    INCREMENT = ("increment", 2, "增量", "increment")


class ReportType(Code):
    """审计报告类型."""

    COMPLETENESS = ("completeness", 1, "应归尽归审计", "completeness audit")
    QUALITY = ("quality", 2, "质量评估报告", "quality assessment")
    LINEAGE = ("lineage", 3, "血缘审计", "lineage audit")


class CorrectionType(Code):
    """校核申请类型."""

    DIRECTORY = ("directory", 1, "数据目录纠错", "directory")
    RESOURCE = ("resource", 2, "资源申请异议", "resource")
    USE = ("use", 3, "数据使用异议", "use of data")
    OTHER = ("other", 4, "其他", "other")


class CorrectionState(Code):
    """校核申请状态 (条例 Art. 26)."""

    FILED = ("filed", 1, "已提出", "filed")
    HANDLING = ("handling", 2, "处理中", "being handled")
    REJECTED = ("rejected", 3, "不予受理", "rejected")
    HANDLED = ("handled", 4, "已答复", "handled")
    EVALUATED = ("evaluated", 5, "已评价", "evaluated")
    CANCELLED = ("cancelled", 6, "已撤回", "cancelled")


class InForce(Code):
    """Whether a rule or declared step holds: 有效, 已取消."""

    ACTIVE = ("active", 1, "有效", "active")
    WITHDRAWN = ("withdrawn", 2, "已取消", "withdrawn")


class StepType(Code):
    """加工步骤类型: how data come from one place to the next."""

    COLLECT = ("collect", 1, "归集", "collect: source table to landing table (贴源)")
    STANDARDISE = ("standardise", 2, "标准化", "standardise: landing to standard table")
    MERGE = ("merge", 3, "汇聚", "merge: into a comprehensive library (综合库)")
    DERIVE = ("derive", 4, "加工", "derive: into a theme or special library (主题库, 专题库)")
    SERVE = ("serve", 5, "服务", "serve: to an interface, a file or a share")
    BACKFLOW = ("backflow", 6, "回流", "flow back: city to district to town")


class Role(IntFlag):
    """角色: what a key may sign for its organisation; a bit mask on the chain."""

    STEWARD = 1
    HEAD = 2
    AUTHORITY = 4
    COLLECTOR = 8
    ASSESSOR = 16
    AUDITOR = 32


class ExemptionScope(IntFlag):
    """豁免范围: what an exemption frees from; a bit mask on the chain."""

    CATALOGUE = 1
    COLLECT = 2
    UPDATE = 4
    QUALITY = 8
    SHARE = 16


EXEMPTION_SCOPES: dict[ExemptionScope, tuple[str, str]] = {
    ExemptionScope.CATALOGUE: ("编目", "catalogue"),
    ExemptionScope.COLLECT: ("归集", "collect"),
    ExemptionScope.UPDATE: ("更新", "update"),
    ExemptionScope.QUALITY: ("质量", "quality"),
    ExemptionScope.SHARE: ("共享", "share"),
}

ROLE_LABELS: dict[Role, tuple[str, str]] = {
    Role.STEWARD: ("数据管理员", "steward: catalogues and delivers"),
    Role.HEAD: ("部门负责人", "head: signs off what is filed"),
    Role.AUTHORITY: ("主管部门", "authority: publishes, returns, registers"),
    Role.COLLECTOR: ("归集方", "collector: receives data"),
    Role.ASSESSOR: ("评估方", "assessor: scores quality"),
    Role.AUDITOR: ("审计方", "auditor: files audit reports"),
}

GRADES: dict[int, tuple[str, str]] = {
    1: ("1级", "level 1"),
    2: ("2级", "level 2"),
    3: ("3级", "level 3, restricted"),
    4: ("4级", "level 4, restricted"),
}
"""安全等级: 1 (no harm) .. 4 (most severe) to persons or bodies (GB/T 43697-2024, annex H)."""

ENTRY_TRANSITIONS: dict[EntryState, frozenset[EntryState]] = {
    EntryState.SUBMITTED: frozenset(
        {EntryState.PUBLISHED, EntryState.RETURNED, EntryState.REVOKED}
    ),
    EntryState.PUBLISHED: frozenset({EntryState.SUSPENDED, EntryState.REVOKED}),
    EntryState.SUSPENDED: frozenset({EntryState.PUBLISHED, EntryState.REVOKED}),
    EntryState.RETURNED: frozenset({EntryState.REVOKED}),
    EntryState.DRAFT: frozenset({EntryState.REVOKED}),
    EntryState.REVOKED: frozenset(),
}
"""Decisions of an AUTHORITY: from the head's state to the states it may decide on."""

FILING_TRANSITIONS: dict[EntryState | None, frozenset[EntryState]] = {
    None: frozenset({EntryState.DRAFT, EntryState.SUBMITTED}),
    EntryState.DRAFT: frozenset({EntryState.DRAFT, EntryState.SUBMITTED}),
    EntryState.SUBMITTED: frozenset({EntryState.SUBMITTED}),
    EntryState.RETURNED: frozenset({EntryState.DRAFT, EntryState.SUBMITTED}),
    EntryState.PUBLISHED: frozenset({EntryState.SUBMITTED}),
    EntryState.SUSPENDED: frozenset(),
    EntryState.REVOKED: frozenset(),
}
"""Filings of the owner: from the head's state (None: no such entry) to the state filed."""

CORRECTION_TRANSITIONS: dict[CorrectionState | None, frozenset[CorrectionState]] = {
    None: frozenset({CorrectionState.FILED}),
    CorrectionState.FILED: frozenset(
        {
            CorrectionState.HANDLING,
            CorrectionState.REJECTED,
            CorrectionState.HANDLED,
            CorrectionState.CANCELLED,
        }
    ),
    CorrectionState.HANDLING: frozenset({CorrectionState.HANDLED, CorrectionState.CANCELLED}),
    CorrectionState.REJECTED: frozenset({CorrectionState.EVALUATED}),
    CorrectionState.HANDLED: frozenset({CorrectionState.EVALUATED}),
    CorrectionState.EVALUATED: frozenset(),
    CorrectionState.CANCELLED: frozenset(),
}
"""校核: FILED, CANCELLED and EVALUATED are the requester's, the others the provider's."""
