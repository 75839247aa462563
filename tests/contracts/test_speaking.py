"""Who may speak: organisation, key, role, deadline, signature, second signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.codes import Role
from ledger.statements import (
    DECISION,
    FILING,
    KEY,
    MAX_BODY_BYTES,
    ORGANISATION,
    SCORE,
    Batch,
    SignedBatch,
    StructType,
    Value,
    text_hash,
)
from tests.contracts.conftest import Refused
from tests.contracts.evm import START, encode_call
from tests.contracts.vectors import cases
from tests.contracts.world import (
    DEADLINE,
    DISTRICT,
    RECORDED,
    ROADS,
    WATER,
    World,
    account,
    decision,
    equip,
    filing,
    key_values,
    organisation,
    score,
    sign,
)

STEWARD = account("water steward")
HEAD = account("water head")
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def draft(code: str = "307001/000001") -> dict[str, Value]:
    return filing(code, state=1)


def batch_of(*rows: dict[str, Value], organisation: str = WATER) -> Batch:
    return Batch(FILING, organisation, DEADLINE, rows, tuple(b"{}" for _ in rows))


# Deadlines


def test_the_deadline_is_the_last_second_that_counts(world: World, refused: Refused) -> None:
    world.evm.at(DEADLINE)
    world.say(FILING, draft("307001/000001"), STEWARD, WATER)
    world.evm.at(DEADLINE + 1)
    with refused("DeadlinePassed", DEADLINE, DEADLINE + 1):
        world.say(FILING, draft("307001/000002"), STEWARD, WATER)


# Batches


@pytest.mark.parametrize("struct", RECORDED, ids=lambda struct: struct.name)
def test_a_batch_of_nothing_is_refused(world: World, refused: Refused, struct: StructType) -> None:
    equip(world)
    batch, speaker = next(case for case in cases(world) if case[0].struct is struct)
    organisation = text_hash(batch.organisation)
    mandate = (organisation, DEADLINE, speaker.address, b"", "0x" + "00" * 20, b"")
    signature = (
        f"{struct.method}({struct.calldata_type}[],(bytes32,uint64,address,bytes,address,bytes))"
    )
    with refused("EmptyBatch"):
        world.evm.send(
            world.registries[struct.contract].address, encode_call(signature, [[], mandate])
        )


def test_one_refused_statement_refuses_its_batch(world: World, refused: Refused) -> None:
    with refused("OutOfRange", b"grade".ljust(32, b"\0"), 9, 4):
        world.say(FILING, [draft(), draft("307001/000002") | {"grade": 9}], STEWARD, WATER)
    assert world.log.read("size") == 9


def test_the_largest_body_is_taken_and_one_byte_more_is_not(world: World, refused: Refused) -> None:
    world.say(FILING, draft(), STEWARD, WATER, bodies=[b"x" * MAX_BODY_BYTES])
    assert len(world.statements[-1].body) == MAX_BODY_BYTES
    signature, arguments = world.signed(
        batch_of(draft("307001/000002")), STEWARD
    ).method_arguments()
    arguments[0][0] = (*arguments[0][0][:-1], b"x" * (MAX_BODY_BYTES + 1))
    with refused("BodyTooLarge", MAX_BODY_BYTES + 1, MAX_BODY_BYTES):
        world.evm.send(world.registries["Catalogue"].address, encode_call(signature, arguments))


def test_an_empty_body_has_the_digest_of_nothing(world: World) -> None:
    world.say(FILING, draft(), STEWARD, WATER, bodies=[b""])
    statement = world.statements[-1]
    assert statement.body == b""
    assert statement.body_digest.hex().startswith("e3b0c44298fc1c14")


# Signatures


def tampered_value(signed: SignedBatch) -> SignedBatch:
    rows = ({**signed.batch.values[0], "grade": 1},)
    return replace(signed, batch=replace(signed.batch, values=rows))


def tampered_body(signed: SignedBatch) -> SignedBatch:
    return replace(signed, batch=replace(signed.batch, bodies=(b'{"x":1}',)))


def tampered_deadline(signed: SignedBatch) -> SignedBatch:
    return replace(signed, batch=replace(signed.batch, deadline=DEADLINE + 1))


def added_statement(signed: SignedBatch) -> SignedBatch:
    batch = signed.batch
    longer = replace(
        batch, values=(*batch.values, draft("307001/000009")), bodies=(*batch.bodies, b"{}")
    )
    return replace(signed, batch=longer)


def other_signature(signed: SignedBatch) -> SignedBatch:
    flipped = bytes([signed.signature[10] ^ 1])
    return replace(signed, signature=signed.signature[:10] + flipped + signed.signature[11:])


def short_signature(signed: SignedBatch) -> SignedBatch:
    return replace(signed, signature=signed.signature[:64])


def no_signature(signed: SignedBatch) -> SignedBatch:
    return replace(signed, signature=b"")


def mirrored_signature(signed: SignedBatch) -> SignedBatch:
    """The other point on the curve that fits: valid mathematics, refused as malleable (EIP-2)."""
    r, s, v = signed.signature[:32], signed.signature[32:64], signed.signature[64]
    high = (SECP256K1_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    return replace(signed, signature=r + high + bytes([55 - v]))


@pytest.mark.parametrize(
    "tamper",
    [
        tampered_value,
        tampered_body,
        tampered_deadline,
        added_statement,
        other_signature,
        short_signature,
        no_signature,
        mirrored_signature,
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_a_signature_over_anything_else_is_refused(
    world: World, refused: Refused, tamper: Callable[[SignedBatch], SignedBatch]
) -> None:
    signed = world.signed(batch_of(draft()), STEWARD)
    changed = tamper(signed)
    digest = changed.batch.digest(world.domain(FILING))
    with refused("BadSignature", STEWARD.address, digest):
        world.send(changed)
    world.send(signed)


def test_a_signature_for_another_registry_is_refused(world: World, refused: Refused) -> None:
    batch = batch_of(draft())
    elsewhere = batch.digest(world.domain(SCORE))
    with refused("BadSignature", STEWARD.address, batch.digest(world.domain(FILING))):
        world.send(SignedBatch(batch, STEWARD.address, sign(STEWARD, elsewhere)))


def test_a_recorded_batch_cannot_be_sent_again(world: World, refused: Refused) -> None:
    signed = world.signed(batch_of(draft()), STEWARD)
    world.send(signed)
    subject = text_hash("307001/000001")
    with refused("StaleVersion", b"catalogue.entry".ljust(32, b"\0"), subject, 1, 2):
        world.send(signed)


# Organisations and keys


def test_an_unknown_organisation_does_not_speak(world: World, refused: Refused) -> None:
    with refused("UnknownOrganisation", text_hash("nobody")):
        world.say(FILING, draft(), STEWARD, "nobody")


def test_a_dissolved_organisation_does_not_speak(world: World, refused: Refused) -> None:
    world.say(ORGANISATION, organisation(WATER, version=2, status=2), world.genesis)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.say(FILING, draft(), STEWARD, WATER)
    world.say(ORGANISATION, organisation(WATER, version=3), world.genesis)
    world.say(FILING, draft(), STEWARD, WATER)


def say_filing(world: World, signer: LocalAccount, code: str = WATER) -> None:
    world.say(FILING, draft(), signer, code)


def say_decision(world: World, signer: LocalAccount, code: str = DISTRICT) -> None:
    world.say(FILING, filing("307001/000001"), STEWARD, WATER, cosigner=HEAD)
    world.say(DECISION, decision("307001/000001", 2, 4), signer, code)


def say_score(world: World, signer: LocalAccount, code: str = DISTRICT) -> None:
    world.say(FILING, draft(), STEWARD, WATER)
    world.say(SCORE, score("307001/000001"), signer, code)


def say_organisation(world: World, signer: LocalAccount, code: str = DISTRICT) -> None:
    world.say(ORGANISATION, organisation("TMP-1"), signer, code)


def say_grant(world: World, signer: LocalAccount, code: str = DISTRICT) -> None:
    world.say(KEY, key_values(account("new"), WATER, Role.STEWARD), signer, code)


class Act(NamedTuple):
    """Something that takes a role; ``told`` is what the refusal says is missing."""

    say: Callable[[World, LocalAccount, str], None]
    code: str
    role: Role
    told: Role


ACTS = [
    Act(say_filing, WATER, Role.STEWARD, Role.STEWARD),
    Act(say_decision, DISTRICT, Role.AUTHORITY, Role.AUTHORITY),
    Act(say_score, DISTRICT, Role.ASSESSOR, Role.ASSESSOR | Role.STEWARD),
    Act(say_organisation, DISTRICT, Role.AUTHORITY, Role.AUTHORITY),
    Act(say_grant, DISTRICT, Role.AUTHORITY, Role.AUTHORITY | Role.HEAD),
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.say.__name__)
def test_each_act_takes_its_role_and_no_other_will_do(
    world: World, refused: Refused, act: Act
) -> None:
    able, unable = account("able"), account("unable")
    world.grant(able, act.code, act.role)
    world.grant(unable, act.code, Role(63) & ~act.told)
    start = world.evm.snapshot()
    act.say(world, able, act.code)
    world.evm.revert(start)
    with refused("RoleMissing", unable.address, text_hash(act.code), int(act.told)):
        act.say(world, unable, act.code)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.say.__name__)
def test_an_unknown_key_does_nothing(world: World, refused: Refused, act: Act) -> None:
    nobody = account("nobody")
    with refused("RoleMissing", nobody.address, text_hash(act.code), int(act.told)):
        act.say(world, nobody, act.code)


def test_a_key_of_another_organisation_does_not_speak(world: World, refused: Refused) -> None:
    with refused("RoleMissing", STEWARD.address, text_hash(ROADS), int(Role.STEWARD)):
        world.say(FILING, draft(), STEWARD, ROADS)


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stays(
    world: World, refused: Refused
) -> None:
    world.say(FILING, draft("307001/000001"), STEWARD, WATER)
    late = world.signed(batch_of(draft("307001/000002")), STEWARD)
    kept = world.head(FILING.kind, text_hash("307001/000001"))
    world.revoke(STEWARD, WATER, Role.STEWARD)
    with refused("RoleMissing", STEWARD.address, text_hash(WATER), int(Role.STEWARD)):
        world.send(late)
    assert world.head(FILING.kind, text_hash("307001/000001")) == kept


def test_a_key_that_loses_a_role_keeps_the_others(world: World, refused: Refused) -> None:
    key = account("both")
    world.grant(key, WATER, Role.STEWARD | Role.HEAD)
    world.say(FILING, draft("307001/000001"), key, WATER)
    world.grant(key, WATER, Role.HEAD, version=2)
    with refused("RoleMissing", key.address, text_hash(WATER), int(Role.STEWARD)):
        world.say(FILING, draft("307001/000002"), key, WATER)
    world.say(FILING, filing("307001/000002"), STEWARD, WATER, cosigner=key)


# Second signatures


def test_a_second_signature_is_checked_wherever_it_is_given(world: World, refused: Refused) -> None:
    batch = batch_of(draft())
    digest = batch.digest(world.domain(FILING))
    wrong = SignedBatch(batch, STEWARD.address, sign(STEWARD, digest), HEAD.address, bytes(65))
    with refused("BadSignature", HEAD.address, digest):
        world.send(wrong)
    world.send(replace(wrong, cosignature=sign(HEAD, digest)))


def test_the_second_signature_is_a_heads_of_the_same_organisation(
    world: World, refused: Refused
) -> None:
    for key in (account("roads head"), account("publisher"), account("nobody")):
        with refused("RoleMissing", key.address, text_hash(WATER), int(Role.HEAD)):
            world.say(FILING, filing("307001/000001"), STEWARD, WATER, cosigner=key)
    second_steward = account("second steward")
    world.grant(second_steward, WATER, Role.STEWARD)
    with refused("RoleMissing", second_steward.address, text_hash(WATER), int(Role.HEAD)):
        world.say(FILING, filing("307001/000001"), STEWARD, WATER, cosigner=second_steward)


def test_a_revoked_head_signs_off_nothing(world: World, refused: Refused) -> None:
    world.revoke(HEAD, WATER, Role.HEAD)
    with refused("RoleMissing", HEAD.address, text_hash(WATER), int(Role.HEAD)):
        world.say(FILING, filing("307001/000001"), STEWARD, WATER, cosigner=HEAD)


def test_nobody_signs_off_what_they_signed_themselves(world: World, refused: Refused) -> None:
    key = account("both")
    world.grant(key, WATER, Role.STEWARD | Role.HEAD)
    with refused("CosignerIsSigner", key.address):
        world.say(FILING, filing("307001/000001"), key, WATER, cosigner=key)
    world.say(FILING, filing("307001/000001"), key, WATER, cosigner=HEAD)


def test_whoever_carries_the_batch_does_not_matter(world: World) -> None:
    signed = world.signed(batch_of(draft()), STEWARD)
    signature, arguments = signed.method_arguments()
    carrier = bytes.fromhex(Account.from_key(b"\7" * 32).address[2:])
    data = encode_call(signature, arguments)
    done = world.evm.send(world.registries["Catalogue"].address, data, sender=carrier)
    assert done.named("Recorded")[0]["recordedAt"] == START
