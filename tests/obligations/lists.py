"""Lists of obligations as tests write them, and a ledger that takes their batches."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine

from ledger.catalogue.kept_batches import BatchRefused, Outcome
from ledger.catalogue.publishers import Publishers
from ledger.mirror.queries import newest_versions
from ledger.obligations.importing import resume_import, run_import
from ledger.obligations.mapping import ObligationMapping, load_mapping
from ledger.obligations.plan import Plan
from ledger.obligations.planning import plan_import
from ledger.statements import OBLIGATION, Batch, text_hash
from tests.obligations.conftest import DATA
from tests.organisations.scribe import FAR, START, Scribe

FIRST_DAY = date(2026, 1, 1)
MAPPING: dict[str, Any] = {
    "name": "sample",
    "title": "样例清单",
    "identity": ["id"],
    "columns": {
        "name": "item",
        "department": "dept",
        "department_code": "dept_code",
        "type": {"column": "kind", "vocabulary": "obligation_type"},
        "parent": "above",
        "update_cycle": {"column": "cycle", "vocabulary": "update_cycle"},
    },
    "constants": {"legal_basis": ["样例条例"]},
    "code": {"prefix": "S-", "column": "id"},
    "evidence": [{"column": "full_code", "pattern": "([0-9A-Z]{18})$"}],
    "notes": ["remark"],
}
COLUMNS = ("id", "item", "dept", "dept_code", "kind", "above", "cycle", "full_code", "remark")


def row(number: str, item: str = "", **cells: str) -> dict[str, str]:
    """A row of the sample list: a duty of the water bureau unless it says otherwise."""
    given = {
        "id": number,
        "item": item or f"事项{number}",
        "dept": "水务局",
        "kind": "职责",
        **cells,
    }
    return {column: given.get(column, "") for column in COLUMNS}


def write_list(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def save_mapping(place: Path, **changes: Any) -> ObligationMapping:
    path = place / "mapping.yaml"
    told = {**MAPPING, **changes}
    text = yaml.safe_dump(
        {name: value for name, value in told.items() if value is not None}, allow_unicode=True
    )
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


@dataclass
class Office:
    """A mirror, a desk, and the sending between them, which can be made to fail."""

    scribe: Scribe
    desk: Engine
    mapping: ObligationMapping
    taken: dict[tuple[bytes, ...], str] = field(default_factory=dict)
    fail_before: int | None = None
    fail_after: int | None = None
    refuse: int | None = None

    def send(self, batch: Batch) -> str:
        key = tuple(batch.payloads())
        if key in self.taken:
            return self.taken[key]
        if self.refuse == len(self.taken):
            raise BatchRefused("NotAbove")
        if self.fail_before == len(self.taken):
            raise ConnectionError("gone before")
        self._refuse_stale(batch)
        self.scribe.write(batch)
        assert not self.scribe.flags
        self.taken[key] = f"0x{len(self.taken):064x}"
        if self.fail_after == len(self.taken):
            raise ConnectionError("gone after")
        return self.taken[key]

    def _refuse_stale(self, batch: Batch) -> None:
        subjects = {text_hash(str(one["code"])): one["version"] for one in batch.values}
        with self.scribe.engine.connect() as connection:
            known = newest_versions(connection, OBLIGATION.kind, subjects)
        for subject, version in subjects.items():
            assert version == known.get(subject, 0) + 1

    def plan(
        self,
        file: Path,
        table: Publishers | None = None,
        valid_from: date | None = FIRST_DAY,
        progress: Callable[[int], None] | None = None,
    ) -> Plan:
        publishers = table or Publishers.empty(self.mapping.name)
        with self.scribe.engine.connect() as mirror, self.desk.connect() as desk:
            return plan_import(
                file,
                self.mapping,
                publishers,
                mirror,
                desk,
                valid_from=valid_from,
                progress=progress,
            )

    def apply(self, plan: Plan, size: int = 100) -> Outcome:
        return run_import(plan, DATA, self.desk, self.send, lambda: FAR, batch_size=size)

    def resume(self, now: int = START) -> Outcome:
        with self.scribe.engine.connect() as mirror:
            return resume_import(self.mapping, self.desk, mirror, self.send, now)
