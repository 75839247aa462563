"""Receipts held against the mirror (核验回执): what the outbox asks of it, whoever follows the log."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from ledger.chain.outbox import Outbox, Verified
from ledger.mirror.queries import cursor_of, standing


def confirm(outbox: Outbox, connection: Connection) -> int:
    """Tell receipts what the mirror behind ``connection`` has verified; returns how many are new."""
    cursor = cursor_of(connection)
    if cursor is None:
        return 0
    return outbox.confirm(Verified(cursor.block_number, partial(standing, connection), cursor.size))
