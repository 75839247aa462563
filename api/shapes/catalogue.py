"""The catalogue (数据目录)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.shapes.base import Address, Hex32, Index, Named, NamedGrade, PartyName, Shape, Size, Time


class EntrySummaryDocument(Shape):
    """An entry in a list. ``missing`` are JSON Pointers to what the law asks for and is not there."""

    code: str
    name: Annotated[str | None, Field(description="null for a restricted entry")]
    provider: PartyName
    state: Named
    version: int
    edition: int
    published_edition: int | None
    share_type: Named | None
    open_type: Named | None
    grade: NamedGrade | None
    update_cycle: Named | None
    library: Named | None
    level: Named | None
    origin: Named | None
    restricted: bool
    incomplete: bool
    missing: list[str]
    item_count: int
    leaf: Index
    recorded_at: Time


class EntryPage(Shape):
    """One page of entries, by code."""

    as_of: Size
    log_size: Size
    total: Annotated[
        int,
        Field(
            description="命中条数;按文字检索时数到 1000 为止。 "
            "How many match; hits of a text are counted up to 1000."
        ),
    ]
    total_exact: Annotated[
        bool,
        Field(
            description="为 false 时命中多于 total。 Where it is false, more match than `total`."
        ),
    ]
    items: list[EntrySummaryDocument]
    next: str | None


class EditionDocument(Shape):
    """One edition: ``document`` is what was filed, word for word; of a restricted entry, its envelope."""

    code: str
    edition: int
    version: int
    state: Named
    leaf: Index
    recorded_at: Time
    document: Annotated[dict[str, Any], Field(description="see /api/v1/schemas/entry")]


class EditionList(Shape):
    """All editions of an entry, oldest first."""

    as_of: Size
    code: str
    items: list[EditionDocument]


class EntryDocument(EntrySummaryDocument):
    """An entry, with the edition in force and a newer one that is not published (yet)."""

    published: EditionDocument | None
    pending: EditionDocument | None
    as_of: Size | None = None


class ActDocument(Shape):
    """One filing (报送) or decision (审核) in an entry's life."""

    leaf: Index
    version: int
    act: str
    state: Named | None
    edition: int
    organisation: PartyName | None
    org: Hex32
    signer: Address
    authorisation: Hex32
    reasons: list[str]
    recorded_at: Time


class ActList(Shape):
    """Every act in an entry's life, oldest first."""

    as_of: Size
    code: str
    items: list[ActDocument]


class ChangeDocument(Shape):
    """One field that differs; items stand under their names."""

    pointer: str
    kind: str
    before: Any
    after: Any


class DiffDocument(Shape):
    """What changed from one edition to another, field by field."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    as_of: Size
    code: str
    from_: Annotated[int, Field(alias="from")]
    to: int
    changes: list[ChangeDocument]
