"""The evidence in a certificate: statements ready to be asked, and the journal's anchors and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from pydantic import ValidationError

from ledger.canonical import printable
from ledger.codes import InForce
from ledger.lineage.bodies import StepBody
from ledger.lineage.certificate.document import (
    AnchorPart,
    Certificate,
    EventPart,
    JournalPart,
    NodePart,
)
from ledger.lineage.certificate.events import Event, NoEvent, event_in
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.log.document import StatementPart, bytes_of
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.merkle_verify import ProofError, leaf_hash, verify_consistency, verify_inclusion
from ledger.statements import CHECKPOINT, STEP, StructType, Value, text_hash
from ledger.typed_data import integer


class Known(NamedTuple):
    """A statement that was checked; ``body`` is empty where it is no JSON object."""

    struct: StructType
    values: Mapping[str, Value]
    body: dict[str, Any]
    leaf: int
    version: int
    org: str

    @classmethod
    def of(cls, struct: StructType, part: StatementPart) -> Known:
        try:
            body = msgspec.json.decode(part.body.encode()) if part.body else {}
        except (msgspec.MsgspecError, RecursionError):
            body = {}
        values = struct.decode(bytes_of(part.payload))
        told = body if isinstance(body, dict) else {}
        return cls(struct, values, told, part.index, part.version, part.org)

    def number(self, name: str) -> int:
        return integer(self.values[name])

    def says(self, name: str, text: str) -> bool:
        """Whether a text member is this text."""
        return self.values[name] == text_hash(text)


class Anchor(NamedTuple):
    """An anchored checkpoint of the journal."""

    leaf: int
    size: int
    root: bytes


class Anchored(NamedTuple):
    """An event, and the leaf that anchors it."""

    event: Event
    leaf: int


class Evidence(NamedTuple):
    """Statements by leaf, events by position, all of them checked."""

    statements: Mapping[int, Known]
    events: Mapping[int, Anchored]


def check_journal(
    certificate: Certificate, known: Mapping[int, Known], verdict: Verdict
) -> dict[int, Anchored]:
    """The events by position, each proven to stand in the anchored journal."""
    journal = certificate.journal
    if journal is None:
        return {}
    anchors: list[Anchor] = []
    for place, part in enumerate(journal.anchors):
        anchors.append(_anchor(f"journal.anchors[{place}]", part, journal, known, anchors))
    found: dict[int, Anchored] = {}
    last = -1
    for place, event in enumerate(journal.events):
        where = f"journal.events[{place}]"
        if event.position <= last:
            raise CheckFailedError(
                f"{where}: events do not stand in the order of their positions.",
                f"{where}：事件未按位置排列。",
            )
        last = event.position
        found[event.position] = _event(where, event, anchors)
    unused = set(range(len(anchors))) - {event.anchor for event in journal.events}
    if unused:
        raise CheckFailedError(
            f"journal.anchors[{min(unused)}]: no event rests on it.",
            f"journal.anchors[{min(unused)}]：没有事件以其为据。",
        )
    count, checkpoints = len(found), len(anchors)
    events = "1 event stands" if count == 1 else f"{count} events stand"
    under = "1 checkpoint" if checkpoints == 1 else f"{checkpoints} checkpoints"
    follow, follow_zh = "", ""
    if checkpoints > 1:
        follow, follow_zh = ", each extending the one before", "，后一检查点均由前一检查点追加而来"
    brought = sorted({one.event.organisation for one in found.values()} - {""})
    whose, whose_zh = ", ".join(brought) or "nobody named", "、".join(brought) or "未具名者"
    verdict.add(
        Status.PROVEN,
        f"{events}, byte for byte, in the journal {journal.origin}, under {under} that its collector anchored "
        f"in the log{follow}. Let in for: {printable(whose)}.",
        f"{count}个事件逐字节位于血缘日志 {journal.origin} 中，由归集方锚定的{checkpoints}个检查点证明{follow_zh}。"
        f"上报方：{printable(whose_zh)}。",
    )
    return found


def _anchor(
    where: str,
    part: AnchorPart,
    journal: JournalPart,
    known: Mapping[int, Known],
    before: list[Anchor],
) -> Anchor:
    said = known.get(part.leaf)
    if said is None or said.struct is not CHECKPOINT or not said.says("origin", journal.origin):
        raise CheckFailedError(
            f"{where}: leaf {part.leaf} is no checkpoint of the journal {journal.origin} in this file.",
            f"{where}：第{part.leaf}号叶不是本文件中血缘日志 {journal.origin} 的检查点。",
        )
    root = said.values["root"]
    anchor = Anchor(part.leaf, said.number("size"), root if isinstance(root, bytes) else b"")
    path = [bytes_of(one) for one in part.path]
    if not before:
        if path:
            raise CheckFailedError(
                f"{where}: the first anchor extends none, and a path is given.",
                f"{where}：首个锚点之前没有锚点，却给出了路径。",
            )
        return anchor
    last = before[-1]
    if said.org != known[last.leaf].org:
        raise CheckFailedError(
            f"{where}: another collector than that of the anchor before.",
            f"{where}：归集方与前一锚点不同。",
        )
    if anchor.leaf <= last.leaf:
        raise CheckFailedError(
            f"{where}: anchors do not stand in the order of their leaves.",
            f"{where}：锚点未按叶号排列。",
        )
    try:
        verify_consistency(last.size, anchor.size, path, last.root, anchor.root)
    except ProofError as error:
        raise CheckFailedError(
            f"{where}: the journal is not proven to extend the anchor before: {error}.",
            f"{where}：未能证明日志由前一锚点追加而来：{error}。",
        ) from error
    return anchor


def _event(where: str, part: EventPart, anchors: list[Anchor]) -> Anchored:
    if part.anchor >= len(anchors):
        raise CheckFailedError(
            f"{where}: there is no anchor {part.anchor}.", f"{where}：没有锚点{part.anchor}。"
        )
    anchor, entry = anchors[part.anchor], _entry(where, part)
    path = [bytes_of(one) for one in part.path]
    try:
        verify_inclusion(leaf_hash(entry), part.position, anchor.size, path, anchor.root)
    except ProofError as error:
        raise CheckFailedError(
            f"{where}: the event is not proven to stand in the journal: {error}.",
            f"{where}：未能证明事件在日志中：{error}。",
        ) from error
    try:
        return Anchored(event_in(entry), anchor.leaf)
    except NoEvent as error:
        raise CheckFailedError(
            f"{where}: the entry tells of no job: {error}.", f"{where}：该条目未说明作业：{error}。"
        ) from error


def _entry(where: str, part: EventPart) -> bytes:
    if part.encoding == "utf-8":
        return part.entry.encode()
    try:
        entry = bytes_of(part.entry)
        entry.decode("utf-8")
    except UnicodeDecodeError:
        if "0x" + entry.hex() == part.entry:
            return entry
    except ValueError:
        entry = b""
    raise CheckFailedError(
        f"{where}: `entry` is written as hex in a way that certificates do not use.",
        f"{where}：`entry` 的十六进制写法不合规定。",
    )


def refusal(where: str, en: str, zh: str) -> CheckFailedError:
    """A refusal that names the part of the file."""
    return CheckFailedError(f"{where}: {en}", f"{where}：{zh}")


def names_of(node: NodePart) -> tuple[str, str]:
    """Namespace and name."""
    return node.namespace, node.name


def spoken(names: tuple[str, str]) -> str:
    """Namespace and name as a sentence has them: a terminal obeys what it is sent."""
    return printable(" ".join(names))


def shown(node: NodePart) -> str:
    """A node as a sentence names it."""
    if node.namespace == ENTRY_NAMESPACE:
        return printable(node.name)
    entry = f" ({node.entry})" if node.entry else ""
    return printable(f"{node.namespace} {node.name}{entry}")


def step_body(where: str, leaf: int, evidence: Evidence) -> StepBody:
    """What the step declared at a leaf says; refused where there is none in force."""
    said = evidence.statements.get(leaf)
    if said is None or said.struct is not STEP:
        raise refusal(
            where,
            f"leaf {leaf} is no declared step in this file",
            f"第{leaf}号叶不是本文件中声明的步骤",
        )
    try:
        body = StepBody.model_validate(said.body)
    except ValidationError as error:
        raise refusal(where, "the step's body cannot be read", "步骤正文无法解读") from error
    if not said.says("code", body.code) or said.number("status") != InForce.ACTIVE.number:
        raise refusal(
            where,
            f"leaf {leaf} withdraws a step, or its body names another",
            f"第{leaf}号叶取消了步骤，或其正文所指不符",
        )
    return body
