"""How to check a proof file by hand: the text that every proof file carries."""

from __future__ import annotations

from ledger.log.document import (
    CarriedProof,
    ConsistencyProof,
    InclusionProof,
    Instructions,
    Proof,
)

HOW_TO_CHECK_INCLUSION = Instructions(
    en=(
        (
            "leaf.input is 11 words of 32 bytes: checkpoint.chain_id, checkpoint.log, "
            "statement.kind (ASCII, padded right), subject, version, org, signer, "
            "authorisation, recorded_at, SHA-256(payload), SHA-256(body). Rebuild it and "
            "compare."
        ),
        "leaf.hash is SHA-256(0x00 || leaf.input).",
        (
            "Walk path from leaf.hash with statement.index and checkpoint.size (RFC 9162 "
            "section 2.1.3.2; a node is SHA-256(0x01 || left || right)). The result is "
            "checkpoint.root."
        ),
        (
            "Compare checkpoint.root with a root that you kept, or ask the contract "
            "checkpoint.log at block checkpoint.block_number for size() and root()."
        ),
        (
            "Keccak-256(statement.payload) stands in mandate.struct_hashes at place "
            "statement.index - mandate.first_index. The EIP-712 digest of the batch "
            "(mandate.organisation, deadline, struct_hashes; domain of mandate.registry) is "
            "statement.authorisation, and mandate.signature over it is mandate.signer's."
        ),
        "decoded is for reading only; it follows from statement.",
        (
            "bundle_digest is SHA-256 of this document without that member, in RFC 8785 form. "
            "It shows damage to what cannot be derived (blocks, transaction, "
            "genesis_authority); only the chain vouches for those."
        ),
        ("govledger log verify FILE --root ROOT does all of this without network or database."),
    ),
    zh=(
        (
            "leaf.input 由11个32字节的字组成：checkpoint.chain_id、checkpoint.log、"
            "statement.kind（ASCII，右侧补零）、subject、version、org、signer、authorisation、"
            "recorded_at、SHA-256(payload)、SHA-256(body)。请重新拼出并比较。"
        ),
        "leaf.hash 等于 SHA-256(0x00 || leaf.input)。",
        (
            "从 leaf.hash 出发，按 statement.index 和 checkpoint.size 走完 path（RFC 9162 第"
            "2.1.3.2节；节点为 SHA-256(0x01 || 左 || 右)），结果应为 checkpoint.root。"
        ),
        (
            "把 checkpoint.root 与您自己保存的根比较，或在区块 checkpoint.block_number 上向合约"
            " checkpoint.log 查询 size() 和 root()。"
        ),
        (
            "Keccak-256(statement.payload) 位于 mandate.struct_hashes 的第 statement.index - "
            "mandate.first_index 位（从0起）。由 mandate.organisation、deadline、struct_hashes "
            "和 mandate.registry 的域得到的 EIP-712 摘要即 statement.authorisation，"
            "mandate.signature 是 mandate.signer 对它的签名。"
        ),
        "decoded 仅供阅读，可由 statement 推出。",
        (
            "bundle_digest 是去掉该成员后按 RFC 8785 序列化的 SHA-256，用于发现无法推导的内容（"
            "区块、交易、genesis_authority）是否受损；这些内容只有链能作证。"
        ),
        "govledger log verify 文件 --root 根 可离线完成以上全部检查。",
    ),
)

HOW_TO_CHECK_CONSISTENCY = Instructions(
    en=(
        (
            "Walk path with old.size, new.size and old.root (RFC 9162 section 2.1.4.2; a node "
            "is SHA-256(0x01 || left || right)). The two results are old.root and new.root."
        ),
        (
            "Compare old.root with the root that you kept, and new.root with one from a source "
            "that you trust, or ask the contract new.log at block new.block_number for size() "
            "and root()."
        ),
        "Then the first old.size statements are the same in both, in the same order.",
        (
            "bundle_digest is SHA-256 of this document without that member, in RFC 8785 form. "
            "It shows damage to what cannot be derived (blocks, times, genesis_authority); "
            "only the chain vouches for those."
        ),
        ("govledger log verify FILE --root ROOT does all of this without network or database."),
    ),
    zh=(
        (
            "按 old.size、new.size 和 old.root 走完 path（RFC 9162 第2.1.4.2节；节点为 "
            "SHA-256(0x01 || 左 || 右)），得到的两个结果应为 old.root 和 new.root。"
        ),
        (
            "把 old.root 与您自己保存的根比较，把 new.root 与可信来源的根比较，或在区块 "
            "new.block_number 上向合约 new.log 查询 size() 和 root()。"
        ),
        "由此可知前 old.size 条声明在两者中完全相同，顺序也相同。",
        (
            "bundle_digest 是去掉该成员后按 RFC 8785 序列化的 SHA-256，用于发现无法推导的内容（"
            "区块、时间、genesis_authority）是否受损；这些内容只有链能作证。"
        ),
        "govledger log verify 文件 --root 根 可离线完成以上全部检查。",
    ),
)

HOW_TO_CHECK_CARRIED = Instructions(
    en=(
        (
            "The statement was recorded by the log `origin`, which another one carries on. Its leaf keeps the "
            "identity of origin: in what follows take origin.chain_id and origin.log for the statement's leaf "
            "and for the domain of its mandate."
        ),
        *HOW_TO_CHECK_INCLUSION.en[:-1],
        (
            "Check every member of openings, newest first, in the same way: the first under checkpoint.chain_id "
            "and checkpoint.log, each further one under chainId and log of the one before it. The last names "
            "origin. Each is a statement of the kind log.opening, and its index is the size that it names, which "
            "is larger than statement.index."
        ),
        (
            "Walk extends of each opening from its size and root to checkpoint.size and checkpoint.root (RFC 9162 "
            "section 2.1.4.2): the tree begins with the leaves of the log that was sealed. A root that you kept "
            "of that log therefore holds here."
        ),
        HOW_TO_CHECK_INCLUSION.en[-1],
    ),
    zh=(
        (
            "该声明由日志 origin 记录，现由另一日志接续。其叶保留 origin 的标识：以下检查中，声明的叶及其授权的域"
            "均取 origin.chain_id 和 origin.log。"
        ),
        *HOW_TO_CHECK_INCLUSION.zh[:-1],
        (
            "以同样方法从新到旧检查 openings 的每一项：第一项取 checkpoint.chain_id 和 checkpoint.log，其后每项取"
            "前一项的 chainId 和 log，最后一项指向 origin。各项均为 log.opening 类声明，其位置即所载大小，且大于 "
            "statement.index。"
        ),
        (
            "对每项按 RFC 9162 第2.1.4.2节从其 size、root 走完 extends 至 checkpoint.size、checkpoint.root："
            "该树以已封存日志的叶开头，因此您保存的该日志的根在此依然成立。"
        ),
        HOW_TO_CHECK_INCLUSION.zh[-1],
    ),
)

HOW_TO_CHECK: dict[type[Proof], Instructions] = {
    InclusionProof: HOW_TO_CHECK_INCLUSION,
    CarriedProof: HOW_TO_CHECK_CARRIED,
    ConsistencyProof: HOW_TO_CHECK_CONSISTENCY,
}
"""The text that each kind of file carries."""
