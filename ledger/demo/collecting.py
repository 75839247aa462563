"""What is collected in the synthetic district, honestly and otherwise (合成归集过程).

Six tables of cases, three quarters. One is delivered whole and in time; of one, rows are missing; one quarter of
one is the quarter before, handed in again; one comes a day late behind a holiday; one was signed for and never
came; one is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.catalogue import queries as catalogue
from ledger.codes import DeliveryMode
from ledger.deliveries import computing
from ledger.deliveries.comparing import changes_between
from ledger.deliveries.computing import Reading
from ledger.deliveries.drafting import delivery_draft, manifest_draft, outcome_of
from ledger.deliveries.keeping import ManifestName, keep_secret, kept_secret
from ledger.deliveries.periods import Period, period_in
from ledger.deliveries.planning import plan_delivery, plan_manifest, schema_of_manifest
from ledger.deliveries.queries import fingerprints
from ledger.deliveries.shelf import Shelf
from ledger.deliveries.statements import deliver as deliver_batch
from ledger.deliveries.statements import manifest as manifest_batch
from ledger.demo.district import Department, District
from ledger.demo.tables import KEY, Defects, rows_of, write_table
from ledger.office import Office, OfficeError
from ledger.statements import Batch, sha256
from ledger.store.engine import writing

if TYPE_CHECKING:
    from ledger.quality.results import Result

QUARTERS = ("2026-Q1", "2026-Q2", "2026-Q3")
DROPPED = 3
HONEST, FEWER, STALE, LATE, NEVER, EMPTY = range(6)
STORIES: tuple[tuple[str, str], ...] = (
    ("逐行齐全，按时归集", "every row arrives, in time"),
    ("第三季度少交三行", "three rows fewer in the third quarter"),
    ("第三季度重交第二季度的旧快照", "the second quarter handed in again as the third"),
    ("节后逾期一天才交", "a day late, behind the holiday"),
    ("签了清单，始终未交", "signed for, and never delivered"),
    ("交来空表", "an empty table"),
)
DEFECTS = (
    Defects(blank=2),
    Defects(blank=14, wrong_code=9, out_of_order=6, unknown_result=4),
    Defects(),
    Defects(wrong_code=3),
    Defects(),
    Defects(),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is collected: its entry, whose it is, the permit item, and its story's number."""

    entry: str
    owner: Department
    matter: str
    story: int


def build_tables(district: District) -> tuple[Table, ...]:
    """The first entries that are updated each quarter, hold no personal data, and stay published."""
    left = {*district.incomplete, *district.returned, *district.suspended, *district.revisions}
    found = [
        (str(row["code"]), department, str(row["duty"]))
        for department in reversed(district.departments)
        for row in district.entries[department.code]
        if row.get("duty")
        and row["code"] not in left
        and row["update_cycle"] == "quarterly"
        and not any(item["name"] == "申请人身份证号" for item in row["items"])
    ]
    if len(found) < len(STORIES):
        raise OfficeError(f"only {len(found)} entries of this seed can be collected each quarter")
    return tuple(Table(*found[story], story) for story in range(len(STORIES)))


def table_file(place: Path, table: Table, quarter: int, *, sent: bool = False) -> Path:
    """Where a quarter's table lies: as the department holds it, or as it was ``sent``."""
    side = "sent" if sent else "held"
    name = f"{table.entry.replace('/', '-')}_{QUARTERS[quarter]}.parquet"
    return place / "tables" / side / name


class Collecting:
    """Writes tables, and makes the batches that are signed about them."""

    def __init__(self, office: Office, district: District, tables: tuple[Table, ...]) -> None:
        self._office = office
        self._district = district
        self._shelf = Shelf(office.data_dir)
        self.tables = tables

    def write(self) -> None:
        """Every table of every quarter, as it is held and as it is sent."""
        for table in self.tables:
            for quarter in range(len(QUARTERS)):
                held = self._rows(table, quarter)
                sent = held
                if table.story == STALE and quarter == len(QUARTERS) - 1:
                    held = sent = self._rows(table, quarter - 1)
                if table.story == FEWER and quarter == len(QUARTERS) - 1:
                    sent = held[:-DROPPED]
                if table.story == EMPTY:
                    held = sent = []
                write_table(table_file(self._office.data_dir, table, quarter), held)
                write_table(table_file(self._office.data_dir, table, quarter, sent=True), sent)

    def _rows(self, table: Table, quarter: int) -> list[tuple[str | date | None, ...]]:
        seed, defects = self._district.seed, DEFECTS[table.story]
        return rows_of(seed, table.entry, table.matter, quarter + 1, defects)

    def manifest(self, table: Table, quarter: int, today: date) -> Batch:
        """The owner's manifest of a quarter; its secret is kept before anything is sent."""
        office, period = self._office, period_in(QUARTERS[quarter])
        source = str(table_file(office.data_dir, table, quarter))
        with office.read() as connection:
            plan = plan_manifest(
                connection, table.entry, period, speaker=table.owner.code, today=today
            )
        schema = computing.schema_in(source, Reading(key=(KEY,)))
        secret = computing.new_secret()
        with self._shelf.draft() as draft:
            found = computing.committed(source, schema, secret, draft / "store")
            said = manifest_draft(plan, period, DeliveryMode.FULL, found, secret)
            batch = manifest_batch([said], speaker=table.owner.code, deadline=office.deadline())
            name = self._name(batch, table, period)
            self._shelf.keep(draft / "store", "manifests", name.body_digest)
            self._keep(name, secret)
        return batch

    def delivery(self, table: Table, quarter: int, today: date) -> Batch:
        """The collector's delivery of what arrived, held against the manifest."""
        office, period = self._office, period_in(QUARTERS[quarter])
        collector = self._district.authority.code
        source = str(table_file(office.data_dir, table, quarter, sent=True))
        with office.read() as connection:
            plan = plan_delivery(connection, table.entry, period, today=today)
            if plan.manifest is None:
                raise OfficeError(f"{table.entry} has no manifest of {QUARTERS[quarter]}")
            marks = fingerprints(connection, plan.manifest.leaf_from)
        schema = schema_of_manifest(plan.manifest)
        with office.desk_engine.connect() as desk:
            digest = bytes.fromhex(plan.manifest.body_digest[2:])
            secret = kept_secret(desk, digest, office.vault_key)
        if schema is None or secret is None:
            raise OfficeError(f"the manifest of {table.entry} cannot be opened")
        with self._shelf.draft() as draft:
            found = computing.committed(source, schema, secret, draft / "store")
            signed = self._shelf.find("manifests", digest)
            if signed is None:
                raise OfficeError(f"the leaves of {table.entry} are not on the shelf")
            changes = changes_between(
                computing.leaves_in(signed), computing.leaves_in(draft / "store")
            )
            outcome = outcome_of(plan.manifest, DeliveryMode.FULL, found, marks, changes)
            said = delivery_draft(
                plan, period, DeliveryMode.FULL, found, outcome, vault_key=office.vault_key
            )
            batch = deliver_batch([said], speaker=collector, deadline=office.deadline())
            name = self._name(batch, table, period)
            self._shelf.keep(draft / "store", "deliveries", name.body_digest)
            self._keep(name, secret)
        return batch

    def assessment(self, table: Table, quarter: int) -> Result:
        """What the rules find in a quarter's delivery; the document is kept by its digest."""
        from ledger.demo.judging import assessed  # noqa: PLC0415 - brings the query engine along

        period = period_in(QUARTERS[quarter])
        with self._office.read() as connection:
            edition = catalogue.standing(connection, [table.entry])[table.entry].edition
        source = table_file(self._office.data_dir, table, quarter, sent=True)
        return assessed(
            self._office.data_dir, source, table.entry, edition, (period.start, period.end)
        )

    def _name(self, batch: Batch, table: Table, period: Period) -> ManifestName:
        return ManifestName(sha256(batch.bodies[0]), table.entry, period.start, period.end)

    def _keep(self, name: ManifestName, secret: bytes) -> None:
        with writing(self._office.desk_engine) as desk:
            keep_secret(desk, name, secret, self._office.vault_key)
