"""How the mirror stands, for people and for `/readyz`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, func, select

from ledger.chain.interface import Chain, ChainError
from ledger.mirror import queries, tables
from ledger.mirror.applying import projection_versions
from ledger.mirror.projections import Projection


class Status(msgspec.Struct, frozen=True):
    """Where the mirror is, and where the chain.

    ``size`` leaves are here, compared with the contract at ``block_number`` (time ``block_time``,
    Unix seconds; None before the first step). ``head_number`` is None where the chain cannot be
    asked, and ``trouble`` then says why. ``stale_projections`` will be filled afresh at the next
    step.
    """

    size: int
    root: str | None
    block_number: int | None
    block_time: int | None
    head_number: int | None
    lag_blocks: int | None
    malformed: int
    projections: dict[str, int]
    stale_projections: list[str]
    trouble: str | None = None


def status(engine: Engine, chain: Chain | None, projections: Sequence[Projection]) -> Status:
    """How the mirror stands now; never raises for a chain that is gone."""
    with engine.connect() as conn:
        cursor = queries.cursor_of(conn)
        at = cursor.block_number if cursor else None
        block_time = conn.execute(
            select(tables.block.c.timestamp).where(tables.block.c.number == at)
        ).scalar_one_or_none()
        malformed = conn.execute(select(func.count(tables.flag.c.index_.distinct()))).scalar_one()
        kept = {row.name: row.version for row in conn.execute(select(tables.projection_state))}
    head, trouble = None, None
    if chain is not None:
        try:
            head = chain.head().number
        except ChainError as error:
            trouble = str(error)
    wanted = projection_versions(projections)
    return Status(
        size=cursor.size if cursor else 0,
        root="0x" + cursor.root.hex() if cursor else None,
        block_number=at,
        block_time=block_time,
        head_number=head,
        lag_blocks=max(0, head - at) if head is not None and at is not None else None,
        malformed=malformed,
        projections=kept,
        stale_projections=sorted(
            name for name, version in wanted.items() if kept.get(name) != version
        ),
        trouble=trouble,
    )
