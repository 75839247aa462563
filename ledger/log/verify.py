"""Checking proof files (证明文件) offline: no network, no database, no trust in who made them.

Shares with the code that makes proofs only the form of the file, the definitions of the typed
structs and the hash functions: leaf, digest and the walks through the tree are computed anew, in
:mod:`ledger.log.verify_statement` and :mod:`ledger.merkle_verify`.

The steps, in order; the first that fails ends the check:

1. the file is a proof file, byte for byte in the form in which they are written;
2. the payload is a typed struct; kind, subject, version and body of the statement are what it says;
3. statement -> leaf input -> leaf hash -> path -> root (RFC 9162 section 2.1.3.2);
4. the root is the one the auditor kept, where one is given;
5. payload -> struct hash -> batch -> EIP-712 digest -> signature -> signer, and the co-signer;
6. what is only for reading follows from what was checked; the digest over the whole file holds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.log.document import (
    Checkpoint,
    ConsistencyProof,
    DocumentError,
    InclusionProof,
    Proof,
    as_dict,
    bundle_digest,
    bytes_of,
    hex_of,
    load,
    render,
)
from ledger.log.instructions import HOW_TO_CHECK_CONSISTENCY, HOW_TO_CHECK_INCLUSION
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.log.verify_statement import (
    check_blocks,
    check_leaf,
    check_mandate,
    check_readable,
    check_statement,
)
from ledger.merkle_verify import ProofError, verify_consistency
from ledger.statements import WORD


def verify_proof(
    document: bytes | dict[str, Any],
    root: bytes | str | None = None,
    size: int | None = None,
) -> Verdict:
    """Check a proof file, or the JSON object in one; ``root`` is a root kept by whoever checks.

    ``size`` is the number of leaves under that root, where it was kept too: a root commits to its
    leaves, but several sizes have paths of the same shape, so that only root and size together fix
    the index of a leaf.

    Never raises for a bad file: the verdict's ``failure`` says what is wrong. ``root`` (32 bytes,
    or hex) that is no root raises :class:`ValueError`. A consistency proof is compared with
    ``root`` at either end.
    """
    kept = None if root is None else _Kept(_root(root), size)
    verdict = Verdict()
    try:
        proof = _read(document, verdict)
        if isinstance(proof, InclusionProof):
            _check_inclusion(proof, kept, verdict)
        else:
            _check_consistency(proof, kept, verdict)
    except CheckFailedError as failure:
        verdict.add(Status.FAILED, failure.en, failure.zh)
    return verdict


class _Kept(NamedTuple):
    """What whoever checks knows from elsewhere."""

    root: bytes
    size: int | None


def _root(root: bytes | str) -> bytes:
    try:
        raw = bytes.fromhex(root.strip().removeprefix("0x")) if isinstance(root, str) else root
    except ValueError as error:
        raise ValueError(f"a root is 64 hex digits, not {root!r}") from error
    if len(raw) != WORD:
        raise ValueError(f"a root has 32 bytes (64 hex digits), this one has {len(raw)}")
    return raw


def _read(document: bytes | dict[str, Any], verdict: Verdict) -> Proof:
    try:
        proof = load(document if isinstance(document, bytes) else render(document))
    except (DocumentError, TypeError, ValueError, RecursionError) as error:
        raise CheckFailedError(
            f"This is no proof file: {error}.", f"这不是有效的证明文件：{error}。"
        ) from error
    inclusion = isinstance(proof, InclusionProof)
    if proof.how_to_check != (HOW_TO_CHECK_INCLUSION if inclusion else HOW_TO_CHECK_CONSISTENCY):
        raise CheckFailedError(
            "`how_to_check` is not the text that this format has: the file was altered.",
            "`how_to_check` 与该格式的说明文字不符：文件被改动过。",
        )
    verdict.add(
        Status.PROVEN,
        f"The file is a complete {proof.format}, exactly as proof files are written.",
        f"文件是完整的 {proof.format}，字节形式与规定完全一致。",
    )
    return proof


def _check_inclusion(proof: InclusionProof, kept: _Kept | None, verdict: Verdict) -> None:
    struct = check_statement(proof.statement, verdict)
    check_leaf(proof, verdict)
    _check_root(proof.checkpoint, kept, verdict)
    check_mandate(proof, struct, verdict)
    check_readable(proof)
    check_blocks(proof)
    _check_digest(proof)
    recorded, block = proof.recorded, proof.checkpoint.block_number
    verdict.add(
        Status.PROVEN,
        "What is written for reading (`decoded`) follows from the statement, and the digest over "
        "the whole file holds.",
        "供阅读的内容（`decoded`）与声明一致，整个文件的摘要相符。",
    )
    verdict.add(
        Status.STATED,
        f"The file states, and only the chain can confirm: recorded in block "
        f"{recorded.block_number}, transaction {recorded.transaction_hash}; checkpoint at block "
        f"{block}; genesis authority {proof.genesis_authority}; signed for the registry "
        f"{proof.mandate.registry}, which must be this log's. That the signer's key was in force "
        "follows from the log's key statements (govledger mirror verify).",
        f"以下由文件载明，只有链能确认：记录于区块{recorded.block_number}、交易"
        f"{recorded.transaction_hash}；检查点在区块{block}；创世主管密钥{proof.genesis_authority}；"
        f"所签登记合约{proof.mandate.registry}属于本日志。"
        "签名密钥当时有效，由日志中的密钥声明证明（govledger mirror verify）。",
    )


def _check_consistency(proof: ConsistencyProof, kept: _Kept | None, verdict: Verdict) -> None:
    old, new = proof.old, proof.new
    if (old.chain_id, old.log) != (new.chain_id, new.log):
        raise CheckFailedError(
            "The two checkpoints are of different logs.", "两个检查点不属于同一日志。"
        )
    if (old.block_number, old.timestamp) > (new.block_number, new.timestamp):
        raise CheckFailedError(
            "The older checkpoint is of a later block or time than the newer one.",
            "旧检查点的区块或时间晚于新检查点。",
        )
    path = [bytes_of(text) for text in proof.path]
    try:
        verify_consistency(old.size, new.size, path, bytes_of(old.root), bytes_of(new.root))
    except ProofError as error:
        raise CheckFailedError(
            f"The newer log is not proven to extend the older: {error}.",
            f"未能证明新日志由旧日志追加而来：{error}。",
        ) from error
    verdict.add(
        Status.PROVEN,
        f"The log of {new.size} leaves begins with the {old.size} leaves of the older checkpoint: "
        "nothing was altered, dropped or reordered.",
        f"{new.size}个叶的日志以旧检查点的{old.size}个叶开头：没有改动、删除或调换。",
    )
    _check_root(old if kept is not None and hex_of(kept.root) == old.root else new, kept, verdict)
    _check_digest(proof)
    verdict.add(
        Status.STATED,
        f"The file states, and only the chain can confirm: blocks {old.block_number} and "
        f"{new.block_number}, genesis authority {proof.genesis_authority}.",
        f"以下由文件载明，只有链能确认：区块{old.block_number}与{new.block_number}，"
        f"创世主管密钥{proof.genesis_authority}。",
    )


def _check_root(checkpoint: Checkpoint, kept: _Kept | None, verdict: Verdict) -> None:
    size, root = checkpoint.size, checkpoint.root
    if kept is None:
        verdict.add(
            Status.STATED,
            "That this is the log's root is the file's own word: compare it with a root that you "
            f"kept, or with the contract {checkpoint.log} on chain {checkpoint.chain_id}.",
            "该根确为日志之根，仅为文件自述：请与自己保存的根比较，或向链"
            f"{checkpoint.chain_id}上的合约 {checkpoint.log} 查询。",
        )
    elif hex_of(kept.root) != root or kept.size not in (None, size):
        given = hex_of(kept.root) + (f" at size {kept.size}" if kept.size is not None else "")
        raise CheckFailedError(
            f"The file proves against the root {root} at size {size}, you gave {given}. Either "
            "yours is of another size, or this is not the log that you know.",
            f"文件针对的是大小{size}时的根 {root}，而给定的是 {given}："
            "或给定的根不属于该大小，或这不是您所知的日志。",
        )
    elif kept.size is None:
        verdict.root_compared = True
        verdict.add(Status.PROVEN, "The root is the one that you gave.", "根与您给定的根一致。")
        verdict.add(
            Status.STATED,
            f"That it has {size} leaves is the file's own word: give the size that you kept with "
            "the root, to have that compared as well.",
            f"该根之下有{size}个叶仅为文件自述：请同时给出您与根一并保存的大小以便比较。",
        )
    else:
        verdict.root_compared = True
        verdict.add(
            Status.PROVEN,
            f"The root and its size, {size}, are those that you gave.",
            f"根及其大小{size}与您给定的一致。",
        )


def _check_digest(proof: Proof) -> None:
    if bundle_digest(as_dict(proof)) != proof.bundle_digest:
        raise CheckFailedError(
            "bundle_digest does not fit: a block, a transaction, a time or the genesis authority "
            "was altered, or the digest itself.",
            "bundle_digest 不符：区块、交易、时间、创世主管密钥或摘要本身被改动过。",
        )
