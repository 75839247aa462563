"""The outbox (发件箱): signed batches in, receipts out, and nothing lost or anchored twice between.

A batch is in the database, signatures and all, before :meth:`Outbox.submit` comes back. From there
its receipt moves ``accepted -> sent -> recorded -> verified``, or to ``refused`` with the
contract's reason. The transactions are carried by a *sender*, an operator's key without any
authority: who speaks is decided by the signatures within.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from sqlalchemy import Engine, RowMapping, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.chain.deployment import Deployment
from ledger.chain.errors import ContractRefusal
from ledger.chain.interface import Chain, ChainError
from ledger.chain.lane import Lane
from ledger.chain.outbox_models import ATTEMPT, RECEIPT, State
from ledger.chain.outbox_standing import Standings, Verified
from ledger.statements import (
    KEY,
    SCORE,
    SignedBatch,
    StatementError,
    Value,
    key_subject,
    subject_of,
    text_hash,
)
from ledger.store.engine import writing
from ledger.store.leading import Lead

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

SHORTEST_PAUSE, LONGEST_PAUSE = 0.002, 0.25
"""Between looks at the chain while something is waited for, in seconds."""
ORDER = (State.ACCEPTED, State.SENT, State.RECORDED, State.VERIFIED)


# Put into words once: every batch that is handed in asks these.
_NEW = insert(RECEIPT)
_KNOWN = select(RECEIPT.c.state, RECEIPT.c.sequence).where(RECEIPT.c.id == bindparam("id"))
_RECEIPT = select(RECEIPT).where(RECEIPT.c.id == bindparam("id"))


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. ``id`` is 0x and its authorisation digest in hex.

    ``note`` is a passing problem (chain out of reach, sender without funds), ``error`` a final
    refusal. ``first_index`` is the leaf index of the first of its ``count`` statements. Times in
    Unix milliseconds.
    """

    id: str
    state: State
    struct: str
    organisation: str
    signer: str
    count: int
    accepted_at: int
    updated_at: int
    transaction_hash: str | None = None
    block_number: int | None = None
    block_hash: str | None = None
    first_index: int | None = None
    gas_used: int | None = None
    note: str | None = None
    error: ContractRefusal | None = None

    def reached(self, state: State) -> bool:
        """Whether the receipt is in ``state`` or beyond it; a refused one has reached only that."""
        if State.REFUSED in (self.state, state):
            return self.state is state
        return ORDER.index(self.state) >= ORDER.index(state)


class UnknownReceipt(LookupError):
    """There is no receipt with this id here."""


class Outbox:
    """The outbox of one desk for one log. Several threads and processes may use the same desk.

    ``sender`` signs and pays for transactions; None where this process only hands in and looks.
    ``in_flight`` is how many batches may wait for a block at a time. ``lead`` decides who sends where
    machines share the desk; without one a lease does.
    """

    def __init__(
        self,
        engine: Engine,
        chain: Chain,
        deployment: Deployment,
        sender: LocalAccount | None,
        *,
        in_flight: int = 64,
        lead: Lead | None = None,
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._mutex = threading.Lock()
        self._lane = (
            None
            if sender is None
            else Lane(engine, chain, deployment, sender, in_flight, lead=lead)
        )
        forget = None if self._lane is None else self._lane.forget
        self._standings = Standings(engine, forget)

    def submit(self, signed: SignedBatch) -> Receipt:
        """Take a signed batch; when this returns, it is durable. The same batch again changes
        nothing.

        A batch that was refused may be handed in again, with the same or other signatures, and is
        tried afresh. Raises :class:`~ledger.statements.StatementError` for values that do not fit,
        and DeploymentError for a registry that this log does not have.
        """
        batch = signed.batch
        digest = batch.digest(self._deployment.domain(batch.struct.contract))
        row: dict[str, Any] = {
            "id": "0x" + digest.hex(),
            "state": State.ACCEPTED,
            "struct": batch.struct.name,
            "organisation": batch.organisation,
            "signer": signed.signer,
            "count": len(batch.values),
            "target": self._deployment.registry(batch.struct.contract),
            "calldata": calldata_of(signed),
            "subjects": b"".join(_subjects(signed)),
            "texts": msgspec.json.encode(_texts(signed)).decode(),
            "updated_at": _now(),
            "retry_at": 0,
            "tries": 0,
            "error": None,
            "note": None,
        }
        try:
            self._keep(row)
        except IntegrityError:
            # PostgreSQL: the same batch was handed in elsewhere at this very moment
            self._keep(row)
        return self.receipt(row["id"])

    def _keep(self, row: dict[str, Any]) -> None:
        """Write a receipt down unless it is there; one that was refused takes its turn anew."""
        row = {**row, "accepted_at": row["updated_at"]}
        with writing(self._engine) as connection:
            known = connection.execute(_KNOWN, {"id": row["id"]}).first()
            if known is None:
                connection.execute(_NEW, row)
            elif known.state == State.REFUSED:
                # what it depended on may have been handed in since: it goes behind that
                connection.execute(delete(RECEIPT).where(RECEIPT.c.sequence == known.sequence))
                again = _NEW.returning(RECEIPT.c.sequence)
                sequence = connection.execute(again, row).scalar_one()
                connection.execute(
                    update(ATTEMPT)
                    .where(ATTEMPT.c.receipt == known.sequence)
                    .values(receipt=sequence)
                )

    def pump(self, turns: int | None = None) -> bool:
        """Take the next steps: see what became of what was sent, send what waits.

        Comes back when nothing more can be done at once, or after so many ``turns``, in each of which all
        that waits (up to ``in_flight``) is sent: the longer a turn takes, the more waits for the next. So the
        mirror can keep up while more and more comes in. True where some receipt changed. Does
        nothing while another process sends for the same key, or without a sender. Problems of the
        chain are kept in the receipts' notes and never raised.
        """
        if self._lane is None:
            return False
        with self._mutex:
            return self._lane.pump(turns)

    def receipt(self, receipt_id: str) -> Receipt:
        """The receipt with this id; raises :class:`UnknownReceipt`."""
        with self._engine.connect() as connection:
            found = connection.execute(_RECEIPT, {"id": receipt_id.lower()})
            row = found.mappings().first()
        if row is None:
            raise UnknownReceipt(
                f"there is no receipt {receipt_id} here; receipts are known where the "
                "statement was handed in"
            )
        return _receipt(row)

    def receipts(self, *states: State, limit: int = 1000) -> list[Receipt]:
        """The newest receipts in these states (all without), in the order handed in."""
        query = select(RECEIPT).order_by(RECEIPT.c.sequence.desc()).limit(limit)
        if states:
            query = query.where(RECEIPT.c.state.in_(states))
        with self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [_receipt(row) for row in reversed(rows)]

    def pending(self, most: int | None = None) -> int:
        """How many batches are neither in a block nor refused; not more than ``most`` are counted."""
        with self._engine.connect() as connection:
            query = select(RECEIPT.c.sequence).where(
                RECEIPT.c.state.in_([State.ACCEPTED, State.SENT])
            )
            return len(connection.execute(query.limit(most)).all())

    def wait(
        self, receipt_id: str, until: State = State.RECORDED, timeout: float = 60.0
    ) -> Receipt:
        """Pump until the receipt has reached ``until`` or is refused, at most ``timeout`` seconds.

        Returns the receipt as it then is: look at its state. Raises :class:`UnknownReceipt`.
        """
        end = time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        while True:
            self.pump()
            receipt = self.receipt(receipt_id)
            left = end - time.monotonic()
            if receipt.reached(until) or receipt.state is State.REFUSED or left <= 0:
                return receipt
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def drain(self, timeout: float = 60.0) -> bool:
        """Pump until nothing waits any more; False where ``timeout`` seconds did not suffice."""
        end = time.monotonic() + timeout
        pause = SHORTEST_PAUSE
        while self.pending():
            if time.monotonic() > end:
                return False
            if self.pump():
                pause = SHORTEST_PAUSE
            else:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
        return True

    def confirm(self, verified: Verified) -> int:
        """The mirror has verified the log: hold every receipt against it; returns how many are new.

        What the mirror has is verified, as it stands there, even where a node had said that it failed.
        What it should have by its block, and has not, was on a chain that is gone: it is looked for
        anew, and sent again by the next :meth:`pump` where it is nowhere.
        """
        return self._standings.confirm(verified)

    def not_verified_beyond(self, size: int) -> int:
        """The mirror holds no more than ``size`` leaves: what lies beyond is only recorded, until the
        mirror has it again. A mirror that was lost, or fell back, thus loses no reorganisation that
        came meanwhile. Returns how many."""
        return self._standings.not_verified_beyond(size)

    def rolled_back(self, size: int) -> int:
        """The chain was reorganised and the log cut to ``size``: look anew after what is beyond.

        Whatever is no longer on the chain is sent again by the next :meth:`pump`. Returns how many.
        """
        return self._standings.rolled_back(size)

    def close(self) -> None:
        """Let another process send at once; the outbox may not be used afterwards."""
        if self._lane is not None:
            with self._mutex:
                self._lane.release()


def calldata_of(signed: SignedBatch) -> bytes:
    """The call of the registry that records a batch: selector and ABI-encoded arguments."""
    method, arguments = signed.method_arguments()
    types = method[method.index("(") + 1 : -1]
    # the two arguments are tuples: split at the comma between "[]" and the mandate
    first, second = types.split("[],", 1)
    return bytes(keccak(text=method))[:4] + encode([f"{first}[]", second], arguments)


def _subjects(signed: SignedBatch) -> Iterable[bytes]:
    organisation = text_hash(signed.batch.organisation)
    for values in signed.batch.values:
        yield subject_of(signed.batch.struct, values, organisation)


def _texts(signed: SignedBatch) -> dict[str, str]:
    """Hash in hex -> text, for everything in the batch that a refusal may name by its hash."""
    batch = signed.batch
    texts = [batch.organisation]
    named: dict[bytes, str] = {}
    for values, subject in zip(batch.values, _subjects(signed), strict=True):
        texts += [value for value in values.values() if isinstance(value, str)]
        if batch.struct is KEY:
            named[key_subject(_address(values))] = _text(values["key"])
        if batch.struct is SCORE:
            period = f"{_text(values['periodStart'])}–{_text(values['periodEnd'])}"
            named[subject] = f"{_text(values['entry'])} {period}"
    named |= {text_hash(text): text for text in texts}
    return {digest.hex(): text for digest, text in named.items()}


def _text(value: Value) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _address(values: Mapping[str, Any]) -> str | bytes:
    key = values["key"]
    if not isinstance(key, str | bytes):
        raise StatementError("Key.key must be an address")
    return key


def _receipt(row: RowMapping) -> Receipt:
    def text(value: bytes | None) -> str | None:
        return None if value is None else "0x" + value.hex()

    return Receipt(
        id=row["id"],
        state=State(row["state"]),
        struct=row["struct"],
        organisation=row["organisation"],
        signer=row["signer"],
        count=row["count"],
        accepted_at=row["accepted_at"],
        updated_at=row["updated_at"],
        transaction_hash=text(row["transaction_hash"]),
        block_number=row["block_number"],
        block_hash=text(row["block_hash"]),
        first_index=row["first_index"],
        gas_used=row["gas_used"],
        note=row["note"],
        error=None
        if row["error"] is None
        else msgspec.json.decode(row["error"], type=ContractRefusal),
    )


def _now() -> int:
    return time.time_ns() // 1_000_000


__all__ = ["ChainError", "Outbox", "Receipt", "State", "UnknownReceipt", "Verified", "calldata_of"]
