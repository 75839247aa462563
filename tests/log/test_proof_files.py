"""Proof files: what they prove, and that nothing in them can be altered unnoticed."""

from __future__ import annotations

import ast
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.log import (
    ProveError,
    Status,
    consistency_proof,
    inclusion_proof,
    render,
    verify_proof,
)
from ledger.log import document as forms
from ledger.log.document import bytes_of, hex_of, render_compact
from ledger.mirror.queries import Checkpoint as MirrorCheckpoint
from ledger.statements import DECISION, FILING, STRUCTS, Authorisation, Statement, struct_of
from tests.log.forging import altered, another, leaves_of, words
from tests.log.sample import (
    CONTRACT_ACCOUNT,
    ENTRY,
    GENESIS,
    HEAD,
    STEWARD,
    Sample,
    district,
    every_struct,
    filing,
)

ROOT = Path(__file__).resolve().parents[2]
COSIGNED = 5


@pytest.fixture(scope="module")
def log() -> Sample:
    return district()


def refused(document: bytes | dict[str, Any], root: bytes | None = None) -> str:
    """The reason for which a document is refused; both languages say something."""
    verdict = verify_proof(document, root)
    assert not verdict.ok
    assert verdict.failure is not None
    assert verdict.failure is verdict.steps[-1]
    assert not verdict.failure.zh.isascii()
    return verdict.failure.en


def prove_anyhow(log: Sample, statement: Statement, authorisation: Authorisation) -> dict[str, Any]:
    """A proof with one payload for the batch, whatever the authorisation says."""
    return inclusion_proof(
        statement=statement,
        authorisation=authorisation,
        batch_payloads=[statement.payload],
        recorded=forms.RecordedPart(
            transaction_hash="0x" + "00" * 32,
            block_number=1,
            block_hash="0x" + "00" * 32,
            timestamp=1,
        ),
        checkpoint=log.checkpoint(10),
        genesis_authority=bytes(20),
        subtree=lambda *_: bytes(32),
    )


# What is proven


def test_every_statement_of_every_struct_is_proven_at_every_size() -> None:
    log = every_struct()
    seen = set()
    for size in range(1, len(log.statements) + 1):
        for index in range(size):
            document = log.inclusion(index, size)
            verdict = verify_proof(render(document), log.root(size), size)
            assert verdict.ok, verdict.failure
            assert verdict.root_compared
            assert verdict.authorship_proven
            seen.add(document["decoded"]["struct"])
    assert seen == {struct.name for struct in STRUCTS}


def test_every_pair_of_sizes_is_proven_consistent(log: Sample) -> None:
    for new in range(1, len(log.statements) + 1):
        for old in range(1, new + 1):
            for size in (old, new):
                verdict = verify_proof(render(log.consistency(old, new)), log.root(size), size)
                assert verdict.ok, verdict.failure
                assert verdict.root_compared


def test_the_verdict_says_in_both_languages_what_was_proven(log: Sample) -> None:
    verdict = verify_proof(render(log.inclusion(COSIGNED)), log.root(10), 10)
    proven = words(verdict, Status.PROVEN)
    assert "leaf 5 of the 10 leaves" in proven
    assert "The root and its size, 10, are those that you gave" in proven
    assert f"{STEWARD.address.lower()} signed the batch of 3" in proven
    assert f"{HEAD.address.lower()} signed the same batch as co-signer" in proven
    stated = words(verdict, Status.STATED)
    assert "only the chain can confirm" in stated
    assert GENESIS.address.lower() in stated
    chinese = "".join(verdict.lines("zh"))
    assert "第5号叶" in chinese
    assert "会签" in chinese
    assert all(line[0] in "✓·✗" for line in verdict.lines())


def test_without_a_root_the_verdict_says_whose_word_the_root_is(log: Sample) -> None:
    verdict = verify_proof(render(log.inclusion(2)))
    assert verdict.ok
    assert not verdict.root_compared
    assert "the file's own word" in words(verdict, Status.STATED)


def test_a_root_may_be_given_as_hex_or_bytes(log: Sample) -> None:
    data = render(log.inclusion(2))
    root = log.root(10)
    for given in (root, root.hex(), "0x" + root.hex(), f" {root.hex().upper()}\n"):
        assert verify_proof(data, given).root_compared


@pytest.mark.parametrize("root", ["", "0x", "zz", b"short", "ab" * 31])
def test_a_root_that_is_none_is_the_callers_mistake(log: Sample, root: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"a root (is 64 hex digits|has 32 bytes)"):
        verify_proof(render(log.inclusion(2)), root)


def test_another_root_is_refused(log: Sample) -> None:
    assert "you gave" in refused(render(log.inclusion(2)), log.root(9))
    assert "you gave" in refused(render(log.consistency(2)), log.root(3))
    verdict = verify_proof(render(log.inclusion(2)), log.root(10), 11)
    assert "at size 10, you gave" in verdict.failure.en
    assert "at size 11" in verdict.failure.en
    assert "at size" not in verdict.failure.zh
    assert "大小11时的根" in verdict.failure.zh


def test_both_forms_and_the_parsed_object_are_taken(log: Sample) -> None:
    for document in (log.inclusion(COSIGNED), log.consistency(3)):
        for form in (render(document), render_compact(document), document):
            assert verify_proof(form).ok


def test_the_readable_part_shows_texts_and_labels(log: Sample) -> None:
    decoded = log.inclusion(COSIGNED - 1)["decoded"]
    members = {member["name"]: member for member in decoded["members"]}
    assert members["code"]["value"] == ENTRY
    assert (members["state"]["zh"], members["state"]["en"]) == ("已报送", "submitted")
    assert members["grade"]["zh"] == "1级"
    assert "第1版" in decoded["summary"]["zh"]
    assert "recorded 2025-12-31T00:00:20Z" in decoded["summary"]["en"]
    key = {each["name"]: each for each in log.inclusion(3)["decoded"]["members"]}
    assert key["roles"]["zh"].startswith("数据管理员、部门负责人、主管部门")
    assert key["holder"]["value"] == "TMP-WATER"


def test_the_file_can_be_checked_by_hand_as_it_says(log: Sample) -> None:
    """Steps 1 to 3 of ``how_to_check`` with nothing but a hash function."""
    proof = json.loads(render(log.inclusion(COSIGNED, 9)))
    part, checkpoint = proof["statement"], proof["checkpoint"]
    numbers = [checkpoint["chain_id"], int(checkpoint["log"], 16)]
    kind = int.from_bytes(part["kind"].encode().ljust(32, b"\0"), "big")
    numbers += [kind, int(part["subject"], 16), part["version"], int(part["org"], 16)]
    numbers += [int(part["signer"], 16), int(part["authorisation"], 16), part["recorded_at"]]
    leaf_input = b"".join(number.to_bytes(32, "big") for number in numbers)
    leaf_input += sha256(bytes.fromhex(part["payload"][2:])).digest()
    leaf_input += sha256(part["body"].encode()).digest()
    assert "0x" + leaf_input.hex() == proof["leaf"]["input"]
    node = sha256(b"\0" + leaf_input).digest()
    assert "0x" + node.hex() == proof["leaf"]["hash"]
    position, last = part["index"], checkpoint["size"] - 1
    for text in proof["path"]:
        sibling = bytes.fromhex(text[2:])
        while position == last and not position & 1:
            position, last = position >> 1, last >> 1
        pair = sibling + node if position & 1 else node + sibling
        node = sha256(b"\1" + pair).digest()
        position, last = position >> 1, last >> 1
    assert "0x" + node.hex() == checkpoint["root"]


def test_the_check_shares_no_code_with_the_making() -> None:
    for module in ("verify", "verify_statement"):
        tree = ast.parse((ROOT / "ledger" / "log" / f"{module}.py").read_text(encoding="utf-8"))
        imported = {
            (node.module, name.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        assert not any(isinstance(node, ast.Import) for node in ast.walk(tree))
        sources = {source for source, _ in imported}
        assert not sources & {"ledger.log.prove", "ledger.log.queries", "ledger.merkle"}
        assert not {"authorisation_digest", "Batch", "Domain"} & {name for _, name in imported}


# What is refused


@pytest.mark.parametrize("shape", ["inclusion", "consistency"])
@pytest.mark.parametrize(("form", "changes"), [(render, [0x01]), (render_compact, [0x20, 0x03])])
def test_any_altered_byte_is_refused_with_a_reason(
    log: Sample, shape: str, form: Any, changes: list[int]
) -> None:
    """Every position; which other byte stands there matters little, and costs time."""
    document = log.inclusion(COSIGNED) if shape == "inclusion" else log.consistency(3, 9)
    data = form(document)
    assert verify_proof(data).ok
    for place, byte in enumerate(data):
        for change in changes:
            reason = refused(data[:place] + bytes([byte ^ change]) + data[place + 1 :])
            assert len(reason) > 20


@pytest.mark.parametrize("shape", ["inclusion", "consistency"])
def test_any_byte_dropped_doubled_or_inserted_is_refused(log: Sample, shape: str) -> None:
    data = render(log.inclusion(COSIGNED) if shape == "inclusion" else log.consistency(3, 9))
    for place in range(0, len(data), 11):
        refused(data[:place] + data[place + 1 :])
        refused(data[:place] + data[place : place + 1] + data[place:])
        refused(data[:place] + b" " + data[place:])
    for size in range(0, len(data), 97):
        refused(data[:size])
    refused(data + b"\n")


CHAIN_ONLY = {
    "genesis_authority",
    "recorded.transaction_hash",
    "recorded.block_number",
    "recorded.block_hash",
    "checkpoint.block_number",
    "checkpoint.block_hash",
    "checkpoint.timestamp",
    "mandate.cosigner",
}
"""What a forger may replace who also makes a new bundle digest: the verdict calls it stated."""


@pytest.mark.parametrize("index", [2, COSIGNED, 7, 8, 9])
def test_a_forger_who_binds_anew_can_only_touch_what_the_verdict_calls_stated(
    log: Sample, index: int
) -> None:
    document = log.inclusion(index)
    taken = set()
    for path, value in leaves_of(document):
        if path == "bundle_digest":
            continue
        verdict = verify_proof(render(altered(document, path, another(value))), log.root(10), 10)
        if verdict.ok:
            taken.add(path)
        else:
            assert verdict.failure is not None
            assert "bundle_digest" not in verdict.failure.en, path
    assert taken <= CHAIN_ONLY
    assert {"genesis_authority", "recorded.transaction_hash"} <= taken


def test_a_cosigner_made_up_by_a_forger_is_never_called_proven(log: Sample) -> None:
    forged = altered(log.inclusion(9), "mandate.cosigner", another(None))
    verdict = verify_proof(forged)
    assert hex_of(CONTRACT_ACCOUNT) in words(verdict, Status.STATED)
    assert hex_of(CONTRACT_ACCOUNT) not in words(verdict, Status.PROVEN)


def test_a_forger_of_a_consistency_proof_can_only_touch_what_is_stated(log: Sample) -> None:
    document = log.consistency(3, 9)
    taken = set()
    for path, value in leaves_of(document):
        forged = altered(document, path, another(value))
        if path != "bundle_digest" and verify_proof(forged, log.root(9), 9).ok:
            taken.add(path)
    stated = {"block_number", "block_hash", "timestamp"}
    assert taken <= {"genesis_authority"} | {
        f"{end}.{name}" for end in ("old", "new") for name in stated
    }


def test_a_root_kept_without_its_size_leaves_the_size_stated(log: Sample) -> None:
    """Paths of several sizes have one shape (RFC 9162): size and root belong together."""
    forged = altered(log.inclusion(2), "checkpoint.size", 11)
    verdict = verify_proof(forged, log.root(10))
    assert verdict.ok
    assert "That it has 11 leaves is the file's own word" in words(verdict, Status.STATED)
    assert not verify_proof(forged, log.root(10), 10).ok


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("statement.body", '{"code":"307015/000002","name":"别的"}', "The body is not the one"),
        ("statement.version", 2, "statement.version is 2, its payload says 1"),
        ("statement.subject", "0x" + "00" * 32, "statement.subject is 0x00"),
        ("statement.kind", "quality.score", "statement.kind is quality.score"),
        ("statement.index", 4, "leaf and path lead to the root"),
        ("statement.recorded_at", 7, "disagree in statement.recorded_at"),
        ("statement.signer", "0x" + "00" * 20, "disagree in statement.signer"),
        ("statement.org", "0x" + "00" * 32, "disagree in statement.org"),
        ("statement.payload", "0x00", "unknown type hash"),
        ("checkpoint.chain_id", 1, "disagree in checkpoint.chain_id"),
        ("checkpoint.log", "0x" + "00" * 20, "disagree in checkpoint.log"),
        ("checkpoint.size", 5, "cannot be in a tree of 5 leaves"),
        ("checkpoint.root", "0x" + "00" * 32, "leaf and path lead to the root"),
        ("leaf.input", "0x00", "leaf.input and the statement disagree"),
        ("leaf.hash", "0x" + "00" * 32, "leaf.hash is not the hash of leaf.input"),
        ("path", [], "path is shorter than leaf 5 of 10 needs"),
        ("path.1", "0x" + "00" * 32, "leaf and path lead to the root"),
        ("mandate.first_index", 6, "is not in the batch, which begins at 6"),
        ("mandate.first_index", 3, "struct_hashes[2] is not the hash of the statement's payload"),
        ("mandate.struct_hashes", [], "has 0 statements"),
        ("mandate.struct_hashes.0", "0x" + "00" * 32, "does not lead to statement.authorisation"),
        ("mandate.deadline", "1", "does not lead to statement.authorisation"),
        ("mandate.registry", "0x" + "00" * 20, "does not lead to statement.authorisation"),
        ("mandate.signer", "0x" + "00" * 20, "mandate.signer is 0x00"),
        ("mandate.organisation", "0x" + "00" * 32, "mandate.organisation is 0x00"),
        ("mandate.signature", "0x", "mandate.signature is not"),
        ("mandate.signature", "0x" + "01" * 65, "27 or 28"),
        ("mandate.signer_kind", "contract", "but a key made the signature"),
        ("mandate.cosigner.signature", "0x00", "mandate.cosigner.signature is not"),
        ("mandate.cosigner.signer", "0x" + "00" * 20, "mandate.cosigner.signature is not"),
        ("decoded.summary.en", "harmless", "`decoded` does not say what the statement says"),
        ("decoded.members.1.value", "9", "`decoded` does not say what the statement says"),
        ("recorded.timestamp", 1, "recorded.timestamp is not the time in the statement"),
        ("recorded.block_number", 99, "cannot be blocks of one chain"),
        ("how_to_check.en.0", "Trust me.", "`how_to_check` is not the text"),
        ("statement.body_encoding", "hex", "statement.body is said to be hex"),
        ("format", "govledger-inclusion-proof/9", "`format` is 'govledger-inclusion-proof/9'"),
        ("mandate.deadline", "01", "$.mandate.deadline"),
        ("mandate.deadline", 1, "$.mandate.deadline"),
        ("statement.version", True, "$.statement.version"),
        ("statement.version", -1, "$.statement.version"),
        ("checkpoint.root", "0x" + "AB" * 32, "$.checkpoint.root"),
        ("path.0", "0x" + "00" * 31, "$.path[0]"),
        ("surplus", 1, "unknown field `surplus`"),
        ("statement.surplus", 1, "unknown field `surplus`"),
    ],
)
def test_a_forged_member_is_refused_by_name(
    log: Sample, path: str, value: object, reason: str
) -> None:
    assert reason in refused(altered(log.inclusion(COSIGNED), path, value))


def test_a_missing_member_is_refused_by_name(log: Sample) -> None:
    document = log.inclusion(COSIGNED)
    for name in document:
        rest = {key: value for key, value in document.items() if key != name}
        assert f"`{name}`" in refused(rest)


def test_chain_only_members_are_bound_by_the_bundle_digest(log: Sample) -> None:
    document = log.inclusion(COSIGNED)
    forged = {**document, "genesis_authority": "0x" + "00" * 20}
    assert "bundle_digest does not fit" in refused(forged)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "`format` is None"),
        (b"null", "`format` is None"),
        (b'{"format":"govledger-checkpoint/1"}', "proves nothing by itself: keep it"),
        (b'{"format":{}}', "`format` is {}"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested deeper"),
        (b" " * (forms.MAX_PROOF_BYTES + 1), "at most"),
        (b'{"format":1,"format":1}', "appears twice"),
    ],
)
def test_what_is_no_proof_file_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert reason in refused(data)


def test_a_file_reformatted_by_another_tool_is_refused_at_the_byte(log: Sample) -> None:
    document = log.consistency(3)
    for data in (
        json.dumps(document, indent=4, ensure_ascii=False).encode(),
        json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n",
        render(document).replace(b"\n", b"\r\n"),
        json.dumps(document, indent=2).encode() + b"\n",
    ):
        assert "is not as proof files are written" in refused(data)


def test_an_object_that_is_no_json_is_refused() -> None:
    assert "This is no proof file" in refused({"format": {1, 2}})


# Special statements


def test_the_signature_of_a_contract_account_is_left_to_the_chain() -> None:
    log = Sample()
    log.say(FILING, [filing()], [b"{}"], STEWARD, signer=CONTRACT_ACCOUNT, signature=b"any bytes")
    document = log.inclusion(0)
    assert document["mandate"]["signer_kind"] == "contract"
    verdict = verify_proof(document, log.root(1))
    assert verdict.ok
    assert not verdict.authorship_proven
    assert "must be checked on the chain" in words(verdict, Status.STATED)


def test_a_log_that_skipped_the_signature_proves_inclusion_but_no_authorship() -> None:
    log = Sample()
    log.say(FILING, [filing()], [b"{}"], GENESIS, signer=bytes.fromhex(HEAD.address[2:]))
    verdict = verify_proof(log.inclusion(0), log.root(1))
    assert not verdict.authorship_proven
    assert f"No key of {HEAD.address.lower()} made mandate.signature" in words(
        verdict, Status.STATED
    )
    assert f"it is {GENESIS.address.lower()}'s" in words(verdict, Status.STATED)
    claimed = altered(log.inclusion(0), "mandate.signer_kind", "key")
    assert "mandate.signature is not" in refused(claimed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\x00 no text",
        b"\xef\xbb\xbf{}",
        b'{"b":1,"a":2}',
        b"\x00\x7f\x1b",
        b"0x00",
        b"{" * 99,
    ],
)
def test_any_body_is_carried_exactly(body: bytes) -> None:
    log = Sample()
    log.say(FILING, [filing()], [body], STEWARD)
    for form in (render, render_compact):
        assert verify_proof(form(log.inclusion(0)), log.root(1)).ok


def test_text_written_as_hex_is_refused() -> None:
    log = Sample()
    log.say(FILING, [filing()], [b"{}"], STEWARD)
    document = altered(log.inclusion(0), "statement.body_encoding", "hex")
    assert "in a way that proof files do not use" in refused(
        altered(document, "statement.body", "0x7b7d")
    )
    log = Sample()
    log.say(FILING, [filing()], [b"\xff"], STEWARD)
    assert "not use" in refused(altered(log.inclusion(0), "statement.body", "0xFF"))


def test_the_largest_body_and_batch_fit_a_proof_file() -> None:
    log = Sample()
    rows = [filing(f"307015/{number:06}") for number in range(100)]
    log.say(FILING, rows, [b"\x01" * 131_072, *[b"{}"] * 99], STEWARD, cosigner=HEAD)
    data = render(log.inclusion(0))
    assert verify_proof(data, log.root(100)).ok


def test_a_deadline_beyond_every_calendar_is_carried_exactly() -> None:
    log = Sample()
    log.say(FILING, [filing()], [b"{}"], STEWARD, deadline=2**64 - 1)
    document = log.inclusion(0)
    assert document["mandate"]["deadline"] == str(2**64 - 1)
    assert verify_proof(document).ok


def test_a_statement_of_a_later_release_is_not_proven_but_explained(log: Sample) -> None:
    later = msgspec.structs.replace(log.statements[9], payload=b"\x01" * 64)
    with pytest.raises(ProveError, match="cannot be read by this release: unknown type hash"):
        prove_anyhow(log, later, log.authorisations[-1])


def test_a_statement_that_is_not_yet_in_the_log_is_not_proven(log: Sample) -> None:
    with pytest.raises(
        ProveError, match="statement 5 is not yet in the log at size 5; ask for a size of 6"
    ):
        log.inclusion(5, 5)


def test_the_whole_batch_is_needed(log: Sample) -> None:
    with pytest.raises(ProveError, match="the batch has 3 statements, 1 are given"):
        prove_anyhow(log, log.statements[4], log.authorisations[2])


def test_consistency_needs_two_sizes_of_one_log(log: Sample) -> None:
    other = msgspec.structs.replace(log.checkpoint(9), log="0x" + "00" * 20)
    empty = msgspec.structs.replace(log.checkpoint(1), size=0)
    for old, new, reason in (
        (log.checkpoint(3), other, "different logs"),
        (empty, log.checkpoint(9), "nothing can be proven from size 0"),
        (log.checkpoint(9), log.checkpoint(3), "from size 9 to 3"),
    ):
        with pytest.raises(ProveError, match=reason):
            consistency_proof(
                old=old, new=new, genesis_authority=bytes(20), subtree=lambda *_: bytes(32)
            )


def test_a_rewritten_log_is_caught_by_a_kept_root(log: Sample) -> None:
    rewritten = district()
    rewritten.statements[2] = log.statements[3]
    document = rewritten.consistency(5, 10)
    assert verify_proof(document).ok
    assert "you gave" in refused(render(document), log.root(5))
    mixed = altered(document, "old.root", hex_of(log.root(5)))
    assert "is not proven to extend the older" in refused(mixed, log.root(5))


def test_two_roots_of_one_size_are_called_a_fork(log: Sample) -> None:
    document = altered(log.consistency(9, 9), "new.root", "0x" + "00" * 32)
    assert "forked log" in refused(document)


# The written format


def test_a_checkpoint_here_is_a_checkpoint_of_the_mirror() -> None:
    ours = {field.name: field.required for field in msgspec.structs.fields(forms.Checkpoint)}
    assert set(ours) == {field.name for field in msgspec.structs.fields(MirrorCheckpoint)}


def test_the_format_is_documented_member_by_member(log: Sample) -> None:
    text = (ROOT / "docs" / "proof-format.md").read_text(encoding="utf-8")
    for document in (log.inclusion(COSIGNED), log.consistency(3)):
        names = {
            ".".join(part for part in path.split(".") if not part.isdigit())
            for path, _ in leaves_of(document)
        }
        for name in names:
            assert f"`{name}`" in text, name
    for name in (forms.INCLUSION_FORMAT, forms.CONSISTENCY_FORMAT, forms.CHECKPOINT_FORMAT):
        assert name in text
    assert bytes_of(hex_of(b"\0\xff")) == b"\0\xff"
    assert struct_of(log.statements[7].payload) is DECISION
