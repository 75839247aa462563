"""Search, filters, pages, facets and differences,
against what plain Python says of the same entries.
"""

from __future__ import annotations

import base64
import json
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url

from ledger.catalogue import queries
from ledger.catalogue.differences import Change, differences
from ledger.catalogue.entry import Entry
from ledger.catalogue.history import acts_of
from ledger.catalogue.queries import CatalogueQueryError, Filters
from ledger.catalogue.statements import Revision, filing
from ledger.codes import EntryState
from ledger.store.engine import open_database

from .conftest import FAR, OWNER, TinyLog, decide_one, file_one, whole_entry

TOPICS = ("人口", "学校", "医疗机构", "许可证", "Water 水质", "100%_达标")
CYCLES = ("daily", "monthly", "yearly")
LIBRARIES = ("comprehensive", "theme", "department")


def documents() -> list[dict[str, Any]]:
    """Sixty entries of two providers, whole and incomplete, of several grades and cycles."""
    return [
        whole_entry(
            f"307015/{at + 1:06d}",
            name=f"{TOPICS[at % 6]}信息第{'甲乙丙丁戊己庚辛壬癸'[at // 6]}部",
            provider=OWNER if at % 3 else "TMP-TOWN-1",
            abstract=None if at % 5 == 0 else f"摘要{at}",
            update_cycle=CYCLES[at % 3],
            library=LIBRARIES[at // 20],
            items=[
                {"name": "编号", "data_type": "integer", "grade": 1 + at % 4},
                {"name": f"字段{TOPICS[(at + 1) % 6]}", "data_type": "date", "grade": 1},
            ],
        )
        for at in range(60)
    ]


def own_database(server: URL) -> str:
    name = f"catalogue_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('queries') / 'mirror.db'}"
    else:
        server = make_url(request.getfixturevalue("postgresql_server"))
        url = own_database(server.set(drivername="postgresql+psycopg"))
    engine = open_database(url, "mirror")
    log = TinyLog(engine)
    for document in documents():
        state = EntryState.SUBMITTED if document.get("abstract") else EntryState.DRAFT
        file_one(log, document, 1, state)
    for at in range(1, 60, 7):
        code = f"307015/{at + 1:06d}"
        if documents()[at].get("abstract"):
            decide_one(log, code, 2, EntryState.PUBLISHED)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(filled: Engine) -> Iterator[Connection]:
    with filled.connect() as connection:
        yield connection


def is_open(document: dict[str, Any]) -> bool:
    return not Entry.parse(document).is_restricted


def brute(term: str) -> list[str]:
    """Codes whose open text holds every part of ``term``, by looking at each."""
    hits = []
    for document in documents():
        parts = [document["code"], document["provider"]]
        if is_open(document):
            parts += [document["name"], document.get("abstract") or "", document["provider_name"]]
            parts += [item["name"] for item in document["items"]]
        lines = [" ".join(part.lower().split()) for part in parts]
        if all(any(word in line for line in lines) for word in term.lower().split()):
            hits.append(document["code"])
    return hits


def found(conn: Connection, **filters: Any) -> list[str]:
    return [one.code for one in queries.search(conn, Filters(**filters), limit=500).entries]


@pytest.mark.parametrize(
    "term",
    ["人口", "口信", "第甲部", "学校 字段", "water", "ＷＡＴＥＲ", "100%_", "%", "_", "摘要1", "307015/00000",
     "青浦区", "tmp-town", "没有这个词", "  ", "字段人口 己部", "\\"],
)  # fmt: skip
def test_search_finds_what_a_look_at_every_entry_finds(conn: Connection, term: str) -> None:
    expected = brute(unicodedata.normalize("NFKC", term))
    assert found(conn, q=term) == expected


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_piece_of_a_name_finds_its_entry(conn: Connection, data: st.DataObject) -> None:
    document = data.draw(st.sampled_from([one for one in documents() if is_open(one)]))
    name = document["name"]
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    hits = found(conn, q=name[start:end])
    assert document["code"] in hits or not name[start:end].strip()
    assert hits == brute(name[start:end])


@pytest.mark.parametrize(
    ("filters", "keep"),
    [
        ({"organisation": OWNER}, lambda d: d["provider"] == OWNER),
        ({"library": "theme"}, lambda d: d["library"] == "theme"),
        ({"share_type": "conditional"}, lambda _: True),
        ({"share_type": "not_shared"}, lambda _: False),
        ({"open_type": "not_open"}, lambda _: True),
        ({"update_cycle": "monthly"}, lambda d: d["update_cycle"] == "monthly"),
        ({"grade": 3}, lambda d: Entry.parse(d).effective_grade == 3),
        ({"restricted": True}, lambda d: not is_open(d)),
        ({"incomplete": True, "restricted": False}, lambda d: is_open(d) and not d.get("abstract")),
        ({"incomplete": False, "restricted": False}, lambda d: is_open(d) and "abstract" in d),
        ({"level": "district"}, is_open),
        ({"origin": "inherited"}, lambda _: False),
        (
            {"library": "theme", "grade": 2, "organisation": OWNER},
            lambda d: (
                d["library"] == "theme"
                and d["provider"] == OWNER
                and Entry.parse(d).effective_grade == 2
            ),
        ),
    ],
)
def test_filters_keep_what_they_say(conn: Connection, filters: dict[str, Any], keep: Any) -> None:
    expected = [one["code"] for one in documents() if keep(one)]
    assert found(conn, **filters) == expected
    assert queries.count(conn, Filters(**filters)) == len(expected)


def test_states_are_found_now_and_as_they_were(conn: Connection) -> None:
    now = queries.count(conn, Filters(state="published"))
    assert now > 0
    assert queries.count(conn, Filters(state="published"), as_of=60) == 0
    assert queries.count(conn, as_of=10) == 10
    assert queries.count(conn, as_of=0) == 0


def test_pages_give_every_entry_once_in_order(conn: Connection) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = queries.search(conn, Filters(q="信息"), limit=7, cursor=cursor)
        seen += [one.code for one in page.entries]
        cursor = page.next
        if cursor is None:
            break
    assert seen == brute("信息")


def test_a_cursor_of_other_filters_or_a_damaged_one_is_refused(conn: Connection) -> None:
    cursor = queries.search(conn, Filters(q="信息"), limit=3).next
    assert cursor is not None
    with pytest.raises(CatalogueQueryError, match="other filters"):
        queries.search(conn, Filters(q="学校"), limit=3, cursor=cursor)
    for bad in ("@@@", "AAAA", base64.urlsafe_b64encode(b"[1]").decode(), "é"):
        with pytest.raises(CatalogueQueryError, match="damaged"):
            queries.search(conn, Filters(q="信息"), limit=3, cursor=bad)


@pytest.mark.parametrize(
    ("filters", "word"),
    [
        ({"state": "gone"}, "state"),
        ({"library": "主题库"}, "library"),
        ({"grade": 9}, "grade"),
        ({"q": "长" * 201}, "201"),
    ],
)
def test_a_filter_that_no_entry_can_meet_is_refused(
    conn: Connection, filters: dict[str, Any], word: str
) -> None:
    with pytest.raises(CatalogueQueryError, match=word):
        queries.search(conn, Filters(**filters))


@pytest.mark.parametrize("limit", [0, 501])
def test_a_page_has_between_one_and_five_hundred_entries(conn: Connection, limit: int) -> None:
    with pytest.raises(CatalogueQueryError, match="limit"):
        queries.search(conn, limit=limit)


def test_facets_count_every_entry_under_every_heading(conn: Connection) -> None:
    counted = queries.facets(conn)
    assert set(counted) == set(queries.FACETS)
    assert all(sum(values.values()) == 60 for values in counted.values())
    assert counted["provider"] == {OWNER: 40, "TMP-TOWN-1": 20}
    assert counted["grade"] == {str(grade): 15 for grade in (1, 2, 3, 4)}
    assert counted["level"] == {"": 30, "district": 30}


def test_export_gives_every_entry_with_its_newest_document(conn: Connection) -> None:
    rows = list(queries.export(conn, Filters(restricted=False)))
    assert [entry.code for entry, _ in rows] == [d["code"] for d in documents() if is_open(d)]
    assert all(document and document["name"] == entry.name for entry, document in rows)


def test_an_unknown_entry_is_told_from_one_that_came_later(conn: Connection) -> None:
    with pytest.raises(CatalogueQueryError, match="no entry has the code 399999/000001"):
        queries.show(conn, "399999/000001")
    with pytest.raises(CatalogueQueryError, match="first filed at leaf 9, after log size 5"):
        queries.show(conn, "307015/000010", as_of=5)
    for ask in (acts_of, queries.editions):
        with pytest.raises(CatalogueQueryError, match="399999"):
            ask(conn, "399999/000001")


def test_standing_leaves_out_what_is_not_there(conn: Connection) -> None:
    asked = ["307015/000001", "399999/000001"]
    assert list(queries.standing(conn, asked)) == ["307015/000001"]


def test_one_page_takes_few_queries(conn: Connection) -> None:
    asked: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(conn, "before_cursor_execute", count)
    queries.search(conn, Filters(q="信息"), limit=50)
    assert len(asked) == 2, "how far the index of pairs reaches, and the page"
    list(queries.export(conn))
    assert len(asked) == 4


def test_differences_name_fields_and_items_by_name() -> None:
    before = Entry.parse(whole_entry(keywords=["户籍"])).document()
    after = Entry.parse(
        whole_entry(
            name="户籍人口",
            abstract=None,
            library_name="人口库",
            secrecy_assessment={"done": True, "date": "2025-05-01"},
            items=[
                {"name": "登记日期", "data_type": "datetime", "grade": 1},
                {"name": "住址", "data_type": "char", "length": 200, "grade": 2},
            ],
            keywords=["户籍"],
        )
    ).document()
    assert differences(before, after) == [
        Change("/abstract", "removed", "本区户籍人口的基本登记信息", None),
        Change(
            "/items/住址",
            "added",
            None,
            {"name": "住址", "data_type": "char", "length": 200, "grade": 2},
        ),
        Change(
            "/items/姓名",
            "removed",
            {"name": "姓名", "data_type": "char", "length": 50, "grade": 2},
            None,
        ),
        Change("/items/登记日期/data_type", "changed", "date", "datetime"),
        Change("/library_name", "added", None, "人口库"),
        Change("/name", "changed", "户籍人口基本信息", "户籍人口"),
        Change("/secrecy_assessment/date", "added", None, "2025-05-01"),
    ]
    assert differences(before, before) == []


def test_items_in_another_order_are_a_change_of_order() -> None:
    before = Entry.parse(whole_entry()).document()
    after = {**before, "items": before["items"][::-1]}
    (change,) = differences(before, after)
    assert (change.pointer, change.kind) == ("/items", "reordered")
    assert json.dumps(change.after, ensure_ascii=False) == '["登记日期", "姓名"]'


def test_a_filing_says_nothing_of_a_restricted_entry_in_the_rows(log: TinyLog) -> None:
    document = whole_entry(restricted=True, name="特殊人群名录")
    log.append(filing(OWNER, [Revision(Entry.parse(document))], FAR).batch)
    assert "特殊人群" not in json.dumps(log.rows(), ensure_ascii=False, default=str)
    with log.engine.connect() as fresh:
        (entry,) = queries.search(fresh).entries
        assert (entry.name, entry.restricted, entry.complete) == (None, True, True)
        assert queries.search(fresh, Filters(q="特殊")).entries == ()
