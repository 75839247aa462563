"""Proofs of statements that an earlier log recorded: they hold in the log that carries it on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.log import Status, inclusion_proof, render, verify_proof
from ledger.log.document import RecordedPart, hex_of
from ledger.log.prove import opening_part
from ledger.merkle import complete_levels, root_of, subtree_of
from ledger.statements import (
    DECISION,
    OPENING,
    LogIdentity,
    Predecessor,
    Value,
    address_bytes,
    sha256,
)
from tests.log.forging import altered, another, leaves_of, rebound, words
from tests.log.sample import CONTRACT_ACCOUNT, ENTRY, GENESIS, HEAD, STEWARD, Sample, district

ROOT = Path(__file__).resolve().parents[2]
GENESIS_BLOCK = sha256(b"block 0")
OLD_SIZE = 10
SECOND_SIZE = 12


class Moved(Sample):
    """A log that moved, keeping every leaf; :meth:`move` says the opening."""

    @classmethod
    def of(cls, old: Sample) -> Moved:
        moved = cls()
        moved.log, moved.sizes = old.log, list(old.sizes)
        moved.statements, moved.authorisations = (
            list(old.statements),
            list(old.authorisations),
        )
        return moved

    def move(self, chain_id: int, root: bytes | None = None) -> None:
        size = len(self.statements)
        one = Predecessor(
            LogIdentity(self.log.chain_id, self.log.address),
            size,
            root or root_of(self.leaves),
            GENESIS_BLOCK,
        )
        self.log = LogIdentity(
            chain_id, sha256(b"log %d" % chain_id)[:20], (*self.log.earlier, one)
        )
        values: dict[str, Value] = {
            "chainId": one.log.chain_id,
            "log": "0x" + one.log.address.hex(),
            "version": 1,
            "genesis": one.genesis,
            "size": one.size,
            "root": one.root,
        }
        self.say(OPENING, [values], [b"{}"], GENESIS)

    def _recorded(self, index: int) -> RecordedPart:
        # carried over: the blocks are those of the log that holds it now
        block = len(self.sizes) - 1
        return RecordedPart(
            transaction_hash=hex_of(sha256(b"transaction %d" % index)),
            block_number=block,
            block_hash=self.block_hash(block),
            timestamp=self.time(block),
        )

    def carried(self, index: int, size: int | None = None) -> dict[str, Any]:
        size = size or len(self.statements)
        subtree = subtree_of(complete_levels(self.leaves))

        def vouched(at: int) -> dict[str, Any]:
            one = next(
                each
                for each in self.authorisations
                if each.first_index <= at < each.first_index + each.count
            )
            batch = self.statements[one.first_index : one.first_index + one.count]
            return {
                "statement": self.statements[at],
                "authorisation": one,
                "batch_payloads": [each.payload for each in batch],
                "subtree": subtree,
                "log": self.log,
            }

        openings = [
            opening_part(**vouched(one.size), recorded=self._of_block(one.size), size=size)
            for one in reversed(self.log.earlier)
            if index < one.size
        ]
        return inclusion_proof(
            **vouched(index),
            recorded=self._recorded(index) if openings else self._of_block(index),
            checkpoint=self.checkpoint(size),
            genesis_authority=address_bytes(GENESIS.address),
            openings=openings,
        )

    def _of_block(self, index: int) -> RecordedPart:
        block = self.block_of(index + 1)
        return RecordedPart(
            transaction_hash=hex_of(sha256(b"transaction %d" % block)),
            block_number=block,
            block_hash=self.block_hash(block),
            timestamp=self.time(block),
        )


@pytest.fixture(scope="module")
def moved() -> Moved:
    """Ten leaves of one log, an opening, a decision, another opening, another decision."""
    log = Moved.of(district())
    log.move(31337)
    decide(log, 3)
    log.move(1337)
    decide(log, 4)
    return log


def decide(log: Sample, version: int) -> None:
    row: dict[str, Value] = {"code": ENTRY, "version": version, "state": 4}
    log.say(DECISION, [row], [b"{}"], STEWARD, cosigner=HEAD)


def refused(document: dict[str, Any], root: bytes | None = None, size: int | None = None) -> str:
    verdict = verify_proof(document, root, size)
    assert verdict.failure is not None
    assert not verdict.failure.zh.isascii()
    return verdict.failure.en


def test_every_statement_of_every_log_is_proven_against_the_newest_head(moved: Moved) -> None:
    size = len(moved.statements)
    for index in range(size):
        document = moved.carried(index)
        verdict = verify_proof(render(document), moved.root(size), size)
        assert verdict.ok, (index, verdict.failure)
        assert verdict.root_compared
        assert verdict.authorship_proven
        expected = 2 if index < OLD_SIZE else 1 if index < SECOND_SIZE else 0
        assert len(document.get("openings", ())) == expected


def test_the_verdict_explains_which_logs_it_went_through(moved: Moved) -> None:
    proven = words(verify_proof(render(moved.carried(5))), Status.PROVEN)
    old, first = district().log, moved.log.earlier[1].log
    assert f"carries on log {hex_of(old.address)} of chain 26476, sealed with 10 leaves" in proven
    assert f"Leaf 10 opens log {hex_of(first.address)} on chain 31337" in proven
    assert f"Leaf 12 opens log {hex_of(moved.log.address)} on chain 1337" in proven
    assert "The tree begins with exactly these leaves" in proven
    chinese = "".join(verify_proof(render(moved.carried(5))).lines("zh"))
    assert "接续链26476上的日志" in chinese


def test_a_root_kept_of_the_sealed_log_is_enough(moved: Moved) -> None:
    kept = root_of(district().leaves)
    for size in (OLD_SIZE, None):
        verdict = verify_proof(render(moved.carried(5)), kept, size)
        assert verdict.ok, verdict.failure
        assert verdict.root_compared
        assert "that of log" in words(verdict, Status.PROVEN)
    assert "you gave" in refused(moved.carried(5), kept, OLD_SIZE - 1)
    # It says nothing of what came later.
    assert "you gave" in refused(moved.carried(11), kept, OLD_SIZE)


def test_nothing_in_it_can_be_altered_unnoticed_but_what_is_stated(moved: Moved) -> None:
    document = moved.carried(5)
    size = len(moved.statements)
    blocks = {"transaction_hash", "block_number", "block_hash", "timestamp"}
    taken = set()
    for path, value in leaves_of(document):
        if path.startswith("how_to_check") or path == "bundle_digest":
            continue
        forged = altered(document, path, another(value))
        verdict = verify_proof(forged, moved.root(size), size)
        if path.endswith("mandate.cosigner") and verdict.ok:
            # A contract account that nobody can ask here: said to be so.
            assert hex_of(CONTRACT_ACCOUNT) in words(verdict, Status.STATED)
        elif verdict.ok:
            taken.add(path)
    told = {path for path in taken if path.rsplit(".", 1)[-1] not in blocks}
    assert told <= {"genesis_authority"}
    assert all("recorded" in path or path.startswith("checkpoint.") for path in taken - told)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d | {"openings": []}, "No opening leads"),
        (lambda d: d | {"openings": d["openings"][:1]}, "The openings lead to log"),
        (lambda d: d | {"openings": d["openings"][::-1]}, "disagree in checkpoint"),
        (
            lambda d: d | {"origin": {"chain_id": 1, "log": d["origin"]["log"]}},
            "The openings lead to log",
        ),
        (lambda d: d | {"openings": [d["openings"][0]] * 2}, "disagree in checkpoint"),
    ],
)
def test_openings_that_do_not_lead_there_are_refused(
    moved: Moved, change: Any, reason: str
) -> None:
    document = json.loads(render(moved.carried(5)))
    assert reason in refused(rebound(change(document)))


def test_a_statement_that_is_no_opening_opens_nothing(moved: Moved) -> None:
    document = json.loads(render(moved.carried(5)))
    other = json.loads(render(moved.carried(13)))
    part = {name: other[name] for name in document["openings"][0] if name in other}
    document["openings"][0] = part | {"extends": document["openings"][0]["extends"]}
    assert "not an opening" in refused(rebound(document))


def test_an_opening_of_another_tree_is_refused() -> None:
    log = Moved.of(district())
    log.move(31337, root=sha256(b"another tree"))
    assert "not proven to begin with the leaves" in refused(log.carried(5), log.root(11), 11)


def test_a_statement_of_a_log_is_not_taken_for_one_of_its_predecessor(moved: Moved) -> None:
    """What an operator wrote after the seal would lie beyond the size that the opening names."""
    document = json.loads(render(moved.carried(11)))
    document["openings"] = json.loads(render(moved.carried(5)))["openings"]
    document["origin"] = {"chain_id": 26476, "log": hex_of(district().log.address)}
    assert "came after log" in refused(rebound(document))


def test_the_description_names_every_member(moved: Moved) -> None:
    text = (ROOT / "docs" / "proof-format.md").read_text(encoding="utf-8")
    names = {
        ".".join(part for part in path.split(".") if not part.isdigit())
        for path, _ in leaves_of(moved.carried(5))
    }
    for name in sorted(names):
        shared = name.removeprefix("openings.")
        assert f"`{name}`" in text or f"`{shared}`" in text, name
    assert "govledger-inclusion-proof/2" in text
