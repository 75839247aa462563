"""What the compiled reader takes, the model reads alike; what it leaves, only the model judges."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.canonical import canonical_json
from ledger.catalogue.compiled import compiled_entry
from ledger.catalogue.completeness import missing_fields, missing_listed
from ledger.catalogue.drafted_rows import entry_search_text
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import EntryRefused

from .conftest import OWNER, whole_entry

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "床位", " 床位", "床位 ", "a\u3000b", "\x7f", "x\n", 'a"b', "A", "\ufeff"]
    ),
    st.sampled_from(
        ["字" * 32, "字" * 33, "字" * 128, "字" * 129, "x" * 256, "x" * 257, "x" * 1001]
    ),
    st.text(max_size=12),
)
VALUES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-1, 5),
    st.sampled_from([2.0, 101, 1e9, 1_000_000_001]),
    st.sampled_from(
        ["conditional", "monthly", "department", "C", "2026-02-29", "2026-02-28", "0001-01-01"]
    ),
    st.lists(TEXTS, max_size=3),
    st.sampled_from(
        [
            {"category": "database", "type": "mysql"},
            {"category": "database", "type": "MySQL"},
            {"done": True, "date": "2026-01-02"},
            {"done": 1},
            {"catalogue": "shanghai", "record": "0" * 32, "digest": "f" * 32},
            {"catalogue": "Shanghai", "record": "0" * 32, "digest": "f" * 31},
        ]
    ),
)
ITEMS = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["name", "data_type", "length", "precision", "unit", "grade", "secret", "x"]
        ),
        st.one_of(VALUES, st.sampled_from(["char", "numeric"])),
        max_size=5,
    ).map(lambda item: {"name": "床位数"} | item),
    max_size=3,
)
CHANGES = st.dictionaries(st.sampled_from([*Entry.model_fields, "colour"]), VALUES, max_size=4)


def read_alike(body: dict[str, Any]) -> bool:
    """Whether the compiled reader took a body; what it took must be what the model makes of it."""
    found = compiled_entry(canonical_json(body))
    if found is None:
        return False
    entry = Entry.parse(body)
    for name in Entry.model_fields:
        assert plain(getattr(found, name)) == plain(getattr(entry, name)), name
    assert (found.is_restricted, found.effective_grade) == (
        entry.is_restricted,
        entry.effective_grade,
    )
    assert missing_fields(found) == missing_fields(entry) == json.loads(missing_listed(found))
    assert entry_search_text(found) == entry_search_text(entry)
    return True


def plain(value: Any) -> Any:
    """A part of an entry as its fields' values, whoever read it."""
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    names = getattr(type(value), "model_fields", None) or getattr(value, "__struct_fields__", None)
    return {name: plain(getattr(value, name)) for name in names} if names else value


@settings(max_examples=300)
@given(CHANGES, st.none() | ITEMS)
def test_the_compiled_reader_takes_only_what_the_model_would_not_change(
    changes: dict[str, Any], items: list[dict[str, Any]] | None
) -> None:
    body = whole_entry(**changes) | ({} if items is None else {"items": items})
    try:
        Entry.parse(body)
    except EntryRefused:
        assert compiled_entry(canonical_json(body)) is None
    else:
        read_alike(body)


def test_an_ordinary_entry_is_taken() -> None:
    assert read_alike(whole_entry())
    assert read_alike({"code": "1/2", "name": "床位", "provider": OWNER})


@pytest.mark.parametrize("name", ["床位\n数", ' "床位"', " 床位", "床位\u200b"])
def test_a_text_that_might_be_changed_is_left_to_the_model(name: str) -> None:
    assert not read_alike(
        {"code": "1/2", "name": name.strip(), "provider": OWNER, "abstract": name}
    )
