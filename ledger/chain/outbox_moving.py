"""What becomes of receipts when the ledger moves to another chain (回执随账本迁移).

The new log holds what the old one recorded, in other blocks: where receipts stand is looked up again by their
digests. What the old log never recorded was signed for its registries, and nobody can record it any more.
"""

from __future__ import annotations

import time

import msgspec
from sqlalchemy import Connection, Engine, update

from ledger.chain.errors import ContractRefusal
from ledger.chain.outbox_models import ATTEMPT, RECEIPT, AttemptState, State
from ledger.store.engine import writing

_SEALED = ContractRefusal(
    name="LogSealed",
    args={},
    message_en="The ledger moved to another chain before this was recorded; it was signed for the old log.",
    message_zh="账本已迁至另一条链，而该批次尚未入账；其签名只对旧日志有效。",
    hint_en="Nothing was recorded. Sign it again.",
    hint_zh="未作任何记录。请重新签署。",
)


def look_all_up(engine: Engine) -> None:
    """Take every receipt that was not refused for recorded, in a block that is to be looked up."""
    with writing(engine) as connection:
        connection.execute(
            update(RECEIPT)
            .where(RECEIPT.c.state != State.REFUSED)
            .values(
                state=State.RECORDED,
                block_number=0,
                block_hash=None,
                note=None,
                updated_at=_now(),
            )
        )
        _give_up_attempts(connection)


def refuse_the_rest(engine: Engine) -> int:
    """Refuse what neither log has; returns how many batches that are."""
    with writing(engine) as connection:
        refused = connection.execute(
            update(RECEIPT)
            .where(RECEIPT.c.state.in_([State.ACCEPTED, State.SENT]))
            .values(
                state=State.REFUSED,
                error=msgspec.json.encode(_SEALED).decode(),
                note=None,
                transaction_hash=None,
                updated_at=_now(),
            )
        ).rowcount
        _give_up_attempts(connection)
    return refused


def _give_up_attempts(connection: Connection) -> None:
    connection.execute(
        update(ATTEMPT)
        .where(ATTEMPT.c.state == AttemptState.OPEN)
        .values(state=AttemptState.DROPPED)
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
