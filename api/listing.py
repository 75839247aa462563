"""One way to page: rows in the order of a key, the next page after the last key, one snapshot throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from api.answers import answer
from api.context import Context, View
from api.cursors import Query, read_cursor, write_cursor

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a listing a request asks for: as of when, from which cursor on, how many."""

    request: Request
    context: Context
    as_of: str | None
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a listing that one request is about."""

    view: View
    query: Query
    after: str | int | None
    limit: int


@contextmanager
def page_of(
    context: Context,
    request: Request,
    *,
    as_of: str | None,
    cursor: str | None,
    limit: int,
    filters: Mapping[str, object],
) -> Iterator[Page]:
    """The page that a request asks for; raises ``invalid_cursor`` and ``invalid_as_of``."""
    query = Query(request.scope["path"], {**filters, "as_of": as_of})
    after: str | int | None = None
    moment: str | int | None = as_of
    if cursor is not None:
        moment, after = read_cursor(query, cursor)
    with context.view(moment) as view:
        yield Page(view, query, after, limit)


def page_answer(
    request: Request,
    page: Page,
    items: Sequence[Mapping[str, Any]],
    *,
    following: str | int | None,
    total: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """One page: its ``items``, what else it says (``extra``), and the cursor to the page after position
    ``following``, null at the end.
    """
    view = page.view
    following_page = None if following is None else write_cursor(page.query, view.as_of, following)
    content = {
        "as_of": view.as_of,
        "log_size": view.log_size,
        **({} if total is None else {"total": total}),
        **(extra or {}),
        "items": items,
        "next": following_page,
    }
    return answer(request, content, as_of=view.as_of)


def listing(
    cut: Cut,
    ask: Callable[..., Sequence[Row]],
    show: Callable[[Row], Mapping[str, Any]],
    filters: Mapping[str, Any],
    *,
    after: str | None = None,
    before: str | None = None,
) -> Response:
    """A page of what ``ask`` finds, each row as ``show`` shows it.

    ``ask`` takes a connection, the ``filters``, ``as_of`` (a log size, None for now), ``limit``, and where the
    page begins: ``after`` a text or ``before`` a number. ``after`` or ``before`` here, one of them, is the
    member of a row that holds it.
    """
    with page_of(
        cut.context,
        cut.request,
        as_of=cut.as_of,
        cursor=cut.cursor,
        limit=cut.limit,
        filters=filters,
    ) as page:
        start: dict[str, object] = (
            {"after": None if page.after is None else str(page.after)}
            if after is not None
            else {"before": None if page.after is None else int(page.after)}
        )
        found = ask(page.view.conn, **filters, as_of=page.view.held, limit=cut.limit + 1, **start)
        shown = found[: cut.limit]
        last = getattr(shown[-1], after or before or "") if len(found) > cut.limit else None
        return page_answer(cut.request, page, [show(one) for one in shown], following=last)
