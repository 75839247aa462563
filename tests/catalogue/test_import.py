"""Imports: dirty files in, a plan that says all of it, entries once, and nothing twice."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from ledger.catalogue import queries
from ledger.catalogue.entry import Entry
from ledger.catalogue.importing import BatchRefused, Outcome, resume_import, run_import
from ledger.catalogue.mapping import Mapping, MappingError, load_mapping, mappings
from ledger.catalogue.models import IMPORT_BATCHES, IMPORT_RECORDS, SEALED_TEXTS
from ledger.catalogue.planning import Plan, UnfinishedImport, plan_import
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.publishers import (
    Publishers,
    provisional_for,
    publishers_csv,
    read_publishers,
)
from ledger.catalogue.rows import TableError, detect_encoding, read_rows
from ledger.catalogue.sealing import seal
from ledger.catalogue.statements import Revision, filing
from ledger.catalogue.vocabulary import VocabularyError, load_vocabulary, names, vocabulary
from ledger.codes import EntryState, UpdateCycle
from ledger.statements import Batch
from ledger.store.engine import open_database

from .conftest import FAR, OWNER, TinyLog, file_one, whole_entry

COLUMNS = ("title", "publisher", "about", "cycle", "access", "formats", "issued", "url")
MAPPING = {
    "name": "sample",
    "title": "样例",
    "identity": ["url"],
    "columns": {
        "name": "title",
        "provider_name": "publisher",
        "abstract": "about",
        "update_cycle": {"column": "cycle", "vocabulary": "update_cycle"},
        "access": {"column": "access", "vocabulary": "access"},
        "formats": {"column": "formats", "vocabulary": "formats", "split": "|,"},
        "published_on": "issued",
        "link": "url",
    },
    "constants": {"library": "department"},
    "code": {"category": "3", "item": "07", "section": "015"},
}


def row(title: str, publisher: str = "市教育局", url: str | None = None, **cells: str) -> list[str]:
    given = {
        "title": title,
        "publisher": publisher,
        "url": url or f"u/{publisher}/{title}",
        **cells,
    }
    return [given.get(column, "") for column in COLUMNS]


@pytest.fixture
def mapping(tmp_path: Path) -> Mapping:
    return save_mapping(tmp_path, MAPPING)


def save_mapping(tmp_path: Path, value: dict[str, Any]) -> Mapping:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(value, allow_unicode=True), encoding="utf-8")
    return load_mapping(path)


def csv_file(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


class Ledger:
    """A ledger that records each batch once, as outbox and chain do, and can be made to fail."""

    def __init__(self, log: TinyLog, desk: Engine) -> None:
        self.log = log
        self.desk = desk
        self.taken: dict[tuple[bytes, ...], str] = {}
        self.fail_before: int | None = None
        self.fail_after: int | None = None
        self.refuse: int | None = None

    def send(self, batch: Batch) -> str:
        key = tuple(batch.payloads())
        if key in self.taken:
            return self.taken[key]
        if self.refuse == len(self.taken):
            raise BatchRefused("StaleVersion")
        if self.fail_before == len(self.taken):
            raise ConnectionError("gone before")
        self.log.append(batch)
        assert not self.log.flags
        self.taken[key] = f"0x{len(self.taken):064x}"
        if self.fail_after == len(self.taken):
            raise ConnectionError("gone after")
        return self.taken[key]

    def plan(self, path: Path, mapping: Mapping, publishers: Publishers | None = None) -> Plan:
        with self.log.engine.connect() as mirror, self.desk.connect() as desk:
            return plan_import(
                path, mapping, publishers or Publishers.empty(mapping.name), mirror, desk
            )

    def run(self, plan: Plan, **options: Any) -> Outcome:
        return run_import(plan, self.desk, self.send, lambda: FAR, **options)

    def resume(self, now: int = 0) -> Outcome:
        with self.log.engine.connect() as mirror:
            return resume_import("sample", self.desk, mirror, self.send, now)


@pytest.fixture
def ledger(log: TinyLog, desk: Engine) -> Ledger:
    return Ledger(log, desk)


DIRTY = [
    row("学校名单", cycle="每年", access="无条件开放", formats="xls|csv", issued="2023-6-16"),
    row("学校 名单。", url="u/2"),
    row("", url="u/3"),
    row("教师名单", "", url="u/4"),
    row("教师名单", cycle="牲畜饲养", access="无", formats="$type", issued="昨天"),
    row("教师名单", "市卫健委", cycle="‘按年更新’", access="有条件共享", formats="http"),
    row("一窗受理系统"),
    row("成绩名单", url="u/市教育局/教师名单"),
    [*row("多一格"), "x"],
    row("体检名单", about="退格\b"),
]


def test_a_dirty_file_is_judged_row_by_row(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    plan = ledger.plan(csv_file(tmp_path / "dirty.csv", DIRTY), mapping)
    assert [(one.line, one.entry.name, one.entry.code) for one in plan.planned] == [
        (2, "学校名单", "3070150001/000001"),
        (6, "教师名单", "3070150001/000002"),
        (7, "教师名单", "3070150002/000001"),
    ]
    assert {one.line: [(p.code, p.pointer) for p in one.problems] for one in plan.refused} == {
        3: [("duplicate_row", "/name")],
        4: [("required", "/name")],
        5: [("required", "/provider_name")],
        8: [("named_after_system", "/name")],
        9: [("duplicate_record", "")],
        10: [("row_shape", "")],
        11: [("invalid", "/abstract")],
    }
    assert plan.refused[0].problems[0].en.startswith("same provider and name as line 2")
    assert dict(plan.not_turned) == {
        ("update_cycle", "牲畜饲养"): 1,
        ("access", "无"): 1,
        ("formats", "$type"): 1,
        ("published_on", "昨天"): 1,
    }
    first, unclear, third = (one.entry for one in plan.planned)
    assert first.update_cycle is UpdateCycle.YEARLY
    assert [form.type for form in first.formats] == ["xls", "csv"]
    assert str(first.published_on) == "2023-06-16"
    assert (unclear.update_cycle, unclear.open_type, unclear.formats) == (None, None, ())
    assert [mode.value for mode in third.share_modes] == ["api"]
    summary = plan.summary()
    assert (summary["rows"], summary["new"], summary["refused"]) == (10, 3, 7)
    assert (summary["incomplete"], summary["provisional"]) == (3, 2)
    told = [
        (one["line"], [fault["code"] for fault in one["problems"]]) for one in summary["refusals"]
    ]
    assert told == [(row.line, [fault.code for fault in row.problems]) for row in plan.refused]


def test_imported_entries_are_drafts_that_are_seen_to_be_incomplete(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    plan = ledger.plan(csv_file(tmp_path / "dirty.csv", DIRTY), mapping)
    assert ledger.run(plan).entries == 3
    with ledger.log.engine.connect() as mirror:
        found = queries.search(mirror, queries.Filters(incomplete=True)).entries
        assert [one.code for one in found] == [one.entry.code for one in plan.planned]
        assert {one.state for one in found} == {"draft"}
        assert all("/items" in one.missing for one in found)
        assert queries.search(mirror, queries.Filters(q="教师")).entries == found[1:]


def test_a_second_run_imports_nothing(ledger: Ledger, mapping: Mapping, tmp_path: Path) -> None:
    path = csv_file(tmp_path / "dirty.csv", DIRTY)
    ledger.run(ledger.plan(path, mapping))
    size = ledger.log.size
    again = ledger.plan(path, mapping)
    assert (again.unchanged, again.planned, len(again.refused)) == (3, [], 7)
    assert ledger.run(again).batches == 0
    assert ledger.log.size == size


def test_a_new_desk_finds_on_the_ledger_what_was_imported(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "dirty.csv", DIRTY)
    ledger.run(ledger.plan(path, mapping))
    other = open_database(f"sqlite:///{tmp_path / 'other.db'}", "desk")
    again = Ledger(ledger.log, other).plan(path, mapping)
    other.dispose()
    assert (again.unchanged, again.planned) == (3, [])


def test_a_changed_row_becomes_a_revision_and_a_new_row_the_next_code(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    ledger.run(ledger.plan(csv_file(path, [row("甲"), row("乙")]), mapping))
    plan = ledger.plan(csv_file(path, [row("丙"), row("甲", about="新"), row("乙")]), mapping)
    assert [(one.entry.name, one.entry.code, one.version) for one in plan.planned] == [
        ("丙", "3070150001/000003", 1),
        ("甲", "3070150001/000001", 2),
    ]
    assert (plan.new, plan.revised, plan.unchanged) == (1, 1, 1)
    ledger.run(plan)
    with ledger.log.engine.connect() as mirror:
        assert [one.edition for one in queries.editions(mirror, "3070150001/000001")] == [1, 2]
        shown = queries.show(mirror, "3070150001/000001")
        assert shown.pending is not None
        assert shown.pending.document["abstract"] == "新"


def test_an_entry_revised_at_the_desk_is_not_overwritten(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "list.csv", [row("甲")])
    ledger.run(ledger.plan(path, mapping))
    with ledger.log.engine.connect() as mirror:
        pending = queries.show(mirror, "3070150001/000001").pending
        assert pending is not None
        document = pending.document
    file_one(ledger.log, {**document, "abstract": "人工补充"}, 2, EntryState.DRAFT)
    assert ledger.plan(path, mapping).unchanged == 1
    plan = ledger.plan(csv_file(path, [row("甲", about="来源改了")]), mapping)
    (refused,) = plan.refused
    assert refused.problems[0].code == "changed_at_desk"
    assert "3070150001/000001" in refused.problems[0].zh


def test_a_name_that_is_on_the_ledger_already_is_refused(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    provider = provisional_for("sample", "市教育局")
    file_one(ledger.log, whole_entry("307015/000009", provider=provider, name="甲 名单"))
    plan = ledger.plan(csv_file(tmp_path / "list.csv", [row("甲名单")]), mapping)
    assert [(p.code, p.pointer) for p in plan.refused[0].problems] == [("several_codes", "/code")]
    assert "307015/000009" in plan.refused[0].problems[0].en


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_interrupted_import_is_resumed_and_records_nothing_twice(
    ledger: Ledger, mapping: Mapping, tmp_path: Path, when: str, at: int
) -> None:
    rows = [row(f"{name}名单", publisher) for publisher in "甲乙" for name in "子丑寅卯"]
    path = csv_file(tmp_path / "list.csv", rows)
    setattr(ledger, f"fail_{when}", at)
    stopped = not (when == "after" and at == 0)
    plan = ledger.plan(path, mapping)
    if stopped:
        with pytest.raises(ConnectionError):
            ledger.run(plan, batch_size=2)
        with pytest.raises(UnfinishedImport, match="finish it first"):
            ledger.plan(path, mapping)
    else:
        ledger.run(plan, batch_size=2)
    ledger.fail_before = ledger.fail_after = None
    ledger.resume()
    ledger.run(ledger.plan(path, mapping), batch_size=2)
    assert ledger.log.size == 8
    assert ledger.plan(path, mapping).unchanged == 8
    with ledger.log.engine.connect() as mirror:
        codes = [one.code for one in queries.search(mirror).entries]
    assert codes == [f"307015000{p}/00000{n}" for p in (1, 2) for n in (1, 2, 3, 4)]


def test_a_batch_that_expired_unrecorded_is_made_anew(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "list.csv", [row("甲"), row("乙")])
    ledger.fail_before = 0
    with pytest.raises(ConnectionError):
        ledger.run(ledger.plan(path, mapping))
    ledger.fail_before = None
    assert ledger.resume(now=FAR + 1).batches == 0
    assert ledger.log.size == 0
    assert ledger.run(ledger.plan(path, mapping)).entries == 2


def test_a_batch_that_the_ledger_refuses_leaves_nothing_behind(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "list.csv", [row("甲"), row("乙", "市卫健委")])
    ledger.refuse = 1
    with pytest.raises(BatchRefused, match="StaleVersion"):
        ledger.run(ledger.plan(path, mapping))
    ledger.refuse = None
    plan = ledger.plan(path, mapping)
    assert (plan.unchanged, [one.entry.name for one in plan.planned]) == (1, ["乙"])


def test_a_mirror_that_lags_behind_stops_the_plan(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "list.csv", [row("甲")])
    ledger.run(ledger.plan(path, mapping))
    ledger.log.cut(0)
    with pytest.raises(UnfinishedImport, match="catch up"):
        ledger.plan(path, mapping)


def test_restricted_rows_need_a_key_are_sealed_and_come_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    marked = save_mapping(tmp_path, {**MAPPING, "constants": {"grade": 3}})
    path = csv_file(tmp_path / "list.csv", [row("重点人员名单")])
    with pytest.raises(EntryRefused, match="sealing key"):
        ledger.run(ledger.plan(path, marked))
    assert ledger.log.size == 0
    key = bytes(32)
    ledger.run(ledger.plan(path, marked), seal=lambda desk, envelopes: seal(desk, envelopes, key))
    with ledger.desk.connect() as desk:
        assert desk.execute(select(func.count()).select_from(SEALED_TEXTS)).scalar_one() == 1
        kept = desk.execute(select(IMPORT_BATCHES.c.statements)).scalar_one()
    assert "重点人员".encode() not in kept
    assert "重点人员" not in str(ledger.log.rows())
    assert ledger.plan(path, marked).unchanged == 1


def test_batches_hold_one_organisation_each_and_progress_is_told(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    rows = [row(f"名单{name}", publisher) for name in "子丑寅" for publisher in "甲乙"]
    told: list[tuple[int, int]] = []
    plan = ledger.plan(csv_file(tmp_path / "list.csv", rows), mapping)
    outcome = ledger.run(plan, batch_size=2, progress=lambda done, all_: told.append((done, all_)))
    assert outcome.batches == 4
    assert told == [(2, 6), (3, 6), (5, 6), (6, 6)]
    with ledger.desk.connect() as desk:
        states = desk.execute(select(IMPORT_BATCHES.c.state, IMPORT_BATCHES.c.receipt)).all()
        assert desk.execute(select(func.count()).select_from(IMPORT_RECORDS)).scalar_one() == 6
    assert [tuple(one) for one in states] == [("sent", receipt) for receipt in outcome.receipts]


CELLS = st.lists(
    st.builds(
        row,
        title=st.sampled_from(["", "甲", "乙", "丙 名单", "丙名单", "人口系统", "x" * 129]),
        publisher=st.sampled_from(["", "局一", "局二"]),
        url=st.sampled_from([f"u/{n}" for n in range(8)]),
        cycle=st.sampled_from(["每年", "年", "牲畜饲养", ""]),
        issued=st.sampled_from(["2023-6-1", "2023/13/1", "", "20230601"]),
    ),
    max_size=12,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=CELLS)
def test_every_row_is_accounted_for_and_a_second_run_adds_nothing(
    make_log: Callable[[], TinyLog], mapping: Mapping, tmp_path: Path, rows: list[list[str]]
) -> None:
    desk = open_database(
        f"sqlite:///{tmp_path / f'desk{len(list(tmp_path.iterdir()))}.db'}", "desk"
    )
    ledger = Ledger(make_log(), desk)
    path = csv_file(tmp_path / "list.csv", rows)
    plan = ledger.plan(path, mapping)
    filled = [one for one in rows if any(one)]
    assert plan.rows == len(filled) == len(plan.planned) + len(plan.refused)
    assert [one.entry.code for one in ledger.plan(path, mapping).planned] == [
        one.entry.code for one in plan.planned
    ]
    ledger.run(plan)
    again = ledger.plan(path, mapping)
    assert (again.planned, again.unchanged) == ([], len(plan.planned))
    assert [one.line for one in again.refused] == [one.line for one in plan.refused]
    desk.dispose()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "utf-8-sig"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_the_encoding_of_a_csv_file_is_found(tmp_path: Path, encoding: str, expected: str) -> None:
    path = csv_file(tmp_path / "list.csv", [row("学校名单")], encoding)
    assert detect_encoding(path) == expected
    (only,) = read_rows(path)
    assert (only.line, only.cells["title"]) == (2, "学校名单")


def test_an_xlsx_file_gives_the_same_plan_as_its_csv(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    rows = [one for one in DIRTY if "退格\b" not in one]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(list(COLUMNS))
    for one in rows:
        sheet.append([cell or None for cell in one])
    book.save(tmp_path / "list.xlsx")
    book.close()
    from_csv = ledger.plan(csv_file(tmp_path / "list.csv", rows), mapping)
    from_xlsx = ledger.plan(tmp_path / "list.xlsx", mapping)
    assert from_xlsx.summary() == from_csv.summary()
    assert [one.entry for one in from_xlsx.planned] == [one.entry for one in from_csv.planned]
    assert from_xlsx.refused == from_csv.refused


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"]
)
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda _: None])
def test_a_damaged_xlsx_file_is_refused_in_words(
    tmp_path: Path, part: str, damage: Callable[[bytes], bytes | None]
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["title"])
    book.save(tmp_path / "whole.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "whole.xlsx") as whole,
        zipfile.ZipFile(tmp_path / "damaged.xlsx", "w") as damaged,
    ):
        for name in whole.namelist():
            data = whole.read(name)
            kept = damage(data) if name == part else data
            if kept is not None:
                damaged.writestr(name, kept)
    with pytest.raises(TableError, match=r"damaged\.xlsx"):
        list(read_rows(tmp_path / "damaged.xlsx"))


def test_cells_of_an_xlsx_file_become_text(tmp_path: Path) -> None:
    import datetime as dt  # noqa: PLC0415

    book = openpyxl.Workbook()
    sheet = book.create_sheet("目录")
    sheet.append(["a", "b", "c", "d", "e", "f"])
    sheet.append([3.0, 2.5, dt.datetime(2025, 1, 2), True, None, dt.datetime(2025, 1, 2, 3, 4)])  # noqa: DTZ001
    book.save(tmp_path / "cells.xlsx")
    book.close()
    (only,) = read_rows(tmp_path / "cells.xlsx", sheet="目录")
    assert list(only.cells.values()) == [
        "3",
        "2.5",
        "2025-01-02",
        "true",
        "",
        "2025-01-02 03:04:00",
    ]
    with pytest.raises(TableError, match="no sheet '别的': Sheet, 目录"):
        list(read_rows(tmp_path / "cells.xlsx", sheet="别的"))


BROKEN = [
    ("absent.csv", None, "no file"),
    ("list.xls", b"x", "only .csv and .xlsx"),
    ("list.xlsx", b"not a zip", "not a readable XLSX"),
    ("list.csv", b"", "is empty"),
    ("list.csv", b",,\n1,2,3\n", "first line is empty"),
    ("list.csv", b"a,b,a\n", "two columns are called 'a'"),
    ("list.csv", b'a,b\n1,"2\n', "line 2"),
    ("list.csv", b"a,b\n\xff\xff,1\n", "neither UTF-8 nor GBK"),
    ("list.csv", b"a," * 501 + b"z\n", "502 columns"),
]


@pytest.mark.parametrize(("name", "content", "words"), BROKEN)
def test_a_file_that_is_no_table_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=words):
        list(read_rows(tmp_path / name))


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(256 * 1024 * 1024 + 1)
    with pytest.raises(TableError, match="at most"):
        list(read_rows(tmp_path / "large.csv"))


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.Workbook()
    book.save(tmp_path / "list.xlsx")
    book.close()
    monkeypatch.setattr("ledger.catalogue.rows.MAX_UNPACKED_BYTES", 100)
    with pytest.raises(TableError, match="unpacks to"):
        list(read_rows(tmp_path / "list.xlsx"))


def test_a_missing_column_is_named_with_those_there_are(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("title,publisher\n甲,乙\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"no column 'about'.*title, publisher"):
        ledger.plan(path, mapping)


def test_a_completed_table_gives_publishers_their_codes(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    path = csv_file(tmp_path / "list.csv", [row("甲", "市教育局"), row("乙", "=市卫健委")])
    first = ledger.plan(path, mapping)
    table = tmp_path / "publishers.csv"
    text = publishers_csv(first.publishers.values())
    table.write_text(text.replace(provisional_for("sample", "市教育局"), OWNER), "utf-8-sig")
    assert "'=市卫健委" in text
    known = read_publishers(table, "sample")
    plan = ledger.plan(path, mapping, known)
    assert [one.entry.provider for one in plan.planned] == [
        OWNER,
        provisional_for("sample", "=市卫健委"),
    ]
    assert [one.entry.code for one in plan.planned] == [one.entry.code for one in first.planned]
    assert plan.summary()["provisional"] == 1


def table_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "publishers.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_publisher_without_a_code_is_flagged_and_not_refused(tmp_path: Path) -> None:
    text = f"name,code,parent\n甲局,,\n乙局,{OWNER.lower()},\n丙局,91350211M0000XUF46,TMP-1\n"
    found = read_publishers(table_of(tmp_path, text), "sample").known
    assert [(one.flag, one.ordinal) for one in found.values()] == [
        ("provisional", 1),
        ("", 2),
        ("unchecked", 3),
    ]
    assert found["乙局"].code == OWNER
    assert found["丙局"].parent == "TMP-1"
    assert found["甲局"].code == provisional_for("sample", "甲局")
    assert found["甲局"].code != provisional_for("other", "甲局")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,code\n甲局,12345\n", "line 2: '12345'"),
        ("name,code\n甲局,\n甲 局,\n", "line 3: '甲 局' stands in the table twice"),
        ("name,code,ordinal\n甲局,,1\n乙局,,1\n", "line 3: ordinal 1 belongs to '甲局'"),
        ("name,code,ordinal\n甲局,,0\n", "ordinal '0'"),
        ("name,code\n,TMP-1\n", "line 2: the name is empty"),
        ("name,uscc\n甲局,\n", "columns name and code"),
        ("name,code,parent\n甲局,,x\n", "line 2, parent"),
    ],
)
def test_a_mistake_in_the_publishers_table_is_told_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(TableError, match=words):
        read_publishers(table_of(tmp_path, text), "sample")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": {"provider_name": "p"}}, "/columns/name is missing"),
        ({"columns": {**MAPPING["columns"], "grade": "g"}}, "/columns/grade"),  # type: ignore[dict-item]
        ({"columns": {**MAPPING["columns"], "abstract": {"column": "a", "vocabulary": "access"}}}, "takes no vocabulary"),  # type: ignore[dict-item]  # noqa: E501
        ({"columns": {**MAPPING["columns"], "formats": "f"}}, "needs vocabulary"),  # type: ignore[dict-item]
        ({"columns": {**MAPPING["columns"], "access": {"column": "a", "vocabulary": "none"}}}, "no vocabulary is called 'none'"),  # type: ignore[dict-item]  # noqa: E501
        ({"constants": {"library": "部门库"}}, "/constants/library"),
        ({"constants": {"provider": "TMP-1"}}, "/constants/provider differs"),
        ({"code": {"item": "7", "section": "015"}}, "/code/item"),
        ({"identity": []}, "/identity"),
        ({"colour": "red"}, "/colour"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_says_which_field(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(MappingError, match=words):
        save_mapping(tmp_path, {**MAPPING, **change})


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(MappingError, match="luzhou"):
        load_mapping("nowhere")


def test_every_packaged_mapping_loads_under_its_own_name_and_code_range() -> None:
    loaded = [load_mapping(name) for name in mappings()]
    assert [one.name for one in loaded] == mappings()
    assert len({(one.code.category, one.code.item, one.code.section) for one in loaded}) == 7


def test_every_meaning_in_every_vocabulary_is_a_valid_entry_field() -> None:
    from ledger.catalogue.entry import Item  # noqa: PLC0415

    for name in names():
        for fields in vocabulary(name).meanings.values():
            if name == "data_type":
                Item.model_validate({"name": "x", **fields})
            else:
                Entry.parse({**whole_entry(), **fields})


@pytest.mark.parametrize(
    ("table", "spelling", "meaning"),
    [
        ("update_cycle", "按年更新", {"update_cycle": "yearly"}),
        ("update_cycle", "‘每年’", {"update_cycle": "yearly"}),
        ("update_cycle", " 每 半 年 ", {"update_cycle": "half_yearly"}),
        ("update_cycle", "牲畜饲养", None),
        ("access", "无条件", None),
        ("access", "授权共享", {"share_type": "conditional"}),
        ("formats", "EXCEL", {"formats": [{"category": "spreadsheet"}]}),
        ("data_type", "VARCHAR2", {"data_type": "char"}),
        ("library", "主题库", {"library": "theme"}),
    ],
)
def test_spellings_are_turned_or_left(table: str, spelling: str, meaning: Any) -> None:
    assert vocabulary(table).turn(spelling) == meaning


def test_a_vocabulary_that_says_two_things_of_one_spelling_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "name: two\ntitle: 二\nrows:\n"
        "  - {set: {update_cycle: daily}, spellings: [每日]}\n"
        "  - {set: {update_cycle: weekly}, spellings: [‘每日’]}\n",
        encoding="utf-8",
    )
    with pytest.raises(VocabularyError, match="two rows"):
        load_vocabulary(path)


def test_a_filing_of_another_office_does_not_disturb_a_plan(
    ledger: Ledger, mapping: Mapping, tmp_path: Path
) -> None:
    other = filing(OWNER, [Revision(Entry.parse(whole_entry("3070150001/000007")))], FAR)
    ledger.log.append(other.batch)
    plan = ledger.plan(csv_file(tmp_path / "list.csv", [row("甲")]), mapping)
    assert plan.planned[0].entry.code == "3070150001/000008"
