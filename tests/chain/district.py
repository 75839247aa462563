"""A small district for chain tests: keys, and signed batches as a department would make them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from ledger.chain.deployment import Deployment
from ledger.codes import Role
from ledger.statements import FILING, KEY, ORGANISATION, Batch, SignedBatch, StructType, Value

ROOT_CODE = "TMP-ROOT"
DEADLINE = 4_102_444_800


def key_of(name: str) -> LocalAccount:
    """A key that is the same in every run."""
    return Account.from_key(keccak(text=f"chain test {name}"))


GENESIS = key_of("genesis")
STEWARD = key_of("steward")
HEAD = key_of("head")
OUTSIDER = key_of("outsider")


def sign(
    deployment: Deployment, batch: Batch, signer: LocalAccount, head: LocalAccount | None = None
) -> SignedBatch:
    digest = batch.digest(deployment.domain(batch.struct.contract))
    return SignedBatch(
        batch=batch,
        signer=signer.address,
        signature=bytes(signer.unsafe_sign_hash(digest).signature),
        cosigner=None if head is None else head.address,
        cosignature=b"" if head is None else bytes(head.unsafe_sign_hash(digest).signature),
    )


def batch_of(
    struct: StructType,
    organisation: str,
    values: Sequence[Mapping[str, Value]],
    body: bytes = b"{}",
    deadline: int = DEADLINE,
) -> Batch:
    return Batch(struct, organisation, deadline, tuple(values), tuple(body for _ in values))


def root_organisation(deployment: Deployment) -> SignedBatch:
    """The first statement of the log."""
    values = {"code": ROOT_CODE, "version": 1, "parent": "", "level": 2, "status": 1}
    return sign(deployment, batch_of(ORGANISATION, ROOT_CODE, [values]), GENESIS)


def keys(deployment: Deployment) -> SignedBatch:
    """The root organisation's steward and head, in one batch."""
    granted = [(STEWARD, Role.STEWARD), (HEAD, Role.HEAD)]
    values = [
        {"key": key.address, "version": 1, "holder": ROOT_CODE, "roles": int(role), "status": 1}
        for key, role in granted
    ]
    return sign(deployment, batch_of(KEY, ROOT_CODE, values), GENESIS)


def filing(
    deployment: Deployment,
    *codes: str,
    version: int = 1,
    state: int = 1,
    body: bytes = b"{}",
    signer: LocalAccount = STEWARD,
    deadline: int = DEADLINE,
) -> SignedBatch:
    """Drafts of catalogue entries."""
    values = [
        {
            "code": code,
            "version": version,
            "state": state,
            "shareType": 1,
            "openType": 1,
            "grade": 1,
            "updateCycle": 4,
            "library": 4,
        }
        for code in codes
    ]
    return sign(deployment, batch_of(FILING, ROOT_CODE, values, body, deadline), signer)


def soon(seconds: int = 3600) -> int:
    return int(time.time()) + seconds
