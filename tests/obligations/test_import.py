"""Imports of lists: what is taken, what not and why, codes of departments, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import create_engine, text

from ledger.catalogue.columns import MappingError
from ledger.catalogue.kept_batches import BatchRefused, UnfinishedImport
from ledger.catalogue.publishers import read_publishers
from ledger.catalogue.rows import TableError
from ledger.catalogue.vocabulary import VocabularyError
from ledger.obligations import queries
from ledger.obligations.departments import Departments, departments_csv
from ledger.obligations.mapping import load_mapping, mappings
from ledger.obligations.plan import Plan
from ledger.obligations.vocabulary import PLACE, vocabulary
from ledger.organisations.statements import OrganisationDraft, register
from ledger.store.engine import create_at, open_database
from tests.obligations.conftest import DATA, WATER, duty, file
from tests.obligations.lists import FIRST_DAY, Office, row, save_mapping, write_list
from tests.organisations.scribe import FAR, Scribe

VALID, OTHER = "11511301008778386B", "11511301008778255F"


@pytest.fixture
def office(sqlite_scribe: Scribe, tmp_path: Path) -> Iterator[Office]:
    desk = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield Office(sqlite_scribe, desk, save_mapping(tmp_path))
    desk.dispose()


def chain(place: Path) -> Path:
    """Duty, system and table, the last first; and a duty of another department."""
    return write_list(
        place / "list.csv",
        row("3", kind="业务表", above="2", cycle="每月", remark="纸质台账"),
        row("2", kind="信息系统", above="1"),
        row("1"),
        row("4", dept="交通委"),
    )


def reasons(plan: Plan) -> dict[str, int]:
    return plan.reasons()


def test_a_list_becomes_obligations_with_parents_first(office: Office, tmp_path: Path) -> None:
    plan = office.plan(chain(tmp_path))
    assert (plan.rows, plan.new, plan.refused) == (4, 4, [])
    office.apply(plan, size=2)
    with office.scribe.engine.connect() as connection:
        found = queries.chain_of(connection, "S-3")
        listed = queries.from_list(connection, "sample")
    assert found is not None
    assert [one.code for one in found.links] == ["S-1", "S-2", "S-3"]
    table = found.links[-1]
    assert (table.update_cycle, table.note, table.valid_from) == (
        "monthly",
        "remark: 纸质台账",
        FIRST_DAY,
    )
    assert table.responsible.startswith("TMP-SAMPLE-")
    assert set(listed) == {"1", "2", "3", "4"}


def test_a_second_run_records_nothing(office: Office, tmp_path: Path) -> None:
    office.apply(office.plan(chain(tmp_path)))
    again = office.plan(chain(tmp_path), valid_from=date(2026, 7, 1))
    assert (again.unchanged, again.planned, again.refused, again.gone) == (4, [], [], [])
    assert office.apply(again).batches == 0


def test_a_changed_row_is_an_amendment_and_a_missing_one_is_told(
    office: Office, tmp_path: Path
) -> None:
    office.apply(office.plan(chain(tmp_path)))
    shorter = write_list(tmp_path / "next.csv", row("1", "新名称"), row("4", dept="交通委"))
    plan = office.plan(shorter)
    assert (plan.new, plan.revised, plan.unchanged) == (0, 1, 1)
    assert plan.gone == ["S-2", "S-3"]
    assert plan.planned[0].draft.version == 2
    office.apply(plan)
    with office.scribe.engine.connect() as connection:
        one = queries.obligation(connection, "S-1")
        kept = queries.obligation(connection, "S-2")
    assert one is not None
    assert one.name == "新名称"
    assert kept is not None
    assert kept.status == "in_force"


@pytest.mark.parametrize("desk", ["same", "new"])
def test_what_was_amended_by_hand_is_not_overwritten(
    office: Office, tmp_path: Path, desk: str
) -> None:
    office.apply(office.plan(chain(tmp_path)))
    with office.scribe.engine.connect() as connection:
        held = queries.obligation(connection, "S-1")
    assert held is not None
    amended = duty(
        "S-1", name="人工更名", responsible=held.responsible, source="sample:1", version=2
    )
    file(office.scribe, amended)
    if desk == "new":
        office.desk = open_database(f"sqlite:///{tmp_path / 'other.db'}", "desk")
    plan = office.plan(chain(tmp_path))
    assert reasons(plan) == {"changed_at_desk ": 1}
    assert plan.unchanged == 3
    office.desk.dispose()


def test_what_was_withdrawn_is_not_restored(office: Office, tmp_path: Path) -> None:
    office.apply(office.plan(chain(tmp_path)))
    with office.scribe.engine.connect() as connection:
        held = queries.obligation(connection, "S-4")
    assert held is not None
    gone = duty(
        "S-4",
        responsible=held.responsible,
        source="sample:4",
        status="withdrawn",
        reasons=["x"],
        version=2,
    )
    file(office.scribe, gone)
    plan = office.plan(chain(tmp_path))
    assert reasons(plan) == {"withdrawn ": 1}
    assert "withdrawn at leaf 4" in plan.refused[0].problems[0].en


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row("1"), row("1", "另一名称")], {"duplicate_record ": 1}),
        ([row("1", "同名"), row("2", "同 名。")], {"duplicate_row /name": 1}),
        ([row("1", "同名"), row("2", "同名", dept="交通委")], {}),
        ([row("1", dept="")], {"required /department": 1}),
        ([row("1", " 　")], {"required /name": 1}),
        ([row("1 2")], {"invalid /code": 1}),
        ([row("1", kind="宇宙")], {"required /type": 1}),
        ([row("1", kind="业务表")], {"invalid ": 1}),
        ([row("1", kind="业务表", above="9")], {"unknown_parent /parent": 1}),
        ([row("1"), row("2", kind="系统", above="3"), row("3", kind="表", above="1")],
         {"parent_type /parent": 1}),
        ([row("1", "坏 ", dept=""), row("2", kind="系统", above="1")],
         {"required /department": 1, "unknown_parent /parent": 1}),
    ],
)  # fmt: skip
def test_every_refused_row_has_its_reason(
    office: Office, tmp_path: Path, rows: list[dict[str, str]], expected: dict[str, int]
) -> None:
    plan = office.plan(write_list(tmp_path / "list.csv", *rows))
    assert reasons(plan) == expected
    assert plan.rows == len(rows) == plan.new + len(plan.refused)
    for one in plan.refused:
        for found in one.problems:
            assert found.message("zh")
            assert found.message("en")


def test_a_row_without_a_first_day_is_refused_unless_one_is_given(
    office: Office, tmp_path: Path
) -> None:
    plan = office.plan(chain(tmp_path), valid_from=None)
    assert reasons(plan) == {"required /valid_from": 4}


def test_codes_of_other_obligations_are_not_taken_over(office: Office, tmp_path: Path) -> None:
    file(office.scribe, duty("S-1"))
    plan = office.plan(chain(tmp_path))
    assert reasons(plan) == {"code_taken /code": 1}


def test_two_rows_do_not_share_a_code(office: Office, tmp_path: Path) -> None:
    office.mapping = save_mapping(tmp_path, code={"prefix": "S-", "column": "remark"})
    rows = (row("1", remark="x"), row("2", remark="x"))
    assert reasons(office.plan(write_list(tmp_path / "l.csv", *rows))) == {
        "duplicate_code /code": 1
    }


def test_a_type_never_changes(office: Office, tmp_path: Path) -> None:
    office.apply(office.plan(chain(tmp_path)))
    changed = write_list(tmp_path / "l.csv", row("1"), row("2", kind="业务表", above="1"))
    assert reasons(office.plan(changed)) == {"type_changed /type": 1}


def test_one_obligation_stands_above_the_rows_of_each_department(
    office: Office, tmp_path: Path
) -> None:
    above = {
        "code": "TOP-{key}",
        "name": "{department}公布数据",
        "legal_basis": ["某条例"],
    }
    columns = {"name": "item", "department": "dept"}
    constants = {"legal_basis": ["某条例"], "type": "entry"}
    published = {"column": "remark", "values": ["已发布"], "name": "id"}
    office.mapping = save_mapping(
        tmp_path, above=above, columns=columns, constants=constants, published=published
    )
    rows = (row("1", remark="已发布"), row("2"), row("3", dept="交通委"))
    listed = write_list(tmp_path / "l.csv", *rows)
    plan = office.plan(listed)
    assert (plan.new, plan.above, plan.refused) == (3, 2, [])
    assert [(one.obligation, one.published) for one in plan.published] == [("S-1", "1")]
    office.apply(plan)
    with office.scribe.engine.connect() as connection:
        found = queries.chain_of(connection, "S-1")
    assert found is not None
    top = found.links[0]
    assert (top.type, top.name) == ("duty", "水务局公布数据")
    again = office.plan(listed)
    assert (again.unchanged, again.planned, again.gone) == (3, [], [])
    # The authority may amend or withdraw what stands above: an import leaves that alone.
    withdrawn = duty(
        top.code,
        responsible=top.responsible,
        source=top.source,
        status="withdrawn",
        reasons=["x"],
        version=2,
    )
    file(office.scribe, withdrawn)
    assert office.plan(listed).planned == []


@pytest.mark.parametrize(("when", "left"), [("fail_before", 0), ("fail_after", 1)])
def test_an_interrupted_import_is_finished_and_nothing_is_recorded_twice(
    office: Office, tmp_path: Path, when: str, left: int
) -> None:
    listed = chain(tmp_path)
    setattr(office, when, 1)
    with pytest.raises(ConnectionError):
        office.apply(office.plan(listed), size=2)
    with pytest.raises(UnfinishedImport, match="finish it first"):
        office.plan(listed)
    office.fail_before = office.fail_after = None
    office.resume()
    assert office.apply(office.plan(listed), size=2).batches == left
    assert office.plan(listed).unchanged == 4
    assert office.scribe.size == 4


def test_a_batch_that_expired_unrecorded_is_made_anew(office: Office, tmp_path: Path) -> None:
    office.fail_before = 0
    with pytest.raises(ConnectionError):
        office.apply(office.plan(chain(tmp_path)))
    office.fail_before = None
    assert office.resume(now=FAR).batches == 0
    assert office.plan(chain(tmp_path)).new == 4


def test_a_batch_that_the_ledger_refuses_is_not_kept(office: Office, tmp_path: Path) -> None:
    office.refuse = 0
    with pytest.raises(BatchRefused, match="NotAbove"):
        office.apply(office.plan(chain(tmp_path)))
    assert office.plan(chain(tmp_path)).new == 4


def test_a_mirror_that_lags_behind_is_noticed(office: Office, tmp_path: Path) -> None:
    office.apply(office.plan(chain(tmp_path)))
    office.scribe.cut(2)
    with pytest.raises(UnfinishedImport, match="2 records of obligation:sample"):
        office.plan(chain(tmp_path))


def decided(
    given: dict[str, int],
    evidence: dict[str, int] | None = None,
    registered: dict[str, str] | None = None,
) -> tuple[str, str]:
    departments = Departments("sample", read_empty(), registered or {})
    for code, count in given.items():
        for _ in range(count):
            departments.hear("水务局", code, ())
    departments.hear("水务局", "", Counter(evidence or {}).elements())
    [decision] = departments.decide().values()
    return decision.how, decision.code


def read_empty() -> Any:
    from ledger.catalogue.publishers import Publishers  # noqa: PLC0415

    return Publishers.empty("sample")


@pytest.mark.parametrize(
    ("given", "evidence", "how", "code"),
    [
        ({VALID: 1}, {}, "given", VALID),
        ({VALID.lower(): 1}, {}, "tidied", VALID),
        ({f" {VALID[:9]} {VALID[9:]}": 1}, {}, "tidied", VALID),
        ({"008778386"[:8] + "B": 1}, {VALID: 1}, "provisional", None),
        ({VALID[8:17]: 1}, {VALID: 1}, "completed", VALID),
        ({f"{VALID[8:16]}-{VALID[16]}": 3}, {VALID: 1, OTHER: 9}, "completed", VALID),
        ({VALID[:3] + VALID[4:]: 1}, {VALID: 1}, "completed", VALID),
        ({VALID[:17]: 1}, {VALID: 1}, "completed", VALID),
        ({f"{VALID}_6391": 1}, {VALID: 1}, "completed", VALID),
        ({f"{VALID}_6391": 1}, {}, "provisional", None),
        ({VALID[8:17]: 1}, {}, "provisional", None),
        ({"4148481895459659776": 1}, {VALID: 50}, "provisional", None),
        ({VALID[:16]: 1}, {VALID: 1}, "provisional", None),
        ({VALID[8:17]: 1}, {VALID[:17] + "0": 1}, "provisional", None),
        ({}, {VALID: 50}, "provisional", None),
        ({VALID: 1, OTHER: 5}, {}, "provisional", None),
        ({VALID: 1, "11736": 5}, {OTHER: 9}, "given", VALID),
        ({VALID[8:17]: 1, OTHER[8:17]: 1}, {VALID: 1, OTHER: 1}, "provisional", None),
    ],
)
def test_a_code_is_repaired_only_where_that_is_proven(
    given: dict[str, int], evidence: dict[str, int], how: str, code: str | None
) -> None:
    found, taken = decided(given, evidence)
    assert found == how
    assert taken == code if code else taken.startswith("TMP-SAMPLE-")


def test_an_organisation_of_the_same_name_on_the_ledger_is_the_department(
    office: Office, tmp_path: Path
) -> None:
    root = OrganisationDraft.model_validate({"code": DATA, "name": "数据局", "level": "district"})
    water = OrganisationDraft.model_validate(
        {
            "code": WATER,
            "name": "区水务局",
            "aliases": ["水务 局"],
            "parent": DATA,
            "level": "district",
        }
    )
    office.scribe.write(register([root, water], speaker=DATA, deadline=FAR))
    plan = office.plan(chain(tmp_path))
    how = {one.name: (one.how, one.code) for one, _ in plan.departments.values()}
    assert how["水务局"] == ("ledger", WATER)
    assert how["交通委"][0] == "provisional"


def test_the_table_of_departments_is_written_completed_and_read_again(
    office: Office, tmp_path: Path
) -> None:
    listed = write_list(
        tmp_path / "l.csv",
        row("1", dept_code="12345", full_code=f"item-{VALID}"),
        row("2", dept="=cmd()", dept_code=VALID),
    )
    plan = office.plan(listed)
    written = departments_csv(plan.departments.values())
    assert "佐证 11511301008778386B ×1" in written
    assert "'=cmd()" in written
    completed = tmp_path / "departments.csv"
    completed.write_text(f"name,code\n水务局,{OTHER}\n", "utf-8")
    again = office.plan(listed, read_publishers(completed, "sample"))
    how = {one.name: (one.how, one.code) for one, _ in again.departments.values()}
    assert how["水务局"] == ("table", OTHER)
    assert again.summary()["decided"] == {"given": 1, "table": 1}


def test_progress_is_told_while_a_long_list_is_read(office: Office, tmp_path: Path) -> None:
    told: list[int] = []
    rows = [row(str(number)) for number in range(2001)]
    plan = office.plan(write_list(tmp_path / "l.csv", *rows), progress=told.append)
    assert (told, plan.new) == ([1000, 2000], 2001)


def test_a_file_without_a_column_that_is_needed_is_refused(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "l.csv"
    path.write_text("id,item,dept\n1,a,b\n", "utf-8")
    with pytest.raises(TableError, match="has no column 'above', which mapping sample needs"):
        office.plan(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {"name": "item"}}, "/columns/department is missing"),
        ({"columns": {"name": "a", "department": "b", "colour": "c"}}, "/columns/colour: no column"),
        ({"columns": {"name": "a", "department": "b"}}, "says what rows are"),
        ({"constants": {"type": "duty", "name": "x"}}, "/constants/name differs from row to row"),
        ({"constants": {"type": "thing"}}, "/constants/type: Input should be"),
        ({"constants": {"type": "duty", "valid_from": "soon"}}, "/constants/valid_from"),
        ({"evidence": [{"column": "x", "pattern": "("}]}, "not a regular expression"),
        ({"evidence": [{"column": "x", "pattern": "abc"}]}, "the pattern has one group"),
        ({"above": {"code": "X", "name": "x", "legal_basis": ["y"]}}, "/above/code"),
        ({"code": {"prefix": "a b"}}, "/code/prefix"),
        ({"surprise": 1}, "/surprise"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(MappingError, match=words):
        save_mapping(tmp_path, **changes)


def test_the_mappings_of_the_package_can_be_used() -> None:
    assert mappings() == ["guangan", "sf_inventory", "template"]
    for name in mappings():
        assert load_mapping(name).name == name
    with pytest.raises(MappingError, match="one of guangan, sf_inventory, template"):
        load_mapping("none")


def test_the_vocabularies_of_the_package_can_be_used() -> None:
    for one in PLACE.glob("*.yaml"):
        assert vocabulary(one.stem).meanings
    with pytest.raises(VocabularyError):
        vocabulary("none")
    with pytest.raises(VocabularyError):
        vocabulary("../vocabulary/obligation_type")


def test_batches_kept_before_other_things_could_be_imported_are_of_filings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    made = create_at(url, "desk", "desk_0005")
    assert made is not None
    made.dispose()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO import_batch VALUES (1, 'luzhou', 'TMP-A', 9, x'5b5d', 'prepared', NULL)"
            )
        )
    engine.dispose()
    engine = open_database(url, "desk")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT struct FROM import_batch")).scalars().all() == [
            "Filing"
        ]
    engine.dispose()


def test_a_spreadsheet_of_our_own_columns_is_taken(office: Office, tmp_path: Path) -> None:
    office.mapping = load_mapping("template")
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    columns = sorted(office.mapping.wanted())
    sheet.append(columns)
    rows: list[dict[str, Any]] = [
        {"code": "W-1", "name": "取水许可", "type": "职责", "legal_basis": "甲法|乙条例"},
        {"code": "W-1-S", "name": "取水系统", "type": "信息系统", "parent": "W-1", "legal_basis": "甲法",
         "valid_until": date(2027, 1, 31)},
        {"code": "W-2", "name": "无数据", "type": "duty", "legal_basis": "甲法", "produces_data": "否",
         "update_cycle": "每年", "library": "主题库", "note": "仅咨询"},
    ]  # fmt: skip
    for one in rows:
        whole = {
            "department": "水务局",
            "department_code": VALID,
            "valid_from": date(2026, 1, 2),
        }
        sheet.append([{**whole, **one}.get(column) for column in columns])
    path = tmp_path / "template.xlsx"
    book.save(path)
    plan = office.plan(path, valid_from=None)
    assert (plan.new, plan.refused, dict(plan.not_turned)) == (3, [], {})
    office.apply(plan)
    with office.scribe.engine.connect() as connection:
        found = queries.standing(connection, ["W-1", "W-1-S", "W-2"])
    assert found["W-1"].legal_basis == ("甲法", "乙条例")
    assert found["W-1"].valid_from == date(2026, 1, 2)
    assert (found["W-1-S"].parent, found["W-1-S"].valid_until) == ("W-1", date(2027, 1, 31))
    silent = found["W-2"]
    assert (silent.produces_data, silent.update_cycle, silent.library, silent.note) == (
        False,
        "yearly",
        "theme",
        "仅咨询",
    )
