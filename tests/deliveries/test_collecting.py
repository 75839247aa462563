"""From a department's table to a delivery that is proven record by record, through the commands alone."""

from __future__ import annotations

import copy
import json
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ledger.deliveries import computing
from ledger.deliveries.shelf import Shelf
from ledger.records.sources import Source
from tests.deliveries import tables
from tests.deliveries.collecting import Collecting
from tests.person import Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, ROOT_ORGANISATION, entry

MAKERS: dict[str, Callable[[Path, list[tables.Row]], str]] = {
    "parquet": tables.parquet,
    "csv": tables.delimited,
    "db": tables.sqlite,
    "xlsx": tables.workbook,
}


@pytest.fixture(scope="module")
def signed(collecting: Collecting) -> str:
    """A period whose manifest was signed and handed over."""
    period = collecting.period()
    collecting.manifest(period)
    collecting.handover(period)
    return period


@pytest.fixture(scope="module")
def faulty(collecting: Collecting) -> tuple[str, dict[str, str]]:
    """A period in which one row is missing, one extra, one changed, one is NULL; and their keys."""
    period = collecting.period()
    collecting.manifest(period)
    file = collecting.handover(period, "--leaves")
    collecting.forget(period)
    rows = collecting.rows
    keys = {"missing": rows[5][tables.KEY], "changed": rows[3][tables.KEY]}
    rows[3]["年级"] = 99
    rows.append({**rows[0], tables.KEY: tables.identity(998)})
    del rows[5]
    arrived = collecting.written("faulty.parquet", rows)
    told = collecting.receive(
        period, arrived, "--handover", file, "--leaves", file.with_name(f"{period}.leaves")
    )
    assert "✗ not what manifest version 1 says" in told.out
    return period, {**keys, "extra": tables.identity(998)}


@pytest.mark.parametrize("kind", MAKERS)
def test_equal_rows_are_complete_whatever_they_arrive_in(
    collecting: Collecting, signed: str, kind: str
) -> None:
    arrived = MAKERS[kind](collecting.place / f"arrived.{kind}", collecting.rows[::-1])
    handover = collecting.place / f"{signed}.handover.json"
    told = collecting.receive(signed, arrived, "--handover", handover, "--check").out
    assert "✓ complete: 300 rows, record for record those of manifest version 1" in told


def test_a_delivery_follows_the_one_before_and_says_what_it_repeats(
    collecting: Collecting,
) -> None:
    first, second = collecting.period(), collecting.period()
    for period in (first, second):
        collecting.manifest(period)
        told = collecting.receive(period, collecting.source, "--json").json()
        assert (told["complete"], told["rows"], told["differences"]) == (True, 300, None)
    listed = collecting.person.run("deliver", "list", "--entry", PUBLISHED, "--json").json()
    newest, before = listed["deliveries"][:2]
    assert newest["number"] == before["number"] + 1
    assert newest["predecessor"] == before["root"]
    # other salts, other roots; but the collector's tag knows the rows again
    assert newest["root"] != before["root"]
    assert newest["content"] == before["content"]
    assert told["repeats"] == newest["repeats"]
    assert newest["repeats"] <= before["number"]
    whole = collecting.person.run("deliver", "compare", "--entry", PUBLISHED).out
    assert f"({newest['period_start']} – {newest['period_end']})" in whole
    assert "✓ record for record" in whole


def test_missing_extra_and_changed_rows_are_counted_and_named_only_on_request(
    collecting: Collecting, faulty: tuple[str, dict[str, str]]
) -> None:
    _, keys = faulty
    asked = ("deliver", "compare", "--entry", PUBLISHED, "--number")
    listed = collecting.person.run("deliver", "list", "--incomplete", "--json").json()
    (found,) = listed["deliveries"]
    assert found["differences"] == {"missing": 1, "extra": 1, "changed": 1, "buckets": 3}
    counted = collecting.person.run(*asked, found["number"])
    both = ("--source", collecting.source, "--source", collecting.place / "faulty.parquet")
    quiet = collecting.person.run(*asked, found["number"], *both, "--json")
    assert quiet.json() == {
        "entry": PUBLISHED,
        "delivery": found["number"],
        "missing": 1,
        "extra": 1,
        "changed": 1,
    }
    assert not any(key in str(counted) + str(quiet) for key in keys.values())
    named = collecting.person.run(*asked, found["number"], *both, "--show-values", "--json").json()
    assert named["rows"] == {what: [[key]] for what, key in keys.items()}
    table = collecting.person.run(*asked, found["number"], *both, "--show-values").out
    assert all(key in table for key in keys.values())


def test_without_the_leaves_the_buckets_that_differ_are_counted(collecting: Collecting) -> None:
    period = collecting.period()
    collecting.manifest(period)
    collecting.forget(period)
    rows = collecting.rows
    rows[3]["年级"] = 99
    arrived = collecting.written("one.parquet", rows[:-1])
    told = collecting.receive(period, arrived, "--check", "--json", expect=5).json()
    assert (told["complete"], told["rows"], told["rows_signed"]) == (False, 299, 300)
    assert told["differences"] == {"buckets": len(told["buckets"])}
    assert 1 <= len(told["buckets"]) <= 2
    plain = collecting.receive(period, arrived, "--check", expect=5).out
    assert "needs the manifest's leaves" in plain


@pytest.fixture(scope="module")
def proven(collecting: Collecting) -> str:
    """A period with a manifest whose store is kept."""
    period = collecting.period()
    collecting.manifest(period)
    return period


def test_one_row_is_proven_offline_and_shown_only_on_request(
    collecting: Collecting, proven: str, newcomer: Person
) -> None:
    row = collecting.rows[42]
    where, proof = collecting.of(proven), collecting.place / "row.json"
    told = collecting.person.run(
        "deliver", "prove", collecting.source, *where, "--key", row[tables.KEY], "-o", proof
    )
    root = collecting.person.run("log", "checkpoint").json()["root"]
    # somebody else, with nothing but the file and a root
    found = newcomer.run("deliver", "check", proof, "--root", root, "--json")
    assert found.json()["ok"] is True
    assert found.json()["about"] == "row"
    assert not newcomer.data_dir.exists()
    shown = newcomer.run("deliver", "check", proof, "--show-values", "--json").json()["values"]
    assert shown[tables.KEY] == row[tables.KEY]
    assert shown["入学日期"] == row["入学日期"].isoformat()
    for word in tables.secrets_of([row]):
        assert word not in told.out + told.err + str(found)
    others = [one for n, one in enumerate(collecting.rows) if n != 42]
    assert not any(one[tables.KEY] in proof.read_text("utf-8") for one in others)


def test_an_absence_is_proven_offline_and_a_presence_is_not(
    collecting: Collecting, proven: str, newcomer: Person
) -> None:
    where, proof = collecting.of(proven), collecting.place / "missing.json"
    absent, present = tables.identity(777), collecting.rows[1][tables.KEY]
    collecting.person.run(
        "deliver", "prove-missing", *where, "--key", f"{tables.KEY}={absent}", "-o", proof
    )
    found = newcomer.run("deliver", "check", proof).out
    assert "No row with this key is among the 300 rows" in found
    told = collecting.person.run(
        "deliver", "prove-missing", *where, "--key", present, "-o", "no.json", expect=3
    )
    assert present not in told.err
    assert "prove the row instead" in told.err
    assert not (collecting.place / "no.json").exists()
    told = collecting.person.run(
        *("deliver", "prove", collecting.source, *where, "--key", absent, "-o", "no.json"),
        expect=3,
    )
    assert absent not in told.err
    assert "no row of the source has this key" in told.err


def test_a_row_that_changed_since_is_not_proven(collecting: Collecting, proven: str) -> None:
    rows = collecting.rows
    rows[42]["年级"] = 77
    changed = collecting.written("changed.parquet", rows)
    where = collecting.of(proven)
    told = collecting.person.run(
        *("deliver", "prove", changed, *where, "--key", rows[42][tables.KEY], "-o", "no.json"),
        expect=3,
    )
    assert "as they were then" in told.err


@pytest.mark.parametrize("member", ["row", "salt", "root", "entry"])
def test_a_proof_that_was_touched_does_not_hold(
    collecting: Collecting, proven: str, newcomer: Person, member: str
) -> None:
    where, proof = collecting.of(proven), collecting.place / f"touched-{member}.json"
    key = collecting.rows[9][tables.KEY]
    collecting.person.run("deliver", "prove", collecting.source, *where, "--key", key, "-o", proof)
    document = json.loads(proof.read_text("utf-8"))
    if member == "row":
        document["record"]["row"][4] = "1234"
    elif member == "salt":
        document["record"]["salt"] = "00" * 32
    else:
        body = json.loads(document["statement"]["statement"]["body"])
        body[member] = "00" * 32 if member == "root" else "other"
        document["statement"]["statement"]["body"] = json.dumps(body)
    proof.write_text(json.dumps(document), "utf-8")
    told = newcomer.run("deliver", "check", proof, expect=5)
    assert "the proof does not hold" in told.err


def test_another_log_s_root_is_not_the_proof_s(
    collecting: Collecting, proven: str, newcomer: Person
) -> None:
    proof = collecting.place / "rooted.json"
    key = collecting.rows[9][tables.KEY]
    collecting.person.run(
        "deliver", "prove", collecting.source, *collecting.of(proven), "--key", key, "-o", proof
    )
    newcomer.run("deliver", "check", proof, "--root", "ab" * 32, expect=5)
    newcomer.run("deliver", "check", proof, "--root", "ab", expect=2)
    (collecting.place / "nothing.json").write_text("{}", "utf-8")
    newcomer.run("deliver", "check", collecting.place / "nothing.json", expect=5)


def test_no_value_of_a_row_is_in_any_database_body_store_or_output(
    collecting: Collecting, faulty: tuple[str, dict[str, str]], proven: str
) -> None:
    said = [
        collecting.person.run(*words)
        for words in (
            ("deliver", "list"),
            ("deliver", "list", "--json"),
            ("deliver", "list", "--manifests"),
            ("deliver", "show", PUBLISHED),
            ("deliver", "show", PUBLISHED, "--json"),
            ("deliver", "stores"),
            ("log", "list"),
        )
    ]
    words = [word.encode() for word in tables.secrets_of(collecting.rows)]
    words += [key.encode() for key in faulty[1].values()]
    files = [one for one in collecting.person.data_dir.rglob("*") if one.is_file()]
    assert {"mirror.db", "desk.db", "chain.db", "store.json", "leaves"} <= {
        one.name for one in files
    }
    assert proven in said[4].out.replace("-07-01", "-Q3")
    texts = [*(str(one).encode() for one in said), *(one.read_bytes() for one in files)]
    for word in words:
        assert not any(word in text for text in texts), word


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("duplicate", "1 keys (身份证号) stand in 2 rows"),
        ("null", "1 rows have no complete key"),
        ("dropped", "columns missing: 年级"),
        ("added", "columns that the schema does not know: 备注"),
        ("type", "年级 (schema: integer; source: string)"),
    ],
)
def test_what_arrived_with_a_fault_is_refused_by_its_name(
    collecting: Collecting, signed: str, fault: str, words: str
) -> None:
    rows, schema = collecting.rows, tables.SCHEMA
    if fault == "duplicate":
        rows.append(dict(rows[7]))
    elif fault == "null":
        rows[7][tables.KEY] = None
    elif fault == "dropped":
        schema = schema.remove(4)
    elif fault == "added":
        schema = schema.append(schema.field(1).with_name("备注"))
    else:
        schema = schema.set(4, schema.field(1).with_name("年级"))
        rows = [{**row, "年级": str(row["年级"])} for row in rows]
    arrived = tables.parquet(collecting.place / "fault.parquet", rows, schema)
    handover = collecting.place / f"{signed}.handover.json"
    before = [one.body_digest for one in Shelf(collecting.person.data_dir).stores()]
    told = collecting.receive(signed, arrived, "--handover", handover, expect=3)
    assert words in told.err
    assert not any(row[tables.KEY] in told.err for row in collecting.rows)
    after = [one.body_digest for one in Shelf(collecting.person.data_dir).stores()]
    assert after == before


def test_an_engine_s_error_tells_no_value(collecting: Collecting) -> None:
    place = collecting.place / "q.duckdb"
    with duckdb.connect(str(place)) as database:
        database.execute("CREATE TABLE t AS SELECT * FROM read_parquet(?)", [collecting.source])
    for column in ("姓名", tables.KEY):
        query = f"SELECT CAST({column} AS INTEGER) AS 年级, {tables.KEY} FROM t"  # noqa: S608
        source = f"duckdb:///{place}?query={query}"
        told = collecting.manifest(collecting.period(), "--new-schema", source=source, expect=2)
        assert "Conversion" in told.err
        assert not any(word in told.err for word in tables.secrets_of(collecting.rows)), told.err


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (("--period", "2999-Q1"), 3, "ends in the future"),
        (("--period", "soon"), 2, "is no period"),
        (("--entry", "999999/000001"), 3, "no entry has the code"),
        (("--key", "civil-steward"), 3, "belongs to"),
        (("--edition", 9), 3, "has editions 1 to 1, not 9"),
        (("--scale", "x"), 2, "COLUMN=2"),
        (("--row-key", "没有"), 3, "没有"),
        (("--text", "没有"), 3, "没有"),
    ],
)
def test_a_manifest_that_cannot_stand_is_refused_before_anything_is_written(
    collecting: Collecting, more: tuple[object, ...], code: int, words: str
) -> None:
    told = collecting.manifest(collecting.period(), *more, expect=code)
    assert words in told.err


def test_a_manifest_is_signed_twice_only_on_request_and_both_versions_show(
    collecting: Collecting,
) -> None:
    period = collecting.period()
    collecting.manifest(period)
    told = collecting.manifest(period, expect=3).err
    assert "is signed already (version 1, 300 rows" in told
    fewer = collecting.written("fewer.parquet", collecting.rows[:10])
    again = collecting.manifest(period, "--again", source=fewer)
    assert "takes the place of version 1 (300 rows)" in again.err
    listed = collecting.person.run("deliver", "list", "--manifests", "--json").json()
    versions = [
        (one["version"], one["rows"], one["leaf_until"] is None)
        for one in listed["manifests"]
        if one["period_start"].startswith(period[:4])
    ]
    assert versions == [(2, 10, True), (1, 300, False)]
    told = collecting.receive(period, collecting.source, "--manifest", 1, "--check").out
    assert "manifest version 1 was signed anew since" in told


def test_another_schema_of_the_same_edition_names_the_columns(collecting: Collecting) -> None:
    collecting.manifest(collecting.period())
    fewer = tables.parquet(
        collecting.place / "narrow.parquet", collecting.rows, tables.SCHEMA.remove(4)
    )
    period = collecting.period()
    told = collecting.manifest(period, source=fewer, expect=3).err
    assert "columns dropped: 年级" in told
    collecting.manifest(period, "--new-schema", source=fewer)
    collecting.manifest(collecting.period(), "--new-schema")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "there is no manifest of"),
        (("--manifest", 4), "there is no version 4 of a manifest"),
        (("--without-manifest",), "the key  is not made of columns"),
    ],
)
def test_a_delivery_that_nothing_was_signed_for_is_refused(
    collecting: Collecting, more: tuple[object, ...], words: str
) -> None:
    told = collecting.receive(collecting.period(), collecting.source, *more, expect=3)
    assert words.replace("  ", " (empty) ") in told.err


def test_a_delivery_without_a_manifest_is_taken_on_request_and_shows_as_such(
    collecting: Collecting,
) -> None:
    period = collecting.period()
    asked = ("--without-manifest", "--row-key", tables.KEY)
    told = collecting.receive(period, collecting.source, *asked)
    assert "there is no manifest to hold them against" in told.out
    found = collecting.person.run("deliver", "list", "--json").json()["deliveries"][0]
    assert (found["manifest"], found["complete"], found["claimed"]) == (0, False, False)
    collecting.manifest(period)
    told = collecting.receive(period, collecting.source, *asked, expect=3)
    assert "leave --without-manifest out" in told.err


def test_a_delivery_is_held_against_the_edition_that_is_expected(
    collecting: Collecting, signed: str
) -> None:
    handover = collecting.place / f"{signed}.handover.json"
    told = collecting.receive(
        signed, collecting.source, "--handover", handover, "--edition", 2, expect=3
    )
    assert "the manifest is of edition 1" in told.err


def test_only_a_collector_receives_and_whoever_has_the_secret_may_compare(
    collecting: Collecting, signed: str
) -> None:
    steward = ("--key", "education-steward")
    told = collecting.receive(signed, collecting.source, *steward, expect=3)
    assert "is no collector's" in told.err
    told = collecting.receive(signed, collecting.source, *steward, "--check")
    assert "✓ complete" in told.out


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (EDUCATION, "has 0 collector keys in force"),
        ("0x" + "ab" * 20, "is no collector's key in force"),
        ("steward.key.json", "is no collector's key in force"),
        ("pupils.parquet", "this is no public key"),
    ],
)
def test_a_secret_is_handed_to_a_collector_alone(
    collecting: Collecting, signed: str, to: str, words: str
) -> None:
    collecting.person.run("key", "public", "education-steward", "-o", "steward.key.json")
    told = collecting.person.run(
        "deliver", "handover", *collecting.of(signed), "--to", to, "-o", "x.json", expect=None
    )
    assert told.code in (3, 4)
    assert words in told.err
    assert not (collecting.place / "x.json").exists()


def test_a_collector_who_signed_before_needs_no_file(collecting: Collecting, signed: str) -> None:
    period = collecting.period()
    collecting.receive(period, collecting.source, "--without-manifest", "--row-key", tables.KEY)
    for to in (ROOT_ORGANISATION, collecting.person.run("key", "list", "--json").json()):
        address = to if isinstance(to, str) else _address(to)
        told = collecting.person.run(
            *("deliver", "handover", *collecting.of(signed), "--to", address),
            *("-o", "known.handover.json", "--json"),
        ).json()
        assert told["leaves"] is None
    collecting.receive(signed, collecting.source, "--handover", "known.handover.json", "--check")


def _address(listed: dict[str, list[dict[str, str]]]) -> str:
    return next(key["address"] for key in listed["keys"] if key["name"] == "collector")


def test_the_handover_of_another_manifest_is_named(collecting: Collecting, signed: str) -> None:
    other = collecting.period()
    collecting.manifest(other)
    file = collecting.handover(other)
    told = collecting.receive(signed, collecting.source, "--handover", file, expect=3)
    assert "the handover is of 318001/000001" in told.err


def test_a_collector_elsewhere_needs_the_handover(collecting: Collecting, tmp_path: Path) -> None:
    period = collecting.period()
    collecting.manifest(period)
    file = collecting.handover(period)
    away = collecting.person.copy(tmp_path / "away" / "ledger")
    with sqlite3.connect(away.data_dir / "desk.db") as desk:
        desk.execute("DELETE FROM manifest_secret")
    desk.close()
    shutil.rmtree(away.data_dir / "records")
    words = ("deliver", "receive", collecting.source, *collecting.of(period), "--key", "collector")
    told = away.run(*words, expect=3)
    assert "the manifest's secret is not here" in told.err
    assert "✓ complete" in away.run(*words, "--handover", file, "--check").out
    # taken over once, it is kept
    assert "✓ complete" in away.run(*words, "--check").out


def test_leaves_that_are_not_the_manifest_s_are_refused(collecting: Collecting) -> None:
    proven = collecting.period()
    collecting.manifest(proven)
    other = collecting.period()
    fewer = collecting.written("fewer.parquet", collecting.rows[:10])
    collecting.manifest(other, source=fewer)
    collecting.handover(other, "--leaves")
    collecting.forget(proven)
    told = collecting.receive(
        proven,
        collecting.source,
        *("--leaves", collecting.place / f"{other}.leaves", "--check"),
        expect=5,
    )
    assert "do not make the manifest's root" in told.err
    told = collecting.receive(
        proven, collecting.source, "--leaves", collecting.source, "--check", expect=5
    )
    assert "these are not the manifest's leaves" in told.err


def test_a_run_that_is_cut_short_leaves_nothing_and_is_done_again(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    period = collecting.period()
    shelf = Shelf(collecting.person.data_dir)
    before = [one.body_digest for one in shelf.stores()]

    def cut_short(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(computing, "committed", cut_short)
        collecting.manifest(period, expect=130)
    assert [one.body_digest for one in shelf.stores()] == before
    assert not [*shelf.root.glob(".draft-*")]
    with monkeypatch.context() as patched:
        patched.setattr("ledger.cli.deliver_sign.record", cut_short)
        collecting.manifest(period, expect=130)
    # the store is there and no statement: it is shown as of nothing, and may go
    listed = collecting.person.run("deliver", "stores", "--json").json()["stores"]
    (orphan,) = [one for one in listed if one["of"] is None]
    collecting.manifest(period)
    gone = collecting.person.run("deliver", "stores", "--remove-unused", "--json").json()
    assert [one["name"] for one in gone["stores"] if one["removed"]] == [orphan["name"]]


def test_a_source_that_changes_while_it_is_read_is_refused(
    collecting: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = Source.batches

    def and_change(self: Source, *asked: Any) -> Iterator[Any]:
        yield from batches(self, *asked)
        Path(collecting.source).touch()

    monkeypatch.setattr(Source, "batches", and_change)
    told = collecting.manifest(collecting.period(), expect=3)
    assert "it changed while it was read" in told.err


def test_a_resource_is_mounted_amended_and_closed(collecting: Collecting) -> None:
    asked = ("deliver", "mount", "school-table", "--entry", PUBLISHED, "--key", "education-steward")
    person = collecting.person
    person.run(*asked, "--name", "学校表", "--location", "学籍系统")
    person.run(*asked, "--name", "中小学校表")
    told = person.run(*asked, "--name", "x", "--location", "pg://u:pw@h/d", expect=2)
    assert "seems to hold a password" in told.err
    closing = (
        "deliver",
        "unmount",
        "school-table",
        "--key",
        "education-steward",
        "--reason",
        "换库",
    )
    person.run(*closing)
    assert "closed already" in person.run(*closing, expect=3).err
    person.run("deliver", "unmount", "none", *closing[3:], expect=4)
    (found,) = person.run("deliver", "list", "--resources", "--json").json()["resources"]
    assert (found["version"], found["status"], found["reasons"]) == (3, "closed", ["换库"])
    assert "换库" in person.run("deliver", "show", PUBLISHED).out


def test_an_entry_that_is_not_public_keeps_its_columns_to_itself(office: Person) -> None:
    code = "318001/000009"
    items = [{"name": "学生信息", "data_type": "char", "length": 64, "grade": 3}]
    restricted = entry(
        code,
        grade=3,
        items=items,
        name="困难学生名册",
        share_type="conditional",
        share_scope="全区各部门",
        share_purpose="资助",
    )
    file = office.write("restricted.yaml", restricted)
    office.run(
        *("catalogue", "register", file),
        *("--key", "education-steward", "--head", "education-head"),
    )
    source = tables.parquet(office.place / "p.parquet", tables.pupils(40))
    where = ("--entry", code, "--period", "2024-Q1")
    office.run(
        "deliver", "manifest", source, *where, "--row-key", tables.KEY, "--key", "education-steward"
    )
    office.run("key", "public", "collector", "-o", "c.json")
    office.run("deliver", "handover", *where, "--to", "c.json", "-o", "h.json")
    told = office.run(
        "deliver", "receive", source, *where, "--handover", "h.json", "--key", "collector"
    )
    assert "✓ complete: 40 rows" in told.out
    chain = b"".join(one.read_bytes() for one in office.data_dir.glob("*.db*"))
    for column in tables.SCHEMA.names:
        assert column.encode() not in chain


def test_nothing_of_an_entry_is_said_plainly(collecting: Collecting) -> None:
    collecting.person.run("deliver", "show", "none", expect=4)
    collecting.person.run("deliver", "compare", "--entry", "none", expect=4)
    collecting.person.run("deliver", "list", "--period", "x", expect=2)
    missing = (
        "deliver",
        "handover",
        "--entry",
        PUBLISHED,
        "--period",
        "1901",
        "--to",
        CIVIL_AFFAIRS,
    )
    collecting.person.run(*missing, expect=4)
    collecting.person.run(
        *("deliver", "prove-missing", "--entry", PUBLISHED, "--period", "1901", "--key", "1"),
        *("-o", "x.json"),
        expect=4,
    )


def test_errors_are_told_in_the_reader_s_language(collecting: Collecting) -> None:
    reader = copy.copy(collecting.person)
    reader.language = "zh"
    told = reader.run(
        *("deliver", "receive", collecting.source, "--entry", PUBLISHED, "--period", "1901"),
        *("--key", "collector"),
        expect=3,
    )
    assert "没有数据清单" in told.err
    assert "--without-manifest" in told.err


def test_an_empty_table_is_signed_and_received_as_one(
    collecting: Collecting, newcomer: Person
) -> None:
    period = collecting.period()
    nothing = collecting.written("nothing.parquet", [])
    collecting.manifest(period, source=nothing)
    told = collecting.receive(period, nothing, "--check")
    assert "✓ complete: 0 rows" in told.out
    told = collecting.receive(period, collecting.source, "--check", "--json", expect=5).json()
    assert told["differences"]["extra"] == 300
    proof = collecting.place / "empty.json"
    key = collecting.rows[0][tables.KEY]
    collecting.person.run(
        *("deliver", "prove-missing", *collecting.of(period), "--key", key, "-o", proof)
    )
    assert "among the 0 rows" in newcomer.run("deliver", "check", proof).out


def test_numbers_that_are_names_are_taken_as_text_and_keys_have_several_columns(
    collecting: Collecting,
) -> None:
    period = collecting.period()
    rows = [{"学校": f"{n % 3:03d}", "编号": n + 10, "金额": f"{n}.50"} for n in range(30)]
    source = tables.delimited(collecting.place / "codes.csv", rows)
    more = ("--row-key", "学校,编号", "--text", "学校", "--scale", "金额=2", "--new-schema")
    where = ("deliver", "manifest", source, *collecting.of(period), "--key", "education-steward")
    collecting.person.run(*where, *more, "--mode", "increment", "--note", "试点")
    listed = collecting.person.run("deliver", "list", "--manifests", "--json").json()["manifests"]
    found = next(one for one in listed if one["period_start"].startswith(period[:4]))
    columns = {one["name"]: one["type"] for one in json.loads(found["schema_text"])["columns"]}
    assert columns == {"学校": "string", "编号": "integer", "金额": "float"}
    assert (found["key"], found["mode"], found["note"]) == (["学校", "编号"], "increment", "试点")
    assert "✓ complete" in collecting.receive(period, source, "--check").out
    collecting.person.run(
        *("deliver", "prove", source, *collecting.of(period), "--key", "学校=001"),
        *("--key", "编号=11", "-o", "two.json"),
    )
    told = collecting.person.run(
        *("deliver", "prove", source, *collecting.of(period), "--key", "编号=x"),
        *("--key", "学校=001", "-o", "no.json"),
        expect=3,
    )
    assert "the value given for 编号 is no integer" in told.err


def test_a_process_that_is_killed_leaves_nothing_half_written(collecting: Collecting) -> None:
    period = collecting.period()
    pupil = collecting.rows[0]
    many = [{**pupil, tables.KEY: f"{n:018d}"} for n in range(60_000)]
    source = collecting.written("many.parquet", many)
    words = ("deliver", "manifest", source, *collecting.of(period), "--key", "education-steward")
    shelf = Shelf(collecting.person.data_dir)
    before = [one.body_digest for one in shelf.stores()]
    with collecting.person.started(*words, "--new-schema", "--row-key", tables.KEY) as process:
        _until(lambda: any(shelf.root.glob(".draft-*/.*")), process.process)
        process.end(signal.SIGKILL)
    assert [one.body_digest for one in shelf.stores()] == before
    assert [*shelf.root.glob(".draft-*")]
    collecting.manifest(period, "--new-schema")
    assert not [*shelf.root.glob(".draft-*")]
    assert len(shelf.stores()) == len(before) + 1


def _until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, "it ended before anything could be seen of it"
        assert time.monotonic() < ends
        time.sleep(0.002)
