"""Tables of the outbox (发件箱): what was handed in, every try to send it, and who sends."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable
from ledger.store.types import BIG


class State(StrEnum):
    """Where a batch stands (回执状态)."""

    ACCEPTED = "accepted"
    """已受理: durable here."""
    SENT = "sent"
    """已发送: a transaction was handed to the chain."""
    RECORDED = "recorded"
    """已入账: in a block."""
    VERIFIED = "verified"
    """已核验: the mirror has checked the log beyond it against the contract's root."""
    REFUSED = "refused"
    """被拒绝: nothing of it was recorded; the error says why."""


class AttemptState(StrEnum):
    """What became of one transaction."""

    OPEN = "open"
    MINED = "mined"
    FAILED = "failed"
    """Mined, but reverted."""
    DROPPED = "dropped"
    """Its nonce was used by something else, or the chain will never take it."""


class OutboxReceipt(DeskTable, table=True):
    """One signed batch. ``sequence`` is the order in which batches were handed in and are sent.

    ``id`` is 0x and the authorisation digest in hex; ``calldata`` holds the statements with their
    bodies and signatures, as they go to the registry at ``target``. ``subjects`` are 32 bytes each.
    ``texts`` is a JSON object, hash in hex -> text, by which refusals are put into words.
    ``retry_at`` and the other times are in Unix milliseconds of this machine.
    """

    __tablename__ = "outbox_receipt"
    __table_args__ = (Index("ix_outbox_receipt_state_sequence", "state", "sequence"),)

    sequence: int | None = Field(default=None, sa_column=Column(BIG, primary_key=True))
    id: str = Field(sa_column=Column(String(66), nullable=False, unique=True))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    struct: str = Field(sa_column=Column(String(32), nullable=False))
    organisation: str = Field(sa_column=Column(Text, nullable=False))
    signer: str = Field(sa_column=Column(String(42), nullable=False))
    count: int = Field(sa_column=Column(Integer, nullable=False))
    target: bytes = Field(sa_column=Column(LargeBinary(20), nullable=False))
    calldata: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    subjects: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    texts: str = Field(sa_column=Column(Text, nullable=False))
    accepted_at: int = Field(sa_column=Column(BIG, nullable=False))
    updated_at: int = Field(sa_column=Column(BIG, nullable=False))
    retry_at: int = Field(default=0, sa_column=Column(BIG, nullable=False))
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    error: str | None = Field(default=None, sa_column=Column(Text))
    note: str | None = Field(default=None, sa_column=Column(Text))
    transaction_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary(32)))
    block_number: int | None = Field(default=None, sa_column=Column(BIG))
    block_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary(32)))
    first_index: int | None = Field(default=None, sa_column=Column(BIG, index=True))
    gas_used: int | None = Field(default=None, sa_column=Column(BIG))


class OutboxAttempt(DeskTable, table=True):
    """One signed transaction for a receipt, written down before it is sent.

    ``gas`` is its limit, ``price`` the most it offers for a unit, in wei; ``sent_block`` the newest
    block when it was made.
    """

    __tablename__ = "outbox_attempt"
    __table_args__ = (Index("ix_outbox_attempt_state_nonce", "state", "nonce"),)

    number: int | None = Field(default=None, sa_column=Column(BIG, primary_key=True))
    receipt: int = Field(sa_column=Column(BIG, nullable=False, index=True))
    sender: str = Field(sa_column=Column(String(42), nullable=False))
    nonce: int = Field(sa_column=Column(BIG, nullable=False))
    transaction_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    gas: int = Field(sa_column=Column(BIG, nullable=False))
    price: int = Field(sa_column=Column(BIG, nullable=False))
    state: str = Field(sa_column=Column(String(16), nullable=False))
    sent_block: int = Field(sa_column=Column(BIG, nullable=False))
    made_at: int = Field(sa_column=Column(BIG, nullable=False))


class OutboxLane(DeskTable, table=True):
    """Which process sends for a sender key now, and until when it may without saying so again."""

    __tablename__ = "outbox_lane"

    sender: str = Field(sa_column=Column(String(42), primary_key=True))
    holder: str = Field(sa_column=Column(Text, nullable=False))
    until: int = Field(sa_column=Column(BIG, nullable=False))


RECEIPT: Table = DeskTable.metadata.tables["outbox_receipt"]
ATTEMPT: Table = DeskTable.metadata.tables["outbox_attempt"]
LANE: Table = DeskTable.metadata.tables["outbox_lane"]
