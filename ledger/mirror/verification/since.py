"""A checkpoint kept earlier (检查点): proof that the log was only appended to since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger.mirror.queries import CHECKPOINT_FORMAT, Checkpoint, Cursor
from ledger.mirror.verification.report import Report
from ledger.statements import LogIdentity


class CheckpointError(ValueError):
    """A file that is no checkpoint; the text says what is wrong with it."""


def parse_checkpoint(text: bytes | str | Mapping[str, Any] | Checkpoint) -> Checkpoint:
    """A checkpoint from its JSON, or from the object in it; raises :class:`CheckpointError`."""
    if isinstance(text, Checkpoint):
        return text
    try:
        found = (
            msgspec.json.decode(text, type=Checkpoint)
            if isinstance(text, bytes | str)
            else msgspec.convert(text, Checkpoint)
        )
        root, log = bytes.fromhex(found.root[2:]), bytes.fromhex(found.log[2:])
    except (msgspec.MsgspecError, ValueError) as error:
        raise CheckpointError(f"not a checkpoint: {error}") from error
    if found.format != CHECKPOINT_FORMAT:
        raise CheckpointError(f"not a checkpoint: format {found.format!r}")
    if len(root) != 32 or len(log) != 20 or found.size < 0:  # noqa: PLR2004
        raise CheckpointError("not a checkpoint: root, log or size out of shape")
    return found


def check_since(kept: Checkpoint, cursor: Cursor, root_then: bytes | None, report: Report) -> None:
    """Compare with the root that today's statements make at the checkpoint's size."""
    log = LogIdentity(kept.chain_id, bytes.fromhex(kept.log[2:]))
    # A log that this one carries on had the same leaves, up to its seal.
    before = any(each.log == log and kept.size <= each.size for each in cursor.log.earlier)
    if log != cursor.log and not before:
        report.add(
            "since",
            f"检查点属于链 {kept.chain_id} 上的日志 {kept.log}，不是本日志",
            f"the checkpoint is of log {kept.log} on chain {kept.chain_id}, not of this one",
        )
    elif kept.size > cursor.size:
        report.add(
            "since",
            f"检查点时日志有 {kept.size} 条声明，现在只有 {cursor.size} 条：历史被删除",
            f"the log had {kept.size} statements at the checkpoint and has {cursor.size} now: "
            "history was taken away",
            leaf=cursor.size,
        )
    elif root_then is None:
        report.skip(
            "声明缺失，无法推导检查点时的根",
            "the root at the checkpoint could not be derived: statements are missing",
        )
    elif "0x" + root_then.hex() != kept.root.lower():
        report.add(
            "since",
            f"前 {kept.size} 条声明现在的根为 0x{root_then.hex()}，检查点为 {kept.root}：历史被改写",
            f"the first {kept.size} statements now make the root 0x{root_then.hex()}, the checkpoint "
            f"kept {kept.root}: history was rewritten",
        )
