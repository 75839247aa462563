"""The indicator tree (指标体系) of DB31/T 1523-2024 公共数据质量评价要求, as data.

Six first-level indicators (the *dimensions* of :mod:`ledger.quality.dimensions`), 23 of the second
and 7 of the third level, coded 010100 … 060200. A leaf scores X = A/B, A elements that satisfy of B
that were evaluated; the two *inverted* leaves score X = 1 - A/B with A the elements that are bad.
010100 and 040200 are means of their children. Numbers follow the body of the standard; its annex A
numbers 030500 and 0402xx otherwise.

GB/T 36344-2018 knows 20 of the second-level indicators by the same names. The mappings to ISO/IEC
25012 characteristics and to the layers of ISO 8000-8 are this project's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Indicator(NamedTuple):
    """An indicator (指标) of any level.

    ``parent`` is "" for the first level. ``inverted``: the standard counts bad elements in A.
    ``gb36344``: whether GB/T 36344-2018 has it. ``iso25012`` names characteristics, ``iso8000`` the
    layer of quality (syntactic, semantic, pragmatic).
    """

    code: str
    parent: str
    zh: str
    en: str
    gb36344: bool
    iso25012: tuple[str, ...]
    iso8000: str
    inverted: bool = False


_ISO: dict[str, tuple[tuple[str, ...], str]] = {
    "01": (("Compliance", "Understandability"), "syntactic"),
    "02": (("Completeness",), "semantic"),
    "03": (("Accuracy", "Precision", "Credibility"), "semantic"),
    "04": (("Consistency",), "semantic"),
    "05": (("Currentness",), "pragmatic"),
    "06": (("Accessibility", "Availability", "Portability"), "pragmatic"),
}
_ISO_OF_ITS_OWN: dict[str, tuple[str, ...]] = {
    "010600": ("Compliance", "Confidentiality"),
    "050400": ("Currentness", "Compliance"),
}
_NOT_IN_GB = frozenset({"030600", "040300", "050400"})
_INVERTED = frozenset({"030300", "030500"})

_NAMES: tuple[tuple[str, str, str], ...] = (
    ("01", "规范性", "normativity"),
    ("010100", "数据标准", "data standard"),
    ("010101", "数据类型约束", "type constraint"),
    ("010102", "数据格式约束", "format constraint"),
    ("010103", "数据长度约束", "length constraint"),
    ("010200", "数据模型", "data model"),
    ("010300", "元数据", "metadata"),
    ("010400", "业务规则", "business rules"),
    ("010500", "权威参考数据", "authoritative reference data"),
    ("010600", "安全规范", "security rules"),
    ("02", "完整性", "completeness"),
    ("020100", "数据元素完整性", "completeness of elements"),
    ("020200", "数据记录完整性", "completeness of records"),
    ("03", "准确性", "accuracy"),
    ("030100", "内容正确性", "correct content"),
    ("030200", "格式合规性", "compliant format"),
    ("030300", "数据重复率", "rate of duplicates"),
    ("030400", "数据唯一性", "uniqueness"),
    ("030500", "脏数据出现率", "rate of dirty data"),
    ("030600", "数据标准参照准确性", "agreement with the authoritative reference"),
    ("04", "一致性", "consistency"),
    ("040100", "相同数据一致性", "same datum in several places"),
    ("040200", "关联数据一致性", "related data"),
    ("040201", "表内等值一致性", "equality within a table"),
    ("040202", "表内逻辑一致性", "logic within a table"),
    ("040203", "跨表等值一致性", "equality across tables"),
    ("040204", "跨表逻辑一致性", "logic across tables"),
    ("040300", "数据项与元数据一致性", "items agree with metadata"),
    ("05", "时效性", "timeliness"),
    ("050100", "基于时间段的正确性", "correct for the period"),
    ("050200", "基于时间点的及时性", "in time at a moment"),
    ("050300", "时序性", "order in time"),
    ("050400", "数据授权使用时效性", "used within the authorised time"),
    ("06", "可访问性", "accessibility"),
    ("060100", "可访问", "accessible"),
    ("060200", "可用性", "available"),
)


def _parent(code: str) -> str:
    if len(code) == 2:  # noqa: PLR2004 - a first-level code
        return ""
    return code[:2] if code.endswith("00") else f"{code[:4]}00"


INDICATORS: dict[str, Indicator] = {
    code: Indicator(
        code=code,
        parent=_parent(code),
        zh=zh,
        en=en,
        gb36344=code not in _NOT_IN_GB and (len(code) == 2 or code.endswith("00")),  # noqa: PLR2004
        iso25012=_ISO_OF_ITS_OWN.get(code, _ISO[code[:2]][0]),
        iso8000=_ISO[code[:2]][1],
        inverted=code in _INVERTED,
    )
    for code, zh, en in _NAMES
}
"""Every indicator by its code, parents before children, in the order of the standard."""

CHILDREN: dict[str, tuple[str, ...]] = {
    code: tuple(one.code for one in INDICATORS.values() if one.parent == code)
    for code in ("", *INDICATORS)
}
"""Codes of the children of every indicator; ``""`` has the first level, a leaf has none."""

LEAVES: tuple[str, ...] = tuple(code for code in INDICATORS if not CHILDREN[code])
"""The indicators that rules may name: those without children."""


def level_of(code: str) -> int:
    """1, 2 or 3."""
    parent = INDICATORS[code].parent
    return 1 if not parent else 1 + level_of(parent)


def leaves_below(code: str) -> Iterator[str]:
    """The leaves below an indicator (itself where it is one), in order."""
    if not CHILDREN[code]:
        yield code
        return
    for child in CHILDREN[code]:
        yield from leaves_below(child)
