"""PROV-JSON and PROV-O as the programs of others read them: the relations are those of the graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from prov.model import (
    ProvAlternate,
    ProvAssociation,
    ProvAttribution,
    ProvDerivation,
    ProvDocument,
    ProvGeneration,
    ProvRecord,
    ProvSpecialization,
    ProvUsage,
)
from rdflib import RDF, RDFS, Graph, Literal, Namespace, URIRef

from ledger.lineage.prov import Provenance, Thing, prov_json, prov_o
from ledger.lineage.prov.model import RELATIONS
from tests.lineage.traced import ORACLE, THEME
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED, ROOT_ORGANISATION

PROV = Namespace("http://www.w3.org/ns/prov#")
KINDS: dict[str, type[ProvRecord]] = {
    "used": ProvUsage,
    "wasGeneratedBy": ProvGeneration,
    "wasDerivedFrom": ProvDerivation,
    "wasAssociatedWith": ProvAssociation,
    "wasAttributedTo": ProvAttribution,
    "specializationOf": ProvSpecialization,
    "alternateOf": ProvAlternate,
}
Pairs = set[tuple[str, str]]


@pytest.fixture(scope="module")
def written(traced: Person, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both forms of one walk, and the walk itself."""
    place = tmp_path_factory.mktemp("prov")
    files = (place / "p.json", place / "p.ttl")
    traced.run("lineage", "trace", THEME, "--prov-json", files[0], "--prov-o", files[1])
    told = traced.run("lineage", "trace", THEME, "--json").json()
    return {"json": files[0], "turtle": files[1], "walk": told}


def by_prov(file: Path) -> dict[str, Pairs]:
    """The relations, as the package ``prov`` reads them."""
    document = ProvDocument.deserialize(content=file.read_text("utf-8"), format="json")
    found = {}
    for name, kind in KINDS.items():
        ends = [record.args[:2] for record in document.get_records(kind)]
        found[name] = {(a.uri, b.uri) for a, b in ends}
    return found


def by_rdflib(file: Path) -> dict[str, Pairs]:
    """The relations, as rdflib reads them."""
    graph = Graph().parse(file, format="turtle")
    return {
        name: {(str(a), str(b)) for a, b in graph.subject_objects(PROV[name])} for name in KINDS
    }


def short(uri: str) -> str:
    """The name behind ``urn:govledger:<log>:``, readable."""
    return unquote(uri.split(":", 3)[3])


def test_both_forms_say_the_same_to_the_programs_of_others(written: dict[str, Any]) -> None:
    assert tuple(KINDS) == RELATIONS
    read = by_prov(written["json"])
    assert read == by_rdflib(written["turtle"])
    assert all(read.values()), [name for name, pairs in read.items() if not pairs]


def test_who_used_and_made_what_is_what_the_graph_says(written: dict[str, Any]) -> None:
    read, walk = by_prov(written["json"]), written["walk"]

    def entity(node: str) -> str:
        return node.replace("dataset:govledger:entry:", "entry:")

    def activity(edge: dict[str, Any], node: str) -> str:
        if edge["origin"] == "step":
            return node.replace("job:govledger:step:", "step:")
        return f"run:{node[4:]}:{edge['run']}" if edge["run"] else node

    used, made = set(), set()
    for edge in walk["edges"]:
        if edge["origin"] == "rule":
            continue
        if edge["target"].startswith("job:"):
            used.add((activity(edge, edge["target"]), entity(edge["source"])))
        else:
            made.add((entity(edge["target"]), activity(edge, edge["source"])))
    assert {(short(a), short(b)) for a, b in read["used"]} == used
    assert {(short(a), short(b)) for a, b in read["wasGeneratedBy"]} == made
    jobs: dict[str, tuple[set[str], set[str]]] = {}
    for edge in walk["edges"]:
        if edge["target"].startswith("job:"):
            jobs.setdefault(edge["target"], (set(), set()))[0].add(entity(edge["source"]))
        elif edge["origin"] != "rule":
            jobs.setdefault(edge["source"], (set(), set()))[1].add(entity(edge["target"]))
    derived = {(out, into) for into_all, outs in jobs.values() for out in outs for into in into_all}
    deliveries = {(f"delivery:{code}:1", f"edition:{code}:1") for code in (PUBLISHED, THEME)}
    assert {(short(a), short(b)) for a, b in read["wasDerivedFrom"]} == derived | deliveries


def test_organisations_answer_for_runs_steps_entries_and_deliveries(
    written: dict[str, Any],
) -> None:
    read = {
        name: {(short(a), short(b)) for a, b in pairs}
        for name, pairs in by_prov(written["json"]).items()
    }
    education, collector = f"organisation:{EDUCATION}", f"organisation:{ROOT_ORGANISATION}"
    assert ("step:S-1", education) in read["wasAssociatedWith"]
    assert {who for _, who in read["wasAssociatedWith"]} == {education}
    assert (f"delivery:{THEME}:1", collector) in read["wasAttributedTo"]
    assert (f"entry:{PUBLISHED}", education) in read["wasAttributedTo"]
    assert (f"edition:{PUBLISHED}:1", f"entry:{PUBLISHED}") in read["specializationOf"]
    assert (f"delivery:{PUBLISHED}:1", f"entry:{PUBLISHED}") in read["specializationOf"]
    tables = {a for a, b in read["alternateOf"] if b == f"entry:{PUBLISHED}"}
    assert tables == {"dataset:postgres://db.qingpu:5432:ods.schools"}


def test_labels_and_times_are_those_that_were_told(written: dict[str, Any]) -> None:
    graph = Graph().parse(written["turtle"], format="turtle")
    labels = {str(label) for label in graph.objects(None, RDFS.label)}
    assert {"学校主题库", "SCHOOL", "theme"} <= labels
    assert any(str(value) == ORACLE for value in graph.objects())
    ended = {value.toPython().isoformat() for value in graph.objects(None, PROV.endedAtTime)}
    assert "2026-05-01T00:20:00+00:00" in ended
    document = ProvDocument.deserialize(content=written["json"].read_text("utf-8"), format="json")
    times = {
        str(moment)
        for record in document.get_records()
        for name, moment in record.attributes
        if name.localpart == "endTime"
    }
    assert len(times) == len(ended)
    kinds = {str(kind).rpartition(":")[2] for kind in graph.objects(None, RDF.type)}
    assert {"DataSet", "Entry", "Edition", "Delivery", "Run", "Job", "Step"} <= kinds


def test_nothing_that_a_name_holds_breaks_either_form() -> None:
    hostile = 'a"b\\c\n\t\x01<x>;|人口\x7f'
    thing = Thing("dataset:x%20y", "DataSet", hostile, {"name": hostile})
    told = Provenance("urn:govledger:0x1:", {thing.id: thing}, {}, {}, {})
    graph = Graph().parse(data=prov_o(told), format="turtle")
    (label,) = graph.objects(URIRef("urn:govledger:0x1:dataset:x%20y"), RDFS.label)
    assert label == Literal(hostile)
    document = ProvDocument.deserialize(content=prov_json(told), format="json")
    (record,) = document.get_records()
    assert hostile in {str(value) for _, value in record.attributes}
    assert json.loads(prov_json(told))["prefix"]["gl"] == "urn:govledger:0x1:"
