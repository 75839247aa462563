"""Checking proof files (证明文件) offline: no network, no database, no trust in who made them.

Shares with the code that makes proofs only the form of the file, the definitions of the typed
structs and the hash functions: leaf, digest and the walks through the tree are computed anew, in
:mod:`ledger.log.verify_statement` and :mod:`ledger.merkle_verify`.

The steps, in order; the first that fails ends the check:

1. the file is a proof file, byte for byte in the form in which they are written;
2. the payload is a typed struct; kind, subject, version and body of the statement are what it says;
   where an earlier log recorded it, the openings that lead from the checkpoint's log to that one;
3. statement -> leaf input -> leaf hash -> path -> root (RFC 9162 section 2.1.3.2);
4. the root is the one the auditor kept, where one is given;
5. payload -> struct hash -> batch -> EIP-712 digest -> signature -> signer, and the co-signer;
6. what is only for reading follows from what was checked; the digest over the whole file holds.
"""

from __future__ import annotations

from typing import Any

from ledger.log.document import (
    CarriedProof,
    ConsistencyProof,
    DocumentError,
    Inclusion,
    LogPart,
    Proof,
    as_dict,
    bundle_digest,
    bytes_of,
    hex_of,
    load,
    render,
)
from ledger.log.instructions import HOW_TO_CHECK
from ledger.log.kept import Kept, check_root
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.log.verify_openings import check_openings
from ledger.log.verify_statement import (
    check_blocks,
    check_leaf,
    check_mandate,
    check_readable,
    check_statement,
)
from ledger.merkle_verify import ProofError, verify_consistency


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
    kept = None if root is None else Kept.of(root, size)
    verdict = Verdict()
    try:
        proof = _read(document, verdict)
        if isinstance(proof, Inclusion):
            _check_inclusion(proof, kept, verdict)
        else:
            _check_consistency(proof, kept, verdict)
    except CheckFailedError as failure:
        verdict.add(Status.FAILED, failure.en, failure.zh)
    return verdict


def _read(document: bytes | dict[str, Any], verdict: Verdict) -> Proof:
    try:
        proof = load(document if isinstance(document, bytes) else render(document))
    except (DocumentError, TypeError, ValueError, RecursionError) as error:
        raise CheckFailedError(
            f"This is no proof file: {error}.", f"这不是有效的证明文件：{error}。"
        ) from error
    if proof.how_to_check != HOW_TO_CHECK[type(proof)]:
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


def _check_inclusion(proof: Inclusion, kept: Kept | None, verdict: Verdict) -> None:
    carried = isinstance(proof, CarriedProof)
    log = LogPart.of(proof.checkpoint)
    kept_before = False
    if isinstance(proof, CarriedProof):
        kept_before = check_openings(proof, log, kept, verdict)
        log = proof.origin
    struct = check_statement(proof.statement, verdict)
    check_leaf(proof, log, proof.checkpoint, verdict)
    if not kept_before:
        check_root(proof.checkpoint, kept, verdict)
    check_mandate(proof, log, struct, verdict)
    check_readable(proof)
    check_blocks(proof, proof.checkpoint, carried=carried)
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


def _check_consistency(proof: ConsistencyProof, kept: Kept | None, verdict: Verdict) -> None:
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
    check_root(old if kept is not None and hex_of(kept.root) == old.root else new, kept, verdict)
    _check_digest(proof)
    verdict.add(
        Status.STATED,
        f"The file states, and only the chain can confirm: blocks {old.block_number} and "
        f"{new.block_number}, genesis authority {proof.genesis_authority}.",
        f"以下由文件载明，只有链能确认：区块{old.block_number}与{new.block_number}，"
        f"创世主管密钥{proof.genesis_authority}。",
    )


def _check_digest(proof: Proof) -> None:
    if bundle_digest(as_dict(proof)) != proof.bundle_digest:
        raise CheckFailedError(
            "bundle_digest does not fit: a block, a transaction, a time or the genesis authority "
            "was altered, or the digest itself.",
            "bundle_digest 不符：区块、交易、时间、创世主管密钥或摘要本身被改动过。",
        )
