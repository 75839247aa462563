"""What the routes share: the open office, and one request's view of the mirror."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Query
from sqlalchemy import Connection
from starlette.requests import Request

from api.background import Duty
from api.intake import Intake
from api.language import Language, Text
from api.metrics import Metrics
from api.problems import Fault, Problem
from api.pulse import Pulse
from ledger.access.tokens import Doorkeeper
from ledger.chain.probe import Capabilities
from ledger.mirror import moments
from ledger.mirror import queries as mirror
from ledger.mirror.queries import Cursor, MirrorQueryError

if TYPE_CHECKING:
    from ledger.office import Office

MAX_LIMIT = 500
DEFAULT_LIMIT = 50
_SPACE_FOR_PLUS = re.compile(r" (\d{2}:?\d{2})$")


@dataclass(frozen=True, slots=True)
class View:
    """The mirror as one request sees it, in one transaction.

    ``as_of`` is the log size that the answer is about. ``held`` is what queries take: None where that is
    the present, which they answer from a shorter index.
    """

    conn: Connection
    as_of: int
    held: int | None
    log_size: int
    now: Cursor | None = None
    """Where the mirror stands; None before its first step."""

    def echo(self, asked: str | None) -> dict[str, int]:
        """The size asked for; the present is told in a header, so that the tag of a version can stay."""
        return {} if asked is None else {"as_of": self.as_of}


@dataclass
class Context:
    """The office that is served, and what the server knows about itself."""

    office: Office
    language: Language
    metrics: Metrics
    duty: Duty
    edges: Duty
    """Keeps the edges of lineage in step with the journal."""
    intake: Intake
    doorkeeper: Doorkeeper
    drilling: Duty
    """Does the integrity drills that are due."""
    started_at: float
    """Unix seconds."""
    pulse: Pulse = field(default_factory=Pulse)
    capabilities: Capabilities | None = None

    @contextmanager
    def view(self, as_of: str | int | None = None) -> Iterator[View]:
        """The mirror as of a log size or time; raises the problem ``invalid_as_of``."""
        with self.office.mirror_engine.connect() as conn:
            now = mirror.cursor_of(conn)
            size = now.size if now else 0
            if as_of is None:
                yield View(conn, size, None, size, now)
                return
            # A '+' that was not percent-encoded arrives as a space.
            text = _SPACE_FOR_PLUS.sub(r"+\1", str(as_of))
            try:
                resolved = moments.resolve_as_of(conn, text)
            except MirrorQueryError as error:
                detail = Text(f"as_of={text}:无法解析或超出日志(当前大小 {size})", str(error))
                fault = Fault("?as_of", detail, "invalid_as_of")
                raise Problem("invalid_as_of", detail, [fault], {"log_size": size}) from error
            yield View(conn, resolved, None if resolved == size else resolved, size, now)


def _context(request: Request) -> Context:
    context = request.app.state.context
    if not isinstance(context, Context):
        raise TypeError("the application was not made by create_app")
    return context


async def _provide(request: Request) -> Context:
    """A coroutine, so that no thread is taken just to hand over an attribute."""
    return _context(request)


ContextOf = Annotated[Context, Depends(_provide)]
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="日志大小,或 ISO 8601 时间(缺省时区为北京时间)。 "
        "A log size, or an ISO 8601 time (Beijing time unless it says otherwise).",
        examples=["2026-05-01T12:00:00+08:00"],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="每页条数。 Rows a page, 1 to 500.")]
CursorText = Annotated[
    str | None,
    Query(
        max_length=1024,
        description="上一页返回的 next。 The `next` of the page before.",
    ),
]
