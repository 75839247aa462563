"""What whoever checks a proof kept from elsewhere, a root and perhaps its size, held against the file's."""

from __future__ import annotations

from typing import NamedTuple

from ledger.log.document import Checkpoint, hex_of
from ledger.log.verdict import CheckFailedError, Status, Verdict
from ledger.statements import WORD


class Kept(NamedTuple):
    """What whoever checks knows from elsewhere."""

    root: bytes
    size: int | None

    @classmethod
    def of(cls, root: bytes | str, size: int | None = None) -> Kept:
        """``root`` in 32 bytes or as hex; raises :class:`ValueError` where it is none."""
        return cls(_root(root), size)


def _root(root: bytes | str) -> bytes:
    try:
        raw = bytes.fromhex(root.strip().removeprefix("0x")) if isinstance(root, str) else root
    except ValueError as error:
        raise ValueError(f"a root is 64 hex digits, not {root!r}") from error
    if len(raw) != WORD:
        raise ValueError(f"a root has 32 bytes (64 hex digits), this one has {len(raw)}")
    return raw


def check_root(checkpoint: Checkpoint, kept: Kept | None, verdict: Verdict) -> None:
    """Whether a checkpoint is the one that was kept; raises :class:`CheckFailedError` where it is not."""
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
        given = given_zh = hex_of(kept.root)
        if kept.size is not None:
            given, given_zh = f"{given} at size {kept.size}", f"大小{kept.size}时的根 {given}"
        raise CheckFailedError(
            f"The file proves against the root {root} at size {size}, you gave {given}. Either "
            "yours is of another size, or this is not the log that you know.",
            f"文件针对的是大小{size}时的根 {root}，而给定的是{given_zh}："
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
