"""How an event stands in the lineage journal: one line about its coming, then its exact bytes.

The line is canonical JSON: ``{"at": …, "by": …, "door": …, "token": …}`` with the time of receipt in
milliseconds since 1970, the code of the organisation for which it came, the door (``api``, ``sql``, ``dbt``)
and the id of the token that let it in. So an entry proves what was said, and also who was let in to say it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from ledger.canonical import canonical_json

Door = Literal["api", "sql", "dbt"]


class Coming(msgspec.Struct, frozen=True):
    """How an event came: when (milliseconds since 1970), for whom, by which door and token."""

    at: int
    by: str
    door: Door
    token: str

    def line(self) -> bytes:
        """The line before the event's bytes; one for all events of a batch."""
        return b'{"at":%d,%b\n' % (self.at, _rest_of_line(self.by, self.door, self.token))


@lru_cache(maxsize=1_024)
def _rest_of_line(by: str, door: str, token: str) -> bytes:
    """The line from behind the time on, which alone differs from event to event; ``at`` sorts first."""
    return canonical_json({"by": by, "door": door, "token": token})[1:]


_DECODER = msgspec.json.Decoder(Coming)


def entry_of(coming: Coming, event: bytes) -> bytes:
    """The entry for an event."""
    return coming.line() + event


def event_of(entry: bytes) -> tuple[Coming, bytes]:
    """How the event of an entry came, and its exact bytes; raises :class:`ValueError`."""
    line, found, event = entry.partition(b"\n")
    if not found:
        raise ValueError("the entry has no line about its coming")
    return _DECODER.decode(line), event
