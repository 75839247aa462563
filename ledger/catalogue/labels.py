"""What the fields of an entry are called (字段名称), and their values in words.

The Chinese names are those of 政务信息资源目录编制指南 (发改高技术〔2017〕1272号) and of 政务数据共享条例
Arts. 13-15 where these name a field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ledger.catalogue.dictionaries import (
    INDUSTRIES,
    BasisCategory,
    Channel,
    DataScope,
    DataType,
    FormatCategory,
    ProviderCheck,
    Scene,
    ShareMode,
    SystemLevel,
)
from ledger.codes import (
    GRADES,
    Code,
    EntryState,
    Level,
    Library,
    NationalClass,
    OpenType,
    Origin,
    ShareType,
    UpdateCycle,
)

FIELDS: dict[str, tuple[str, str]] = {
    "code": ("资源代码", "resource code"),
    "name": ("名称", "name"),
    "name_en": ("英文名称", "English name"),
    "classification": ("资源分类", "classification"),
    "themes": ("主题", "themes"),
    "provider": ("提供方代码", "provider's code"),
    "provider_name": ("提供单位", "provider"),
    "provider_unit": ("提供单位内设机构", "provider's unit"),
    "provider_check": ("提供方代码校验", "provider's code check"),
    "provider_evidence": ("提供方代码依据", "evidence for the code"),
    "abstract": ("摘要", "abstract"),
    "keywords": ("关键字", "keywords"),
    "formats": ("信息资源格式", "formats"),
    "items": ("信息项", "information items"),
    "share_type": ("共享类型", "share type"),
    "share_scope": ("共享范围", "share scope"),
    "share_purpose": ("共享用途", "share purpose"),
    "not_shared_reason": ("不予共享理由", "reason for not sharing"),
    "not_shared_basis": ("不予共享依据", "legal basis for not sharing"),
    "share_modes": ("共享方式", "share modes"),
    "use_conditions": ("使用要求", "conditions of use"),
    "open_type": ("开放类型", "open type"),
    "open_condition": ("开放条件", "conditions of opening"),
    "update_cycle": ("更新周期", "update cycle"),
    "published_on": ("发布日期", "published on"),
    "revised_on": ("修订日期", "revised on"),
    "related": ("关联目录", "related entries"),
    "library": ("所属库", "library"),
    "library_name": ("库名称", "name of the library"),
    "level": ("层级", "level"),
    "origin": ("目录来源", "origin"),
    "grade": ("安全等级", "grade"),
    "national_class": ("数据分类分级", "national class"),
    "restricted": ("受限", "restricted"),
    "secret": ("涉密", "secret"),
    "secrecy_assessment": ("保密审查", "secrecy assessment"),
    "personal_information_assessment": (
        "个人信息保护影响评估",
        "personal information assessment",
    ),
    "systems": ("所属信息系统", "systems"),
    "duty": ("职责", "duty"),
    "matters": ("关联事项", "matters"),
    "channels": ("提供渠道", "channels"),
    "scenes": ("应用场景", "scenes"),
    "data_scope": ("数据范围", "data scope"),
    "industry": ("行业", "industry"),
    "processing": ("加工程度", "processing"),
    "authorised_operation": ("授权运营", "authorised operation"),
    "certificate": ("电子证照", "certificate"),
    "link": ("链接", "link"),
    "source": ("导入来源", "imported from"),
    # the public envelope of a restricted entry
    "commitment": ("加盐摘要", "salted commitment"),
    # information items
    "data_type": ("数据类型", "type"),
    "length": ("长度", "length"),
    "precision": ("精度", "precision"),
    "unit": ("计量单位", "unit"),
    "value_range": ("值域", "range"),
    "description": ("说明", "description"),
    "share_condition": ("共享条件", "share condition"),
    "sensitive": ("敏感", "sensitive"),
    "primary_key": ("主键", "primary key"),
    "incremental": ("增量字段", "incremental"),
    "locally_generated": ("本级产生", "generated here"),
    "standardised": ("已标准化", "standardised"),
    "code_set": ("代码集", "code set"),
    "data_element": ("数据元", "data element"),
    "source_system": ("来源系统", "source system"),
    "source_system_level": ("来源系统层级", "source system's level"),
    # parts of parts
    "category": ("类别", "category"),
    "type": ("类型", "type"),
    "done": ("是否完成", "done"),
    "date": ("日期", "date"),
    "reference": ("文号", "reference"),
    "document": ("文件", "document"),
    "article": ("条款", "article"),
}
"""Field -> Chinese and English name, in the order in which an entry is read."""

_CODES: dict[str, type[Code]] = {
    "state": EntryState,
    "share_type": ShareType,
    "open_type": OpenType,
    "update_cycle": UpdateCycle,
    "library": Library,
    "level": Level,
    "origin": Origin,
    "national_class": NationalClass,
    "provider_check": ProviderCheck,
    "share_modes": ShareMode,
    "channels": Channel,
    "scenes": Scene,
    "data_scope": DataScope,
    "data_type": DataType,
    "source_system_level": SystemLevel,
}


def label(field: str, language: str) -> str:
    """What a field is called; its own name where it has none."""
    zh, en = FIELDS.get(field, (field, field))
    return zh if language == "zh" else en


def spoken(field: str, value: object, language: str) -> str:
    """A field's value in words; codes by their label, what nobody foresaw as JSON."""
    zh = language == "zh"
    if isinstance(value, list | tuple):
        return ("、" if zh else ", ").join(spoken(field, one, language) for one in value)
    if isinstance(value, Mapping):
        return _part(field, value, language)
    return _word(field, value, zh=zh)


def _word(field: str, value: object, *, zh: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return ("是" if value else "否") if zh else ("yes" if value else "no")
    if not isinstance(value, int | str):
        return json.dumps(value, ensure_ascii=False)
    if field == "grade" and value in GRADES:
        return GRADES[int(value)][0 if zh else 1]
    if field == "industry":
        return f"{value} {INDUSTRIES.get(str(value), '')}".strip()
    return _member(_CODES.get(field), value, zh=zh)


def _member(table: type[Code] | None, value: object, *, zh: bool) -> str:
    for member in table or ():
        if member.value == value:
            return member.zh if zh else member.en
    return str(value)


def _part(field: str, part: Mapping[str, Any], language: str) -> str:
    """A part of an entry on one line."""
    zh = language == "zh"
    if field == "formats":
        kind = _member(FormatCategory, part.get("category"), zh=zh)
        return f"{kind} ({part['type']})" if part.get("type") else kind
    if field == "not_shared_basis":
        kind = _member(BasisCategory, part.get("category"), zh=zh)
        rest = " ".join(str(part[name]) for name in ("document", "article") if part.get(name))
        return f"{kind}：{rest}" if zh else f"{kind}: {rest}"
    if field.endswith("_assessment"):
        done = ("已完成", "done") if part.get("done") else ("未完成", "not done")
        more = [str(part[name]) for name in ("date", "reference") if part.get(name)]
        return " ".join([done[0 if zh else 1], *more])
    if field == "source":
        return f"{part.get('catalogue', '')} {part.get('record', '')}".strip()
    joint, between = ("：", "；") if zh else (": ", "; ")
    return between.join(
        f"{label(name, language)}{joint}{spoken(name, part[name], language)}"
        for name in in_order(part)
    )


def _order(field: str) -> int:
    return _ORDER.get(field, len(_ORDER))


_ORDER = {field: place for place, field in enumerate(FIELDS)}


def in_order(document: Mapping[str, Any]) -> list[str]:
    """The fields of a document in the order in which an entry is read; unknown ones last, by name."""
    return sorted(document, key=lambda field: (_order(field), field))
