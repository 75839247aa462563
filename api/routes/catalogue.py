"""The catalogue (数据目录): search, entries, their editions, their life, and what changed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import page_answer, page_of
from api.problems import Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.wording import named, named_grade, time_of
from ledger.catalogue import queries
from ledger.catalogue.differences import differences
from ledger.catalogue.history import Act, acts_of
from ledger.catalogue.queries import (
    CatalogueQueryError,
    Edition,
    EntryDetail,
    EntrySummary,
    Filters,
)
from ledger.codes import EntryState, Level, Library, OpenType, Origin, ShareType, UpdateCycle
from ledger.organisations import queries as organisations
from ledger.organisations.queries import Name
from ledger.statements import text_hash

router = api_router("/catalogue", "目录 catalogue")

LibraryCode = Literal["comprehensive", "theme", "special", "department"]
ShareCode = Literal["unconditional", "conditional", "not_shared"]
OpenCode = Literal["unconditional", "conditional", "not_open"]
CycleCode = Literal[
    "realtime",
    "daily",
    "weekly",
    "monthly",
    "quarterly",
    "half_yearly",
    "yearly",
    "on_demand",
    "other",
]
StateCode = Literal["draft", "submitted", "returned", "published", "suspended", "revoked"]
LevelCode = Literal["city", "district", "town"]
OriginCode = Literal["inherited", "district_supplement"]
Code = Annotated[
    str,
    Path(
        max_length=256,
        description="目录代码,斜杠可以原样写出,也可以写成 %2F。 "
        "The code; its slash may be written as it is, or as %2F.",
        examples=["301001/000001"],
    ),
]
Number = Annotated[int, Path(ge=1, lt=1 << 32, description="版次,从 1 起。 Edition, from 1.")]


@router.get(
    "/entries", summary="检索目录 · Search the catalogue", responses=shapes.ok(shapes.EntryPage)
)
def search(
    request: Request,
    context: ContextOf,
    *,
    q: Annotated[
        str | None,
        Query(
            max_length=queries.MAX_QUERY,
            description="名称、信息项、代码中的文字,空格分隔的各部分都要出现。 "
            "Text in names, items and codes; parts between spaces must all occur.",
        ),
    ] = None,
    organisation: Annotated[
        str | None, Query(max_length=40, description="提供单位代码。 The provider's code.")
    ] = None,
    library: LibraryCode | None = None,
    share_type: ShareCode | None = None,
    open_type: OpenCode | None = None,
    update_cycle: CycleCode | None = None,
    grade: Annotated[int | None, Query(ge=1, le=4)] = None,
    state: StateCode | None = None,
    level: LevelCode | None = None,
    origin: OriginCode | None = None,
    incomplete: Annotated[
        bool | None,
        Query(description="是否缺少法定要素。 Whether something that the law asks for is missing."),
    ] = None,
    restricted: bool | None = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = Filters(
        q=q,
        organisation=organisation,
        library=library,
        share_type=share_type,
        open_type=open_type,
        update_cycle=update_cycle,
        grade=grade,
        state=state,
        level=level,
        origin=origin,
        incomplete=incomplete,
        restricted=restricted,
    )
    asked = {"filters": filters.digest()}
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        found = queries.search(
            page.view.conn,
            filters,
            as_of=page.view.held,
            limit=limit,
            cursor=None if page.after is None else str(page.after),
            counted=True,
        )
        names = _names(page.view, [one.provider for one in found.entries])
        return page_answer(
            request,
            page,
            [show_summary(one, names) for one in found.entries],
            following=found.next,
            total=found.total,
            extra={"total_exact": found.total_exact},
        )


# The longer paths come first: a code may hold slashes, so that the plain one takes everything.


@router.get(
    "/entries/{code:path}/versions/{number}",
    summary="某一版 · One edition",
    responses=shapes.ok(shapes.EditionDocument),
)
def one_version(
    request: Request, context: ContextOf, code: Code, number: Number, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = _edition(view, code, number)
        tag = version_tag_at(view, found.version, found.leaf)
        return answer(request, show_edition(found), as_of=view.as_of, tag=tag)


@router.get(
    "/entries/{code:path}/versions",
    summary="历次报送的版本 · All editions",
    responses=shapes.ok(shapes.EditionList),
)
def versions(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        found = _editions(view, code)
        content = {"as_of": view.as_of, "code": code, "items": [show_edition(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/entries/{code:path}/history",
    summary="条目的全部行为 · Every act in an entry's life",
    responses=shapes.ok(shapes.ActList),
)
def history(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        try:
            found = acts_of(view.conn, code, as_of=view.held)
        except CatalogueQueryError as error:
            raise unknown_entry(code, view.as_of, error) from error
        hashes = {act.organisation: bytes.fromhex(act.organisation[2:]) for act in found}
        names = organisations.names(view.conn, hashes.values(), view.held)
        shown = [show_act(act, names.get(hashes[act.organisation])) for act in found]
        content = {"as_of": view.as_of, "code": code, "items": shown}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/entries/{code:path}/diff",
    summary="两版之间的差异 · What changed between two editions",
    responses=shapes.ok(shapes.DiffDocument),
)
def diff(
    request: Request,
    context: ContextOf,
    code: Code,
    *,
    from_: Annotated[
        int, Query(alias="from", ge=1, lt=1 << 32, description="较早的版次。 The earlier edition.")
    ],
    to: Annotated[int, Query(ge=1, lt=1 << 32, description="较晚的版次。 The later edition.")],
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view:
        before, after = _edition(view, code, from_), _edition(view, code, to)
        changes = [
            {
                "pointer": change.pointer,
                "kind": change.kind,
                "before": change.before,
                "after": change.after,
            }
            for change in differences(before.document, after.document)
        ]
        content = {"as_of": view.as_of, "code": code, "from": from_, "to": to, "changes": changes}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/entries/{code:path}",
    summary="一个目录条目 · One entry",
    responses=shapes.ok(shapes.EntryDocument),
)
def one_entry(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    """The entry as it stands, with the edition in force and a newer one that is not published yet.

    The `ETag` is that of the entry's version: send it as `If-Match` when you prepare what follows.
    """
    with context.view(as_of) as view:
        try:
            found = queries.show(view.conn, code, as_of=view.held)
        except CatalogueQueryError as error:
            raise unknown_entry(code, view.as_of, error) from error
        names = _names(view, [found.entry.provider])
        content = show_detail(found, names)
        if as_of is not None:
            content["as_of"] = view.as_of
        tag = version_tag_at(view, found.entry.version, found.entry.leaf)
        return answer(request, content, as_of=view.as_of, tag=tag)


def _editions(view: View, code: str) -> list[Edition]:
    try:
        return queries.editions(view.conn, code, as_of=view.held)
    except CatalogueQueryError as error:
        raise unknown_entry(code, view.as_of, error) from error


def _edition(view: View, code: str, number: int) -> Edition:
    known = {one.edition: one for one in _editions(view, code)}
    if number not in known:
        numbers = ", ".join(str(one) for one in known)
        raise Problem(
            "unknown_edition",
            Text(
                f"条目 {code} 没有第 {number} 版,现有:{numbers}",
                f"entry {code} has no edition {number}, it has {numbers}",
            ),
            members={"editions": list(known)},
        )
    return known[number]


def unknown_entry(code: str, as_of: int, error: CatalogueQueryError) -> Problem:
    return Problem(
        "unknown_entry",
        Text(f"日志大小为 {as_of} 时没有代码为 {code} 的目录条目", str(error)),
    )


def _names(view: View, codes: list[str]) -> dict[str, Name]:
    """Code and name of providers, in one query."""
    hashes = {text_hash(code): code for code in codes}
    found = organisations.names(view.conn, hashes, view.held)
    return {hashes[one]: name for one, name in found.items()}


def show_summary(entry: EntrySummary, names: dict[str, Name]) -> dict[str, Any]:
    """An entry in a list; a restricted one has no name here, its text is not on the ledger."""
    provider = names.get(entry.provider)
    return {
        "code": entry.code,
        "name": entry.name,
        "provider": {
            "code": entry.provider,
            "zh": provider.name if provider else entry.provider_name,
            "en": provider.name_en if provider else None,
        },
        "state": named(EntryState, entry.state),
        "version": entry.version,
        "edition": entry.edition,
        "published_edition": entry.published_edition or None,
        "share_type": named(ShareType, entry.share_type),
        "open_type": named(OpenType, entry.open_type),
        "grade": named_grade(entry.grade),
        "update_cycle": named(UpdateCycle, entry.update_cycle),
        "library": named(Library, entry.library),
        "level": named(Level, entry.level),
        "origin": named(Origin, entry.origin),
        "restricted": entry.restricted,
        "incomplete": not entry.complete,
        "missing": list(entry.missing),
        "item_count": entry.item_count,
        "leaf": entry.leaf,
        "recorded_at": time_of(entry.recorded_at),
    }


def show_edition(found: Edition) -> dict[str, Any]:
    return {
        "code": found.code,
        "edition": found.edition,
        "version": found.version,
        "state": named(EntryState, found.state),
        "leaf": found.leaf,
        "recorded_at": time_of(found.recorded_at),
        "document": found.document,
    }


def show_detail(found: EntryDetail, names: dict[str, Name]) -> dict[str, Any]:
    return {
        **show_summary(found.entry, names),
        "published": show_edition(found.published) if found.published else None,
        "pending": show_edition(found.pending) if found.pending else None,
    }


def show_act(act: Act, name: Name | None) -> dict[str, Any]:
    return {
        "leaf": act.leaf,
        "version": act.version,
        "act": act.act,
        "state": named(EntryState, act.state),
        "edition": act.edition,
        "organisation": {"code": name.code, "zh": name.name, "en": name.name_en} if name else None,
        "org": act.organisation,
        "signer": act.signer,
        "authorisation": act.authorisation,
        "reasons": list(act.reasons),
        "recorded_at": time_of(act.recorded_at),
    }
