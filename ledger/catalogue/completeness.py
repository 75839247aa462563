"""What the law asks of an entry and is not there yet (目录完整性): the difference of draft and
filing.

政务数据共享条例 (State Council Decree 809) Arts. 13-15; 上海市数据条例 Arts. 28, 34, 41; the 1272
guide (发改高技术〔2017〕1272号) for the information items.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from operator import attrgetter

from ledger.catalogue.dictionaries import FORMAT_TYPES, STRUCTURED, DataType
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import Problem, problem
from ledger.codes import OpenType, ShareType

ELEMENTS: dict[str, tuple[str, str, str]] = {
    "provider_name": ("提供单位名称", "the provider's name", "条例 Art. 13"),
    "abstract": ("摘要", "the abstract", "1272 §6"),
    "items": ("数据项", "the data items", "条例 Art. 13"),
    "data_type": ("数据类型", "the item's data type", "1272 §8.2"),
    "length": ("数据长度", "the item's length", "1272 §8.3"),
    "formats": ("数据格式", "the data format", "条例 Art. 13"),
    "format_type": ("格式类型", "the format type", "1272 §7"),
    "update_cycle": ("更新频率", "the update frequency", "条例 Art. 13"),
    "share_type": ("共享属性", "the share attribute", "条例 Art. 13"),
    "share_modes": ("共享方式", "the share method", "条例 Art. 13"),
    "use_conditions": ("使用条件", "the use conditions", "条例 Art. 13"),
    "share_scope": ("共享范围", "the share scope", "条例 Art. 15"),
    "share_purpose": ("使用用途", "the use purpose", "条例 Art. 15"),
    "not_shared_reason": ("不予共享理由", "the reason for not sharing", "条例 Art. 15"),
    "not_shared_basis": ("不予共享依据", "the legal basis for not sharing", "条例 Arts. 14-15"),
    "grade": ("分级", "the security grade", "条例 Art. 13"),
    "open_type": ("开放属性", "the open attribute", "上海市数据条例 Art. 28"),
    "open_condition": ("开放条件", "the open condition", "上海市数据条例 Art. 41"),
    "library": ("所属库", "the library", "上海市数据条例 Art. 34"),
    "level": ("层级", "the administrative level", "上海市数据条例 Art. 28"),
    "origin": ("目录来源", "the origin", "上海市数据条例 Art. 28"),
    "secrecy_assessment": ("保密风险评估", "the secrecy-risk assessment", "条例 Art. 13"),
    "personal_information_assessment": (
        "个人信息保护影响评估",
        "the personal-information impact assessment",
        "条例 Art. 13",
    ),
}
"""Legal elements: Chinese name, English name, and where the law asks for them."""

_ALWAYS = (
    "provider_name",
    "abstract",
    "update_cycle",
    "share_type",
    "open_type",
    "library",
    "level",
    "origin",
)
_STATED = attrgetter(*_ALWAYS)
_POINTERS = tuple(f"/{name}" for name in _ALWAYS)
_LENGTH_STATED = frozenset({DataType.CHAR, DataType.NUMERIC, DataType.DECIMAL})


def missing_elements(entry: Entry) -> list[Problem]:
    """The legal elements that the entry lacks, ordered by field;
    empty means it may be submitted.
    """
    found = []
    for pointer in sorted(_missing(entry)):
        zh, en, law = ELEMENTS[_element(pointer)]
        found.append(problem("missing", pointer, element=(zh, en), law=law))
    return found


def missing_fields(entry: Entry) -> list[str]:
    """Pointers of :func:`missing_elements`, ordered."""
    return sorted(_missing(entry))


def missing_listed(entry: Entry) -> str:
    """:func:`missing_fields` as a JSON array."""
    return _listed(tuple(_missing(entry)))


@lru_cache(maxsize=1024)
def _listed(pointers: tuple[str, ...]) -> str:
    # What an import files lacks the same things by the hundred.
    return json.dumps(sorted(pointers), ensure_ascii=False)


def _element(pointer: str) -> str:
    """The element that stands, or does not, at a pointer."""
    name = pointer.rpartition("/")[2]
    return "format_type" if name == "type" else name


def needs_items(entry: Entry) -> bool:
    """Whether information items must be listed:
    not for purely unstructured formats (1272, element 8).
    """
    return not entry.formats or any(form.category in STRUCTURED for form in entry.formats)


def _missing(entry: Entry) -> list[str]:
    """Pointers of what is missing."""
    # Every filing of a log comes through here.
    stated = _STATED(entry)
    found = (
        [_POINTERS[at] for at, one in enumerate(stated) if one is None] if None in stated else []
    )
    if entry.effective_grade is None:
        found.append("/grade")
    if entry.open_type is OpenType.CONDITIONAL and entry.open_condition is None:
        found.append("/open_condition")
    if (secrecy := entry.secrecy_assessment) is None or not secrecy.done:
        found.append("/secrecy_assessment")
    if (personal := entry.personal_information_assessment) is None or not personal.done:
        found.append("/personal_information_assessment")
    if entry.formats:
        found += _missing_format_types(entry)
    else:
        found.append("/formats")
    if entry.items:
        found += _missing_in_items(entry)
    elif needs_items(entry):
        found.append("/items")
    if entry.share_type is not None:
        found += _missing_sharing(entry, entry.share_type)
    return found


def _missing_format_types(entry: Entry) -> Iterator[str]:
    for position, form in enumerate(entry.formats):
        if form.type is None and FORMAT_TYPES[form.category]:
            yield f"/formats/{position}/type"


def _missing_in_items(entry: Entry) -> Iterator[str]:
    for position, item in enumerate(entry.items):
        if item.data_type is None:
            yield f"/items/{position}/data_type"
        elif item.data_type in _LENGTH_STATED and item.length is None:
            yield f"/items/{position}/length"


def _missing_sharing(entry: Entry, share: ShareType) -> Iterator[str]:
    needed: tuple[str, ...]
    if share is ShareType.NOT_SHARED:
        needed = ("not_shared_reason", "not_shared_basis")
    elif share is ShareType.CONDITIONAL:
        needed = ("share_scope", "share_purpose", "use_conditions")
    else:
        needed = ("use_conditions",)
    for name in needed:
        if getattr(entry, name) is None:
            yield f"/{name}"
    if share is not ShareType.NOT_SHARED and not entry.share_modes:
        yield "/share_modes"
