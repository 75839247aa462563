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


class Role(IntFlag):
    """角色: what a key may sign for its organisation; a bit mask on the chain."""

    STEWARD = 1
    HEAD = 2
    AUTHORITY = 4
    COLLECTOR = 8
    ASSESSOR = 16
    AUDITOR = 32


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
