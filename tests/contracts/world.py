"""A deployed ledger with a district in it, for contract tests, and keys that sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import PrivateKey
from eth_utils import keccak

from ledger.capabilities import RULEBOOKS as ALL_RULEBOOKS
from ledger.chain.artifacts import Artifact, decode, load
from ledger.chain.deployment import REGISTRIES
from ledger.codes import Role
from ledger.mirror.projections import Decoded, Heads, Rulebook, RuleBroken
from ledger.statements import (
    KEY,
    ORGANISATION,
    STRUCTS,
    Authorisation,
    Batch,
    Domain,
    LogIdentity,
    SignedBatch,
    Statement,
    StructType,
    Value,
    address_bytes,
    kind_name,
    kind_word,
    sha256,
    subject_of,
    text_hash,
)
from tests.contracts.evm import (
    CHAIN_ID,
    START,
    Contract,
    Done,
    Evm,
    RefusedError,
    encode_call,
)

DISTRICT = "11310000000000001X"
WATER = "11310000000000002W"
ROADS = "11310000000000003V"
ADMIN = bytes.fromhex("00000000000000000000000000000000000000ad")
ADMIN_DELAY = 3600
DEADLINE = START + 3600
RULEBOOKS: dict[str, Rulebook] = {kind: book for book in ALL_RULEBOOKS for kind in book.kinds}
RECORDED = tuple(struct for struct in STRUCTS if struct.contract in REGISTRIES)
"""The types of statements that the registries of this version take."""
NOT_BY_RULEBOOK = frozenset(
    {"BadSignature", "BodyTooLarge", "EmptyBatch", "NotAdmitted", "StaleVersion"}
)
"""Refusals that have nothing to do with a rulebook: whoever replays checks these things itself."""


def test_artifact(name: str) -> Artifact:
    """A contract that exists for tests alone (contracts/test)."""
    path = Path(__file__).parent / "artifacts" / f"{name}.json"
    return decode(path.read_bytes(), path.name)


test_artifact.__test__ = False  # type: ignore[attr-defined]


def account(name: str) -> LocalAccount:
    """The same key for the same name, always."""
    key: LocalAccount = Account.from_key(keccak(text=f"test key {name}"))
    return key


def sign(key: LocalAccount, digest: bytes) -> bytes:
    """65 bytes ``r || s || v`` over a digest."""
    signature = PrivateKey(bytes(key.key)).sign_msg_hash(digest)
    raw = signature.to_bytes()
    return raw[:64] + bytes([raw[64] + 27])


class ChainHeads(Heads):
    """Heads as the chain has them, and on top of them what a batch would leave behind."""

    def __init__(self, world: World) -> None:
        super().__init__(world.identity, address_bytes(world.genesis.address))
        self._world = world

    def get(self, kind: str, subject: bytes) -> tuple[int, int]:
        return self.slots.get((kind, subject)) or self._world.head(kind, subject)

    def put(self, kind: str, subject: bytes, version: int, state: int) -> None:
        if kind == ORGANISATION.kind and self.get(kind, subject) == (0, 0):
            self.counts[kind] = self.count(kind) + 1
        self.slots[kind, subject] = (version, state)

    def count(self, kind: str) -> int:
        assert kind == ORGANISATION.kind, "rules count organisations alone"
        if kind not in self.counts:
            self.counts[kind] = self._world.registries["Organisations"].read("registered")
        return self.counts[kind]


@dataclass
class World:
    """The contracts of one deployment; statements are built, signed and sent by :meth:`say`."""

    evm: Evm
    manager: Contract
    log: Contract
    registries: dict[str, Contract]
    genesis: LocalAccount
    statements: list[Statement] = field(default_factory=list)
    authorisations: list[Authorisation] = field(default_factory=list)
    _read: dict[tuple[str, bytes], tuple[int, int]] = field(default_factory=dict, repr=False)
    _read_after: int = -1

    @property
    def identity(self) -> LogIdentity:
        return LogIdentity(CHAIN_ID, address_bytes(self.log.address))

    def domain(self, struct: StructType) -> Domain:
        return Domain(struct.contract, CHAIN_ID, self.registries[struct.contract].address)

    def signed(
        self,
        batch: Batch,
        signer: LocalAccount,
        cosigner: LocalAccount | None = None,
    ) -> SignedBatch:
        digest = batch.digest(self.domain(batch.struct))
        if cosigner is None:
            return SignedBatch(batch, signer.address, sign(signer, digest))
        return SignedBatch(
            batch, signer.address, sign(signer, digest), cosigner.address, sign(cosigner, digest)
        )

    def replay(self, signed: SignedBatch) -> ChainHeads:
        """What the rulebooks in Python make of a batch; raises :class:`RuleBroken`."""
        batch, heads = signed.batch, ChainHeads(self)
        organisation, size = text_hash(batch.organisation), self.log.read("size")
        authorisation = Authorisation(
            digest=batch.digest(self.domain(batch.struct)),
            registry=address_bytes(self.registries[batch.struct.contract].address),
            organisation=organisation,
            signer=address_bytes(signed.signer),
            signature=signed.signature,
            cosigner=address_bytes(signed.cosigner or bytes(20)),
            cosignature=signed.cosignature,
            deadline=batch.deadline,
            first_index=size,
            count=len(batch.values),
        )
        for position, (values, body) in enumerate(
            zip(batch.full_values(), batch.bodies, strict=True)
        ):
            payload = batch.struct.encode(values)
            decoded_values = batch.struct.decode(payload)
            version = decoded_values["version"]
            assert isinstance(version, int)
            statement = Statement(
                index=size + position,
                kind=batch.struct.kind,
                subject=subject_of(batch.struct, decoded_values, organisation),
                version=version,
                org=organisation,
                signer=authorisation.signer,
                authorisation=authorisation.digest,
                recorded_at=self.evm.time,
                payload=payload,
                body_digest=sha256(body),
                body=body,
            )
            decoded = Decoded(statement, batch.struct, decoded_values, {})
            rulebook = RULEBOOKS[batch.struct.kind]
            state = rulebook.next_state(decoded, authorisation, heads)
            heads.put(statement.kind, statement.subject, version, state)
        return heads

    def send(self, signed: SignedBatch) -> Done:
        """Sends a signed batch; what it recorded is kept in :attr:`statements`.

        Contract and rulebook must agree, here and so in every test: both take the batch and leave
        the same heads, or both refuse it.
        """
        signature, arguments = signed.method_arguments()
        registry = self.registries[signed.batch.struct.contract]
        try:
            left: Heads | RuleBroken = self.replay(signed)
        except RuleBroken as broken:
            left = broken
        try:
            done = self.evm.send(registry.address, encode_call(signature, arguments))
        except RefusedError as refusal:
            if isinstance(left, Heads) and refusal.name not in NOT_BY_RULEBOOK:
                pytest.fail(f"the contract refuses what the rulebook takes: {refusal}")
            raise
        if isinstance(left, RuleBroken):
            pytest.fail(f"the contract takes what the rulebook refuses: {left}")
        for (kind, subject), head in left.slots.items():
            assert self.head(kind, subject) == head, f"{kind} 0x{subject.hex()}"
        self.statements += [statement_of(values) for values in done.named("Recorded")]
        self.authorisations += [authorisation_of(values) for values in done.named("Authorised")]
        return done

    def say(
        self,
        struct: StructType,
        values: Mapping[str, Value] | Sequence[Mapping[str, Value]],
        signer: LocalAccount,
        organisation: str = DISTRICT,
        *,
        cosigner: LocalAccount | None = None,
        bodies: Sequence[bytes] | None = None,
        deadline: int = DEADLINE,
    ) -> Done:
        rows = [values] if isinstance(values, Mapping) else list(values)
        texts = tuple(bodies) if bodies is not None else tuple(b"{}" for _ in rows)
        batch = Batch(struct, organisation, deadline, tuple(rows), texts)
        return self.send(self.signed(batch, signer, cosigner))

    def head(self, kind: str, subject: bytes) -> tuple[int, int]:
        """What the log says of a subject; asked again once anything was written."""
        if self._read_after != self.evm.writes:
            self._read, self._read_after = {}, self.evm.writes
        if (kind, subject) not in self._read:
            version, state = self.log.read("heads", kind_word(kind), subject)
            self._read[kind, subject] = version, state
        return self._read[kind, subject]

    def register(self, code: str, parent: str = DISTRICT, version: int = 1, **changes: Any) -> Done:
        return self.say(ORGANISATION, organisation(code, parent, version, **changes), self.genesis)

    def grant(self, key: LocalAccount | str, holder: str, roles: Role, version: int = 1) -> Done:
        return self.say(KEY, key_values(key, holder, roles, version), self.genesis)

    def revoke(self, key: LocalAccount, holder: str, roles: Role, version: int = 2) -> Done:
        return self.say(KEY, key_values(key, holder, roles, version, status=2), self.genesis)


def statement_of(values: Mapping[str, Any]) -> Statement:
    """A statement from its ``Recorded`` event."""
    return Statement(
        index=values["index"],
        kind=kind_name(values["kind"]),
        subject=values["subject"],
        version=values["version"],
        org=values["org"],
        signer=address_bytes(values["signer"]),
        authorisation=values["authorisation"],
        recorded_at=values["recordedAt"],
        payload=values["payload"],
        body_digest=values["bodyDigest"],
        body=values["body"],
    )


def authorisation_of(values: Mapping[str, Any]) -> Authorisation:
    """An authorisation from its ``Authorised`` event."""
    return Authorisation(
        digest=values["authorisation"],
        registry=address_bytes(values["registry"]),
        organisation=values["organisation"],
        signer=address_bytes(values["signer"]),
        signature=values["signature"],
        cosigner=address_bytes(values["cosigner"]),
        cosignature=values["cosignature"],
        deadline=values["deadline"],
        first_index=values["firstIndex"],
        count=values["count"],
    )


def organisation(
    code: str, parent: str = DISTRICT, version: int = 1, level: int = 2, status: int = 1
) -> dict[str, Value]:
    return {"code": code, "version": version, "parent": parent, "level": level, "status": status}


def key_values(
    key: LocalAccount | str, holder: str, roles: int, version: int = 1, status: int = 1
) -> dict[str, Value]:
    address = key if isinstance(key, str) else key.address
    return {
        "key": address,
        "version": version,
        "holder": holder,
        "roles": int(roles),
        "status": status,
    }


def filing(code: str, version: int = 1, state: int = 2, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "code": code,
        "version": version,
        "state": state,
        "shareType": 1,
        "openType": 2,
        "grade": 2,
        "updateCycle": 4,
        "library": 4,
    }
    return values | changes


def decision(code: str, version: int, state: int) -> dict[str, Value]:
    return {"code": code, "version": version, "state": state}


def score(entry: str, version: int = 1, edition: int = 1, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "entry": entry,
        "version": version,
        "edition": edition,
        "periodStart": 20250101,
        "periodEnd": 20250331,
        "assessed": 0b111111,
        "normativity": 9000,
        "completeness": 8000,
        "accuracy": 10000,
        "consistency": 0,
        "timeliness": 7500,
        "accessibility": 1,
        "total": 8123,
        "coverage": 10000,
        "ruleSet": keccak(text="rules"),
        "dataRoot": bytes(32),
    }
    return values | changes


def correction(
    code: str, version: int = 1, state: int = 1, *, entry: str, **changes: Value
) -> dict[str, Value]:
    return {"code": code, "version": version, "state": state, "type": 3, "entry": entry} | changes


def checkpoint(origin: str, version: int = 1, size: int = 1, **changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "origin": origin,
        "version": version,
        "size": size,
        "root": keccak(text=f"root of {size}"),
    }
    return values | changes


def dataset_rule(code: str, version: int = 1, *, holder: str, status: int = 1) -> dict[str, Value]:
    return {"code": code, "version": version, "holder": holder, "status": status}


def step(code: str, version: int = 1, status: int = 1) -> dict[str, Value]:
    return {"code": code, "version": version, "status": status}


def deploy(evm: Evm | None = None, *, catalogue: Artifact | None = None) -> World:
    """Manager, log, registries, admissions, and last the admin's delay. Nothing is recorded."""
    evm = evm or Evm()
    genesis = account("genesis")
    manager = evm.deploy(load("AccessManager"), "0x" + ADMIN.hex())
    log = evm.deploy(load("GovernanceLog"), manager.address, genesis.address)
    instead = {"Catalogue": catalogue} if catalogue else {}
    registries = {
        name: evm.deploy(instead.get(name) or load(name), log.address) for name in REGISTRIES
    }
    for kind, contract in {struct.kind: struct.contract for struct in RECORDED}.items():
        log.write("admit", kind_word(kind), registries[contract].address, sender=ADMIN)
    manager.write("grantRole", 0, "0x" + ADMIN.hex(), ADMIN_DELAY, sender=ADMIN)
    return World(evm, manager, log, registries, genesis)


def begin(world: World) -> None:
    """The first statement: the district registers itself."""
    world.say(ORGANISATION, organisation(DISTRICT, parent=""), world.genesis)


def settle(world: World) -> None:
    """A district with two departments and a key for each role that the rules know."""
    begin(world)
    world.say(ORGANISATION, [organisation(WATER), organisation(ROADS)], world.genesis)
    world.say(
        KEY,
        [
            key_values(account("publisher"), DISTRICT, Role.AUTHORITY),
            key_values(account("assessor"), DISTRICT, Role.ASSESSOR),
            key_values(account("water steward"), WATER, Role.STEWARD),
            key_values(account("water head"), WATER, Role.HEAD),
            key_values(account("roads steward"), ROADS, Role.STEWARD),
            key_values(account("roads head"), ROADS, Role.HEAD),
        ],
        world.genesis,
    )


def equip(world: World) -> None:
    """Keys of the district for the roles that collect and audit."""
    world.say(
        KEY,
        [
            key_values(account("collector"), DISTRICT, Role.COLLECTOR),
            key_values(account("auditor"), DISTRICT, Role.AUDITOR),
        ],
        world.genesis,
    )


__all__ = [
    "ADMIN",
    "ADMIN_DELAY",
    "DEADLINE",
    "DISTRICT",
    "RECORDED",
    "ROADS",
    "WATER",
    "World",
    "account",
    "begin",
    "checkpoint",
    "correction",
    "dataset_rule",
    "decision",
    "deploy",
    "equip",
    "filing",
    "key_values",
    "organisation",
    "score",
    "settle",
    "sign",
    "step",
    "test_artifact",
    "text_hash",
]
