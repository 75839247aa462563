"""Checking a provenance certificate (溯源证书) offline: no network, no database, no trust in who made it.

The steps, in order; the first that fails ends the check and names the part:

1. the file is a certificate, byte for byte in the form in which they are written;
2. every statement is what its payload says, stands in the log under the checkpoint's root, and was signed, for
   the log that was open then: openings lead from one log to the one before (:mod:`ledger.log.verify_openings`);
3. the root is the one that the auditor kept, where one is given;
4. the journal's anchors are such statements, each extending the one before, and every event stands in it;
5. every edge follows from its event or declared step, every attribution from its rule, every entry's filing,
   delivery and manifest from their statements; all nodes lead to the delivery, and nothing else is in the file
   (:mod:`ledger.lineage.certificate.edges`);
6. the digest over the whole file holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ledger.lineage.certificate.document import CarriedCertificate, Certificate, load, plain
from ledger.lineage.certificate.edges import check_graph
from ledger.lineage.certificate.evidence import Evidence, Known, check_journal
from ledger.lineage.certificate.instructions import HOW_TO_CHECK
from ledger.log.document import DocumentError, LogPart, VouchedPart, bundle_digest
from ledger.log.kept import Kept, check_root
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.log.verify_openings import Followed, follow_openings
from ledger.log.verify_statement import (
    check_blocks,
    check_leaf,
    check_mandate,
    check_readable,
    check_statement,
)
from ledger.statements import CHECKPOINT, DATASET_RULE, DELIVERY, FILING, MANIFEST, STEP

_STRUCTS = {
    FILING.name: ("filing of a catalogue entry", "目录条目报送"),
    MANIFEST.name: ("manifest", "数据清单"),
    DELIVERY.name: ("delivery", "归集交付"),
    DATASET_RULE.name: ("rule", "归属规则"),
    STEP.name: ("declared step", "加工步骤"),
    CHECKPOINT.name: ("checkpoint of the journal", "日志检查点"),
}


def verify_certificate(
    data: bytes, root: bytes | str | None = None, size: int | None = None
) -> Verdict:
    """Check a certificate; ``root`` and ``size`` as for :func:`ledger.log.verify.verify_proof`.

    Never raises for a bad file: the verdict's ``failure`` names the part that is wrong. A ``root`` that is no
    root raises :class:`ValueError`.
    """
    kept = None if root is None else Kept.of(root, size)
    verdict = Verdict()
    try:
        certificate = _read(data, verdict)
        followed = _follow(certificate, kept, verdict)
        known = _check_statements(certificate, followed, verdict)
        if not followed.known:
            check_root(certificate.checkpoint, kept, verdict)
        events = check_journal(certificate, known, verdict)
        check_graph(certificate, Evidence(known, events), verdict)
        _check_digest(certificate)
        _say_what_is_not_claimed(certificate, verdict)
    except CheckFailedError as failure:
        verdict.add(Status.FAILED, failure.en, failure.zh)
    return verdict


def _read(data: bytes, verdict: Verdict) -> Certificate:
    try:
        certificate = load(data)
    except DocumentError as error:
        raise CheckFailedError(
            f"This is no provenance certificate: {error}.", f"这不是有效的溯源证书：{error}。"
        ) from error
    if certificate.how_to_check != HOW_TO_CHECK[type(certificate)]:
        raise CheckFailedError(
            "`how_to_check` is not the text that this format has: the file was altered.",
            "`how_to_check` 与该格式的说明文字不符：文件被改动过。",
        )
    verdict.add(
        Status.PROVEN,
        f"The file is a complete {certificate.format}, exactly as certificates are written.",
        f"文件是完整的 {certificate.format}，字节形式与规定完全一致。",
    )
    return certificate


@contextmanager
def _within(part: str) -> Iterator[None]:
    """Names the part in whatever fails inside."""
    try:
        yield
    except CheckFailedError as failure:
        raise CheckFailedError(f"{part}: {failure.en}", f"{part}：{failure.zh}") from failure


def _follow(certificate: Certificate, kept: Kept | None, verdict: Verdict) -> Followed:
    """To the log that recorded the first statement, over every migration that lies between."""
    if not isinstance(certificate, CarriedCertificate):
        return Followed((), known=False)
    openings = certificate.openings
    followed = follow_openings(openings, certificate.checkpoint, kept, verdict)
    first = min((one.statement.index for one in certificate.statements), default=0)
    if not openings or first >= openings[-1].statement.index:
        raise CheckFailedError(
            f"openings: no statement was recorded by a log before the last of these {len(openings)}.",
            f"openings：没有声明出自这{len(openings)}项最后一项之前的日志。",
        )
    return followed


def _check_statements(
    certificate: Certificate, followed: Followed, verdict: Verdict
) -> dict[int, Known]:
    """Every statement by its leaf: form, body, leaf, path, signature."""
    known: dict[int, Known] = {}
    authors = True
    before: VouchedPart | None = None
    for place, vouched in enumerate(certificate.statements):
        with _within(f"statements[{place}]"):
            found, own = _check_statement(certificate, vouched, followed)
            _check_order(before, vouched)
        known[vouched.statement.index] = found
        authors = authors and own.authorship_proven
        for step in own.steps:
            if step.status is Status.STATED:
                leaf = vouched.statement.index
                verdict.add(Status.STATED, f"Leaf {leaf}: {step.en}", f"第{leaf}号叶：{step.zh}")
        before = vouched
    verdict.authorship_proven = authors and bool(known)
    counts = Counter(one.struct.name for one in known.values())
    size, root = certificate.checkpoint.size, certificate.checkpoint.root
    listed = sorted(counts.items())
    verdict.add(
        Status.PROVEN,
        f"{len(known)} statements stand in the log, among the {size} leaves under the root {root}, with the "
        "bodies and signatures that they were recorded with: "
        + ", ".join(f"{count} × {_STRUCTS[name][0]}" for name, count in listed)
        + ".",
        f"{len(known)}条声明位于根 {root} 之下的{size}个叶中，正文和签名均与记录时一致："
        + "、".join(f"{_STRUCTS[name][1]}{count}条" for name, count in listed)
        + "。",
    )
    return known


def _check_statement(
    certificate: Certificate, vouched: VouchedPart, followed: Followed
) -> tuple[Known, Verdict]:
    own, checkpoint = Verdict(), certificate.checkpoint
    struct = check_statement(vouched.statement, own)
    if struct.name not in _STRUCTS:
        raise CheckFailedError(
            f"a {struct.name} is no evidence of where data come from.",
            f"{struct.name} 不是数据来源的证据。",
        )
    now = LogPart.of(checkpoint)
    log = followed.origin(vouched.statement.index, now)
    check_leaf(vouched, log, checkpoint, own)
    check_mandate(vouched, log, struct, own)
    check_readable(vouched)
    check_blocks(vouched, checkpoint, carried=log != now)
    return Known.of(struct, vouched.statement), own


def _check_order(before: VouchedPart | None, vouched: VouchedPart) -> None:
    """Leaves in ascending order, in blocks of one chain."""
    if before is None:
        return
    if vouched.statement.index <= before.statement.index:
        raise CheckFailedError(
            "statements do not stand in the order of their leaves.", "声明未按叶号排列。"
        )
    earlier, later = before.recorded, vouched.recorded
    same = earlier.block_number == later.block_number
    told = (earlier.block_hash, earlier.timestamp) == (later.block_hash, later.timestamp)
    if earlier.block_number > later.block_number or same != told:
        raise CheckFailedError(
            "`recorded` does not fit the statement before it: they cannot be blocks of one chain.",
            "`recorded` 与前一条声明不符：不可能是同一条链上的区块。",
        )


def _check_digest(certificate: Certificate) -> None:
    if bundle_digest(plain(certificate)) != certificate.bundle_digest:
        raise CheckFailedError(
            "bundle_digest does not fit: a block, a transaction, a time, the depth or the genesis authority was "
            "altered, or the digest itself.",
            "bundle_digest 不符：区块、交易、时间、深度、创世主管密钥或摘要本身被改动过。",
        )


def _say_what_is_not_claimed(certificate: Certificate, verdict: Verdict) -> None:
    about = certificate.about
    verdict.add(
        Status.STATED,
        "Not claimed: that what was said is true of the data, only that it was said, by whom, and when it was "
        "anchored; that nothing else feeds these data sets: an event that nobody sent, or that this file leaves "
        f"out, or that lies more than {about.depth} jobs away, cannot be seen here; that no later statement or "
        "event ended what is shown.",
        "不作担保：所述是否与数据相符（仅证明由谁、何时如此说过）；是否另有来源（未上报、未载入本文件或超过"
        f"{about.depth}个作业的来源在此不可见）；所示内容是否已被其后的声明或事件终止。",
    )
    verdict.add(
        Status.STATED,
        "The file states, and only the chain can confirm: blocks, transactions and times; genesis authority "
        f"{certificate.genesis_authority}; that the registries that were signed for are this log's. That the "
        "signers' keys were in force follows from the log's key statements (govledger mirror verify).",
        f"以下由文件载明，只有链能确认：区块、交易和时间；创世主管密钥{certificate.genesis_authority}；"
        "所签登记合约属于本日志。签名密钥当时有效，由日志中的密钥声明证明（govledger mirror verify）。",
    )
