"""The whole verification, in one view of the database."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from sqlalchemy import Connection, Engine, func, select

from ledger.chain.interface import Chain
from ledger.mirror import queries, tables
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Projection, Rulebook
from ledger.mirror.queries import Checkpoint, Cursor
from ledger.mirror.side_by_side import Progress, beside
from ledger.mirror.verification.derived import check_blocks, check_projections
from ledger.mirror.verification.elsewhere import ExaminingEvidence
from ledger.mirror.verification.evidence import Evidence
from ledger.mirror.verification.leaves import Leaves, NotIntactError
from ledger.mirror.verification.onchain import OnChain
from ledger.mirror.verification.predecessors import check_predecessors
from ledger.mirror.verification.report import Report
from ledger.mirror.verification.since import check_since


def verify(
    engine: Engine,
    chain: Chain | None,
    origin: Origin,
    projections: Sequence[Projection],
    rulebooks: Sequence[Rulebook],
    *,
    since: Checkpoint | None = None,
    progress: Progress | None = None,
) -> Report:
    """Check a mirror against itself, against mathematics, and against the chain where one is given.

    In order: leaves, tiles and root from the stored statements; a checkpoint kept earlier;
    signatures, versions and rules; projections and flags against fresh ones; blocks; and the
    chain: events, blocks, root, heads. The database is seen as it was at the beginning, and
    nothing in it is changed.

    Nothing that is found is raised; it is in the report.
    """
    report = Report()
    with beside(engine) as place:
        conn = place.conn
        cursor = _cursor(conn, origin, report)
        if cursor is None:
            return report
        report.size, report.root = cursor.size, "0x" + cursor.root.hex()
        sizes = {each.size for each in origin.log.earlier} | ({since.size} if since else set())
        leaves = Leaves(conn, cursor, origin.log, report, sizes)
        projected = Report()
        # Only this process can ask the chain, and only here are the heads that are compared with it.
        elsewhere = (
            ExaminingEvidence(conn, cursor, origin, projections, rulebooks)
            if chain is None
            else None
        )
        with contextlib.suppress(NotIntactError):
            check_projections(
                place,
                projections,
                cursor,
                projected,
                progress=progress,
                examining=elsewhere,
                before=leaves.take,
            )
        derived = leaves.finished()
        if since is not None:
            check_since(since, cursor, derived.roots.get(since.size), report)
        if origin.log.earlier:
            check_predecessors(conn, cursor, origin.log, derived.roots, report)
        if not derived.intact:
            report.skip(
                "声明不完整，其余各项未核验；可弃用此镜像库，从链上重新同步",
                "with statements missing nothing else was checked; this mirror database may be "
                "thrown away and taken over from the chain anew",
            )
            return report
        heads = None
        if elsewhere is None or not elsewhere.sound(report):
            heads = Evidence(conn, cursor, origin, rulebooks, report, chain).check(progress)
        check_blocks(place, cursor, origin.log.inherited, report)
        if chain is not None and heads is not None:
            OnChain(conn, chain, origin, cursor, report).check(heads, progress)
        else:
            report.skip(
                "未连链：区块哈希、交易哈希，以及日志是否有新增或改写",
                "without the chain: hashes of blocks and transactions, and whether the log has "
                "gone on or was rewritten",
            )
        # Found first, told last.
        report.take(projected)
    return report


def _cursor(conn: Connection, origin: Origin, report: Report) -> Cursor | None:
    """The one cursor, of the log that is to be verified; None, with the reason told, where not."""
    try:
        cursor = queries.cursor_of(conn)
    except ValueError as error:
        report.add(
            "cursor",
            f"进度无法读取：{error}",
            f"the cursor cannot be read: {error}",
            table="cursor",
        )
        return None
    rows = conn.execute(select(func.count()).select_from(tables.cursor)).scalar_one()
    statements = conn.execute(select(func.count()).select_from(tables.statement)).scalar_one()
    if rows > 1 or (cursor is None and (rows or statements)):
        report.add(
            "cursor",
            f"进度表应有一行，现有 {rows} 行",
            f"there are {rows} cursors where there must be one, with id 1",
            table="cursor",
            column="id",
        )
        return None
    if cursor is None:
        report.skip("镜像为空", "the mirror is empty")
    elif cursor.log != origin.log:
        report.add(
            "cursor",
            f"数据库属于链 {cursor.log.chain_id} 上的日志 0x{cursor.log.address.hex()}",
            f"the database mirrors log 0x{cursor.log.address.hex()} on chain "
            f"{cursor.log.chain_id}, not the one that was asked about",
            table="cursor",
            column="chain_id" if cursor.log.address == origin.log.address else "log",
        )
        return None
    return cursor
