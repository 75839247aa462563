"""What is signed and hashed: against a foreign EIP-712, the published vectors, and damage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import leaf_hash, root_of
from ledger.signatures import signer_of
from ledger.statements import (
    BY_NAME,
    DECISION,
    FILING,
    KEY,
    LEAF_INPUT_LENGTH,
    MAX_BODY_BYTES,
    ORGANISATION,
    SCORE,
    STRUCTS,
    Batch,
    Domain,
    LogIdentity,
    SignedBatch,
    Statement,
    StatementError,
    StructType,
    address_bytes,
    authorisation_digest,
    key_subject,
    kind_name,
    kind_word,
    same_struct,
    score_subject,
    sha256,
    struct_of,
    subject_of,
    text_hash,
)
from ledger.typed_data import WORD
from scripts.statement_vectors import PLACE, render

VECTORS = json.loads(PLACE.read_text(encoding="utf-8"))
ENCODING = PLACE.with_name("statement-encoding.md").read_text(encoding="utf-8")
LEAF_TYPES = [
    *("uint256", "address", "bytes32", "bytes32", "uint64", "bytes32"),
    *("address", "bytes32", "uint64", "bytes32", "bytes32"),
]
REGISTRY = "0x" + "ab" * 20
HASHES = st.binary(min_size=32, max_size=32)
ADDRESSES = st.binary(min_size=20, max_size=20)


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def members_of(struct: StructType) -> st.SearchStrategy[dict[str, Any]]:
    """Values for every member of a struct but its body digest."""

    def value(kind: str) -> st.SearchStrategy[Any]:
        if kind == "string":
            return st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
        if kind == "address":
            return ADDRESSES.map(lambda address: "0x" + address.hex())
        if kind == "bytes32":
            return HASHES
        return st.integers(min_value=0, max_value=2 ** int(kind.removeprefix("uint")) - 1)

    return st.fixed_dictionaries({name: value(kind) for name, kind in struct.members[:-1]})


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    struct = draw(st.sampled_from(STRUCTS))
    statements = draw(st.lists(members_of(struct), min_size=1, max_size=4))
    return Batch(
        struct,
        draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
        draw(st.integers(min_value=0, max_value=2**64 - 1)),
        tuple(statements),
        tuple(draw(st.binary(max_size=30)) for _ in statements),
    )


@given(batches(), ADDRESSES, st.integers(min_value=1, max_value=2**53 - 1))
def test_the_digest_is_that_of_a_foreign_eip_712(
    batch: Batch, registry: bytes, chain_id: int
) -> None:
    domain = Domain(batch.struct.contract, chain_id, "0x" + registry.hex())
    message = encode_typed_data(full_message=batch.typed_data(domain))
    assert message.header == domain.separator()
    foreign = keccak(b"\x19\x01" + message.header + message.body)
    assert batch.digest(domain) == foreign


@given(batches())
def test_payloads_read_back_and_are_hashed_as_structs(batch: Batch) -> None:
    for values, payload in zip(batch.full_values(), batch.payloads(), strict=True):
        assert struct_of(payload) is batch.struct
        back = batch.struct.decode(payload)
        assert batch.struct.encode(back) == payload
        for name, kind in batch.struct.members:
            if kind == "string":
                assert back[name] == text_hash(values[name])
            elif kind == "address":
                assert back[name].lower() == values[name]
            else:
                assert back[name] == values[name]


@given(batches(), st.data())
def test_a_payload_with_one_byte_more_less_or_a_foreign_type_is_refused(
    batch: Batch, data: st.DataObject
) -> None:
    payload = batch.payloads()[0]
    with pytest.raises(StatementError, match="bytes, the payload has"):
        batch.struct.decode(payload + b"\0")
    with pytest.raises(StatementError, match="bytes, the payload has"):
        batch.struct.decode(payload[:-1])
    place = data.draw(st.integers(min_value=0, max_value=31))
    foreign = bytearray(payload)
    foreign[place] ^= 1
    with pytest.raises(StatementError, match="type hash"):
        batch.struct.decode(bytes(foreign))
    with pytest.raises(StatementError, match="unknown type hash"):
        struct_of(bytes(foreign))


def test_the_published_vectors_are_what_this_code_gives() -> None:
    assert render() == PLACE.read_text(encoding="utf-8")


def test_the_published_vectors_hold_when_rebuilt_from_the_description() -> None:
    """Built from the JSON alone, with a foreign EIP-712 and the ABI encoder: no ledger code."""
    leaves = []
    for batch in VECTORS["batches"]:
        members = [pair.split(" ") for pair in batch["type"].partition("(")[2][:-1].split(",")]
        typed = {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                batch["struct"] + "Batch": [
                    {"name": "organisation", "type": "string"},
                    {"name": "deadline", "type": "uint64"},
                    {"name": "statements", "type": batch["struct"] + "[]"},
                ],
                batch["struct"]: [{"name": name, "type": kind} for kind, name in members],
            },
            "primaryType": batch["struct"] + "Batch",
            "domain": batch["domain"],
            "message": {
                "organisation": VECTORS["organisation"],
                "deadline": VECTORS["deadline"],
                "statements": [statement["values"] for statement in batch["statements"]],
            },
        }
        signable = encode_typed_data(full_message=typed)
        digest = keccak(b"\x19\x01" + signable.header + signable.body)
        assert signable.header == raw(batch["domain_separator"])
        assert digest == raw(batch["authorisation"])
        signed = Account.sign_message(signable, VECTORS["signing_key"])
        assert bytes(signed.signature) == raw(batch["signature"])
        for statement in batch["statements"]:
            body = statement["body"].encode()
            assert statement["values"]["bodyDigest"] == "0x" + sha256(body).hex()
            payload = raw(statement["payload"])
            assert keccak(payload) == raw(statement["struct_hash"])
            words = abi_encode(
                LEAF_TYPES,
                [
                    VECTORS["chain_id"],
                    VECTORS["log"],
                    batch["kind"].encode().ljust(32, b"\0"),
                    raw(statement["subject"]),
                    statement["values"]["version"],
                    raw(VECTORS["org"]),
                    VECTORS["signer"],
                    digest,
                    VECTORS["recorded_at"],
                    sha256(payload),
                    sha256(body),
                ],
            )
            assert words == raw(statement["leaf_input"])
            assert leaf_hash(words) == raw(statement["leaf_hash"])
            leaves.append(leaf_hash(words))
    assert root_of(leaves) == raw(VECTORS["root"])


def test_the_vectors_have_every_struct_and_its_subject() -> None:
    assert [batch["struct"] for batch in VECTORS["batches"]] == [each.name for each in STRUCTS]
    for batch in VECTORS["batches"]:
        struct = BY_NAME[batch["struct"]]
        for statement in batch["statements"]:
            values = struct.decode(raw(statement["payload"]))
            assert subject_of(struct, values, raw(VECTORS["org"])) == raw(statement["subject"])
        assert signer_of(raw(batch["authorisation"]), raw(batch["signature"])) == address_bytes(
            VECTORS["signer"]
        )


def test_the_description_names_every_struct_and_every_word_of_a_leaf() -> None:
    for struct in STRUCTS:
        row = (
            f"| {struct.name} | `{struct.kind}` | {struct.contract}.{struct.method} "
            f"| `{struct.encode_type()}` |"
        )
        assert row in ENCODING
    words = [line for line in ENCODING.splitlines() if line.startswith("| ") and line[2].isdigit()]
    assert len(words) * 32 == LEAF_INPUT_LENGTH
    assert str(MAX_BODY_BYTES) in ENCODING


def test_a_leaf_input_is_never_as_long_as_two_hashes() -> None:
    statement = Statement(
        0, "organisation", bytes(32), 1, bytes(32), bytes(20), bytes(32), 1, b"", bytes(32), b""
    )
    log = LogIdentity(1, bytes(20))
    assert len(statement.leaf_input(log)) == LEAF_INPUT_LENGTH == 352
    assert statement.leaf_hash(log) == leaf_hash(statement.leaf_input(log))
    assert statement.leaf_hash(log) != statement.leaf_hash(LogIdentity(2, bytes(20)))


@pytest.mark.parametrize(
    ("member", "value", "reason"),
    [
        ("state", 256, r"Filing.state must be an integer in 0..2\^8-1, got 256"),
        ("state", -1, "Filing.state must be an integer"),
        ("state", True, "Filing.state must be an integer"),
        ("state", "2", "Filing.state must be an integer"),
        ("code", 7, "Filing.code must be text"),
        ("code", b"short", "Filing.code must be text"),
        ("bodyDigest", b"short", "Filing.bodyDigest must be 32 bytes"),
        ("bodyDigest", "0x00", "Filing.bodyDigest must be 32 bytes"),
    ],
)
def test_a_value_that_does_not_fit_is_named(member: str, value: object, reason: str) -> None:
    values: dict[str, Any] = dict.fromkeys((name for name, _ in FILING.members), 1)
    values.update(code="c", bodyDigest=bytes(32))
    with pytest.raises(StatementError, match=reason):
        FILING.encode({**values, member: value})


def test_a_member_missing_or_unknown_is_named() -> None:
    values = {"code": "c", "version": 1, "state": 1, "bodyDigest": bytes(32)}
    assert DECISION.decode(DECISION.encode(values))["state"] == 1
    with pytest.raises(StatementError, match=r"Decision\.state is missing"):
        DECISION.encode({name: value for name, value in values.items() if name != "state"})
    with pytest.raises(StatementError, match="Decision has no member 'reasons'"):
        DECISION.encode({**values, "reasons": 1})


def test_what_is_no_address_is_refused() -> None:
    values = {
        "key": 5,
        "version": 1,
        "holder": "h",
        "roles": 1,
        "status": 1,
        "bodyDigest": bytes(32),
    }
    with pytest.raises(StatementError, match=r"Key\.key must be an address"):
        KEY.encode(values)
    with pytest.raises(StatementError, match="20 bytes, this one has 19"):
        address_bytes("0x" + "00" * 19)
    with pytest.raises(StatementError, match=r"Key\.key must be an address"):
        subject_of(KEY, values, bytes(32))
    payload = bytearray(KEY.encode({**values, "key": REGISTRY}))
    payload[32] = 1
    with pytest.raises(StatementError, match=r"Key\.key is not an address"):
        KEY.decode(bytes(payload))


def test_a_number_that_does_not_fit_its_member_is_refused_when_read() -> None:
    payload = bytearray(
        DECISION.encode({"code": "c", "version": 1, "state": 1, "bodyDigest": bytes(32)})
    )
    payload[32 * 3] = 1
    with pytest.raises(StatementError, match=r"Decision\.state does not fit uint8"):
        DECISION.decode(bytes(payload))


def test_payloads_whose_numbers_are_the_same_are_read_each_by_itself() -> None:
    said: list[dict[str, Any]] = [
        {"code": bytes([at] * 32), "version": 7, "state": 4, "bodyDigest": bytes([9 - at] * 32)}
        for at in range(3)
    ]
    payloads = [DECISION.encode(values) for values in said]
    for payload, values in zip(payloads, said, strict=True):
        found = DECISION.decode(payload)
        assert found == values
        assert list(found) == list(DECISION.names)
        # What somebody does to it is nobody else's.
        found.clear()
    assert [DECISION.decode(payload) for payload in payloads] == said


def test_subjects_are_the_code_the_key_or_the_assessment() -> None:
    org = text_hash("assessor")
    assert subject_of(ORGANISATION, {"code": "c"}, org) == text_hash("c")
    assert subject_of(FILING, {"code": text_hash("c")}, org) == text_hash("c")
    assert subject_of(KEY, {"key": REGISTRY}, org) == key_subject(REGISTRY)
    assert key_subject(REGISTRY) == bytes(12) + b"\xab" * 20
    score = {"entry": "e", "periodStart": 20260101, "periodEnd": 20260131}
    mine = subject_of(SCORE, score, org)
    assert mine == score_subject(text_hash("e"), 20260101, 20260131, org)
    assert mine != subject_of(SCORE, score, text_hash("another"))
    with pytest.raises(StatementError, match=r"Score\.periodEnd must be an integer"):
        subject_of(SCORE, {**score, "periodEnd": "20260131"}, org)


def test_kinds_are_padded_ascii() -> None:
    for struct in STRUCTS:
        assert kind_name(kind_word(struct.kind)) == struct.kind
    for name in ("", "x" * 33, "类", "a b", "a\0b"):
        with pytest.raises(StatementError, match="1 to 32"):
            kind_word(name)
    for word in (bytes(32), b"\xff" * 32, b"short", b"a\0b".ljust(32, b"\0")):
        with pytest.raises(StatementError, match="not a kind"):
            kind_name(word)


def test_a_batch_needs_statements_bodies_and_measure() -> None:
    values = {"code": "c", "version": 1, "state": 1}
    with pytest.raises(StatementError, match="at least one statement"):
        Batch(DECISION, "o", 1, (), ())
    with pytest.raises(StatementError, match="one body for each"):
        Batch(DECISION, "o", 1, (values,), ())
    with pytest.raises(StatementError, match="statement 1: the body has 131073 bytes"):
        Batch(DECISION, "o", 1, (values, values), (b"", bytes(MAX_BODY_BYTES + 1)))


def test_text_given_as_a_hash_cannot_be_shown_to_a_signer() -> None:
    batch = Batch(DECISION, "o", 1, ({"code": text_hash("c"), "version": 1, "state": 1},), (b"",))
    with pytest.raises(StatementError, match=r"Decision\.code must be text to be shown"):
        batch.typed_data(Domain("Catalogue", 1, REGISTRY))


@given(batches())
def test_calldata_fits_the_method_that_it_names(batch: Batch) -> None:
    signed = SignedBatch(batch, REGISTRY, b"signature", None, b"")
    signature, arguments = signed.method_arguments()
    method, _, types = signature.partition("(")
    assert method == batch.struct.method
    rows, mandate = types[:-1].split("[],")
    encoded = abi_encode([f"{rows}[]", mandate], arguments)
    assert len(encoded) % 32 == 0
    for body in batch.bodies:
        assert body in encoded


def test_statements_of_two_types_are_no_batch() -> None:
    one = DECISION.encode({"code": "c", "version": 1, "state": 1, "bodyDigest": bytes(32)})
    other = ORGANISATION.encode(
        {"code": "c", "version": 1, "parent": "", "level": 1, "status": 1, "bodyDigest": bytes(32)}
    )
    assert same_struct([one, one]) is DECISION
    with pytest.raises(StatementError, match="several struct types: Decision, Organisation"):
        same_struct([one, other])


@given(st.lists(HASHES, min_size=2, max_size=5, unique=True))
def test_the_digest_depends_on_the_order_of_statements(digests: list[bytes]) -> None:
    payloads = [
        DECISION.encode({"code": "c", "version": 1, "state": 1, "bodyDigest": each})
        for each in digests
    ]
    separator = Domain("Catalogue", 1, REGISTRY).separator()
    org = text_hash("o")
    straight = authorisation_digest(DECISION, payloads, org, 1, separator)
    assert straight != authorisation_digest(DECISION, payloads[::-1], org, 1, separator)
    assert straight != authorisation_digest(DECISION, payloads, org, 2, separator)
    assert straight != authorisation_digest(DECISION, payloads, text_hash("p"), 1, separator)


@pytest.mark.parametrize("address", ["0x" + "ab " * 20, "0x" + "zz" * 20, "ab" * 19, b"\1" * 21])
def test_what_is_no_address_is_refused_by_name(address: str | bytes) -> None:
    with pytest.raises(StatementError, match="an address"):
        address_bytes(address)


@pytest.mark.parametrize("deadline", [-1, 1 << 64])
def test_a_deadline_that_the_chain_cannot_hold_is_refused(deadline: int) -> None:
    with pytest.raises(StatementError, match="deadline"):
        Batch(DECISION, "TMP-1", deadline, ({"code": "1", "version": 1, "state": 4},), (b"",))


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.name)
def test_every_bit_of_a_payload_that_no_member_has_is_refused(struct: StructType) -> None:
    values = {
        name: bytes(WORD)
        if kind in ("string", "bytes32")
        else "0x" + "00" * 20
        if kind == "address"
        else (1 << int(kind.removeprefix("uint"))) - 1
        for name, kind in struct.members
    }
    payload = struct.encode(values)
    assert struct.decode(payload) == values
    for name, _, bits, at in struct.layout:
        if 0 < bits < 256:
            for bit in (bits, 255):
                number = int.from_bytes(payload[at : at + WORD], "big") | 1 << bit
                wrong = payload[:at] + number.to_bytes(WORD, "big") + payload[at + WORD :]
                with pytest.raises(StatementError, match=f"{struct.name}.{name} does not fit"):
                    struct.decode(wrong)
