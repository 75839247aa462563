"""Certificates that rest on statements from before the ledger moved to another chain, and on later ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.lineage.certificate.verify import verify_certificate
from ledger.log.document import bundle_digest, render
from ledger.log.verdict import Status
from tests.chain_nodes import anvil_node
from tests.lineage.events import encoded, run_event
from tests.lineage.test_certificate import scalars
from tests.lineage.traced import THEME, THEMED, tell
from tests.person import Person
from tests.succession.conftest import fund

ROOT = Path(__file__).resolve().parents[2]
Document = dict[str, Any]


@pytest.fixture(scope="module")
def carried(
    traced: Person, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Person, Document]]:
    """The traced office on another chain, where a job ran again; and its checkpoint from before."""
    person = traced.copy(tmp_path_factory.mktemp("carried") / "ledger")
    kept: Document = person.run("log", "checkpoint").json()
    with anvil_node() as url:
        fund(person, url)
        person.run("chain", "migrate", "--to", url, "--yes")
        again = run_event(
            5, minute=50, job="theme", inputs=("std.schools", "new.table"), outputs=(THEMED,)
        )
        tell(person, [encoded(again)])
        person.run("journal", "anchor")
        yield person, kept


@pytest.fixture(scope="module")
def data(carried: tuple[Person, Document]) -> bytes:
    person, _ = carried
    return person.run("lineage", "certify", THEME, "--delivery", "1").out.encode()


def test_it_is_checked_offline_over_both_logs(
    carried: tuple[Person, Document], data: bytes
) -> None:
    person, kept = carried
    told = json.loads(data)
    assert told["format"] == "govledger-provenance-certificate/2"
    (opening,) = told["openings"]
    sealed = opening["statement"]["index"]
    assert sealed == kept["size"]
    leaves = [one["statement"]["index"] for one in told["statements"]]
    assert min(leaves) < sealed < max(leaves), "statements of both logs"
    assert {one["name"] for one in told["graph"]["nodes"]} >= {"new.table", "zt.theme"}
    file = person.place / "certificate.json"
    file.write_bytes(data)
    head = person.run("log", "checkpoint").json()
    said = person.run("log", "verify", file, "--root", head["root"], "--size", head["size"]).out
    assert f"carries on log {kept['log']}" in said
    assert "those that you gave" in said
    # Who kept the root of the old chain needs nothing else.
    said = person.run("log", "verify", file, "--root", kept["root"], "--size", sealed).out
    assert f"is that of log {kept['log']} when it was sealed" in said
    person.run("log", "verify", file, "--root", "ab" * 32, expect=5)
    verdict = verify_certificate(data)
    assert verdict.ok
    assert verdict.authorship_proven


def test_as_of_a_size_before_the_move_it_is_proven_from_the_opening_on(
    carried: tuple[Person, Document],
) -> None:
    person, kept = carried
    asked = ("lineage", "certify", THEME, "--delivery", "1", "--as-of", kept["size"])
    told = json.loads(person.run(*asked).out)
    assert told["checkpoint"]["size"] == kept["size"] + 1
    names = {one["name"] for one in told["graph"]["nodes"]}
    assert "new.table" not in names
    assert verify_certificate(render(told), kept["root"], kept["size"]).ok


def test_it_cannot_be_passed_off_as_one_of_a_single_log(data: bytes) -> None:
    told = json.loads(data)
    del told["openings"]
    told["format"] = "govledger-provenance-certificate/1"
    failure = verify_certificate(bound(told)).failure
    assert failure is not None
    assert "how_to_check" in failure.en


def bound(document: Document) -> bytes:
    return render({**document, "bundle_digest": bundle_digest(document)})


def test_a_forged_opening_is_refused_and_named(data: bytes) -> None:
    told = json.loads(data)
    first = dict(scalars(told["openings"][0]))
    free = {"recorded.transaction_hash", "recorded.block_hash", "recorded.block_number"}
    for path, value in first.items():
        if path in free or value is None or path.startswith("decoded.members"):
            continue
        forged = copy.deepcopy(told)
        inner: Any = forged["openings"][0]
        *parents, last = path.split(".")
        for name in parents:
            inner = inner[int(name)] if isinstance(inner, list) else inner[name]
        changed: object
        if isinstance(value, int):
            changed = value + 1
        elif str(value).startswith("0x"):
            changed = str(value)[:-1] + ("1" if str(value)[-1] == "0" else "0")
        else:
            changed = str(value) + "x"
        inner[int(last) if isinstance(inner, list) else last] = changed
        verdict = verify_certificate(bound(forged))
        assert verdict.failure is not None, path
        assert not verdict.failure.zh.isascii()
    for openings, words in (
        ([], "no statement was recorded by a log before the last of these 0"),
        (told["openings"] * 2, "leaf.input and the statement disagree"),
    ):
        failure = verify_certificate(bound({**told, "openings": openings})).failure
        assert failure is not None
        assert words in failure.en
    late = {
        **told,
        "statements": [
            one
            for one in told["statements"]
            if one["statement"]["index"] > told["openings"][0]["statement"]["index"]
        ],
    }
    failure = verify_certificate(bound(late)).failure
    assert failure is not None
    assert "no statement was recorded by a log before" in failure.en


def test_the_second_form_is_documented_member_by_member(data: bytes) -> None:
    text = (ROOT / "docs" / "proof-format.md").read_text("utf-8")
    assert "`govledger-provenance-certificate/2`" in text
    assert "`openings`" in text
    assert [step.status for step in verify_certificate(data).steps].count(Status.FAILED) == 0
