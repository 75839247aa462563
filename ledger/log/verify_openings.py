"""From the log that holds a statement to the one that recorded it first, opening by opening (启用声明)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.log.document import CarriedProof, Checkpoint, LogPart, OpeningPart, bytes_of, hex_of
from ledger.log.kept import Kept
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.log.verify_statement import (
    check_blocks,
    check_leaf,
    check_mandate,
    check_readable,
    check_statement,
)
from ledger.merkle_verify import ProofError, verify_consistency
from ledger.statements import OPENING, StructType, Value


class Sealed(NamedTuple):
    """A log that was sealed with ``size`` leaves, and is carried on."""

    size: int
    log: LogPart


class Followed(NamedTuple):
    """Where openings lead: to the sealed logs, newest first, and whether one's root is the one that was kept."""

    sealed: tuple[Sealed, ...]
    known: bool

    def origin(self, index: int, log: LogPart) -> LogPart:
        """The log that recorded leaf ``index`` first, where ``log`` is the one that is open."""
        for one in self.sealed:
            if index < one.size:
                log = one.log
        return log


def check_openings(proof: CarriedProof, log: LogPart, kept: Kept | None, verdict: Verdict) -> bool:
    """Follow the openings from ``log``, the checkpoint's, to ``proof.origin``.

    Returns whether ``kept`` is the root of a log that was sealed: then it need not be the checkpoint's. Raises
    :class:`CheckFailedError`.
    """
    if not proof.openings:
        raise CheckFailedError(
            "No opening leads from the checkpoint's log to the one that recorded the statement.",
            "文件中没有从检查点日志到最初记录该声明的日志的启用声明。",
        )
    followed = follow_openings(proof.openings, proof.checkpoint, kept, verdict)
    for one in followed.sealed:
        if proof.statement.index >= one.size:
            raise CheckFailedError(
                f"Statement {proof.statement.index} came after log {one.log.log} was sealed with "
                f"{one.size} leaves.",
                f"声明{proof.statement.index}晚于日志 {one.log.log} 的封存（共{one.size}个叶）。",
            )
    log = followed.sealed[-1].log
    if log != proof.origin:
        raise CheckFailedError(
            f"The openings lead to log {log.log} on chain {log.chain_id}, not to {proof.origin.log} on chain "
            f"{proof.origin.chain_id}.",
            f"启用声明指向链{log.chain_id}上的日志 {log.log}，而非链{proof.origin.chain_id}上的 "
            f"{proof.origin.log}。",
        )
    return followed.known


def follow_openings(
    openings: Sequence[OpeningPart], checkpoint: Checkpoint, kept: Kept | None, verdict: Verdict
) -> Followed:
    """Follow openings from the checkpoint's log back to the one that the last of them names.

    Each must be a leaf of the tree, signed for the log that is open so far, and name the next one; what it says
    of size and root must be what the tree begins with. Raises :class:`CheckFailedError`.
    """
    log, known, sealed = LogPart.of(checkpoint), False, list[Sealed]()
    for place, one in enumerate(openings):
        log, known_here = _check_opening(place, one, log, checkpoint, kept=kept, verdict=verdict)
        known = known or known_here
        if sealed and one.statement.index >= sealed[-1].size:
            raise CheckFailedError(
                f"openings[{place}] is no older than the one before it.",
                f"openings[{place}] 不早于前一项。",
            )
        sealed.append(Sealed(one.statement.index, log))
    return Followed(tuple(sealed), known)


def _check_opening(
    place: int,
    one: OpeningPart,
    log: LogPart,
    checkpoint: Checkpoint,
    *,
    kept: Kept | None,
    verdict: Verdict,
) -> tuple[LogPart, bool]:
    """One opening; the log that it names, and whether its root is the one that was kept."""
    inner = Verdict()
    struct = check_statement(one.statement, inner)
    values = _named(place, one, struct)
    check_leaf(one, log, checkpoint, inner)
    check_mandate(one, log, struct, inner)
    check_readable(one)
    check_blocks(one, checkpoint, carried=place > 0)
    size, root = int(str(values["size"])), values["root"]
    if size != one.statement.index or not isinstance(root, bytes):
        raise CheckFailedError(
            f"openings[{place}] is leaf {one.statement.index} and speaks of {size} leaves before it.",
            f"openings[{place}] 为第{one.statement.index}号叶，却称其前有{size}个叶。",
        )
    path = [bytes_of(text) for text in one.extends]
    try:
        verify_consistency(size, checkpoint.size, path, root, bytes_of(checkpoint.root))
    except ProofError as error:
        raise CheckFailedError(
            f"The log is not proven to begin with the leaves of the one that openings[{place}] names: {error}.",
            f"未能证明该日志以 openings[{place}] 所指日志的叶开头：{error}。",
        ) from error
    before = LogPart(chain_id=int(str(values["chainId"])), log=str(values["log"]).lower())
    signed = (
        "" if inner.authorship_proven else " (a contract account, which only the chain can ask)"
    )
    verdict.add(
        Status.PROVEN,
        f"Leaf {size} opens log {log.log} on chain {log.chain_id}: {one.mandate.signer} signed{signed} that it "
        f"carries on log {before.log} of chain {before.chain_id}, sealed with {size} leaves and the root "
        f"{hex_of(root)}. The tree begins with exactly these leaves.",
        f"第{size}号叶启用链{log.chain_id}上的日志 {log.log}：{one.mandate.signer} 签署，声明其接续链"
        f"{before.chain_id}上的日志 {before.log}（封存时共{size}个叶，根为 {hex_of(root)}）。"
        "该树正是以这些叶开头。",
    )
    verdict.steps += [step for step in inner.steps if step.status is Status.STATED]
    known = kept is not None and kept.root == root and kept.size in (None, size)
    if known:
        verdict.root_compared = True
        verdict.add(
            Status.PROVEN,
            f"The root that you gave is that of log {before.log} when it was sealed.",
            f"您给定的根即日志 {before.log} 封存时的根。",
        )
    return before, known


def _named(place: int, one: OpeningPart, struct: StructType) -> dict[str, Value]:
    if struct is not OPENING:
        raise CheckFailedError(
            f"openings[{place}] is a {struct.name}, not an opening.",
            f"openings[{place}] 是 {struct.name}，不是启用声明。",
        )
    return struct.decode(bytes_of(one.statement.payload))
