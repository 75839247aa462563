"""A small town whose ledger the tests cheat on: real keys, contracts, chain and mirror, on days that the test names.

On 5 January 2026 the authority obliges two departments to hand in one table each, every quarter. The education
bureau's (:data:`TABLE`) is answered by an entry, mounted, and its first quarter delivered whole and in time; the
civil affairs bureau has done nothing. So far nobody has cheated.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from ledger.audits.audit import audited
from ledger.audits.findings import SIGNALS
from ledger.audits.policy import DEFAULT_POLICY, Policy
from ledger.audits.report import report_bytes
from ledger.canonical import parse_json
from ledger.chain.connect import connect
from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.chain.outbox import Receipt
from ledger.days import CHINA_TIME
from ledger.office import Office
from ledger.settings import load_settings
from ledger.statements import Batch
from tests.deliveries import tables
from tests.person import PASSPHRASE, Person, Ran
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, build

TABLE, SYSTEM, DUTY = "E1-S1-T1", "E1-S1", "E1"
OTHER_TABLE, OTHER_SYSTEM, OTHER_DUTY = "C1-S1-T1", "C1-S1", "C1"
LAW = "教育法 第十五条"
SOURCE = "district.pupils"
ROWS = 60
FOUNDED = datetime(2026, 4, 7, 9, tzinfo=CHINA_TIME)
FIRST_QUARTER, SECOND_QUARTER, THIRD_QUARTER = "2026-Q1", "2026-Q2", "2026-Q3"
_DEFAULTS: tuple[dict[str, Any], ...] = (
    Office.__init__.__kwdefaults__,
    connect.__kwdefaults__ or {},
)
"""The options of whatever is given a clock."""


@dataclass
class Town(Person):
    """The town's office, at a time that :meth:`on` sets; it only goes forward, as the chain's does."""

    now: datetime = datetime(2026, 1, 5, 9, tzinfo=CHINA_TIME)

    def on(self, month: int, day: int, year: int = 2026) -> Town:
        """Whatever is done next is done on the morning of this day."""
        self.now = datetime(year, month, day, 9, tzinfo=CHINA_TIME)
        return self

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Chain and office go by the town's time."""
        with ExitStack() as stack:
            for defaults in _DEFAULTS:
                stack.enter_context(mock.patch.dict(defaults, clock=self.now.timestamp))
            yield

    def run(self, *words: object, expect: int | None = 0, typed: str = "") -> Ran:
        with self.clock():
            return super().run(*words, expect=expect, typed=typed)

    def copy(self, place: Path) -> Town:
        same = super().copy(place)
        return Town(same.data_dir, same.passphrase, same.language, same.columns, now=self.now)

    @contextmanager
    def office(self) -> Iterator[Office]:
        """The parts behind the commands, for those who go around them."""
        told = {"data_dir": self.data_dir, "passphrase": PASSPHRASE}
        settings = load_settings(told, env={})
        with self.clock(), Office(settings, work_factor=DEMO_WORK_FACTOR) as office:
            yield office

    def send(self, make: Callable[[int], Batch], key: str) -> Receipt:
        """Sign a batch and hand it straight to the contract; ``make`` is told the mandate's deadline."""
        with self.office() as office:
            office.prepare_to_sign()
            signed = office.sign(make(office.deadline()), office.unlock(key))
            (done,) = office.settle([office.outbox.submit(signed).id])
        return done

    def refused(self, make: Callable[[int], Batch], key: str) -> tuple[str, dict[str, Any]]:
        """The name and the arguments of the error with which the contract refuses a batch."""
        error = self.send(make, key).error
        assert error is not None, "the contract took it"
        assert error.message_zh
        return error.name, error.args

    def alter(self, statement: str, *values: object) -> None:
        """Do as an operator may: change the mirror behind everybody's back."""
        with closing(sqlite3.connect(self.data_dir / "mirror.db")) as mirror, mirror:
            assert mirror.execute(statement, values).rowcount >= 1

    # what people do

    def pupils(self, name: str, rows: Sequence[tables.Row]) -> str:
        """The rows in a file of the town's."""
        return tables.parquet(self.place / f"{name}.parquet", rows)

    def manifest(self, period: str, source: str, *more: object, expect: int | None = 0) -> Ran:
        return self.run(
            *("deliver", "manifest", source, "--entry", PUBLISHED, "--period", period),
            *("--row-key", tables.KEY, "--key", "education-steward", *more),
            expect=expect,
        )

    def receive(self, period: str, source: str, *more: object, expect: int | None = 0) -> Ran:
        return self.run(
            *("deliver", "receive", source, "--entry", PUBLISHED, "--period", period),
            *("--key", "collector", *more),
            expect=expect,
        )

    def supply(self, period: str, held: Sequence[tables.Row], arrived: Sequence[tables.Row]) -> Any:
        """The department signs what it holds, something arrives; what the collector is told."""
        self.manifest(period, self.pupils(f"held-{period}", held))
        source = self.pupils(f"arrived-{period}", arrived)
        return self.receive(period, source, "--json").json()

    def oblige(self, *obligations: dict[str, Any], act: str = "register") -> None:
        file = self.write("obligations.yaml", list(obligations))
        self.run("obligation", act, file, "--key", "authority")

    def exempt(self, **changes: Any) -> Path:
        """The file of an exemption of the civil affairs bureau's table, until the end of June."""
        exemption = {
            "code": "NEG-1",
            "target": OTHER_TABLE,
            "target_type": "obligation",
            "scope": ["catalogue"],
            "law": "数据条例 第三十八条",
            "valid_from": "2026-01-01",
            "expires": "2026-06-30",
        }
        return self.write("exemption.yaml", exemption | changes)

    # what an auditor sees

    def size(self) -> int:
        """The size of the log."""
        return int(self.run("log", "checkpoint").json()["size"])

    def audit(self, size: int | None = None, policy: Policy = DEFAULT_POLICY) -> dict[str, Any]:
        """The report that an auditor makes of everything, at a log size (None: now)."""
        with self.office() as office:
            assert office.refresh() is None
            with office.read() as connection, audited(connection, size, policy=policy) as found:
                report: dict[str, Any] = parse_json(b"".join(report_bytes(found)))
        return report

    def gap(self, obligation: str = TABLE) -> tuple[str, str] | None:
        """Rung and reason of an obligation's gap, None where it has none."""
        return gap_in(self.audit(), obligation)

    def moved(self, since: int, *more: object) -> list[dict[str, Any]]:
        """What moved the denominators since a size."""
        words = ("audit", "denominator", "--from", since, *more, "--json")
        changes: list[dict[str, Any]] = self.run(*words).json()["changes"]
        return changes


def gap_in(report: dict[str, Any], obligation: str = TABLE) -> tuple[str, str] | None:
    """Rung and reason of an obligation's gap in a report."""
    found = [one for one in report["gaps"] if one["obligation"] == obligation]
    return (found[0]["rung"], found[0]["reason"]) if found else None


def line_in(report: dict[str, Any], obligation: str = TABLE) -> dict[str, Any]:
    """The line of a business table in a report."""
    (found,) = [one for one in report["tables"] if one["code"] == obligation]
    return dict(found)


def metric_in(report: dict[str, Any], name: str) -> dict[str, Any]:
    """A metric of a report."""
    (found,) = [one for one in report["metrics"] if one["id"] == name]
    return dict(found)


def findings_in(report: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The findings with a name, in the report's order."""
    assert name in SIGNALS
    return [one for one in report["findings"] if one["name"] == name]


def finding_in(report: dict[str, Any], name: str) -> dict[str, Any]:
    """The one finding with a name."""
    (found,) = findings_in(report, name)
    return found


def counted(report: dict[str, Any], name: str = "collection") -> tuple[int, int]:
    """Numerator and denominator of a metric."""
    found = metric_in(report, name)
    return found["numerator"], found["denominator"]


def owed(code: str, **changes: Any) -> dict[str, Any]:
    """An obligation as its file says it; those that begin with C are the civil affairs bureau's."""
    above = code.rpartition("-")[0]
    return {
        "code": code,
        "name": f"归集事项 {code}",
        "type": ("duty", "system", "table", "entry")[code.count("-")],
        **({"parent": above} if above else {}),
        "responsible": CIVIL_AFFAIRS if code.startswith("C") else EDUCATION,
        "legal_basis": [LAW],
        "update_cycle": "quarterly",
        "valid_from": "2026-01-01",
        **changes,
    }


def pupils() -> list[tables.Row]:
    """The rows that the education bureau really has."""
    return tables.pupils(ROWS)


def found_town(place: Path) -> Town:
    """The town on 7 April, its first quarter delivered."""
    town = Town(place)
    build(town)
    chain = (DUTY, SYSTEM, TABLE, OTHER_DUTY, OTHER_SYSTEM, OTHER_TABLE)
    town.oblige(*map(owed, chain))
    town.run("obligation", "bind", TABLE, PUBLISHED, "--key", "education-steward")
    town.run(
        *("deliver", "mount", "pupils", "--entry", PUBLISHED, "--name", "学生表"),
        *("--location", SOURCE),
        *("--key", "education-steward"),
    )
    town.now = FOUNDED
    assert town.supply(FIRST_QUARTER, pupils(), pupils())["complete"]
    return town
