"""The catalogue as a person at the keyboard meets it: importing, and not naming one thing twice."""

from __future__ import annotations

from pathlib import Path

from tests.person import Person
from tests.small_office import entry

from .test_import import MAPPING, csv_file, row

ROWS = [row("幼儿园名单", cycle="年"), row("幼儿园 名单", url="u/2"), row("船员名单", "市交通局")]


def test_a_newcomer_is_told_to_register_the_authority_and_then_imports_once(
    newcomer: Person, tmp_path: Path
) -> None:
    newcomer.run("init")
    file = csv_file(tmp_path / "list.csv", ROWS, "gbk")
    mapping = newcomer.write("mapping.yaml", MAPPING)
    again = ("catalogue", "import", file, "--mapping", mapping, "--authority", "authority")
    lost = newcomer.run(*again, "--apply", expect=None)
    assert lost.code != 0
    assert "govledger org register --key authority" in lost.err

    newcomer.run("org", "register", "--key", "authority", "--code", "TMP-CITY", "--name", "示范市")
    preview = newcomer.run(*again, "--json").json()
    assert (preview["plan"]["new"], preview["plan"]["refused"], preview["recorded"]) == (2, 1, 0)
    assert newcomer.run(*again, "--apply", "--json").json()["recorded"] == 2
    second = newcomer.run(*again, "--apply", "--json").json()
    assert (second["plan"]["unchanged"], second["recorded"]) == (2, 0)
    found = newcomer.run("catalogue", "search", "名单", "--json").json()["entries"]
    assert [(one["name"], one["complete"]) for one in found] == [
        ("幼儿园名单", False),
        ("船员名单", False),
    ]


def test_a_second_code_for_a_catalogue_is_refused_with_the_first(office: Person) -> None:
    twin = office.write("twin.yaml", entry("318001/000777", name="中小学校 名录"))
    keys = ("--key", "education-steward", "--head", "education-head")
    refused = office.run("catalogue", "register", twin, *keys, expect=None)
    assert refused.code != 0
    assert "中小学校名录" in refused.err
    assert office.run("catalogue", "search", "--json").json()["entries"][0]["edition"] == 1
