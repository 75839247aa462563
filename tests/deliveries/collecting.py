"""A department and a collector in one small office: manifests signed, handed over, received."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.deliveries import tables
from tests.person import Person, Ran
from tests.small_office import PUBLISHED


@dataclass
class Collecting:
    """The office, its pupils, and short ways to act; every test takes a fresh period."""

    person: Person
    years: Iterator[int] = field(default_factory=lambda: itertools.count(1950))

    def begun(self) -> Collecting:
        """The collector's public key is in a file, and the pupils in another."""
        self.person.run("key", "public", "collector", "-o", "collector.key.json")
        tables.parquet(self.place / "pupils.parquet", self.rows)
        return self

    @property
    def place(self) -> Path:
        return self.person.place

    @property
    def rows(self) -> list[tables.Row]:
        return tables.pupils()

    @property
    def source(self) -> str:
        return str(self.place / "pupils.parquet")

    def period(self) -> str:
        return f"{next(self.years)}-Q3"

    def of(self, period: str) -> tuple[str, ...]:
        return ("--entry", PUBLISHED, "--period", period)

    def manifest(
        self, period: str, *more: object, source: str | None = None, expect: int | None = 0
    ) -> Ran:
        return self.person.run(
            *("deliver", "manifest", source or self.source, *self.of(period)),
            *("--row-key", tables.KEY, "--key", "education-steward", *more),
            expect=expect,
        )

    def handover(self, period: str, *more: object, expect: int | None = 0) -> Path:
        file = self.place / f"{period}.handover.json"
        self.person.run(
            *("deliver", "handover", *self.of(period), "--to", "collector.key.json"),
            *("-o", file, *more),
            expect=expect,
        )
        return file

    def receive(self, period: str, source: str, *more: object, expect: int | None = 0) -> Ran:
        return self.person.run(
            *("deliver", "receive", source, *self.of(period), "--key", "collector", *more),
            expect=expect,
        )

    def forget(self, period: str) -> None:
        """Throw the leaves of a period's manifests away."""
        listed = self.person.run("deliver", "list", "--manifests", "--limit", 500, "--json").json()
        for one in listed["manifests"]:
            if one["period_start"].startswith(period[:4]):
                name = one["body_digest"].removeprefix("0x")
                shutil.rmtree(self.person.data_dir / "records" / "manifests" / name)

    def written(self, name: str, rows: list[tables.Row]) -> str:
        return tables.parquet(self.place / name, rows)
