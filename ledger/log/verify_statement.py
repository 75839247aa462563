"""The parts of checking an inclusion proof: statement, leaf, mandate, and what follows from them.

Every function returns where its part holds and raises
:class:`~ledger.log.verdict.CheckFailedError` where it does not. The encodings are those of
``docs/statement-encoding.md``, written here a second time.
"""

from __future__ import annotations

from hashlib import sha256

from eth_utils.crypto import keccak

from ledger.log import readable
from ledger.log.document import (
    Checkpoint,
    CosignerPart,
    Inclusion,
    LogPart,
    MandatePart,
    StatementPart,
    VouchedPart,
    bytes_of,
    hex_of,
)
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.merkle_verify import ProofError, leaf_hash, verify_inclusion
from ledger.signatures import SignatureError, signer_of
from ledger.statements import (
    EIP712_DOMAIN_TYPE,
    WORD,
    Statement,
    StatementError,
    StructType,
    Value,
    struct_of,
    subject_of,
)

Told = Inclusion | VouchedPart
"""What a file says of one statement, with its place in the tree and who signed it."""
_LEAF_WORDS = (
    "checkpoint.chain_id",
    "checkpoint.log",
    "statement.kind",
    "statement.subject",
    "statement.version",
    "statement.org",
    "statement.signer",
    "statement.authorisation",
    "statement.recorded_at",
    "statement.payload",
    "statement.body_digest",
)


def check_statement(part: StatementPart, verdict: Verdict) -> StructType:
    """Body against its digest; kind, subject, version and digest against the payload."""
    if sha256(_body(part)).hexdigest() != part.body_digest[2:]:
        raise CheckFailedError(
            "The body is not the one that was recorded: its SHA-256 is not statement.body_digest.",
            "正文不是所记录的正文：其 SHA-256 与 statement.body_digest 不符。",
        )
    payload = bytes_of(part.payload)
    try:
        struct = struct_of(payload)
        values = struct.decode(payload)
        subject = subject_of(struct, values, bytes_of(part.org))
    except StatementError as error:
        raise CheckFailedError(
            f"statement.payload cannot be read: {error}.",
            f"statement.payload 无法解读：{error}。",
        ) from error
    for name, given, derived in (
        ("kind", part.kind, struct.kind),
        ("subject", part.subject, hex_of(subject)),
        ("version", str(part.version), _shown(values["version"])),
        ("body_digest", part.body_digest, _shown(values["bodyDigest"])),
    ):
        if given != derived:
            raise CheckFailedError(
                f"statement.{name} is {given}, its payload says {derived}.",
                f"statement.{name} 为 {given}，而载荷中为 {derived}。",
            )
    verdict.add(
        Status.PROVEN,
        f"The statement is a {struct.name}, version {part.version} of its subject, and its body is "
        "the one that its payload commits to.",
        f"声明类型为 {struct.name}，是该主题的第{part.version}版，正文与载荷所承诺的一致。",
    )
    return struct


def _shown(value: Value) -> str:
    return hex_of(value) if isinstance(value, bytes) else str(value)


def _body(part: StatementPart) -> bytes:
    if part.body_encoding == "utf-8":
        return part.body.encode("utf-8")
    try:
        body = bytes_of(part.body)
    except ValueError as error:
        raise CheckFailedError(
            "statement.body is said to be hex, and is not.",
            "statement.body 标为十六进制，但并不是。",
        ) from error
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        if hex_of(body) == part.body:
            return body
    raise CheckFailedError(
        "statement.body is written as hex in a way that proof files do not use.",
        "statement.body 的十六进制写法不合规定。",
    )


def _leaf_input(part: StatementPart, log: LogPart) -> bytes:
    """The 11 words of a leaf (``docs/statement-encoding.md``)."""
    words = (
        log.chain_id.to_bytes(WORD, "big"),
        bytes_of(log.log).rjust(WORD, b"\0"),
        part.kind.encode("utf-8").ljust(WORD, b"\0"),
        bytes_of(part.subject),
        part.version.to_bytes(WORD, "big"),
        bytes_of(part.org),
        bytes_of(part.signer).rjust(WORD, b"\0"),
        bytes_of(part.authorisation),
        part.recorded_at.to_bytes(WORD, "big"),
        sha256(bytes_of(part.payload)).digest(),
        bytes_of(part.body_digest),
    )
    return b"".join(words)


def check_leaf(one: Told, log: LogPart, checkpoint: Checkpoint, verdict: Verdict) -> None:
    """Statement -> leaf input -> leaf hash -> path -> root; ``log`` recorded the statement first."""
    derived, given = _leaf_input(one.statement, log), bytes_of(one.leaf.input)
    if derived != given:
        differing = [
            name
            for place, name in enumerate(_LEAF_WORDS)
            if derived[place * WORD :][:WORD] != given[place * WORD :][:WORD]
        ]
        where = ", ".join(differing) or "its length"
        raise CheckFailedError(
            f"leaf.input and the statement disagree in {where}: one of them was altered.",
            f"leaf.input 与声明不一致（{where}）：其中之一被改动过。",
        )
    leaf = leaf_hash(derived)
    if hex_of(leaf) != one.leaf.hash:
        raise CheckFailedError(
            "leaf.hash is not the hash of leaf.input.", "leaf.hash 不是 leaf.input 的叶哈希。"
        )
    size, root, index = checkpoint.size, checkpoint.root, one.statement.index
    try:
        verify_inclusion(leaf, index, size, [bytes_of(text) for text in one.path], bytes_of(root))
    except ProofError as error:
        raise CheckFailedError(
            f"The statement is not proven to be in the log: {error}.",
            f"未能证明声明在日志中：{error}。",
        ) from error
    verdict.add(
        Status.PROVEN,
        f"The statement is leaf {index} of the {size} leaves under the root {root}.",
        f"声明是根 {root} 之下{size}个叶中的第{index}号叶。",
    )


def check_mandate(one: Told, log: LogPart, struct: StructType, verdict: Verdict) -> None:
    """Payload -> struct hash -> batch -> digest -> signer and co-signer, on the chain of ``log``."""
    part, mandate = one.statement, one.mandate
    for name, told, said in (
        ("organisation", mandate.organisation, part.org),
        ("signer", mandate.signer, part.signer),
    ):
        if told != said:
            raise CheckFailedError(
                f"mandate.{name} is {told}, the statement says {said}.",
                f"mandate.{name} 为 {told}，而声明中为 {said}。",
            )
    count = len(mandate.struct_hashes)
    place = part.index - mandate.first_index
    if not 0 <= place < count:
        raise CheckFailedError(
            f"Statement {part.index} is not in the batch, which begins at {mandate.first_index} "
            f"and has {count} statements.",
            f"声明{part.index}不在该批次中（自{mandate.first_index}起共{count}条）。",
        )
    if mandate.struct_hashes[place] != hex_of(keccak(bytes_of(part.payload))):
        raise CheckFailedError(
            f"mandate.struct_hashes[{place}] is not the hash of the statement's payload.",
            f"mandate.struct_hashes[{place}] 不是该声明载荷的哈希。",
        )
    digest = _digest(mandate, struct, log.chain_id)
    if hex_of(digest) != part.authorisation:
        raise CheckFailedError(
            "The batch does not lead to statement.authorisation: the registry, the deadline or one "
            "of the struct hashes is not what was signed.",
            "由批次得不到 statement.authorisation：登记合约、截止时间或某个结构哈希并非所签内容。",
        )
    if _signature_holds("mandate", digest, mandate, verdict):
        verdict.authorship_proven = True
        verdict.add(
            Status.PROVEN,
            f"{mandate.signer} signed the batch of {count}; this needs no trust in the chain.",
            f"{mandate.signer} 签署了该批次共{count}条声明；无需信任链即可核验。",
        )
    second = mandate.cosigner
    if second and _signature_holds("mandate.cosigner", digest, second, verdict):
        verdict.add(
            Status.PROVEN,
            f"{second.signer} signed the same batch as co-signer.",
            f"{second.signer} 作为会签人签署了同一批次。",
        )


def _digest(mandate: MandatePart, struct: StructType, chain_id: int) -> bytes:
    """The EIP-712 digest of the batch, from its struct hashes (``docs/statement-encoding.md``)."""
    domain = keccak(
        keccak(EIP712_DOMAIN_TYPE.encode())
        + keccak(f"GovLedger {struct.contract}".encode())
        + keccak(b"1")
        + chain_id.to_bytes(WORD, "big")
        + bytes_of(mandate.registry).rjust(WORD, b"\0")
    )
    batch = keccak(
        keccak(struct.encode_batch_type().encode())
        + bytes_of(mandate.organisation)
        + int(mandate.deadline).to_bytes(WORD, "big")
        + keccak(b"".join(bytes_of(each) for each in mandate.struct_hashes))
    )
    return bytes(keccak(b"\x19\x01" + domain + batch))


def _signature_holds(
    where: str, digest: bytes, part: MandatePart | CosignerPart, verdict: Verdict
) -> bool:
    """True for a key's good signature; False for a contract account, left to the chain."""
    try:
        found = hex_of(signer_of(digest, bytes_of(part.signature)))
        reason = f"it is {found}'s"
    except SignatureError as error:
        found, reason = "", str(error)
    if part.signer_kind == "key" and found != part.signer:
        raise CheckFailedError(
            f"{where}.signature is not {part.signer}'s over this batch: {reason}.",
            f"{where}.signature 不是 {part.signer} 对该批次的签名：{reason}。",
        )
    if part.signer_kind == "contract" and found == part.signer:
        raise CheckFailedError(
            f"{where}.signer_kind says contract account, but a key made the signature.",
            f"{where}.signer_kind 标为合约账户，但签名出自密钥。",
        )
    if part.signer_kind == "key":
        return True
    verdict.add(
        Status.STATED,
        f"No key of {part.signer} made {where}.signature ({reason}). If it is a contract account "
        "(ERC-1271), the signature must be checked on the chain; this file does not prove it.",
        f"{where}.signature 并非出自 {part.signer} 的密钥（{reason}）。若其为合约账户（ERC-1271），"
        "须在链上核验签名；本文件不能证明。",
    )
    return False


def check_readable(one: Told) -> None:
    """``decoded`` against the statement."""
    part = one.statement
    statement = Statement(
        index=part.index,
        kind=part.kind,
        subject=bytes_of(part.subject),
        version=part.version,
        org=bytes_of(part.org),
        signer=bytes_of(part.signer),
        authorisation=bytes_of(part.authorisation),
        recorded_at=part.recorded_at,
        payload=bytes_of(part.payload),
        body_digest=bytes_of(part.body_digest),
        body=_body(part),
    )
    if readable.decoded(statement) != one.decoded:
        raise CheckFailedError(
            "`decoded` does not say what the statement says.", "`decoded` 与声明内容不符。"
        )


def check_blocks(one: Told, checkpoint: Checkpoint, *, carried: bool = False) -> None:
    """Blocks and times of one file against one another; what they are only the chain knows.

    A statement that was ``carried`` over came into its block after it was recorded.
    """
    recorded, said_at = one.recorded, one.statement.recorded_at
    if recorded.timestamp < said_at or (recorded.timestamp != said_at and not carried):
        raise CheckFailedError(
            "recorded.timestamp is not the time in the statement.",
            "recorded.timestamp 与声明中的时间不符。",
        )
    same = recorded.block_number == checkpoint.block_number
    told = (recorded.block_hash, recorded.timestamp)
    if recorded.block_number > checkpoint.block_number or (
        same and told != (checkpoint.block_hash, checkpoint.timestamp)
    ):
        raise CheckFailedError(
            "`recorded` and `checkpoint` cannot be blocks of one chain.",
            "`recorded` 与 `checkpoint` 不可能是同一条链上的区块。",
        )
