"""What an import must know of the ledger (导入查重):
records taken before, names and codes in use.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from ledger.catalogue.models import ENTRIES
from ledger.catalogue.queries import EntrySummary, summary_of
from ledger.codes import EntryState
from ledger.mirror.queries import statements_at
from ledger.store.ranged import held


def sources(
    conn: Connection, catalogue: str, *, as_of: int | None = None
) -> dict[str, tuple[EntrySummary, dict[str, Any]]]:
    """The entries imported from a source catalogue, by the record's identity, each with the
    document of its newest edition. Restricted entries do not tell their source.
    """
    prefix = f"{catalogue}:"
    said = statements_at(None).subquery("said").c
    asked = (
        select(ENTRIES, said.body.label("document"))
        .join(said.leaf.table, said.leaf == ENTRIES.c.filed_leaf)
        .where(ENTRIES.c.source >= prefix, ENTRIES.c.source < f"{catalogue};", held(ENTRIES, as_of))
    )
    return {
        row["source"].removeprefix(prefix): (summary_of(row), json.loads(row["document"]))
        for row in conn.execute(asked).mappings()
    }


def names_of(
    conn: Connection, provider: str | None = None, *, as_of: int | None = None
) -> dict[tuple[str, str], tuple[str, str]]:
    """(provider, bare name) -> (code, name) of the entries not revoked, for duplicate checks."""
    asked = select(ENTRIES.c.provider, ENTRIES.c.bare_name, ENTRIES.c.code, ENTRIES.c.name).where(
        held(ENTRIES, as_of),
        ENTRIES.c.bare_name.is_not(None),
        ENTRIES.c.state != EntryState.REVOKED.value,
    )
    if provider is not None:
        asked = asked.where(ENTRIES.c.provider == provider)
    rows = conn.execute(asked.order_by(ENTRIES.c.code.desc()))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def codes_with_prefix(conn: Connection, prefix: str) -> list[str]:
    """All resource codes on the ledger that begin with ``prefix/``, ever."""
    asked = select(ENTRIES.c.code).distinct()
    asked = asked.where(ENTRIES.c.code >= f"{prefix}/", ENTRIES.c.code < f"{prefix}0")
    return list(conn.execute(asked.order_by(ENTRIES.c.code)).scalars())
