"""Provenance certificates: what they prove offline, and that nothing in them can be altered unnoticed."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.app import create_app
from ledger.canonical import CanonicalError
from ledger.lineage.certificate.document import Certificate
from ledger.lineage.certificate.edges import matches
from ledger.lineage.certificate.events import NoEvent, event_in
from ledger.lineage.certificate.verify import verify_certificate
from ledger.lineage.entries import entry_of
from ledger.lineage.models import INPUT, OUTPUT
from ledger.lineage.said import columns_of, said
from ledger.log.document import bundle_digest, render, render_compact
from ledger.log.verdict import Status, Verdict
from ledger.office import Office
from ledger.settings import load_settings
from tests.lineage.events import COMING, NAMESPACE, encoded, real_events, run_event
from tests.lineage.traced import ORACLE, THEME, tell
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]


@pytest.fixture(scope="module")
def data(traced: Person, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The certificate of the theme table's delivery, as the command writes it."""
    file = tmp_path_factory.mktemp("certificate") / "certificate.json"
    said = traced.run(
        *("lineage", "certify", THEME, "--delivery", "1", "--item", "名称", "-o", file)
    )
    assert f"govledger log verify {file}" in said.err
    return file.read_bytes()


@pytest.fixture
def told(data: bytes) -> Document:
    """The same, free to change."""
    return dict(json.loads(data))


def bound(document: Document) -> bytes:
    """The file as a careful forger leaves it: with a bundle digest that fits."""
    return render({**document, "bundle_digest": bundle_digest(document)})


def refused(document: Document) -> str:
    """The reason for which a file is refused; both languages say something."""
    failure = verify_certificate(bound(document)).failure
    assert failure is not None
    assert not failure.zh.isascii()
    return failure.en


def words(verdict: Verdict, status: Status) -> str:
    return " ".join(step.en for step in verdict.steps if step.status is status)


def node(document: Document, name: str) -> int:
    return next(at for at, one in enumerate(document["graph"]["nodes"]) if one["name"] == name)


def edge(document: Document, source: str, target: str) -> Document:
    ends = (node(document, source), node(document, target))
    return next(one for one in document["graph"]["edges"] if (one["source"], one["target"]) == ends)


def statement(document: Document, struct: str) -> Document:
    return next(one for one in document["statements"] if one["decoded"]["struct"] == struct)


# What is proven


def test_anybody_checks_it_with_nothing_but_the_file_and_a_root(
    traced: Person, newcomer: Person, data: bytes
) -> None:
    file = newcomer.place / "certificate.json"
    newcomer.place.mkdir(exist_ok=True)
    file.write_bytes(data)
    kept = traced.run("log", "checkpoint").json()
    words_of = ("log", "verify", file, "--root", kept["root"], "--size", kept["size"])
    said = newcomer.run(*words_of).out
    for part in (
        "10 statements stand in the log",
        f"6 events stand, byte for byte, in the journal govledger/{kept['log'][2:]}",
        f"Let in for: {EDUCATION}",
        f"{THEME}: delivery 1 of the period 20260101–20260331 with 300 rows",
        "it names no manifest",
        f"{PUBLISHED}: delivery 1",
        "root, rows and schema equal those that the department signed before",
        "Each of the 11 edges follows from its evidence: 7 from runs and 2 from designs, in 6 events, 2 from 1",
        f"goes back to: {ORACLE} SCHOOL, {NAMESPACE} ext.raw.",
        "in a cycle: airflow back",
        "5 of the 6 events were anchored before the delivery",
        "Each of the 3 steps from column to column follows",
        f"名称 of {THEME} goes back to: {ORACLE} SCHOOL NAME.",
        "· Not claimed: that what was said is true of the data",
        "those that you gave",
    ):
        assert part in said, part
    chinese = Person(newcomer.data_dir, language="zh").run(*words_of).out
    assert "11条边均由其证据推出" in chinese
    assert "不作担保" in chinese
    other = newcomer.run("log", "verify", file, "--root", "ab" * 32, expect=5)
    assert "you gave" in other.err
    assert newcomer.run("log", "verify", file, "--json").json()["ok"] is True
    assert not newcomer.data_dir.exists()


def test_the_verdict_tells_compared_roots_and_authors(data: bytes) -> None:
    document = json.loads(data)
    checkpoint = document["checkpoint"]
    verdict = verify_certificate(data, checkpoint["root"], checkpoint["size"])
    assert verdict.ok
    assert verdict.root_compared
    assert verdict.authorship_proven
    assert not verify_certificate(data).root_compared
    assert verify_certificate(render_compact(document)).ok
    with pytest.raises(ValueError, match="64 hex digits"):
        verify_certificate(data, "zz")


def test_the_check_uses_nothing_of_the_making() -> None:
    place = ROOT / "ledger" / "lineage" / "certificate"
    for module in ("verify", "evidence", "events", "edges", "columns", "entries", "whole"):
        tree = ast.parse((place / f"{module}.py").read_text("utf-8"))
        sources = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        making = (
            "make",
            "gathering",
            "naming",
            "queries",
            "said",
            "folding",
            "graph",
            "attribution",
            "merkle",
        )
        assert not {one for one in sources if one and one.rpartition(".")[2] in making}, module


# What is refused


def test_any_altered_byte_is_refused_with_a_reason(data: bytes) -> None:
    for form in (data, render_compact(json.loads(data))):
        for place in range(0, len(form), 499):
            for change in (0x01, 0x20):
                altered = form[:place] + bytes([form[place] ^ change]) + form[place + 1 :]
                failure = verify_certificate(altered).failure
                assert failure is not None, place
                assert len(failure.en) > 20
    for place in range(0, len(data), 2_003):
        for form in (
            data[:place],
            data[:place] + data[place + 1 :],
            data[:place] + b" " + data[place:],
        ):
            assert verify_certificate(form).failure is not None
    assert verify_certificate(data + b"\n").failure is not None


STATED = {
    "about.depth",
    "checkpoint.block_hash",
    "checkpoint.block_number",
    "checkpoint.timestamp",
    "genesis_authority",
    "statements.*.mandate.cosigner",
    "statements.*.recorded.block_hash",
    "statements.*.recorded.block_number",
    "statements.*.recorded.transaction_hash",
}
"""What a forger may replace who also makes a new bundle digest: the verdict calls it stated."""


def scalars(value: object, path: str = "") -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [found for name, each in value.items() for found in scalars(each, f"{path}.{name}")]
    if isinstance(value, list):
        return [
            found for place, each in enumerate(value) for found in scalars(each, f"{path}.{place}")
        ]
    return [(path[1:], value)]


def another(value: object, path: str) -> object:
    """Another value of the same form."""
    last = path.rpartition(".")[2]
    choices = {
        "kind": {"dataset": "job", "job": "dataset"},
        "origin": {"run": "design", "design": "run", "step": "run"},
        "signer_kind": {"key": "contract"},
        "encoding": {"utf-8": "hex"},
        "body_encoding": {"utf-8": "hex"},
    }
    if isinstance(value, str) and value in choices.get(last, {}):
        return choices[last][value]
    if last == "cosigner":
        return {"signer": "0x" + "cc" * 20, "signer_kind": "contract", "signature": "0x00"}
    if value is None:
        return THEME if last == "entry" else 1
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    if value.startswith("0x"):
        return value[:-1] + ("1" if value[-1] == "0" else "0")
    return value[:-1] + chr(ord(value[-1]) + 1) if value else "x"


def test_a_forger_who_binds_anew_can_only_touch_what_the_verdict_calls_stated(
    told: Document,
) -> None:
    """Every member of every shape, at its first and its last place."""
    shapes: dict[str, list[tuple[str, object]]] = {}
    for path, value in scalars(told):
        if path != "bundle_digest":
            # A member that may be null has two shapes: there, and not there.
            shape = re.sub(r"\.\d+(?=\.|$)", ".*", path) + ("?" if value is None else "")
            shapes.setdefault(shape, []).append((path, value))
    assert len(shapes) > 80
    taken = set()
    for shape, places in shapes.items():
        for path, value in {places[0], places[-1]}:
            forged = copy.deepcopy(told)
            inner: Any = forged
            *parents, last = path.split(".")
            for name in parents:
                inner = inner[int(name)] if isinstance(inner, list) else inner[name]
            inner[int(last) if isinstance(inner, list) else last] = another(value, path)
            verdict = verify_certificate(bound(forged))
            if verdict.ok:
                taken.add(shape.removesuffix("?"))
                continue
            assert verdict.failure is not None
            reason = verdict.failure.en
            assert "bundle_digest" not in reason, path
            named = (
                "statements[",
                "journal",
                "graph",
                "about",
                "how_to_check",
                "certificate",
                "leaf",
            )
            assert any(part in reason for part in named), (path, reason)
    assert taken <= STATED, taken - STATED
    assert {"genesis_authority", "statements.*.recorded.transaction_hash"} <= taken


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(choice=st.data())
def test_whatever_stands_in_its_place_the_check_answers(
    told: Document, choice: st.DataObject
) -> None:
    """Parts replaced by other parts of the file, or by anything: an answer, never an error."""
    forged = copy.deepcopy(told)
    parts: list[tuple[Any, Any]] = []
    waiting: list[Any] = [forged]
    while waiting:
        inner = waiting.pop()
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        parts += [(inner, key) for key in keys]
        waiting += [inner[key] for key in keys if isinstance(inner[key], dict | list)]
    where, key = choice.draw(st.sampled_from(parts))
    other, at = choice.draw(st.sampled_from(parts))
    anything = (
        st.none() | st.integers(-1, 1 << 53) | st.text(max_size=3) | st.just([]) | st.just({})
    )
    where[key] = copy.deepcopy(choice.draw(st.just(other[at]) | anything))
    verdict = verify_certificate(render({**forged, "bundle_digest": told["bundle_digest"]}))
    assert verdict.ok == (forged == told)
    try:
        rebound = bound(forged)
    except CanonicalError:
        return
    assert verify_certificate(rebound).steps


def added_edge(document: Document) -> None:
    """An input that the event does not name."""
    edges = document["graph"]["edges"]
    source, target = node(document, "std.schools"), node(document, "view")
    invented = {**edge(document, "ext.raw", "view"), "source": source, "target": target}
    edges.append(invented)
    edges.sort(key=lambda one: (one["source"], one["target"], one["origin"]))


def other_event(document: Document) -> None:
    edge(document, "std.schools", "back")["position"] = 1


def unneeded_name(document: Document) -> None:
    edge(document, "std.schools", "theme")["named"] = 2


def another_run_named(document: Document) -> None:
    edge(document, "ext.weather", "theme")["named"] = 1


def only_the_completion(document: Document) -> None:
    edge(document, "ext.weather", "theme")["named"] = None


def wrong_rule(document: Document) -> None:
    nodes = document["graph"]["nodes"]
    nodes[node(document, "ods.schools")]["rule"] = nodes[node(document, "zt.theme")]["rule"]


def wrong_entry(document: Document) -> None:
    document["graph"]["nodes"][node(document, "ods.schools")]["entry"] = THEME


def entry_by_another_name(document: Document) -> None:
    document["graph"]["nodes"][node(document, PUBLISHED)]["name"] = "318001/000007"


def covered_without_rule(document: Document) -> None:
    document["graph"]["nodes"][node(document, "ods.schools")]["rule"] = None


def loose_node(document: Document) -> None:
    document["graph"]["nodes"].append(
        {"kind": "dataset", "namespace": "x", "name": "y", "entry": None, "rule": None}
    )


def twice(document: Document) -> None:
    document["graph"]["nodes"].append(document["graph"]["nodes"][0])


def job_of_an_entry(document: Document) -> None:
    document["graph"]["nodes"][node(document, "view")]["entry"] = THEME


def out_of_order(document: Document) -> None:
    document["graph"]["edges"].reverse()


def step_as_a_run(document: Document) -> None:
    edge(document, "SCHOOL", "S-1").update(origin="run", position=0, leaf=None)


def step_of_another_leaf(document: Document) -> None:
    edge(document, "SCHOOL", "S-1")["leaf"] = document["graph"]["nodes"][
        node(document, "ods.schools")
    ]["rule"]


def turned(document: Document) -> None:
    one = edge(document, "ext.raw", "view")
    one["source"], one["target"] = one["target"], one["source"]
    document["graph"]["edges"].sort(key=lambda one: (one["source"], one["target"], one["origin"]))


def branch_cut_loose(document: Document) -> None:
    """The way from the theme to the weather is gone, and what lies behind it is not."""
    document["graph"]["edges"].remove(edge(document, "ext.weather", "theme"))


def later_delivery_upstream(document: Document) -> None:
    entries = document["graph"]["entries"]
    entries[0]["delivery"], entries[1]["delivery"] = entries[1]["delivery"], entries[0]["delivery"]


def manifest_left_out(document: Document) -> None:
    document["graph"]["entries"][0]["manifest"] = None


def entry_left_out(document: Document) -> None:
    del document["graph"]["entries"][0]


def another_delivery(document: Document) -> None:
    document["about"]["delivery"] = 2


def another_code(document: Document) -> None:
    document["about"]["entry"] = PUBLISHED


def too_shallow(document: Document) -> None:
    document["about"]["depth"] = 2


def statement_dropped(document: Document) -> None:
    document["statements"].remove(statement(document, "Step"))


def statements_out_of_order(document: Document) -> None:
    document["statements"].reverse()


def anchors_swapped(document: Document) -> None:
    one, other = document["journal"]["anchors"]
    one["leaf"], other["leaf"] = other["leaf"], one["leaf"]
    for event in document["journal"]["events"]:
        event["anchor"] = 1 - event["anchor"]


def anchor_that_is_none(document: Document) -> None:
    document["journal"]["anchors"][0]["leaf"] = statement(document, "Step")["statement"]["index"]


def event_dropped(document: Document) -> None:
    del document["journal"]["events"][0]


def events_out_of_order(document: Document) -> None:
    document["journal"]["events"].reverse()


def event_rewritten(document: Document) -> None:
    event = document["journal"]["events"][0]
    event["entry"] = event["entry"].replace("ods.schools", "ods.scholars")


def event_at_another_place(document: Document) -> None:
    document["journal"]["events"][-1]["position"] = 7


def no_journal(document: Document) -> None:
    document["journal"] = None


def edge_into_nowhere(document: Document) -> None:
    document["graph"]["edges"][-1]["target"] = 99


def column_of_another_name(document: Document) -> None:
    document["graph"]["columns"][0]["source_field"] = "别的"


def column_masked(document: Document) -> None:
    document["graph"]["columns"][-1]["masking"] = True


def column_by_another_job(document: Document) -> None:
    document["graph"]["columns"][0]["job"] = node(document, "view")


def column_out_of_order(document: Document) -> None:
    document["graph"]["columns"].reverse()


def column_left_out(document: Document) -> None:
    """The last link to the item: what lies behind it hangs loose."""
    last = node(document, "zt.theme")
    kept = [one for one in document["graph"]["columns"] if one["target"] != last]
    document["graph"]["columns"] = kept


def column_twice(document: Document) -> None:
    document["graph"]["columns"].append(document["graph"]["columns"][-1])


def column_into_nowhere(document: Document) -> None:
    document["graph"]["columns"][0]["target"] = 99


def column_of_a_step_as_an_event(document: Document) -> None:
    for one in document["graph"]["columns"]:
        if one["origin"] == "step":
            one.update(origin="run", position=0, leaf=None)


def another_item(document: Document) -> None:
    document["about"]["item"] = "地址"


def no_item(document: Document) -> None:
    document["about"]["item"] = None


FORGERIES: dict[Callable[[Document], None], str] = {
    added_edge: "does not say that it reads",
    other_event: r"graph\.edges\[\d+\]: entry 1 is a run of the job airflow theme",
    unneeded_name: "`named` is not needed",
    another_run_named: "3 and 1 are not of one run",
    only_the_completion: "entry 3 does not say that it reads",
    wrong_rule: "does not tie .*ods.schools",
    wrong_entry: "does not tie .*ods.schools",
    entry_by_another_name: r"graph\.nodes\[\d+\]: the data set is the entry 318001/000007",
    covered_without_rule: "entry and rule go together",
    loose_node: r"graph\.nodes\[13\]: no edge leads to it",
    twice: "stands there twice",
    job_of_an_entry: "a job belongs to no entry",
    out_of_order: "do not stand in their order",
    step_as_a_run: "entry 0 is a run of the job airflow standardise",
    step_of_another_leaf: "is no declared step",
    turned: "does not say that it writes",
    branch_cut_loose: "does not lead to|rests on",
    later_delivery_upstream: "is no Delivery of",
    manifest_left_out: "names the manifest of version 1",
    entry_left_out: r"graph\.entries",
    another_delivery: "does not hold delivery 2",
    another_code: "does not lead to|later than the one",
    too_shallow: r"about\.depth: .* lies 3 jobs away",
    statement_dropped: "is no declared step in this file",
    statements_out_of_order: "order of their leaves",
    anchors_swapped: "order of their leaves",
    anchor_that_is_none: r"journal\.anchors\[0\]: leaf 16 is no checkpoint",
    event_dropped: "entry 0 is not in this file",
    events_out_of_order: "order of their positions",
    event_rewritten: r"journal\.events\[0\]: the event is not proven",
    event_at_another_place: r"journal\.events\[5\]",
    no_journal: "is not in this file",
    edge_into_nowhere: "a node that is not there",
    column_of_another_name: r"graph\.columns\[0\]: .* does not say so",
    column_masked: r"graph\.columns\[2\]: .* does not say so",
    column_by_another_job: r"graph\.columns\[0\]: .* does not say so",
    column_out_of_order: "columns do not stand in their order",
    column_left_out: r"graph\.columns\[0\]: it does not lead to 名称",
    column_twice: "columns do not stand in their order",
    column_into_nowhere: "does not lead from data set to data set by a job",
    column_of_a_step_as_an_event: "entry 0 does not say so",
    another_item: "does not lead to 地址",
    no_item: "item and columns go together",
}


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_a_forgery_is_refused_and_the_part_named(
    told: Document, forge: Callable[[Document], None]
) -> None:
    forge(told)
    reason = refused(told)
    assert re.search(FORGERIES[forge], reason), reason


def test_what_nothing_rests_on_is_refused(told: Document) -> None:
    """A cut branch must go with its evidence; then the verdict tells what the evidence names beside."""
    graph, journal = told["graph"], told["journal"]
    told["about"]["item"], graph["columns"] = None, []
    cut = [node(told, name) for name in ("ext.raw", "view", "ext.weather")]
    graph["edges"] = [
        one for one in graph["edges"] if not {one["source"], one["target"]} & set(cut)
    ]
    kept = [at for at in range(len(graph["nodes"])) if at not in cut]
    for one in graph["edges"]:
        one["source"], one["target"] = kept.index(one["source"]), kept.index(one["target"])
    graph["nodes"] = [graph["nodes"][at] for at in kept]
    assert "no edge rests on the entry 2" in refused(told)
    journal["events"] = [one for one in journal["events"] if one["position"] in (0, 1, 5)]
    verdict = verify_certificate(bound(told))
    assert verdict.ok, verdict.failure
    assert "8 edges" not in words(verdict, Status.STATED)
    # The run whose event names the weather is gone with it; cutting one input of an event that stays is told.
    graph["edges"].remove(edge(told, "SCHOOL", "S-1"))
    gone = node(told, "SCHOOL")
    del graph["nodes"][gone]
    for one in graph["edges"]:
        one["source"] -= one["source"] > gone
        one["target"] -= one["target"] > gone
    verdict = verify_certificate(bound(told))
    assert verdict.ok, verdict.failure
    assert (
        f"leaves out, because they were replaced since, or lie too far away, or were dropped: {ORACLE}"
        in (words(verdict, Status.STATED))
    )
    told["statements"].append(copy.deepcopy(told["statements"][-1]))
    assert "order of their leaves" in refused(told)


# Making


def test_what_no_checkpoint_vouches_for_is_not_certified(traced: Person, tmp_path: Path) -> None:
    person = traced.copy(tmp_path / "ledger")
    size = traced.run("log", "checkpoint").json()["size"]
    tell(
        person,
        [encoded(run_event(9, minute=30, job="theme", inputs=("new",), outputs=("zt.theme",)))],
    )
    words_of = ("lineage", "certify", THEME, "--delivery", "1")
    ran = person.run(*words_of, expect=3)
    assert (
        "1 of the 2 events behind this graph are not anchored on the ledger, the first at position 6"
        in ran.err
    )
    assert "journal anchor" in ran.err
    before = json.loads(person.run(*words_of, "--as-of", size).out)
    assert {one["name"] for one in before["graph"]["nodes"]} >= {"std.schools", "ext.weather"}
    person.run("journal", "anchor")
    after = json.loads(person.run(*words_of).out)
    assert {one["name"] for one in after["graph"]["nodes"]} == {THEME, "zt.theme", "theme", "new"}
    assert verify_certificate(render(after)).ok
    # A later delivery has other sources: the first is certified as it stood until then.
    source = person.place / "pupils.parquet"
    if not source.exists():
        source.write_bytes((traced.place / "pupils.parquet").read_bytes())
    receive = ("deliver", "receive", source, "--key", "collector", "--without-manifest")
    theme = ("--entry", THEME, "--row-key", "身份证号", "--period", "2026-Q2")
    person.run(*receive, *theme)
    tell(
        person,
        [encoded(run_event(10, minute=40, job="theme", inputs=("newer",), outputs=("zt.theme",)))],
    )
    person.run("journal", "anchor")
    first, second = (json.loads(person.run(*words_of[:-1], str(number)).out) for number in (1, 2))
    assert "new" in {one["name"] for one in first["graph"]["nodes"]}
    assert "newer" in {one["name"] for one in second["graph"]["nodes"]}
    assert verify_certificate(render(first)).ok
    assert verify_certificate(render(second)).ok


def test_an_entry_of_which_lineage_knows_nothing_is_its_own_source(
    traced: Person, tmp_path: Path
) -> None:
    person = traced.copy(tmp_path / "ledger")
    person.run(
        "lineage", "rule", "withdraw", "R-1", "--reason", "改库", "--key", "education-steward"
    )
    step = [
        {
            "code": "S-1",
            "name": "归集学校名录",
            "type": "collect",
            "inputs": [{"namespace": ORACLE, "name": "SCHOOL"}],
            "outputs": [{"entry": "318001/000007"}],
        }
    ]
    person.run("lineage", "declare", person.write("step.yaml", step), "--key", "education-steward")
    told = json.loads(person.run("lineage", "certify", PUBLISHED, "--delivery", "1").out)
    assert [one["name"] for one in told["graph"]["nodes"]] == [PUBLISHED]
    assert told["journal"] is None
    verdict = verify_certificate(render(told))
    assert verdict.ok, verdict.failure
    assert f"goes back to: {PUBLISHED}" in words(verdict, Status.PROVEN)


@pytest.mark.parametrize(
    ("words_of", "code", "said"),
    [
        ((THEME, "--delivery", "7"), 4, "has no delivery 7: it has 1 to 1"),
        (("318001/000404", "--delivery", "1"), 4, "it has none"),
        ((THEME,), 2, "--delivery"),
        ((THEME, "--delivery", "1", "--as-of", "3"), 4, "has no delivery 1"),
        ((THEME, "--delivery", "1", "--item", "地址"), 3, "no event and no step says where 地址"),
    ],
)
def test_refusals_say_what_to_do(
    traced: Person, words_of: tuple[str, ...], code: int, said: str
) -> None:
    assert said in traced.run("lineage", "certify", *words_of, expect=code).err


# The parts


def test_events_are_read_as_they_stand() -> None:
    event = run_event(1, inputs=("a", "b"), outputs=("c",))
    event["job"]["facets"] = {"x": "MARK"}
    entry = entry_of(COMING, encoded(event).replace(b"MARK", b"\xff\xfe"))
    found = event_in(entry)
    assert found.job == ("airflow", "load")
    assert list(found.inputs) == [(NAMESPACE, "a"), (NAMESPACE, "b")]
    assert found.state == "COMPLETE"
    for bad in (
        b"",
        b"{}",
        b"{}\n[]",
        b"{}\n{}",
        b'{}\n{"job":1}',
        b'{}\n{"job":{"namespace":"a"}}',
    ):
        with pytest.raises(NoEvent):
            event_in(bad)
    with pytest.raises(NoEvent, match="inputs is no list"):
        event_in(b'{}\n{"job":{"namespace":"a","name":"b"},"inputs":{}}')


def test_two_readers_of_events_agree_on_what_others_wrote(shared_data: Path) -> None:
    """The reader that makes edges and the one that checks certificates, on the same events."""
    seen = 0
    for event in real_events(shared_data):
        entry = entry_of(COMING, encoded(event))
        try:
            found = event_in(entry)
        except NoEvent:
            assert said(entry).job is None
            continue
        one = said(entry)
        assert one.job is not None
        assert (one.job.namespace, one.job.name) == found.job
        assert (one.run is None) == (found.run is None)
        for direction, ends in ((INPUT, found.inputs), (OUTPUT, found.outputs)):
            named = {(d.namespace, d.name) for d in one.datasets if d.direction == direction}
            assert named == set(ends)
        seen += 1
    assert seen > 100


JUNK = st.sampled_from([None, 7, "x", [], {}, True])
WAY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["DIRECT", "INDIRECT"]) | JUNK,
        "subtype": st.sampled_from(["FILTER", ""]) | JUNK,
        "masking": st.booleans() | JUNK,
    },
)
PLACE = st.fixed_dictionaries(
    {
        "namespace": st.just("n") | JUNK,
        "name": st.sampled_from("tu"),
        "field": st.sampled_from("ab"),
    },
    optional={"transformations": st.lists(WAY | JUNK, max_size=2) | JUNK},
)
PLACES = st.lists(PLACE | JUNK, max_size=2) | JUNK
FIELD = st.fixed_dictionaries(
    {},
    optional={
        "inputFields": PLACES,
        "inputs": PLACES,
        "transformationType": st.sampled_from(["MASKED", "IDENTITY", "INDIRECT", ""]),
    },
)
FACET = st.fixed_dictionaries(
    {},
    optional={
        "fields": st.dictionaries(st.sampled_from("ab"), FIELD | JUNK, max_size=2) | JUNK,
        "dataset": PLACES,
        "inputs": PLACES,
    },
)


@settings(max_examples=150, deadline=None)
@given(facet=FACET | JUNK, name=st.sampled_from(["columnLineage", "lineage"]))
def test_two_readers_of_columns_agree_whatever_the_facet_holds(facet: Any, name: str) -> None:
    output = {"namespace": "o", "name": "o", "facets": {name: facet}}
    told = {"job": {"namespace": "j", "name": "j"}, "outputs": [output]}
    (found,) = event_in(b"{}\n" + msgspec.json.encode(told)).columns.values()
    expected = [
        (
            c.output_field,
            (c.input_namespace, c.input_name),
            c.input_field,
            c.kind,
            c.subtype,
            c.masking,
        )
        for c in columns_of(msgspec.json.encode(facet))
    ]
    assert [tuple(one) for one in found] == expected


def test_columns_are_read_in_every_form_that_the_facet_had() -> None:
    old = {
        "fields": {
            "a": {
                "inputFields": [{"namespace": "n", "name": "t", "field": "x"}, {"namespace": 1}, 7],
                "transformationType": "MASKED",
            },
            "b": {"inputFields": [{"namespace": "n", "name": "t", "field": "y"}]},
            "c": 5,
        },
        "dataset": [
            {
                "namespace": "n",
                "name": "t",
                "field": "z",
                "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}, {"type": 4}],
            },
            {"namespace": "n", "name": "t", "field": "w"},
        ],
    }
    newer = {"inputs": [{"namespace": "n", "name": "t", "field": "z"}]}
    for name, facet, expected in (
        (
            "columnLineage",
            old,
            [
                ("a", ("n", "t"), "x", "DIRECT", "MASKED", True),
                ("b", ("n", "t"), "y", "", "", False),
                ("", ("n", "t"), "z", "INDIRECT", "FILTER", False),
                ("", ("n", "t"), "z", "", "", False),
                ("", ("n", "t"), "w", "INDIRECT", "", False),
            ],
        ),
        ("lineage", newer, [("", ("n", "t"), "z", "INDIRECT", "", False)]),
        ("columnLineage", [], []),
        ("columnLineage", {"fields": []}, []),
    ):
        output = {"namespace": "o", "name": "o", "facets": {name: facet}}
        told = {"job": {"namespace": "j", "name": "j"}, "outputs": [output]}
        (found,) = event_in(b"{}\n" + msgspec.json.encode(told)).columns.values()
        assert [tuple(one) for one in found] == expected


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*", "", True),
        ("a*b?d", "axxbcd", True),
        ("a*b?d", "axxbd", False),
        ("ods.*", "ods.人口", True),
        ("[a]", "a", False),
        ("a*a*a*b", "a" * 40, False),
        ("?", "", False),
        ("", "", True),
        ("a\nb*", "a\nbc", True),
    ],
)
def test_patterns_are_matched_from_end_to_end(pattern: str, text: str, *, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_the_form_is_closed(data: bytes) -> None:
    names = set(Certificate.__struct_fields__)
    for name in names:
        document = {key: value for key, value in json.loads(data).items() if key != name}
        assert verify_certificate(render(document)).failure is not None
    extra = {**json.loads(data), "note": "trust me"}
    failure = verify_certificate(render(extra)).failure
    assert failure is not None
    assert "note" in failure.en
    assert msgspec.json.decode(data)["format"] == "govledger-provenance-certificate/1"


def test_the_format_is_documented_member_by_member(data: bytes) -> None:
    text = (ROOT / "docs" / "proof-format.md").read_text("utf-8")
    for path, _ in scalars(json.loads(data)):
        name = re.sub(r"\.\d+(?=\.|$)", "", path)
        shown = re.sub(
            r"^(statements\.(statement|decoded|recorded|leaf|mandate))\..*", r"\1…", name
        )
        assert f"`{shown}`" in text, name
    assert "govledger-provenance-certificate/1" in text


def test_over_http_it_is_the_same_file(traced: Person, data: bytes, tmp_path: Path) -> None:
    person = traced.copy(tmp_path / "ledger")
    loaded = load_settings({"passphrase": person.passphrase}, {}, person.data_dir)
    with Office(loaded) as office:
        client = TestClient(
            create_app(office), base_url="http://127.0.0.1", headers={"accept-language": "en"}
        )
        where = f"/api/v1/provenance/{THEME}/certificate"
        asked = {"delivery": "1", "item": "名称"}
        answer = client.get(where, params=asked)
        assert answer.content == data
        again = client.get(where, params=asked, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        missing = client.get(where, params={"delivery": 2})
        assert (missing.status_code, missing.json()["code"]) == (404, "unknown_delivery")
        told = run_event(9, minute=30, job="theme", inputs=("new",), outputs=("zt.theme",))
        office.lineage.append([encoded(told)], door="api", organisation="")
        office.lineage.edges.catch_up()
        loose = client.get(where, params={"delivery": 1})
        assert (loose.status_code, loose.json()["code"]) == (409, "not_anchored")
        size = json.loads(data)["checkpoint"]["size"]
        before = client.get(where, params={"delivery": 1, "as_of": size})
        assert verify_certificate(before.content).ok
