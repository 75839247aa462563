"""Receipts held against the log: what a mirror has verified, what it has not, and what is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Engine, bindparam, or_, select, update

from ledger.chain.outbox_models import ATTEMPT, RECEIPT, AttemptState, State
from ledger.store.engine import writing

AT_ONCE = 500
"""Receipts that are looked at or changed in one statement."""
WATCHED = 1_000
"""Refusals, counted from the newest, that are held against the log when there is more of it."""
_STANDS = (
    RECEIPT.c.sequence,
    RECEIPT.c.id,
    RECEIPT.c.first_index,
    RECEIPT.c.block_number,
    RECEIPT.c.block_hash,
    RECEIPT.c.transaction_hash,
)
# Asked whenever the mirror moves, so put into words once.
_RECORDED = (
    select(*_STANDS)
    .where(
        RECEIPT.c.state == State.RECORDED,
        or_(
            RECEIPT.c.block_number <= bindparam("block"),
            RECEIPT.c.first_index < bindparam("size"),
        ),
        RECEIPT.c.sequence > bindparam("last"),
    )
    .order_by(RECEIPT.c.sequence)
    .limit(AT_ONCE)
)
_REFUSED = (
    select(*_STANDS)
    .where(RECEIPT.c.state == State.REFUSED)
    .order_by(RECEIPT.c.sequence.desc())
    .limit(WATCHED)
)
_BEYOND = (RECEIPT.c.first_index >= bindparam("beyond")) & (RECEIPT.c.state == State.VERIFIED)
_ANY_BEYOND = select(RECEIPT.c.sequence).where(_BEYOND).limit(1)
_RECORDED_AGAIN = (
    update(RECEIPT).where(_BEYOND).values(state=State.RECORDED, updated_at=bindparam("now"))
)
_VERIFY = (
    update(RECEIPT)
    .where(RECEIPT.c.sequence == bindparam("number"))
    .values(state=State.VERIFIED, updated_at=bindparam("now"), note=None, error=None)
)


class Place(Protocol):
    """Where a batch stands in the verified log."""

    @property
    def first_index(self) -> int: ...
    @property
    def block_number(self) -> int: ...
    @property
    def block_hash(self) -> bytes: ...
    @property
    def transaction_hash(self) -> bytes: ...

    def _asdict(self) -> dict[str, Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Verified(NamedTuple):
    """What a mirror has verified: the log up to ``block``, and where batches stand in it, by digest.

    ``size`` is how many leaves that are: where a log went on on another chain, blocks are counted anew.
    """

    block: int
    standing: Callable[[Sequence[bytes]], Mapping[bytes, Place]]
    size: int = 0


class Standings:
    """The receipts of one desk. ``forget`` is called before what was sent is to be looked for anew."""

    def __init__(self, engine: Engine, forget: Callable[[], None] | None) -> None:
        self._engine = engine
        self._forget = forget
        self._compared = -1

    def confirm(self, verified: Verified) -> int:
        """See :meth:`ledger.chain.outbox.Outbox.confirm`."""
        count, last = 0, 0
        while True:
            with self._engine.connect() as connection:
                told = {"block": verified.block, "size": verified.size, "last": last}
                rows = connection.execute(_RECORDED, told).all()
                anew = not rows and verified.block != self._compared
                # The newest refusals: a reorganisation may turn a failed transaction into a good one, and a node
                # that is behind does not know what another office recorded.
                refused = connection.execute(_REFUSED).all() if anew else None
            if not rows:
                break
            count += self._compare(rows, verified, look_anew=True)
            last = rows[-1].sequence
        if refused is not None:
            count += self._compare(refused, verified, look_anew=False)
            self._compared = verified.block
        return count

    def _compare(self, rows: Sequence[Any], verified: Verified, *, look_anew: bool) -> int:
        standing = verified.standing([bytes.fromhex(row.id[2:]) for row in rows]) if rows else {}
        as_told: list[int] = []
        gone: list[int] = []
        elsewhere: list[tuple[int, Place]] = []
        for row in rows:
            place = standing.get(bytes.fromhex(row.id[2:]))
            if place is None:
                gone.append(row.sequence)
            elif tuple(place) == (*row[2:],):
                as_told.append(row.sequence)
            else:
                elsewhere.append((row.sequence, place))
        if look_anew and gone:
            self._look_anew(gone)
        if as_told or elsewhere:
            with writing(self._engine) as connection:
                now = {"state": State.VERIFIED, "updated_at": _now(), "note": None, "error": None}
                if as_told:
                    told = [{"number": number, "now": now["updated_at"]} for number in as_told]
                    connection.execute(_VERIFY, told)
                for sequence, place in elsewhere:
                    connection.execute(
                        update(RECEIPT)
                        .where(RECEIPT.c.sequence == sequence)
                        .values(now | place._asdict())
                    )
        return len(as_told) + len(elsewhere)

    def not_verified_beyond(self, size: int) -> int:
        """See :meth:`ledger.chain.outbox.Outbox.not_verified_beyond`."""
        with self._engine.connect() as connection:
            if connection.execute(_ANY_BEYOND, {"beyond": size}).first() is None:
                return 0
        with writing(self._engine) as connection:
            return connection.execute(_RECORDED_AGAIN, {"beyond": size, "now": _now()}).rowcount

    def rolled_back(self, size: int) -> int:
        """See :meth:`ledger.chain.outbox.Outbox.rolled_back`."""
        with self._engine.connect() as connection:
            beyond = or_(
                RECEIPT.c.first_index.is_(None), RECEIPT.c.first_index + RECEIPT.c.count > size
            )
            chosen = select(RECEIPT.c.sequence).where(
                RECEIPT.c.state.in_([State.RECORDED, State.VERIFIED]), beyond
            )
            numbers = list(connection.execute(chosen).scalars())
        self._look_anew(numbers)
        return len(numbers)

    def _look_anew(self, numbers: Sequence[int]) -> None:
        """Take receipts for sent, and their transactions for not yet seen in a block."""
        if self._forget is not None:
            self._forget()
        for at in range(0, len(numbers), AT_ONCE):
            some = numbers[at : at + AT_ONCE]
            with writing(self._engine) as connection:
                connection.execute(
                    update(ATTEMPT)
                    .where(ATTEMPT.c.receipt.in_(some), ATTEMPT.c.state == AttemptState.MINED)
                    .values(state=AttemptState.OPEN)
                )
                connection.execute(
                    update(RECEIPT)
                    .where(RECEIPT.c.sequence.in_(some))
                    .values(
                        state=State.SENT,
                        first_index=None,
                        block_number=None,
                        block_hash=None,
                        updated_at=_now(),
                    )
                )


def _now() -> int:
    return time.time_ns() // 1_000_000
