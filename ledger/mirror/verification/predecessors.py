"""The logs that this one carries on: that the leaves are theirs, and that an opening says so (启用声明)."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from ledger.mirror import queries
from ledger.mirror.queries import Cursor
from ledger.mirror.verification.report import Report
from ledger.statements import OPENING, LogIdentity


def check_predecessors(
    conn: Connection,
    cursor: Cursor,
    log: LogIdentity,
    roots: Mapping[int, bytes],
    report: Report,
) -> None:
    """Hold what ``log`` is told to carry on against cursor, leaves (their ``roots`` by size) and openings.

    What an opening itself says is a matter of rules: its rulebook compares it with the same logs.
    """
    if cursor.log.earlier != log.earlier:
        report.add(
            "cursor",
            "镜像所记的前序日志与部署文件不符",
            "the mirror was taken over with other predecessors than the deployment file names",
            table="cursor",
            column="earlier",
        )
    for one in log.earlier:
        told = f"0x{one.log.address.hex()} on chain {one.log.chain_id}"
        root = roots.get(one.size)
        if root is None:
            report.skip(
                f"前序日志 0x{one.log.address.hex()} 的 {one.size} 条声明尚未全部到达",
                f"the {one.size} statements of log {told} are not all here yet",
            )
            continue
        if root != one.root:
            report.add(
                "predecessor",
                f"前 {one.size} 条声明的根为 0x{root.hex()}，前序日志 0x{one.log.address.hex()} "
                f"封存时为 0x{one.root.hex()}",
                f"the first {one.size} statements make the root 0x{root.hex()}; log {told} was sealed "
                f"with 0x{one.root.hex()}",
                leaf=one.size - 1,
                table="statement",
            )
        if one.size == cursor.size:
            report.skip(
                f"尚无启用声明说明本日志接续 0x{one.log.address.hex()}",
                f"no opening says yet that this log carries on {told}",
            )
        elif (kind := queries.statement_at(conn, one.size).kind) != OPENING.kind:
            report.add(
                "predecessor",
                f"第 {one.size} 号声明应为启用声明，却是 {kind}",
                f"leaf {one.size} should be the opening that names log {told}, and is a {kind}",
                leaf=one.size,
                table="statement",
                column="kind",
            )
