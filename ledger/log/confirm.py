"""Asking a chain for what a proof file can only state: root, blocks, transaction, contract
accounts.

The chain may be anybody's node of the same network; what it says is then as good as that node.
"""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from ledger.chain.interface import CallReverted, Chain, ChainError
from ledger.log.document import (
    CarriedProof,
    Checkpoint,
    CosignerPart,
    Inclusion,
    InclusionProof,
    MandatePart,
    Proof,
    bytes_of,
    hex_of,
)
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.statements import WORD

ERC1271_MAGIC = bytes.fromhex("1626ba7e")
"""What ``isValidSignature(bytes32,bytes)`` returns for a good signature (ERC-1271)."""


def confirm_on_chain(proof: Proof, chain: Chain) -> Verdict:
    """Hold a proof, already checked by :func:`~ledger.log.verify.verify_proof`, against a chain.

    The verdict's first failure says where file and chain disagree, or what the chain could not
    answer.
    """
    verdict = Verdict()
    ends = [proof.checkpoint] if isinstance(proof, Inclusion) else [proof.old, proof.new]
    try:
        for checkpoint in ends:
            _checkpoint(checkpoint, chain, verdict)
        _genesis(proof, ends[0], chain, verdict)
        if isinstance(proof, Inclusion):
            _recorded(proof, chain, verdict)
            if isinstance(proof, CarriedProof):
                _registry(proof.openings[0].mandate, proof.checkpoint, chain, verdict)
                _elsewhere(proof, verdict)
            else:
                _registry(proof.mandate, proof.checkpoint, chain, verdict)
                _signers(proof, chain, verdict)
    except CheckFailedError as failure:
        verdict.add(Status.FAILED, failure.en, failure.zh)
    except ChainError as error:
        verdict.add(
            Status.FAILED,
            f"The chain {chain.name} could not answer: {error}",
            f"链 {chain.name} 无法回答：{error}",
        )
    return verdict


def _agree(what: str, told: object, found: object) -> None:
    if told != found:
        raise CheckFailedError(
            f"The file says {what} {told}, the chain says {found}.",
            f"{what}：文件为 {told}，链上为 {found}。",
        )


def _read(chain: Chain, to: str, signature: str, block: int | None) -> bytes:
    answer = _ask(chain, to, signature, block)
    if len(answer) != WORD:
        raise CheckFailedError(
            f"There is no log at {to}: {signature} is not answered.",
            f"{to} 处没有日志合约：{signature} 没有应答。",
        )
    return answer


def _ask(chain: Chain, to: str, signature: str, block: int | None) -> bytes:
    return chain.call(bytes_of(to), keccak(signature.encode())[:4], block)


def _checkpoint(checkpoint: Checkpoint, chain: Chain, verdict: Verdict) -> None:
    number, log = checkpoint.block_number, checkpoint.log
    _agree("chain id", checkpoint.chain_id, chain.chain_id)
    block = chain.blocks([number])[0]
    _agree(f"the hash of block {number} is", checkpoint.block_hash, hex_of(block.hash))
    _agree(f"the time of block {number} is", checkpoint.timestamp, block.timestamp)
    size = int.from_bytes(_read(chain, log, "size()", number), "big")
    if size == checkpoint.size:
        root = hex_of(_read(chain, log, "root()", number))
        _agree(f"the root at block {number} is", checkpoint.root, root)
        verdict.root_compared = True
        verdict.add(
            Status.PROVEN,
            f"The contract {log} has this root at block {number}.",
            f"合约 {log} 在区块{number}上的根与文件一致。",
        )
        return
    if size < checkpoint.size:
        _agree(f"the log's size at block {number} is", checkpoint.size, size)
    verdict.add(
        Status.STATED,
        f"At block {number} the contract has {size} leaves, the checkpoint {checkpoint.size}: they "
        f"cannot be compared directly. Ask for a proof at size {size}.",
        f"合约在区块{number}上有{size}个叶，检查点为{checkpoint.size}个，无法直接比较。"
        f"请索取大小为{size}的证明。",
    )


def _genesis(proof: Proof, checkpoint: Checkpoint, chain: Chain, verdict: Verdict) -> None:
    found = _read(chain, checkpoint.log, "genesisAuthority()", None)
    _agree("the genesis authority is", proof.genesis_authority, hex_of(found[12:]))
    verdict.add(
        Status.PROVEN,
        f"The contract names the genesis authority {proof.genesis_authority}.",
        f"合约所载创世主管密钥为 {proof.genesis_authority}。",
    )


def _recorded(proof: Inclusion, chain: Chain, verdict: Verdict) -> None:
    recorded = proof.recorded
    block = chain.blocks([recorded.block_number])[0]
    _agree(f"the hash of block {block.number} is", recorded.block_hash, hex_of(block.hash))
    outcome = chain.outcome(bytes_of(recorded.transaction_hash))
    if outcome is None or not outcome.succeeded:
        raise CheckFailedError(
            f"The chain has no successful transaction {recorded.transaction_hash}.",
            f"链上没有成功的交易 {recorded.transaction_hash}。",
        )
    _agree("the transaction's block is", recorded.block_number, outcome.block_number)
    verdict.add(
        Status.PROVEN,
        f"Block {recorded.block_number} and transaction {recorded.transaction_hash} are on the "
        "chain.",
        f"区块{recorded.block_number}和交易 {recorded.transaction_hash} 均在链上。",
    )


def _elsewhere(proof: CarriedProof, verdict: Verdict) -> None:
    """What only the chain could confirm that the statement comes from."""
    verdict.add(
        Status.STATED,
        f"That {proof.mandate.registry} wrote to the log {proof.origin.log}, and what contract accounts signed "
        f"there, only chain {proof.origin.chain_id} can confirm.",
        f"登记合约 {proof.mandate.registry} 写入日志 {proof.origin.log}，以及该链上合约账户的签名，"
        f"只有链{proof.origin.chain_id}能确认。",
    )


def _registry(mandate: MandatePart, checkpoint: Checkpoint, chain: Chain, verdict: Verdict) -> None:
    """The contract that was signed for writes to this log: a log that is not honest could hold
    what was signed for another one.
    """
    registry, log = mandate.registry, checkpoint.log
    try:
        answer = _ask(chain, registry, "log()", None)
    except CallReverted:
        answer = b""
    if answer != bytes_of(log).rjust(WORD, b"\0"):
        raise CheckFailedError(
            f"The contract {registry}, for which the batch was signed, does not write to the log "
            f"{log}.",
            f"该批次所签的登记合约 {registry} 并不写入日志 {log}。",
        )
    verdict.add(
        Status.PROVEN,
        f"The batch was signed for the contract {registry}, which writes to this log.",
        f"该批次是为写入本日志的登记合约 {registry} 签署的。",
    )


def _signers(proof: InclusionProof, chain: Chain, verdict: Verdict) -> None:
    digest = bytes_of(proof.statement.authorisation)
    parts: list[tuple[str, MandatePart | CosignerPart]] = [("signer", proof.mandate)]
    if proof.mandate.cosigner is not None:
        parts.append(("co-signer", proof.mandate.cosigner))
    for name, part in parts:
        if part.signer_kind != "contract":
            continue
        _contract_account(name, part, digest, chain, proof.recorded.block_number)
        verdict.authorship_proven = name == "signer" or verdict.authorship_proven
        verdict.add(
            Status.PROVEN,
            f"The {name}, contract account {part.signer}, accepts the signature (ERC-1271).",
            f"合约账户 {part.signer} 认可该签名（ERC-1271）。",
        )


def _contract_account(
    name: str, part: MandatePart | CosignerPart, digest: bytes, chain: Chain, block: int
) -> None:
    data = keccak(b"isValidSignature(bytes32,bytes)")[:4] + encode(
        ["bytes32", "bytes"], [digest, bytes_of(part.signature)]
    )
    try:
        answer = chain.call(bytes_of(part.signer), data, block)
    except CallReverted:
        answer = b""
    if answer[:4] != ERC1271_MAGIC or len(answer) != WORD:
        raise CheckFailedError(
            f"The {name} {part.signer} is no contract account that accepts this signature.",
            f"{part.signer} 不是认可该签名的合约账户。",
        )
