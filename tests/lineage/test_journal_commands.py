"""At the terminal: tokens, the journal, its anchors, and what is said when something is wrong."""

from __future__ import annotations

import json
import threading
import time

import pytest

from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.journal.layout import bundle_path
from ledger.lineage.keeper import ForkedJournal
from ledger.merkle import leaf_hash
from ledger.merkle_verify import verify_inclusion
from ledger.office import Office, OfficeError
from ledger.settings import load_settings
from tests.lineage.events import encoded, run_event
from tests.person import Person
from tests.small_office import EDUCATION, ROOT_ORGANISATION

STRANGER = "11310000000000001X"


@pytest.fixture
def collector(office: Person) -> Person:
    """The small ledger, whose collector's key anchors the journal."""
    office.more["GOVLEDGER_JOURNAL_KEY"] = "collector"
    return office


def opened(person: Person, **settings: object) -> Office:
    flags = {"journal_key": "collector", "passphrase": person.passphrase, **settings}
    return Office(load_settings(flags, {}, person.data_dir), work_factor=DEMO_WORK_FACTOR)


def tell(person: Person, *runs: int) -> None:
    with opened(person) as office:
        events = [encoded(run_event(run, minute=run, inputs=("a",))) for run in runs]
        office.lineage.append(events, door="api", organisation=EDUCATION)


def test_a_token_is_shown_once_listed_and_ended(office: Person) -> None:
    made = office.run(
        "token", "create", "--scope", "lineage:write", "--label", "airflow", "--json"
    ).json()
    assert made["token"].startswith(f"glt_{made['id']}_")
    said = office.run("token", "list")
    assert made["id"] in said.out
    assert made["token"] not in said.out
    assert "active" in said.out
    plain = office.run("token", "create", "--scope", "lineage:write", "--organisation", EDUCATION)
    assert plain.out.strip().split("\n")[-1].startswith("glt_")
    office.run("token", "revoke", made["id"])
    listed = office.run("token", "list", "--json").json()["tokens"]
    told = {one["state"]: (one["id"], one["organisation"]) for one in listed}
    assert told["revoked"] == (made["id"], None)
    assert told["active"][1] == EDUCATION


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("token", "create", "--scope", "all"), 2, "all is no scope"),
        (("token", "create", "--scope", "lineage:write", "--days", "0"), 2, "1 to 3650"),
        (
            ("token", "create", "--scope", "lineage:write", "--organisation", "X"),
            2,
            "--organisation",
        ),
        (
            ("token", "create", "--scope", "lineage:write", "--organisation", STRANGER),
            4,
            f"no organisation {STRANGER} is known",
        ),
        (("lineage", "findings", "--org", STRANGER), 4, f"no organisation {STRANGER} is known"),
        (("token", "revoke", "nobody"), 4, "there is no token nobody"),
        (("journal", "anchor"), 2, "journal_key"),
        (("journal", "entry", "0"), 4, "no entry 0"),
    ],
)
def test_a_refusal_says_what_to_do(
    office: Person, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = office.run(*words, expect=code)
    assert said in ran.err


def test_an_empty_journal_is_no_trouble(office: Person) -> None:
    assert office.run("journal", "status", "--json").json()["size"] == 0
    assert "whole: 0 entries" in office.run("journal", "fsck").out
    assert office.run("journal", "anchors", "--json").json() == {"checkpoints": []}
    assert "Lineage journal" in office.run("journal", "status").out


def test_edges_are_made_on_demand_and_afresh(office: Person) -> None:
    assert "0 entries folded" in office.run("journal", "fold").out
    tell(office, 1, 2)
    assert office.run("journal", "fold", "--json").json()["folded"] == 2
    assert office.run("journal", "fold", "--json").json()["folded"] == 0
    afresh = office.run("journal", "fold", "--afresh", "--json").json()
    assert (afresh["folded"], afresh["counts"]["runs"]) == (2, 2)


def test_what_came_is_anchored_proven_and_checked(collector: Person) -> None:
    tell(collector, 1, 2, 3)
    receipt = collector.run("journal", "anchor", "--json").json()["receipt"]
    assert receipt["state"] == "verified"
    assert "nothing new" in collector.run("journal", "anchor").out
    tell(collector, 4)
    told = collector.run("journal", "entry", "1", "--json").json()
    checkpoint = told["checkpoint"]
    assert (checkpoint["size"], checkpoint["organisation"]) == (3, ROOT_ORGANISATION)
    with opened(collector) as office:
        entry = office.lineage.journal.entry(1)
    path = [bytes.fromhex(part[2:]) for part in told["path"]]
    verify_inclusion(leaf_hash(entry), 1, 3, path, bytes.fromhex(checkpoint["root"][2:]))
    assert "not anchored yet" in collector.run("journal", "entry", "3").out
    assert "✓ anchored" in collector.run("journal", "anchor").out
    status = collector.run("journal", "status", "--json").json()
    assert (status["size"], status["anchored"]["size"], status["key"]) == (4, 4, "collector")
    assert "journal of 4 entries" in collector.run("journal", "entry", "3").out
    assert len(collector.run("journal", "anchors", "--json").json()["checkpoints"]) == 2
    assert "2 anchored checkpoints" in collector.run("journal", "fsck").out
    assert collector.run("mirror", "verify").code == 0
    place = collector.data_dir / "proof.json"
    collector.run("journal", "entry", "0", "-o", place)
    assert json.loads(place.read_text("utf-8"))["position"] == 0


def test_an_altered_entry_is_named_and_nothing_more_is_anchored(collector: Person) -> None:
    tell(collector, 1, 2, 3)
    collector.run("journal", "anchor")
    bundle = bundle_path(collector.data_dir / "journals" / "lineage", 0)
    bundle.write_bytes(bundle.read_bytes().replace(b"airflow", b"airfoul", 1))
    ran = collector.run("journal", "fsck", "--json", expect=5)
    assert ran.json()["findings"][0]["position"] == 0
    assert "restore" in ran.err
    with opened(collector) as office:
        office.lineage.append([encoded(run_event(9))], door="api", organisation="")
        tile = office.lineage.journal.place / "tile" / "0" / "000"
        tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
        with pytest.raises(ForkedJournal, match="does not extend"):
            office.anchor_journal(at_once=True)
    assert "does not extend" in collector.run("journal", "anchor", expect=5).err


def test_a_checkpoint_is_due_by_number_or_by_time(collector: Person) -> None:
    with opened(collector) as office:
        keeper = office.lineage
        assert keeper.due(2, 100, 0) is None
        keeper.append([encoded(run_event(1))], door="api", organisation="")
        first = keeper.due(2, 100, 0)
        assert first is not None
        assert (first.size, first.version) == (1, 1)
        receipt = office.anchor_journal()
        assert receipt is not None
        assert office.anchor_journal() is None  # one waits already
        office.settle([receipt.id])
        keeper.append([encoded(run_event(2))], door="api", organisation="")
        recorded = _recorded_at(office)
        assert keeper.due(2, 100, recorded + 99) is None
        assert keeper.due(1, 100, recorded + 99) is not None
        late = keeper.due(2, 100, recorded + 100)
        assert late is not None
        assert (late.size, late.version) == (2, 2)


def _recorded_at(office: Office) -> int:
    from ledger.lineage import queries  # noqa: PLC0415

    with office.read() as connection:
        (only,) = queries.checkpoints(connection)
    return only.recorded_at


def test_a_server_anchors_by_itself_and_tells_when_its_key_may_not(collector: Person) -> None:
    tell(collector, 1)
    stop, troubles = threading.Event(), []
    with opened(collector) as office:
        thread = threading.Thread(target=office.stand_duty, args=(stop, troubles.append))
        thread.start()
        ends = time.monotonic() + 30
        while not _anchored(office) and time.monotonic() < ends:
            time.sleep(0.05)
        stop.set()
        thread.join()
        assert _anchored(office)
        assert troubles == []
    collector.run("key", "revoke", "collector", "--key", "authority", "--reason", "换人")
    with opened(collector, journal_seconds=1) as office:
        office.lineage.append([encoded(run_event(2))], door="api", organisation="")
        office.refresh()
        with pytest.raises(OfficeError, match="collector"):
            office.anchor_journal(at_once=True)


def _anchored(office: Office) -> bool:
    from ledger.lineage import queries  # noqa: PLC0415

    with office.read() as connection:
        return bool(queries.checkpoints(connection))
