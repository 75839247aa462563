"""What lineage finds in a large district: its entries, deliveries and runs, and the rows of the bench.

To the mirror of :mod:`scripts.bench.lineage_district` come entries until there are ten thousand, each with an edition
of a grade and a share class, rules that tie them to tables of all stages, what every run named, and a delivery of
every second entry.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, delete, update

from ledger.catalogue.models import ENTRIES
from ledger.codes import ShareType
from ledger.deliveries.models import DELIVERIES
from ledger.lineage.findings.listing import KINDS, composed, findings
from ledger.lineage.identity import dataset_number, job_number, run_number
from ledger.lineage.models import INPUT, OUTPUT, RULES, RUN_IO
from ledger.mirror import tables
from ledger.statements import text_hash
from ledger.store.bulk import insert_mappings, insert_rows
from scripts.bench.measuring import Row, at_most

ENTRIES_MADE = 10_000
LEAVES = 60_000
_BEGUN = 1_770_000_000
_LIBRARIES = ("department", "department", "comprehensive", "theme", "special")
_NAMES = {
    "dark_data": "dark data, with their likely owners",
    "grade_lowered": "grades that fall along the flow",
    "share_widened": "share classes that widen along the flow",
    "stale_chain": "stale chains",
    "broken_item": "items that are gone",
    "broken_entry": "entries that are gone",
}
"""What each kind of finding is called in the report."""


def fill(
    conn: Connection, acts: Sequence[tuple[str, list[str], list[str]]], space: str, team: str
) -> None:
    """Write what findings look at; ``acts`` are jobs with their inputs and outputs."""
    conn.execute(delete(ENTRIES))
    written = sorted({name for _, _, writes in acts for name in writes})
    step = max(1, len(written) // ENTRIES_MADE)
    covered = written[::step][:ENTRIES_MADE]
    insert_mappings(conn, ENTRIES, list(_entries(len(covered))))
    insert_mappings(conn, RULES, list(_rules(covered, space)))
    insert_mappings(conn, DELIVERIES, list(_deliveries(len(covered))))
    insert_rows(conn, RUN_IO, list(_named(acts, space, team)))
    # Another moment: nothing that was kept in memory of the one before counts.
    conn.execute(update(tables.cursor).values(size=LEAVES, root=bytes([1]) * 32))


def _entries(count: int) -> Iterator[dict[str, Any]]:
    dice = Random(3)  # noqa: S311 - the same entries every time
    for place in range(count):
        code = f"E{place:05d}"
        row: dict[str, Any] = dict.fromkeys(column.name for column in ENTRIES.columns)
        yield row | {
            "code": code,
            "leaf_from": 20_000 + place,
            "subject": text_hash(code),
            "version": 1,
            "state": "published" if dice.random() < 0.98 else "revoked",  # noqa: PLR2004
            "edition": 1,
            "published_edition": 1,
            "filed_leaf": 20_000 + place,
            "published_leaf": 20_000 + place,
            "name": f"目录 {place}",
            "provider": f"ORG-{place % 100:03d}",
            "share_type": dice.choice(list(ShareType)).value,
            "grade": dice.choices((1, 2, 3, 4), (80, 15, 4, 1))[0],
            "library": dice.choice(_LIBRARIES),
            "restricted": False,
            "complete": True,
            "missing": "[]",
            "item_count": 1,
            "search": "",
            "recorded_at": _BEGUN,
        }


def _rules(covered: Sequence[str], space: str) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = dict.fromkeys(column.name for column in RULES.columns)
    for place, name in enumerate(covered):
        yield row | {
            "code": f"T{place:05d}",
            "leaf_from": 30_000 + place,
            "version": 1,
            "active": True,
            "holder": f"ORG-{name[:4]}",
            "entry": f"E{place:05d}",
            "namespace": space,
            "name": name,
            "priority": 1,
            "recorded_at": _BEGUN,
        }


def _deliveries(count: int) -> Iterator[dict[str, Any]]:
    dice = Random(4)  # noqa: S311 - the same deliveries every time
    row: dict[str, Any] = dict.fromkeys(column.name for column in DELIVERIES.columns)
    blank = dict.fromkeys(("row_schema", "root", "content", "organisation", "body_digest"), b"")
    for place in range(0, count, 2):
        yield (
            row
            | blank
            | {
                "entry": f"E{place:05d}",
                "leaf_from": 40_000 + place,
                "version": 1,
                "manifest": 0,
                "edition": 1,
                "period_start": 20260101,
                "period_end": 20260331,
                "mode": "full",
                "rows": 1,
                "claimed": False,
                "recorded_at": _BEGUN + dice.randrange(10_000_000),
            }
        )


def _named(
    acts: Sequence[tuple[str, list[str], list[str]]], space: str, team: str
) -> Iterator[tuple[Any, ...]]:
    for at, (name, reads, writes) in enumerate(acts):
        run = run_number(job_number(team, name), str(UUID(int=at + 1)))
        for direction, ends in ((INPUT, reads), (OUTPUT, writes)):
            for one in ends:
                yield run, direction, dataset_number(space, one), at, _BEGUN * 1_000_000, None


def rows_of(name: str, engine: Engine) -> list[Row]:
    """Each kind of finding by itself, all of them together, and what the libraries are made of."""
    told: list[Row] = []
    with engine.connect() as conn:
        findings(conn, kinds=("broken_entry",))  # the rules are kept in memory, as a server's are
        for what, kinds in (*((_NAMES[kind], (kind,)) for kind in KINDS), ("all", tuple(KINDS))):
            began, started = time.perf_counter(), time.process_time()
            found = findings(conn, kinds=kinds).findings
            spent = time.process_time() - started
            note = f"clock {time.perf_counter() - began:.2f} s; {len(found):,} found"
            told.append(at_most(f"{name}: findings, {what}", spent, "s", note=note))
        began, started = time.perf_counter(), time.process_time()
        made = composed(conn)
        spent = time.process_time() - started
        note = f"clock {time.perf_counter() - began:.2f} s; {len(made):,} entries"
        told.append(at_most(f"{name}: composition of the libraries", spent, "s", note=note))
    return told
