"""The catalogues of seven real portals:
what comes in, what does not and why, and finding it again.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.catalogue import queries
from ledger.catalogue.importing import run_import
from ledger.catalogue.mapping import load_mapping
from ledger.catalogue.names import folded
from ledger.catalogue.planning import Plan, plan_import
from ledger.catalogue.publishers import Publishers
from ledger.catalogue.queries import Filters
from ledger.statements import Batch
from ledger.store.engine import open_database

from .conftest import FAR, TinyLog

PORTALS = {
    "luzhou": "sichuan_luzhou.csv",
    "neijiang": "sichuan_neijiang.csv",
    "deyang": "sichuan_deyang.csv",
    "wuhu": "anhui_wuhu.csv",
    "huaibei": "anhui_huaibei.csv",
    "huangshan": "anhui_huangshan.csv",
    "shaanxi": "shaanxi_shaanxi.csv",
}
REFUSED = {
    "luzhou": {"duplicate_row /name": 13, "required /name": 5, "required /provider_name": 5},
    "neijiang": {"duplicate_row /name": 10, "named_after_system /name": 1},
    "deyang": {"duplicate_row /name": 1, "named_after_system /name": 1},
    "wuhu": {},
    "huaibei": {"dragged_names /name": 3},
    "huangshan": {"duplicate_row /name": 1},
    "shaanxi": {},
}
NOT_TURNED = {
    ("huaibei", "access", "无"): 13,
    ("huaibei", "access", "无条件"): 1,
    ("huaibei", "update_cycle", "牲畜饲养"): 1,
    ("huangshan", "formats", "$type"): 5,
}


class Imported:
    """All seven portals on one ledger: the log, the desk, and the plan of each."""

    def __init__(self, place: Path, data: Path) -> None:
        self.data = data
        self.log = TinyLog(open_database(f"sqlite:///{place / 'mirror.db'}", "mirror"))
        self.desk: Engine = open_database(f"sqlite:///{place / 'desk.db'}", "desk")
        self.plans: dict[str, Plan] = {}
        for name in PORTALS:
            self.plans[name] = self.plan(name)
            run_import(self.plans[name], self.desk, self.send, lambda: FAR)

    def send(self, batch: Batch) -> str:
        self.log.append(batch)
        return "0x00"

    def plan(self, name: str) -> Plan:
        path = self.data / "catalogue" / PORTALS[name]
        with self.log.engine.connect() as mirror, self.desk.connect() as desk:
            return plan_import(path, load_mapping(name), Publishers.empty(name), mirror, desk)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Imported]:
    made = Imported(tmp_path_factory.mktemp("real"), shared_data)
    yield made
    made.log.engine.dispose()
    made.desk.dispose()


def rows_of(imported: Imported, name: str) -> list[dict[str, str]]:
    with (imported.data / "catalogue" / PORTALS[name]).open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_nearly_all_rows_come_in_and_each_refused_one_has_its_reason(imported: Imported) -> None:
    assert {name: plan.reasons() for name, plan in imported.plans.items()} == REFUSED
    assert sum(plan.rows for plan in imported.plans.values()) == 16_509
    assert sum(plan.new for plan in imported.plans.values()) == 16_474
    assert sum(len(plan.refused) for plan in imported.plans.values()) == 35
    assert imported.log.size == 16_474
    assert imported.log.flags == {}


def test_what_no_vocabulary_holds_is_listed_and_nothing_else(imported: Imported) -> None:
    left = {
        (name, field, spelling): count
        for name, plan in imported.plans.items()
        for (field, spelling), count in plan.not_turned.items()
    }
    assert left == NOT_TURNED


def test_update_cycles_come_out_as_the_portals_wrote_them(imported: Imported) -> None:
    ours = Counter(
        one.entry.update_cycle.value
        for one in imported.plans["neijiang"].planned
        if one.entry.update_cycle
    )
    refused = {one.line for one in imported.plans["neijiang"].refused}
    written = Counter(
        row["frequency"]
        for line, row in enumerate(rows_of(imported, "neijiang"), start=2)
        if line not in refused
    )
    names = {"每年": "yearly", "其他": "other", "实时": "realtime", "每半年": "half_yearly",
             "每月": "monthly", "每季度": "quarterly"}  # fmt: skip
    assert ours == Counter({names[word]: count for word, count in written.items()})


def test_all_are_drafts_and_visibly_incomplete(imported: Imported) -> None:
    with imported.log.engine.connect() as mirror:
        assert queries.count(mirror) == 16_474
        assert queries.count(mirror, Filters(state="draft", incomplete=True)) == 16_474
        assert len(queries.facets(mirror)["provider"]) == 480


def test_a_second_run_imports_nothing(imported: Imported) -> None:
    for name, first in imported.plans.items():
        again = imported.plan(name)
        assert (again.planned, again.unchanged) == ([], first.new)
        assert again.summary()["refused"] == len(first.refused)


@pytest.mark.parametrize(
    "term", ["驾驶证", "公厕", "年报 企业", "api", "没有的词", "3010010001/0000"]
)
def test_search_finds_what_a_look_at_every_entry_finds(imported: Imported, term: str) -> None:
    expected = []
    for plan in imported.plans.values():
        for one in plan.planned:
            entry = one.entry
            parts = (entry.code, entry.name, entry.provider, entry.provider_name, entry.abstract)
            lines = [folded(p) for p in (*parts, *entry.keywords, *entry.themes) if p]
            if all(any(word in line for line in lines) for word in term.split()):
                expected.append(entry.code)
    with imported.log.engine.connect() as mirror:
        found = [one.code for one, _ in queries.export(mirror, Filters(q=term))]
    assert found == sorted(expected)
