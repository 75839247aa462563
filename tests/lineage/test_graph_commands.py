"""At the terminal: where a table comes from, whom it reaches, by which way, column by column."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.lineage.events import NAMESPACE
from tests.lineage.traced import ORACLE, THEME
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED

SOURCE = f"{ORACLE}:SCHOOL"
TABLE = f"{NAMESPACE}:zt.theme"


def test_a_table_is_traced_to_its_sources_as_a_tree(traced: Person) -> None:
    said = traced.run("lineage", "trace", THEME).out.splitlines()
    assert said[0] == f"Where {THEME} comes from"
    assert said[1].startswith(f"学校主题库 · {THEME} · {NAMESPACE} zt.theme")
    for part in ("job standardise", "job view", "SCHOOL · oracle", "ext.raw", "leaf 16", "↺1"):
        assert sum(part in line for line in said) >= 1, part
    assert sum("std.schools ·" in line for line in said) == 1
    shallow = traced.run("lineage", "trace", THEME, "--depth", "1").out
    assert "job theme" in shallow
    assert "standardise" not in shallow
    runs = traced.run("lineage", "trace", THEME, "--kind", "run").out
    assert "standardise" in runs
    assert "job view" not in runs
    assert "S-1" not in runs
    assert (
        "去向"
        in Person(traced.data_dir, language="zh").run("lineage", "trace", PUBLISHED, "--both").out
    )


def test_the_same_as_json_names_every_node_edge_and_cycle(traced: Person) -> None:
    told = traced.run("lineage", "trace", THEME, "--json").json()
    ids = {node["id"] for node in told["nodes"]}
    assert {f"dataset:{SOURCE}", f"dataset:{TABLE}", "job:airflow:view"} <= ids
    assert told["roots"] == [f"dataset:{TABLE}"]
    assert {end for edge in told["edges"] for end in (edge["source"], edge["target"])} <= ids
    origins = {edge["origin"] for edge in told["edges"]}
    assert origins == {"run", "design", "step", "rule"}
    (cycle,) = told["cycles"]
    assert cycle[0] == cycle[-1]
    assert "job:airflow:back" in cycle
    named = {node["id"]: node for node in told["nodes"]}[f"dataset:{TABLE}"]
    assert (named["entry"], named["entry_name"], named["organisation"]) == (
        THEME,
        "学校主题库",
        EDUCATION,
    )


def test_as_of_an_earlier_size_later_edges_are_not_there(traced: Person) -> None:
    anchors = traced.run("journal", "anchors", "--json").json()["checkpoints"]
    between = str(anchors[1]["leaf_from"])
    before = traced.run("lineage", "trace", THEME, "--as-of", between, "--json").json()
    assert (before["as_of"], before["journal"]) == (int(between), 5)
    assert "job:airflow:back" not in {node["id"] for node in before["nodes"]}
    assert before["cycles"] == []
    assert "as_of" in traced.run("lineage", "trace", THEME, "--as-of", "soon", expect=2).err


def test_who_is_hit_is_told_by_organisation_and_entry(traced: Person) -> None:
    hit = traced.run("lineage", "impact", SOURCE, "--json").json()["impact"]
    assert [(one["code"], one["depth"]) for one in hit["entries"]] == [(PUBLISHED, 1), (THEME, 3)]
    assert hit["entries"][1]["library"] == "theme"
    assert hit["entries"][1]["share_type"] == "unconditional"
    assert hit["libraries"] == {"department": [PUBLISHED], "theme": [THEME]}
    (owner,) = hit["organisations"]
    assert (owner["code"], owner["entries"], owner["depth"]) == (EDUCATION, [PUBLISHED, THEME], 1)
    assert f"{NAMESPACE} std.schools" in owner["data_sets"]
    said = traced.run("lineage", "impact", PUBLISHED, "--tree").out
    assert "Organisations hit" in said
    assert "theme library" in said or "theme" in said
    assert "job theme" in said
    # What the question began with is not hit by itself.
    assert all(line.count(PUBLISHED) == 0 for line in said.splitlines() if "unconditional" in line)
    assert "nothing is known to come from" in traced.run("lineage", "impact", TABLE).out


def test_a_way_is_shown_and_a_way_back_is_pointed_out(traced: Person) -> None:
    told = traced.run("lineage", "path", SOURCE, THEME, "--json").json()
    names = [node["name"] for node in told["nodes"]]
    assert names[0] == "SCHOOL"
    assert names[-1] == "zt.theme"
    assert len(told["edges"]) == len(names) - 1
    ran = traced.run("lineage", "path", THEME, SOURCE, expect=4)
    assert "the other way" in ran.err
    nothing = traced.run("lineage", "path", f"{NAMESPACE}:ext.raw", SOURCE, expect=4).err
    assert "no data are known to flow" in nothing
    assert "other way" not in nothing


def test_a_column_is_traced_through_entry_and_table_alike(traced: Person) -> None:
    for item in (f"{THEME}.名称", f"{TABLE}.名称"):
        said = traced.run("lineage", "column", item).out
        assert [line.split("·")[0].strip(" └─") for line in said.splitlines()[1:]] == [
            "名称",
            "name",
            "学校名称",
            "学校名称",
            "NAME",
        ]
    down = traced.run("lineage", "column", f"{SOURCE}.NAME", "--downstream", "--json").json()
    assert {column["field"] for column in down["columns"]} >= {"NAME", "学校名称", "name", "名称"}
    steps = [edge for edge in down["edges"] if edge["leaf"] == 16]
    assert [(one["input"]["field"], one["output"]["field"]) for one in steps] == [
        ("NAME", "学校名称")
    ]


def test_where_nothing_is_known_it_says_so(traced: Person) -> None:
    said = traced.run("lineage", "trace", SOURCE).out.splitlines()
    assert len(said) == 3
    assert said[2] == "nothing is known of where it comes from"
    said = traced.run("lineage", "column", f"{SOURCE}.NAME").out.splitlines()
    assert said[-1] == "nothing is known of where it comes from"
    said = traced.run("lineage", "column", f"{THEME}.名称", "--downstream").out.splitlines()
    assert said[-1] == "nothing is known to be made of it"
    assert "nothing" not in traced.run("lineage", "trace", SOURCE, "--json").out
    assert "nothing" not in traced.run("lineage", "trace", SOURCE, "--mermaid", "-").out


def test_pictures_and_provenance_are_written_whole(traced: Person, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"out.{kind}" for kind in ("svg", "mermaid", "prov-json", "prov-o")}
    words = [word for kind, file in files.items() for word in (f"--{kind}", file)]
    said = traced.run("lineage", "trace", THEME, *words)
    assert all(str(file) in said.err for file in files.values())
    root = ET.fromstring(files["svg"].read_text("utf-8"))  # noqa: S314 - our own output
    titles = {title.text for title in root.iter("{http://www.w3.org/2000/svg}title")}
    assert f"Where {THEME} comes from" in titles
    assert "学校主题库" in files["mermaid"].read_text("utf-8")
    assert json.loads(files["prov-json"].read_text("utf-8"))["used"]
    shown = traced.run("lineage", "column", f"{THEME}.名称", "--mermaid", "-").out
    assert shown.splitlines()[3] == "flowchart LR"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("trace", "nowhere"), 4, "nothing in the lineage is called"),
        (("impact", "nowhere:at.all"), 4, "nothing in the lineage is called"),
        (("path", "nowhere", THEME), 4, "nothing in the lineage is called"),
        (("column", "nowhere.x"), 4, "nothing in the lineage is called"),
        (("column", "nodot"), 2, "names no column"),
        (("column", f"{TABLE}.nichts"), 4, f"{TABLE} has no item or column nichts"),
        (("column", f"{THEME}.nichts"), 4, "its items in the catalogue are "),
        (("trace", THEME, "--depth", "0"), 2, "--depth"),
        (("trace", THEME, "--kind", "guess"), 2, "guess is no kind of edge"),
        (("trace", THEME, "--svg", "/nowhere/at/all.svg"), 6, "/nowhere/at/all.svg"),
    ],
)
def test_refusals_say_what_is_wrong(
    traced: Person, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in traced.run("lineage", *words, expect=code).err


def test_an_entry_that_lineage_never_heard_of_is_told_apart(office: Person) -> None:
    ran = office.run("lineage", "trace", PUBLISHED, expect=4)
    assert "is in the catalogue, but no event, SQL, step or rule tells of it" in ran.err
    assert "lineage rule add" in ran.err


@pytest.mark.parametrize("command", ["trace", "impact", "column", "path", "certify"])
def test_help_shows_an_example(traced: Person, command: str) -> None:
    assert f"govledger lineage {command}" in traced.run("lineage", command, "--help").out
