"""How to check a certificate by hand: the text that every certificate carries."""

from __future__ import annotations

from ledger.lineage.certificate.document import CarriedCertificate, Certificate
from ledger.log.document import Instructions

_PLAIN = Instructions(
    en=(
        (
            "Check every member of statements as an inclusion proof (govledger-inclusion-proof/1) with this "
            "file's checkpoint: leaf, path, body, payload, signature."
        ),
        (
            "Each of journal.anchors names the leaf of a statement journal.checkpoint about journal.origin, which "
            "has size and root of the journal. Walk its path from the anchor before (RFC 9162 section 2.1.4.2)."
        ),
        (
            "Hash each of journal.events: SHA-256(0x00 || entry), entry being its UTF-8 text or hex. Walk its path "
            "with position and the anchor's size (section 2.1.3.2) to the anchor's root."
        ),
        (
            "An entry is one line about its coming, then an OpenLineage event. For each edge read the event at "
            "position: its job is the edge's job, and its inputs (data set to job) or outputs (job to data set) "
            "name the data set, or the event at named does, of the same run."
        ),
        (
            "For each edge of origin step read the body of the statement at leaf: it names the data set, or the "
            "entry, among its inputs or outputs; the job is govledger:step and the step's code."
        ),
        (
            "With about.item: each of graph.columns follows where the event at position, of its job, says so in the "
            "facet columnLineage of that output, or the step at leaf in its columns."
        ),
        (
            "A data set belongs to an entry by the pattern in the body of the statement at rule, or because its "
            "namespace is govledger:entry and its name the code."
        ),
        "bundle_digest is SHA-256 of this document without that member, in RFC 8785 form.",
        "govledger log verify FILE --root ROOT --size SIZE does all of this without network or database.",
    ),
    zh=(
        (
            "statements 中每一项按存在性证明（govledger-inclusion-proof/1）核验，检查点为本文件的 checkpoint："
            "叶、路径、正文、载荷、签名。"
        ),
        (
            "journal.anchors 每一项给出一条 journal.checkpoint 声明的叶号，该声明针对 journal.origin，载有日志的"
            "大小和根。从前一个锚点走完其 path（RFC 9162 第2.1.4.2节）。"
        ),
        (
            "对 journal.events 每一项计算 SHA-256(0x00 || entry)，entry 为其 UTF-8 文本或十六进制。按 position 和"
            "锚点的大小走完其 path（第2.1.3.2节），应得到锚点的根。"
        ),
        (
            "日志条目的首行说明其来历，其后为 OpenLineage 事件。对每条边读取 position 处的事件：其作业即边上的作业，"
            "其 inputs（数据集到作业）或 outputs（作业到数据集）含该数据集，或同一运行在 named 处的事件含该数据集。"
        ),
        (
            "对 origin 为 step 的边，读取 leaf 处声明的正文：其输入或输出含该数据集或条目；"
            "作业为 govledger:step 与步骤代码。"
        ),
        (
            "有 about.item 时：graph.columns 每一项，由其作业在 position 处事件中该输出的 columnLineage 切面，"
            "或由 leaf 处步骤的 columns 如此说明。"
        ),
        (
            "数据集按 rule 处声明正文中的模式归属条目；命名空间为 govledger:entry 的数据集即以其名称为代码的条目。"
        ),
        "bundle_digest 是去掉该成员后按 RFC 8785 序列化的 SHA-256。",
        "govledger log verify 文件 --root 根 --size 大小 可离线完成以上全部检查。",
    ),
)

_CARRIED = Instructions(
    en=(
        (
            "Some statements were recorded by a log that another one carries on. Check openings first, as those of "
            "a govledger-inclusion-proof/2: each names the log before it. A statement whose index is smaller than an "
            "opening's was recorded before it: take chain id and log of the oldest such opening's payload in place "
            "of the checkpoint's, in the leaf and in the domain of the mandate."
        ),
        *_PLAIN.en,
    ),
    zh=(
        (
            "部分声明由已被接续的日志记录。先按 govledger-inclusion-proof/2 的方法核验 openings，每项指明其前一日志。"
            "叶号小于某项启用声明的声明早于该项：其叶及授权的域取最旧的此类启用声明载荷中的链号和日志，而非检查点的。"
        ),
        *_PLAIN.zh,
    ),
)

HOW_TO_CHECK: dict[type[Certificate], Instructions] = {
    Certificate: _PLAIN,
    CarriedCertificate: _CARRIED,
}
"""The text that each form carries."""
