"""A small log without a chain: signed batches of every struct, their leaves, and proofs over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from ledger.canonical import canonical_json
from ledger.log import Checkpoint, RecordedPart, consistency_proof, inclusion_proof
from ledger.log.document import CHECKPOINT_FORMAT, hex_of
from ledger.merkle import complete_levels, root_of, subtree_of
from ledger.statements import (
    DECISION,
    FILING,
    KEY,
    ORGANISATION,
    SCORE,
    STRUCTS,
    Authorisation,
    Batch,
    Domain,
    LogIdentity,
    Statement,
    StructType,
    Value,
    address_bytes,
    sha256,
    struct_of,
    subject_of,
    text_hash,
)

GENESIS: LocalAccount = Account.from_key("0x" + "11" * 32)
STEWARD: LocalAccount = Account.from_key("0x" + "22" * 32)
HEAD: LocalAccount = Account.from_key("0x" + "33" * 32)
SPEAKER = "TMP-WATER"
ENTRY = "307015/000001"
CONTRACT_ACCOUNT = bytes.fromhex("cc" * 20)
NOBODY = bytes(20)
START = 1_767_139_200


def sign(account: LocalAccount, digest: bytes) -> bytes:
    return bytes(account.unsafe_sign_hash(Hash32(digest)).signature)


def filing(code: str = ENTRY, version: int = 1, state: int = 2) -> dict[str, Value]:
    members: dict[str, Value] = dict.fromkeys((name for name, _ in FILING.members[:-1]), 1)
    return {**members, "code": code, "version": version, "state": state}


class Sample:
    """A log that grows by :meth:`say`; every batch is one transaction in one block."""

    def __init__(self) -> None:
        self.log = LogIdentity(26476, bytes.fromhex("10" * 20))
        self.statements: list[Statement] = []
        self.authorisations: list[Authorisation] = []
        self.sizes: list[int] = []

    def say(
        self,
        struct: StructType,
        rows: Sequence[Mapping[str, Value]],
        bodies: Sequence[bytes],
        account: LocalAccount,
        *,
        cosigner: LocalAccount | None = None,
        deadline: int = START + 3600,
        signer: bytes | None = None,
        signature: bytes | None = None,
    ) -> list[Statement]:
        batch = Batch(struct, SPEAKER, deadline, tuple(rows), tuple(bodies))
        registry = "0x" + sha256(struct.contract.encode())[:20].hex()
        digest = batch.digest(Domain(struct.contract, self.log.chain_id, registry))
        authorisation = Authorisation(
            digest=digest,
            registry=address_bytes(registry),
            organisation=text_hash(SPEAKER),
            signer=signer or address_bytes(account.address),
            signature=sign(account, digest) if signature is None else signature,
            cosigner=address_bytes(cosigner.address) if cosigner else NOBODY,
            cosignature=sign(cosigner, digest) if cosigner else b"",
            deadline=deadline,
            first_index=len(self.statements),
            count=len(rows),
        )
        self.authorisations.append(authorisation)
        said = [
            Statement(
                index=authorisation.first_index + place,
                kind=struct.kind,
                subject=subject_of(struct, values, authorisation.organisation),
                version=int(values["version"]),
                org=authorisation.organisation,
                signer=authorisation.signer,
                authorisation=digest,
                recorded_at=self.time(len(self.sizes)),
                payload=payload,
                body_digest=sha256(body),
                body=body,
            )
            for place, (values, payload, body) in enumerate(
                zip(rows, batch.payloads(), bodies, strict=True)
            )
        ]
        self.statements += said
        self.sizes.append(len(self.statements))
        return said

    @staticmethod
    def time(block: int) -> int:
        return START + 10 * block

    @staticmethod
    def block_hash(block: int) -> str:
        return hex_of(sha256(b"block %d" % block))

    @property
    def leaves(self) -> list[bytes]:
        return [statement.leaf_hash(self.log) for statement in self.statements]

    def root(self, size: int) -> bytes:
        return root_of(self.leaves[:size])

    def block_of(self, size: int) -> int:
        return next(block for block, end in enumerate(self.sizes) if size <= end)

    def checkpoint(self, size: int) -> Checkpoint:
        block = self.block_of(size)
        return Checkpoint(
            format=CHECKPOINT_FORMAT,
            chain_id=self.log.chain_id,
            log=hex_of(self.log.address),
            size=size,
            root=hex_of(self.root(size)),
            block_number=block,
            block_hash=self.block_hash(block),
            timestamp=self.time(block),
        )

    def inclusion(self, index: int, size: int | None = None) -> dict[str, Any]:
        authorisation = next(
            each
            for each in self.authorisations
            if each.first_index <= index < each.first_index + each.count
        )
        first = authorisation.first_index
        block = self.block_of(index + 1)
        return inclusion_proof(
            statement=self.statements[index],
            authorisation=authorisation,
            batch_payloads=[
                each.payload for each in self.statements[first : first + authorisation.count]
            ],
            recorded=RecordedPart(
                transaction_hash=hex_of(sha256(b"transaction %d" % block)),
                block_number=block,
                block_hash=self.block_hash(block),
                timestamp=self.time(block),
            ),
            checkpoint=self.checkpoint(size or len(self.statements)),
            genesis_authority=address_bytes(GENESIS.address),
            subtree=subtree_of(complete_levels(self.leaves)),
        )

    def consistency(self, old: int, new: int | None = None) -> dict[str, Any]:
        return consistency_proof(
            old=self.checkpoint(old),
            new=self.checkpoint(new or len(self.statements)),
            genesis_authority=address_bytes(GENESIS.address),
            subtree=subtree_of(complete_levels(self.leaves)),
        )


def every_struct() -> Sample:
    """The district's log, and after it a statement of every struct that it has none of."""
    log = district()
    said = {struct_of(statement.payload) for statement in log.statements}
    for struct in STRUCTS:
        if struct not in said:
            values = {name: _any(kind) for name, kind in struct.members[:-1]}
            log.say(struct, [values], [canonical_json({"of": struct.name})], STEWARD)
    return log


def _any(kind: str) -> Value:
    if kind == "bytes32":
        return sha256(b"any")
    if kind == "address":
        return GENESIS.address
    return ENTRY if kind == "string" else 1


def district() -> Sample:
    """Ten leaves of five structs, with texts, codes, no body, and a co-signer."""
    log = Sample()
    log.say(
        ORGANISATION,
        [{"code": SPEAKER, "version": 1, "parent": "", "level": 2, "status": 1}],
        [canonical_json({"code": SPEAKER, "name": "示例水务局"})],
        GENESIS,
    )
    log.say(
        KEY,
        [
            {"key": each.address, "version": 1, "holder": SPEAKER, "roles": roles, "status": 1}
            for each, roles in ((STEWARD, 1), (HEAD, 2), (GENESIS, 63))
        ],
        [canonical_json({"holder": SPEAKER})] * 3,
        GENESIS,
    )
    codes = [ENTRY, "307015/000002", "307015/000003"]
    log.say(
        FILING,
        [filing(code) for code in codes],
        [canonical_json({"code": code, "name": '用水户\n"信息"\u2028'}) for code in codes],
        STEWARD,
        cosigner=HEAD,
    )
    log.say(
        DECISION,
        [{"code": ENTRY, "version": 2, "state": 4}],
        [b""],
        GENESIS,
    )
    score = dict.fromkeys((name for name, _ in SCORE.members[:-1]), 100)
    log.say(
        SCORE,
        [
            {
                **score,
                "entry": ENTRY,
                "version": 1,
                "periodStart": 20260101,
                "periodEnd": 20260131,
                "assessed": 63,
                "ruleSet": sha256(b"rules"),
                "dataRoot": bytes(32),
            }
        ],
        [canonical_json({"entry": ENTRY, "edition": 1})],
        GENESIS,
    )
    log.say(FILING, [filing(version=3, state=1)], [b"{}"], STEWARD)
    return log
