"""An office (办公室): one data directory, opened, with everything wired together.

What lies in a data directory: ``deployment.json`` (which log, where), ``chain.db`` (the embedded chain),
``mirror.db`` and ``desk.db``, ``keys/``, ``config.toml``. The command line and the server both work through
an :class:`Office`; neither knows how the parts find each other.

One process at a time is *on duty* (:mod:`ledger.duty`): it sends what the outbox holds and moves the mirror. A
server is on duty while it runs; a command is for as long as it needs, and where another process is, it waits for
that one. Of several servers that share their databases in PostgreSQL one is, and the others take over.
"""

from ledger.office.errors import OfficeError
from ledger.office.office import MANDATE_SECONDS, Office

__all__ = ["MANDATE_SECONDS", "Office", "OfficeError"]
