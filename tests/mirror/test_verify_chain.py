"""Verification against operators: forged, backdated, rewritten and cut logs, and nodes that lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from eth_abi.abi import encode
from sqlalchemy import Engine, select, update

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.interface import RawLog
from ledger.codes import Role
from ledger.merkle import Frontier
from ledger.mirror import Mirror, queries, tables
from ledger.mirror.verification.heads import HEADS_MANY
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.since import CheckpointError
from ledger.statements import SignedBatch, Statement, sha256
from ledger.store.engine import open_database, writing
from tests.mirror.world import HEALTH, REVOKED, SCHOOLS, District
from tests.simulator import Key, SimulatedChain, altered, recorded_index

STRANGER = Key.of("stranger")


@pytest.fixture
def district() -> District:
    return District(SimulatedChain(District.genesis, rulebooks=RULEBOOKS)).found()


@pytest.fixture
def mirror(district: District, tmp_path: Path) -> Iterator[Mirror]:
    sim = district.sim
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Mirror(engine, sim, sim.origin, PROJECTIONS, RULEBOOKS)
    engine.dispose()


def kinds(report: Report) -> set[str]:
    return set(report.totals)


def test_a_statement_that_nobody_signed_is_caught(district: District, mirror: Mirror) -> None:
    """The log of this chain's operator skips the signature check."""
    district.file("beds")
    batch = district.filing("forged")
    signature = STRANGER.sign(batch.digest(district.sim.domain(batch.struct)))
    (leaf,) = district.sim.record(SignedBatch(batch, district.steward.text, signature))
    district.file("after")
    mirror.catch_up()
    report = mirror.verify()
    assert kinds(report) == {"signature"}
    assert report.first_leaf == leaf
    assert f"0x{district.steward.address.hex()} did not sign this" in report.findings[0].en
    assert any("并未签署" in line for line in report.lines("zh"))


def test_a_forged_cosignature_is_caught(district: District, mirror: Mirror) -> None:
    batch = district.filing("beds")
    digest = batch.digest(district.sim.domain(batch.struct))
    signed = SignedBatch(
        batch,
        district.steward.text,
        district.steward.sign(digest),
        district.head.text,
        STRANGER.sign(digest),
    )
    (leaf,) = district.sim.record(signed)
    mirror.catch_up()
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.leaf, finding.column) == ("signature", leaf, "cosignature")


def test_what_was_signed_for_another_ledgers_registry_is_caught(
    district: District, mirror: Mirror
) -> None:
    district.sim.registries["Catalogue"] = b"\x77" * 20
    leaf = district.sim.say(district.filing("beds"), district.steward)
    mirror.catch_up()
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.leaf, finding.column) == ("authorisation", leaf, "registry")
    assert "does not write to this log" in finding.en
    offline = mirror.verify(use_chain=False)
    assert any("not in the deployment file" in each.en for each in offline.unchecked)


def test_a_key_without_the_role_is_caught(district: District, mirror: Mirror) -> None:
    leaf = district.sim.say(district.filing("beds"), district.head)
    mirror.catch_up()
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.leaf) == ("rule", leaf)
    assert "STEWARD" in finding.en


def test_a_key_of_another_department_is_caught(district: District, mirror: Mirror) -> None:
    leaf = district.sim.say(district.filing("beds"), district.teacher)
    mirror.catch_up()
    report = mirror.verify()
    assert kinds(report) == {"rule"}
    assert report.first_leaf == leaf


def test_a_key_signs_nothing_after_it_is_revoked_and_what_it_signed_stays(
    district: District, mirror: Mirror
) -> None:
    district.file("before")
    district.keys((district.steward, HEALTH, Role.STEWARD), status=REVOKED)
    mirror.catch_up()
    assert mirror.verify().ok
    leaf = district.file("after")
    mirror.catch_up()
    report = mirror.verify()
    assert kinds(report) == {"rule"}
    assert report.first_leaf == leaf


def test_a_statement_recorded_after_its_deadline_is_caught(
    district: District, mirror: Mirror
) -> None:
    leaf = district.file("late", deadline=1_000)
    mirror.catch_up()
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.leaf) == ("rule", leaf)
    assert "deadline" in finding.en


def test_a_backdated_statement_is_caught(district: District, mirror: Mirror) -> None:
    batch = district.filing("early")
    digest = batch.digest(district.sim.domain(batch.struct))
    district.sim.record(
        SignedBatch(batch, district.steward.text, district.steward.sign(digest)),
        recorded_at=1_600_000_000,
    )
    mirror.catch_up()
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.column) == ("block", "timestamp")
    assert "recorded at 1600000000" in finding.en


def test_a_version_that_was_skipped_is_caught(district: District, mirror: Mirror) -> None:
    district.file("beds")
    district.next_version(f"{HEALTH}/beds")
    leaf = district.file("beds")
    mirror.catch_up()
    report = mirror.verify()
    assert "version" in kinds(report)
    assert report.first_leaf == leaf
    assert f"leaf {leaf} is version 3 of its subject, the one before was 1" in {
        finding.en for finding in report.findings
    }


def test_a_replayed_authorisation_is_caught(district: District, mirror: Mirror) -> None:
    batch = district.filing("beds")
    digest = batch.digest(district.sim.domain(batch.struct))
    signed = SignedBatch(batch, district.steward.text, district.steward.sign(digest))
    district.sim.record(signed)
    (leaf,) = district.sim.record(signed)
    mirror.catch_up()
    report = mirror.verify()
    assert "version" in kinds(report)
    assert report.first_leaf == leaf


def test_a_head_that_follows_from_no_statement_is_caught(
    district: District, mirror: Mirror
) -> None:
    """A contract that keeps other heads than its statements make, e.g. to let a stranger in."""
    district.file("beds")
    mirror.catch_up()
    for history in district.sim.slots.values():
        history[:] = [(index, word ^ 1) for index, word in history[-1:]]
        break
    report = mirror.verify()
    assert kinds(report) == {"head"}


def test_a_contract_account_is_asked_whether_it_signed(district: District, mirror: Mirror) -> None:
    wallet = Key.of("wallet address only")
    district.keys((wallet, HEALTH, Role.STEWARD))
    district.sim.contracts[wallet.address] = lambda _, signature: signature == b"two of three"
    good = SignedBatch(district.filing("by wallet"), wallet.text, b"two of three")
    (first,) = district.sim.record(good)
    mirror.catch_up()
    report = mirror.verify()
    assert report.ok
    assert report.complete
    assert report.counts["contract_signatures"] == 1
    offline = mirror.verify(use_chain=False)
    assert offline.ok
    assert any(f"leaves {first} to {first}" in note.en for note in offline.unchecked)
    bad = SignedBatch(district.filing("by one"), wallet.text, b"one of three")
    (leaf,) = district.sim.record(bad)
    mirror.catch_up()
    report = mirror.verify()
    assert kinds(report) == {"signature"}
    assert report.first_leaf == leaf


def rewritten(district: District) -> None:
    """The operator goes back and lets the department say something else."""
    sim = district.sim
    fork = next(
        block.ref.number - 1
        for block in sim.chain
        if any(recorded_index(event) == 6 for event in block.logs)
    )
    sim.fork(fork, b"rewritten")
    district.versions = {
        subject: 1 for subject in district.versions if not str(subject).startswith(HEALTH + "/")
    }
    district.file("another truth")
    district.file("beds")
    district.file("staff")
    sim.mine(3)


def test_a_rewritten_chain_is_caught_by_a_checkpoint_kept_earlier(
    district: District, mirror: Mirror
) -> None:
    district.file("beds")
    district.file("staff")
    mirror.catch_up()
    with mirror.engine.connect() as conn:
        kept = msgspec.json.encode(queries.checkpoint(conn))
    assert mirror.verify(kept).ok
    district.file("more")
    mirror.catch_up()
    assert mirror.verify(kept).ok
    rewritten(district)
    mirror.catch_up()
    assert mirror.verify().ok, "in itself the rewritten chain is sound"
    report = mirror.verify(kept)
    assert kinds(report) == {"since"}
    assert "history was rewritten" in report.findings[0].en
    fresh = open_database(f"sqlite:///{mirror.engine.url.database}.fresh", "mirror")
    again = Mirror(fresh, district.sim, district.sim.origin, PROJECTIONS, RULEBOOKS)
    again.catch_up()
    assert kinds(again.verify(kept)) == {"since"}
    fresh.dispose()


def test_every_earlier_checkpoint_holds_while_the_log_only_grows(
    district: District, mirror: Mirror
) -> None:
    for number in range(12):
        district.file(*(f"{number}-{i}" for i in range(number * 3 + 1)))
    mirror.catch_up()
    with mirror.engine.connect() as conn:
        size = queries.size_of(conn)
        kept = [queries.checkpoint(conn, old) for old in (0, 1, 6, 7, 64, 100, size - 1, size)]
    for checkpoint in kept:
        assert mirror.verify(checkpoint, use_chain=False).ok
    wrong = msgspec.structs.replace(kept[3], root="0x" + "00" * 32)
    assert kinds(mirror.verify(wrong, use_chain=False)) == {"since"}


def test_a_log_that_lost_statements_is_caught(district: District, mirror: Mirror) -> None:
    district.file("beds")
    mirror.catch_up()
    with mirror.engine.connect() as conn:
        kept = queries.checkpoint(conn)
    longer = msgspec.structs.replace(kept, size=kept.size + 5)
    report = mirror.verify(longer)
    assert kinds(report) == {"since"}
    assert "history was taken away" in report.findings[0].en


def test_a_checkpoint_of_another_log_says_so(district: District, mirror: Mirror) -> None:
    district.file("beds")
    mirror.catch_up()
    with mirror.engine.connect() as conn:
        kept = queries.checkpoint(conn)
    other = msgspec.structs.replace(kept, chain_id=1)
    assert "not of this one" in mirror.verify(other).findings[0].en


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"size": 1}', b"[]", b'{"chain_id":1,"log":"0x","size":1,"root":"0x"}']
)
def test_a_file_that_is_no_checkpoint_is_refused(mirror: Mirror, text: bytes) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        mirror.verify(text)


def test_rows_rewritten_so_that_they_fit_together_are_still_told_from_the_chain_s(
    district: District, mirror: Mirror
) -> None:
    """Whoever owns the database can make tree and cursor fit; the chain names leaf and column."""
    leaf = district.file("beds")
    district.file("staff")
    mirror.catch_up()
    forge(mirror.engine, leaf, b'{"code":"TMP-HEALTH/beds","name":"forged"}', district.sim)
    report = mirror.verify()
    wrong = {(each.leaf, each.table) for each in report.findings if each.kind == "leaf"}
    assert (leaf, "statement") in wrong
    assert any("body" in each.en and each.leaf == leaf for each in report.findings)
    assert "chain" in kinds(report)


def forge(engine: Engine, leaf: int, body: bytes, sim: SimulatedChain) -> None:
    row = tables.statement
    with writing(engine) as conn:
        conn.execute(
            update(row).where(row.c.index_ == leaf).values(body=body, body_digest=sha256(body))
        )
        found = conn.execute(select(row).order_by(row.c.index_))
        frontier, hashes = Frontier(), [Statement(*each).leaf_hash(sim.log) for each in found]
        frontier.extend(hashes)
        conn.execute(
            update(tables.tree_tile)
            .where(tables.tree_tile.c.level == 0)
            .values(hashes=b"".join(hashes))
        )
        conn.execute(update(tables.cursor).values(root=frontier.root()))


def test_a_node_that_lies_to_the_auditor_is_found_out(district: District, mirror: Mirror) -> None:
    leaf = district.file("beds")
    mirror.catch_up()
    district.sim.faults.logs = lambda events: [
        altered(event, recorded_at=5) if recorded_index(event) == leaf else event
        for event in events
    ]
    report = mirror.verify()
    assert report.first_leaf == leaf
    assert "recorded_at" in report.findings[0].en


def test_a_node_that_leaves_events_out_is_found_out(district: District, mirror: Mirror) -> None:
    leaf = district.file("beds")
    district.file("staff")
    mirror.catch_up()

    def without(events: list[RawLog]) -> list[RawLog]:
        return [event for event in events if recorded_index(event) != leaf]

    district.sim.faults.logs = without
    report = mirror.verify()
    assert kinds(report) == {"chain"}
    assert report.first_leaf == leaf


def test_a_contract_with_another_root_is_found_out(district: District, mirror: Mirror) -> None:
    mirror.catch_up()
    district.sim.faults.root = b"\1" * 32
    (finding,) = mirror.verify().findings
    assert (finding.kind, finding.table, finding.column) == ("chain", "cursor", "root")


def test_a_chain_that_moved_on_is_not_held_against_the_mirror(
    district: District, mirror: Mirror
) -> None:
    mirror.catch_up()
    district.file("beds")
    assert mirror.verify().ok


def test_a_reorganised_chain_asks_for_catching_up_first(district: District, mirror: Mirror) -> None:
    district.file("beds")
    mirror.catch_up()
    district.sim.fork(3)
    district.sim.mine(20)
    report = mirror.verify()
    assert kinds(report) == {"chain"}
    assert "let the mirror catch up" in report.findings[0].en


def test_a_chain_that_is_gone_leaves_things_unchecked_and_says_which(
    district: District, mirror: Mirror
) -> None:
    mirror.catch_up()
    district.sim.faults.unreachable = True
    report = mirror.verify()
    assert report.ok
    assert not report.complete
    assert "could not be asked" in report.unchecked[0].en
    assert any(line.startswith("? 未核验") for line in report.lines("zh"))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"\1" * 32, "no (uint256[])"),
        (b"", "no (uint256[])"),
        (encode(["uint256[]"], [[]]), "answered about 0"),
    ],
)
def test_a_node_that_answers_nonsense_about_heads_leaves_them_unchecked(
    district: District,
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    told: str,
) -> None:
    mirror.catch_up()
    real = district.sim.call

    def call(to: bytes, data: bytes, block: int | None = None) -> bytes:
        return answer if data.startswith(HEADS_MANY) else real(to, data, block)

    monkeypatch.setattr(district.sim, "call", call)
    report = mirror.verify()
    assert not report.complete
    assert told in report.unchecked[0].en


def test_a_node_without_old_state_leaves_the_root_unchecked(
    district: District, mirror: Mirror
) -> None:
    mirror.catch_up()
    district.sim.mine(5)
    district.sim.faults.oldest_state = len(district.sim.chain) - 2
    report = mirror.verify()
    assert report.ok
    assert any("keeps no state of block" in note.en for note in report.unchecked)


def test_without_the_chain_the_report_says_what_it_did_not_check(
    district: District, mirror: Mirror
) -> None:
    district.file("beds", organisation=SCHOOLS)
    mirror.catch_up()
    questions = len(district.sim.questions)
    report = mirror.verify(use_chain=False)
    assert len(district.sim.questions) == questions
    assert report.ok
    (note,) = report.unchecked
    assert note.en == (
        "without the chain: hashes of blocks and transactions, and whether the log has gone on or "
        "was rewritten"
    )


def test_a_kind_without_a_rulebook_is_told(district: District, mirror: Mirror) -> None:
    district.file("beds")
    bare = Mirror(mirror.engine, district.sim, district.sim.origin, PROJECTIONS)
    bare.catch_up()
    report = bare.verify(use_chain=False)
    assert report.ok
    assert any("no rulebook for catalogue.entry" in note.en for note in report.unchecked)


def test_many_findings_are_counted_and_the_first_are_listed(
    district: District, mirror: Mirror
) -> None:
    for number in range(80):
        district.sim.say(district.filing(f"e{number}"), STRANGER)
    mirror.catch_up()
    report = mirror.verify()
    assert report.totals["rule"] == 80
    assert len(report.findings) == 50
    assert "✗ … 30 more (rule)" in list(report.lines("en"))
