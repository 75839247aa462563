"""The synthetic district as a newcomer, a steward, a department and an auditor meet it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from eth_account import Account

from ledger.catalogue.documents import load_entries
from ledger.catalogue.entry import Entry
from ledger.codes import Role
from ledger.demo.collecting import (
    EMPTY,
    FEWER,
    HONEST,
    LATE,
    NEVER,
    STALE,
    build_tables,
    table_file,
)
from ledger.demo.district import build_district
from ledger.demo.duties import expected_of
from ledger.demo.pipelines import (
    CREDIT,
    DARK,
    ITEM,
    LEGAL,
    SAFETY,
    STEP,
    TABLES,
    library_entry,
)
from ledger.demo.year import CORRECTION, REPORT

SEED = 2026
DEPARTMENTS = 29
PERMIT_ITEMS = 277
ENTRIES = 300


def test_the_tour_shows_a_search_and_a_proof_that_holds(built_district: Path) -> None:
    tour = (built_district.parent / "tour.txt").read_text("utf-8")

    assert "synthetic" in tour
    assert f"{ENTRIES} catalogue entries" in tour
    assert "食品经营许可" in tour
    assert tour.count("✓") >= 6
    assert tour.count("✗ ") == 2, "what differs in the altered table"


def test_every_story_of_the_year_is_told_by_the_audit(district) -> None:
    """Each planted gap stops where it must, and the honest table is complete."""
    gaps = district.run("audit", "gaps", "--limit", "1000", "--json").json()["gaps"]
    few = district.run("audit", "gaps", "--limit", "3", "--json").json()
    assert (few["gaps"], few["total"]) == (gaps[:3], len(gaps))
    rungs = {gap["obligation"]: gap["rung"] for gap in gaps}
    findings = district.run("audit", "findings", "--limit", "1000", "--json").json()["findings"]
    named = {(one["name"], one["subject"]) for one in findings}
    plan = build_district(SEED)
    tables = build_tables(plan)
    code = {table.story: expected_of(plan, table.entry) for table in tables}

    assert code[HONEST] not in rungs
    assert rungs[code[FEWER]] == "record_complete"
    assert rungs[code[LATE]] == "on_time"
    assert rungs[code[NEVER]] == "delivered"
    entry = {table.story: table.entry for table in tables}
    assert ("rows_missing", entry[FEWER]) in named
    assert ("empty_table", code[EMPTY]) in named
    assert ("old_snapshot", entry[STALE]) in named
    assert ("late_across_holiday", code[LATE]) in named


def test_the_audit_report_comes_out_again_from_the_chain(district, built_district: Path) -> None:
    done = district.run("audit", "verify", built_district / REPORT)
    assert "✓" in done.out


def test_a_score_of_the_district_is_reproduced_and_an_altered_table_is_not(
    district, built_district: Path
) -> None:
    table = build_tables(build_district(SEED))[FEWER]
    source = table_file(built_district, table, 2, sent=True)
    scores = district.run("quality", "list", "--entry", table.entry, "--json").json()["scores"]
    leaf = scores[0]["leaf_from"]

    assert len(scores) == 3
    assert district.run("quality", "reproduce", leaf, source).code == 0
    altered = source.with_name(f"{source.stem}_altered.parquet")
    told = district.run("quality", "reproduce", leaf, altered, expect=5)
    assert "result" in told.out


def test_the_pipelines_findings_are_those_that_were_planted(district) -> None:
    """Two data sets of nobody, one grade that falls, one stale table; what was declared is no finding."""
    told = district.run("lineage", "findings", "--json").json()
    plan = build_district(SEED)
    found = {(one["kind"], one["name"]) for one in told["findings"]}
    assert found == {
        *(("dark_data", name) for _, name in DARK),
        ("grade_lowered", TABLES[SAFETY]),
        ("stale_chain", TABLES[CREDIT]),
    }
    owners = {one["organisation"] for one in told["findings"] if one["kind"] == "dark_data"}
    assert owners == {plan.authority.code}
    before = district.run("lineage", "steps", "--json").json()["steps"]
    assert [one["code"] for one in before] == [STEP]
    assert district.run("journal", "fsck").code == 0


def test_a_library_table_goes_back_to_what_departments_hold(district) -> None:
    plan = build_district(SEED)
    code, _ = library_entry(plan, CREDIT)
    entries = district.run("lineage", "composition", "--json").json()["entries"]
    (credit,) = [one for one in entries if one["entry"] == code]
    assert library_entry(plan, LEGAL)[0] in credit["sources"]
    assert credit["dark"] == 1
    column = district.run("lineage", "column", f"{code}.{ITEM}", "--json").out
    assert "permit.permit_318029_000001" in column


def test_a_delivery_is_certified_and_checked_without_the_district(
    district, newcomer, tmp_path: Path
) -> None:
    table = build_tables(build_district(SEED))[HONEST]
    place = tmp_path / "certificate.json"
    district.run("lineage", "certify", table.entry, "--delivery", 3, "-o", place)
    said = newcomer.run("log", "verify", place)
    assert "4 events stand, byte for byte" in said.out
    assert "goes back to: mysql://permits.sample:3306" in said.out


def test_dark_data_of_the_district_becomes_a_draft_that_can_be_filed(
    district, tmp_path: Path
) -> None:
    place = tmp_path / "hotline.yaml"
    district.run("lineage", "draft", ":".join(DARK[0]), "--out", place)
    (entry,) = load_entries(place)
    assert [item.name for item in entry.items] == ["工单编号", "来电时间", "诉求内容", "承办单位"]
    district.run("catalogue", "register", place, "--draft", "--key", "d01-steward")


def test_the_overdue_correction_is_listed(district) -> None:
    overdue = district.run("correction", "overdue", "--json").json()
    assert CORRECTION in json.dumps(overdue)


def test_the_same_seed_gives_the_same_district_in_another_process(district) -> None:
    again = build_district(SEED)
    known = {
        str(row["code"]): Entry.parse(row).document()
        for row in (
            *(row for rows in again.entries.values() for row in rows),
            *again.revisions.values(),
        )
    }
    found = {
        row["document"]["code"]: row["document"]
        for row in map(json.loads, district.run("catalogue", "export").out.splitlines())
        if not row["entry"]["restricted"]
    }
    keys = {
        key["name"]: key["address"] for key in district.run("key", "list", "--json").json()["keys"]
    }
    steward = again.private_key(again.departments[0].code, Role.STEWARD)

    assert len(found) > ENTRIES // 2
    assert found == {code: known[code] for code in found}
    assert keys["d01-steward"] == Account.from_key(steward).address


def test_every_department_has_entries_and_all_are_on_the_ledger(district) -> None:
    organisations = district.run("org", "list", "--json").json()["organisations"]
    found = district.run("catalogue", "search", "--limit", "500", "--json").json()

    assert len(organisations) == DEPARTMENTS + 1
    assert found["total"] == ENTRIES
    assert {e["provider"] for e in found["entries"]} == {
        o["code"] for o in organisations if o["parent"] is not None
    }
    assert sum(e["library"] == "department" for e in found["entries"]) >= 200


def test_an_auditor_verifies_everything_and_keeps_a_checkpoint(district, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    district.run("log", "checkpoint", "-o", kept)
    report = district.run("mirror", "verify", "--since", kept, "--json").json()

    assert report["findings"] == []
    assert district.run("chain", "fsck").code == 0


def test_a_proof_is_checked_without_the_data_directory(district, newcomer, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    root = json.loads(district.run("log", "checkpoint").out)["root"]
    district.run("log", "prove", "--entry", "318021/000006", "-o", proof)

    said = newcomer.run("log", "verify", proof, "--root", root.removeprefix("0x"))
    assert "✗" not in said.out

    altered = proof.read_bytes().replace("食品".encode(), "药品".encode(), 1)
    proof.write_bytes(altered)
    refused = newcomer.run("log", "verify", proof, expect=5)
    assert "does not hold" in refused.err


def test_a_restricted_entry_is_read_with_the_key_only(district) -> None:
    rows = district.run("catalogue", "search", "--grade", "3", "--json").json()["entries"]
    code = rows[0]["code"]
    public = district.run("catalogue", "show", code, "--json").json()
    opened = district.run("catalogue", "show", code, "--unseal", "--json").json()

    assert rows[0]["name"] is None
    assert "身份" not in json.dumps(public, ensure_ascii=False)
    assert "身份" in json.dumps(opened["unsealed"], ensure_ascii=False)

    district.passphrase = "a guess"
    assert "passphrase" in district.run("catalogue", "show", code, "--unseal", expect=3).err


def test_a_department_searches_over_http_while_commands_go_on(district) -> None:
    with district.running("serve", "--port", "0") as url, httpx.Client(base_url=url) as client:
        found = client.get("/api/v1/catalogue/entries", params={"q": "食品", "limit": 3}).json()
        assert len(found["items"]) == 3
        code = found["items"][0]["code"]
        assert client.get(f"/api/v1/catalogue/entries/{code}").status_code == 200

        steward = district.run("catalogue", "search", "食品", "--json").json()
        assert steward["entries"][0]["code"] == code
        district.run("catalogue", "suspend", code, "--key", "publisher", "--reason", "核查")
        entry = client.get(f"/api/v1/catalogue/entries/{code}").json()
        assert entry["state"]["code"] == "suspended"
        assert client.get("/readyz").status_code == 200


def test_the_running_node_is_used_and_a_second_one_is_refused(district) -> None:
    with district.running("node", "--port", "0") as url:
        answer = httpx.post(
            url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        ).json()
        assert int(answer["result"], 16) == 26476
        assert url in district.run("chain", "status").out
        assert district.run("node", "--port", "0", expect=None).code != 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("catalogue", "show", "999999/000001"), 4, "999999/000001"),
        (("catalogue", "publish", "318002/000001", "--key", "nobody"), 3, "nobody"),
        (("catalogue", "publish", "318002/000001", "--key", "d02-steward"), 3, "AUTHORITY"),
        (("catalogue", "resume", "318002/000001", "--key", "publisher"), 3, ""),
        (("catalogue", "search", "--as-of", "yesterday"), 2, "yesterday"),
        (("log", "prove", "999999"), 4, "999999"),
        (("serve", "--host", "0.0.0.0"), 2, "0.0.0.0"),  # noqa: S104 - must be refused
    ],
)
def test_what_cannot_be_is_refused_in_words(district, words, code: int, says: str) -> None:
    ran = district.run(*words, expect=code)
    assert says.lower() in ran.err.lower()
    assert "→" in ran.err or len(ran.err) > 20


READMES = [Path(__file__).resolve().parents[2] / name for name in ("README.md", "README.zh-CN.md")]
TYPED = "$ govledger -C demo-data "
LONG = ("audit verify", "quality league")
"""What other tests type into the district."""


def tour() -> dict[str, set[str]]:
    """The commands of the tour in both READMEs, and the numbers of leaves that are shown below each."""
    shown: dict[str, set[str]] = {}
    for readme in READMES:
        words = ""
        for line in readme.read_text("utf-8").splitlines():
            if line.startswith(TYPED):
                words = line.removeprefix(TYPED).partition("#")[0].strip()
                shown.setdefault(words, set())
            elif line.startswith(("$", "```")):
                words = ""
            elif words and (leaf := re.search(r"(?: {2,}|log index )(\d{3,})\b", line)):
                shown[words].add(leaf.group(1))
    return shown


def test_the_tour_in_the_readmes_is_one_through_this_district(district) -> None:
    told = {words: leaves for words, leaves in tour().items() if not words.startswith(LONG)}
    assert sum(map(len, told.values())) >= 6
    for words, leaves in told.items():
        typed = [word.replace("demo-data", str(district.data_dir), 1) for word in words.split()]
        said = district.run(*typed, expect=5 if "altered" in words else 0).out
        assert [leaf for leaf in leaves if leaf not in said] == [], words
