"""The filing mistakes (填报校验) of one entry and of several together; pure, no I/O.

:func:`check_entry` looks at one entry; :func:`check_together` at entries beside each other and
beside what is on the ledger already. What the law asks for and is not there yet is listed by
:mod:`ledger.catalogue.completeness`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ledger.catalogue.dictionaries import (
    FORMAT_TYPES,
    NUMERIC_TYPES,
    SHARE_MODES_OF,
    FormatCategory,
    ProviderCheck,
    ShareMode,
)
from ledger.catalogue.entry import Entry, Item
from ledger.catalogue.names import bare, dragged, system_named
from ledger.catalogue.problems import Problem, problem
from ledger.codes import OpenType, ShareType
from ledger.identifiers import IdentifierError, check_uscc, is_provisional, parse_resource_code

_SHORT_CODE = re.compile(r"^[0-9A-Za-z]*(/[0-9]*)?$")
_PLAIN_RANGE = re.compile(r"^[-+0-9.,eE~∼～–—…<>≤≥=\[\]()（）;；|、至到 ]*$")


def check_entry(entry: Entry) -> list[Problem]:
    """Everything wrong or doubtful about one entry, ordered by field."""
    found = [
        *_code_problems(entry.code),
        *_name_problems(entry),
        *_provider_problems(entry),
        *_format_problems(entry),
        *_share_problems(entry),
        *_entry_problems(entry),
        *_item_list_problems(entry.items),
    ]
    for position, item in enumerate(entry.items):
        found += _item_problems(f"/items/{position}", item)
    return sorted(found, key=lambda one: (one.pointer, one.code))


def provider_check(code: str, evidence: str | None) -> ProviderCheck:
    """How a provider's code stands to GB 32100-2015; evidence turns a failure into an override."""
    if is_provisional(code):
        return ProviderCheck.MISSING
    if check_uscc(code).valid:
        return ProviderCheck.VALID
    return ProviderCheck.OVERRIDDEN if evidence else ProviderCheck.UNCHECKED


Names = Mapping[tuple[str, str], tuple[str, str]]
"""(provider, bare name) -> (code, name) of what is on the ledger."""


def check_together(
    entries: Sequence[Entry], known: Names | None = None
) -> dict[int, list[Problem]]:
    """Problems of entries beside each other, by position: :func:`duplicates`, and dragged names."""
    found = duplicates(entries, known)
    sameness = [_but_for_name(entry) for entry in entries]
    for position, first in dragged([entry.name for entry in entries], sameness):
        mistake = problem("dragged_names", "/name", other=entries[first].name)
        found.setdefault(position, []).append(mistake)
    return found


def duplicates(entries: Sequence[Entry], known: Names | None = None) -> dict[int, list[Problem]]:
    """Repeated names and codes, by position: among ``entries``, and beside ``known``.

    ``known`` is what :func:`ledger.catalogue.lookups.names_of` gives. The first of two equals
    stands; the later one has the problem.
    """
    found: dict[int, list[Problem]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    codes: dict[str, str] = {}
    for position, entry in enumerate(entries):
        if entry.code in codes:
            mistake = problem("duplicate_code", "/code", other=codes[entry.code])
            found.setdefault(position, []).append(mistake)
            continue
        codes[entry.code] = entry.name
        key = (entry.provider, bare(entry.name))
        other = names.setdefault(key, (known or {}).get(key, (entry.code, entry.name)))
        if other[0] != entry.code:
            mistake = (
                problem("several_codes", "/code", other=other[0])
                if other[1] == entry.name
                else problem("duplicate_name", "/name", other=other[1])
            )
            found.setdefault(position, []).append(mistake)
    return found


def _but_for_name(entry: Entry) -> dict[str, Any]:
    document = entry.document()
    for name in ("name", "name_en", "code", "source", "link", "abstract"):
        document.pop(name, None)
    return document


def _code_problems(code: str) -> Iterable[Problem]:
    try:
        parse_resource_code(code)
    except IdentifierError:
        prefix, _, sequence = code.partition("/")
        short = len(prefix) < 6 or (sequence.isdecimal() and len(sequence) < 6)  # noqa: PLR2004
        rule = "code_too_short" if short and _SHORT_CODE.match(code) else "code_shape"
        yield problem(rule, "/code", value=code)


def _name_problems(entry: Entry) -> Iterable[Problem]:
    systems = [*entry.systems, *(i.source_system for i in entry.items if i.source_system)]
    system = system_named(entry.name, systems)
    if system is not None:
        yield problem("named_after_system", "/name", value=system)


def _provider_problems(entry: Entry) -> Iterable[Problem]:
    standing = provider_check(entry.provider, entry.provider_evidence)
    if standing is ProviderCheck.MISSING:
        yield problem("provider_code_provisional", "/provider", value=entry.provider)
    elif standing is ProviderCheck.UNCHECKED:
        yield problem("provider_code_unchecked", "/provider", value=entry.provider)


def _format_problems(entry: Entry) -> Iterable[Problem]:
    for position, form in enumerate(entry.formats):
        allowed = FORMAT_TYPES[form.category]
        if form.type is not None and allowed and form.type not in allowed:
            yield problem(
                "format_type_mismatch",
                f"/formats/{position}/type",
                value=form.type,
                category=(form.category.zh, form.category.en),
                allowed=", ".join(sorted(allowed)),
            )
    yield from _mode_problems(entry)


def _mode_problems(entry: Entry) -> Iterable[Problem]:
    """Every mode needs a format that can be shared so,
    and every format a mode (1272, element 11).
    """
    if not entry.formats or not entry.share_modes:
        return
    categories = dict.fromkeys(form.category for form in entry.formats)
    for position, mode in enumerate(entry.share_modes):
        if not any(mode in SHARE_MODES_OF[category] for category in categories):
            first = next(iter(categories))
            yield _mode_mismatch(f"/share_modes/{position}", first, mode)
    for position, form in enumerate(entry.formats):
        if not SHARE_MODES_OF[form.category] & set(entry.share_modes):
            yield _mode_mismatch(f"/formats/{position}", form.category, entry.share_modes[0])


def _mode_mismatch(pointer: str, category: FormatCategory, mode: ShareMode) -> Problem:
    return problem(
        "format_share_mismatch",
        pointer,
        category=(category.zh, category.en),
        mode=(mode.zh, mode.en),
    )


_OF_SHARE_TYPE: dict[str, frozenset[ShareType]] = {
    "share_scope": frozenset({ShareType.CONDITIONAL}),
    "share_purpose": frozenset({ShareType.CONDITIONAL}),
    "not_shared_reason": frozenset({ShareType.NOT_SHARED}),
    "not_shared_basis": frozenset({ShareType.NOT_SHARED}),
    "share_modes": frozenset({ShareType.CONDITIONAL, ShareType.UNCONDITIONAL}),
}
"""Fields that only some share types may state (条例 Art. 15)."""


def _share_problems(entry: Entry) -> Iterable[Problem]:
    share = entry.share_type
    if share is None:
        return
    for name, types in _OF_SHARE_TYPE.items():
        if share not in types and getattr(entry, name) not in (None, ()):
            yield problem("own_condition", f"/{name}", share_type=(share.zh, share.en))
    if share is ShareType.NOT_SHARED:
        if entry.open_type in (OpenType.UNCONDITIONAL, OpenType.CONDITIONAL):
            yield problem("open_without_share", "/open_type")
        return
    for position, item in enumerate(entry.items):
        if item.share_type is ShareType.NOT_SHARED:
            unconditional = share is ShareType.UNCONDITIONAL
            code = "share_below_items" if unconditional else "item_not_shared"
            yield problem(code, f"/items/{position}/share_type")
            return


def _entry_problems(entry: Entry) -> Iterable[Problem]:
    if entry.secret:
        yield problem("state_secret", "/secret")
    if entry.revised_on and entry.published_on and entry.revised_on < entry.published_on:
        yield problem(
            "dates_reversed",
            "/revised_on",
            revised=entry.revised_on,
            published=entry.published_on,
        )
    highest = max((item.grade for item in entry.items if item.grade), default=0)
    if entry.grade is not None and entry.grade < highest:
        yield problem("grade_below_items", "/grade", stated=entry.grade, highest=highest)


def _item_list_problems(items: Sequence[Item]) -> Iterable[Problem]:
    seen: dict[str, int] = {}
    for position, item in enumerate(items):
        first = seen.setdefault(bare(item.name), position)
        if first != position:
            yield problem("duplicate_item", f"/items/{position}/name", other=f"/items/{first}/name")
    sameness = [item.model_dump(exclude={"name", "name_en"}) for item in items]
    for position, first in dragged([item.name for item in items], sameness):
        yield problem("dragged_names", f"/items/{position}/name", other=items[first].name)


def _item_problems(pointer: str, item: Item) -> Iterable[Problem]:
    if item.secret:
        yield problem("state_secret", f"{pointer}/secret")
    if item.length is not None and item.precision is not None and item.precision >= item.length:
        yield problem(
            "precision_exceeds_length",
            f"{pointer}/precision",
            precision=item.precision,
            length=item.length,
        )
    if item.share_type in (ShareType.UNCONDITIONAL, ShareType.NOT_SHARED) and item.share_condition:
        label = (item.share_type.zh, item.share_type.en)
        yield problem("own_condition", f"{pointer}/share_condition", share_type=label)
    if item.data_type in NUMERIC_TYPES:
        yield from _unit_problems(pointer, item)


def _unit_problems(pointer: str, item: Item) -> Iterable[Problem]:
    """A numeric item's value range holds numbers only; the unit has a field of its own."""
    text = item.value_range
    if text is not None and not _PLAIN_RANGE.match(text):
        yield problem("unit_in_numeric", f"{pointer}/value_range", value=text)
