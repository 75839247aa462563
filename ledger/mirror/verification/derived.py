"""Projections and flags, compared row by row with fresh ones; and blocks and cursor with each
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from ledger.mirror import tables
from ledger.mirror.applying import projection_versions, write_examined
from ledger.mirror.examining import Examined, Examining
from ledger.mirror.own_indexes import OwnIndex, indexes_of
from ledger.mirror.projections import Projection
from ledger.mirror.queries import Cursor
from ledger.mirror.side_by_side import Beside, OnRows, Progress, derived_tables, fill
from ledger.mirror.verification.comparing import comparisons
from ledger.mirror.verification.report import LISTED, Report
from ledger.store.ranged import Appended


def check_projections(
    place: Beside,
    projections: Sequence[Projection],
    cursor: Cursor,
    report: Report,
    *,
    progress: Progress | None = None,
    examining: Examining | None = None,
    before: OnRows | None = None,
) -> None:
    """Make every projection's rows from the statements again, as ``examining`` finds them, and name each row and column
    that differs. Rows of ``statement`` are given to ``before`` first.

    What drafts make is held against the rows in use as it comes. Other projections write into copies, and so do those
    of which anything was not as it must be: what differs is then looked for.
    """
    _check_versions(place, projections, report)
    compared = comparisons(place, projections)
    copied = [each for at, each in enumerate(projections) if at not in compared]
    place.copy(derived_tables(copied))

    judged: dict[str, dict[int, bool]] = {}
    """Whether whole parts of indexes are there as the statements make them: by table and first leaf."""

    def write(conn: Connection, _: Sequence[Projection], examined: Examined) -> Sequence[Appended]:
        made: list[Appended] = []
        for at, comparison in compared.items():
            made += comparison.take(examined.fit[at])
            examined.fit[at] = []
        write_examined(conn, projections, examined)
        return made

    def judge(index: OwnIndex, first: int, part: Sequence[Any]) -> None:
        judged.setdefault(index.table, {})[first] = index.holds(place.conn, first, part)

    try:
        fill(
            place.conn,
            projections,
            cursor.size,
            progress,
            write=write,
            examining=examining,
            before=before,
            on_part=judge,
        )
        for comparison in compared.values():
            if comparison.alike():
                report.count("rows", comparison.rows)
            else:
                copied.append(comparison.projection)
                # Indexes are held against the rows in use, which are not what the statements make.
                judged.clear()
                place.copy(comparison.projection.tables)
                fill(place.conn, [comparison.projection], cursor.size, progress, write=_unflagged)
    except (SQLAlchemyError, ValueError, TypeError, LookupError) as error:
        report.add(
            "projection",
            f"这些声明无法投影：{error}",
            f"these statements cannot be projected: {error}",
        )
        return
    for table in derived_tables([each for each in projections if each in copied]):
        total = place.conn.exec_driver_sql(
            f'SELECT count(*) FROM {place.fresh}."{table.name}"'  # noqa: S608
        ).scalar_one()
        report.count("rows", total)
        if not _alike(place, table, total):
            _compare_table(place, table, report)
    _check_indexes(place, projections, cursor, judged, report)


def _unflagged(
    conn: Connection, projections: Sequence[Projection], examined: Examined
) -> Sequence[Appended]:
    """Write what is fit; flags are written already."""
    return write_examined(conn, projections, Examined([], examined.fit))


def _check_indexes(
    place: Beside,
    projections: Sequence[Projection],
    cursor: Cursor,
    judged: Mapping[str, Mapping[int, bool]],
    report: Report,
) -> None:
    """What the indexes of projections say of the rows in use, which were held against fresh ones."""
    place.conn.execution_options(schema_translate_map={None: place.lasting.strip('"')})
    try:
        for index in indexes_of(projections):
            known = judged.get(index.table, {})
            for first, last in index.wrong_parts(place.conn, cursor.size, known):
                report.add(
                    "projection",
                    f"索引 {index.table} 关于日志 {first} 至 {last} 的内容与各行不符；重建投影即可恢复",
                    f"index {index.table} says of leaves {first} to {last} what the rows do not; rebuild the "
                    "projections",
                    leaf=first,
                    table=index.table,
                )
    finally:
        place.conn.execution_options(schema_translate_map={})


def _check_versions(place: Beside, projections: Sequence[Projection], report: Report) -> None:
    found = place.conn.execute(select(tables.projection_state))
    kept = {row.name: row.version for row in found}
    wanted = projection_versions(projections)
    for name in sorted(kept.keys() | wanted.keys()):
        if kept.get(name) != wanted.get(name):
            report.add(
                "state",
                f"投影 {name} 记为第 {kept.get(name)} 版，本程序为第 {wanted.get(name)} 版",
                f"projection {name} is noted as version {kept.get(name)}, this program has "
                f"{wanted.get(name)}",
                table="projection_state",
                column="version" if name in kept and name in wanted else "name",
            )


def _alike(place: Beside, table: Table, total: int) -> bool:
    """Whether both tables hold the same rows; each row is looked up by its key, which costs a fraction of sorting
    both tables by all their columns, as naming the differences does.
    """
    lasting, fresh = f'{place.lasting}."{table.name}"', f'{place.fresh}."{table.name}"'
    kept = place.conn.exec_driver_sql(f"SELECT count(*) FROM {lasting}").scalar_one()  # noqa: S608
    if kept != total:
        return False
    same = "IS" if place.conn.dialect.name == "sqlite" else "IS NOT DISTINCT FROM"
    key = {column.name for column in table.primary_key}
    matches = " AND ".join(
        f'l."{column.name}" {"=" if column.name in key else same} f."{column.name}"'
        for column in table.columns
    )
    paired = place.conn.exec_driver_sql(
        f"SELECT count(*) FROM {fresh} AS f JOIN {lasting} AS l ON {matches}"  # noqa: S608
    ).scalar_one()
    return bool(paired == total)


def _compare_table(place: Beside, table: Table, report: Report) -> None:
    columns = [column.name for column in table.columns]
    key = [column.name for column in table.primary_key]
    listed = ", ".join(f'"{name}"' for name in columns)
    lasting, fresh = f'{place.lasting}."{table.name}"', f'{place.fresh}."{table.name}"'
    places = [columns.index(name) for name in key]

    def only_in(left: str, right: str) -> dict[tuple[Any, ...], Sequence[Any]]:
        rows = place.conn.exec_driver_sql(
            f"SELECT {listed} FROM {left} EXCEPT SELECT {listed} FROM {right} "  # noqa: S608
            f"LIMIT {LISTED + 1}"
        )
        return {tuple(row[at] for at in places): row for row in rows}

    here, there = only_in(lasting, fresh), only_in(fresh, lasting)
    kind = "flag" if table is tables.flag else "projection"
    for row_key in sorted(here.keys() | there.keys(), key=repr):
        ours, theirs = here.get(row_key), there.get(row_key)
        named = ", ".join(
            f"{name} {_shown(value)}" for name, value in zip(key, row_key, strict=True)
        )
        if ours is None or theirs is None:
            report.add(
                kind,
                f"表 {table.name} {'缺少' if ours is None else '多出'}一行（{named}）",
                f"table {table.name}: row {named} is "
                f"{'missing' if ours is None else 'there, and follows from no statement'}",
                leaf=_leaf(columns, ours or theirs),
                table=table.name,
            )
            continue
        for name, is_here, must_be in zip(columns, ours, theirs, strict=True):
            if is_here != must_be:
                report.add(
                    kind,
                    f"表 {table.name} 行（{named}）列 {name}：为 {_shown(is_here)}，应为 {_shown(must_be)}",
                    f"table {table.name}, row {named}, column {name}: {_shown(is_here)} is there, "
                    f"the statements make {_shown(must_be)}",
                    leaf=_leaf(columns, theirs),
                    table=table.name,
                    column=name,
                )


def _shown(value: object) -> str:
    """A column's value for people."""
    return "0x" + value.hex() if isinstance(value, bytes) else repr(value)


def _leaf(columns: Sequence[str], row: Sequence[Any] | None) -> int | None:
    if row is None:
        return None
    name = "leaf_from" if "leaf_from" in columns else "index_"
    value = row[columns.index(name)] if name in columns else None
    return value if isinstance(value, int) else None


def check_blocks(place: Beside, cursor: Cursor, inherited: int, report: Report) -> None:
    """Each block's size and time against the statements in it, parents where neighbours are known,
    and the cursor against its block.

    The first ``inherited`` leaves came from another log and keep the times that they had there.
    """
    conn, block, vouched = place.conn, tables.block.c, tables.authorisation.c
    ends = {
        row.block_number: row.size
        for row in conn.execute(
            select(
                vouched.block_number, func.max(vouched.first_index + vouched.count).label("size")
            ).group_by(vouched.block_number)
        )
    }
    times = _times(place, inherited)
    size, previous = 0, None
    for row in conn.execute(select(tables.block).order_by(block.number)):
        size = ends.pop(row.number, size)
        told = f"区块 {row.number}", f"block {row.number}"
        if row.size != size:
            _block(report, told, f"规模应为 {size}", f"its size is {size}, not {row.size}", "size")
        at = times.get(row.number, row.timestamp)
        if row.timestamp != at:
            _block(
                report,
                told,
                f"时间应为 {at}，与其中声明一致",
                f"its statements were recorded at {at}, not {row.timestamp}",
                "timestamp",
            )
        if (
            previous is not None
            and previous.number == row.number - 1
            and previous.hash != row.parent_hash
        ):
            _block(
                report,
                told,
                "与前一区块不相连",
                "it does not follow on the one before",
                "parent_hash",
            )
        if row.number > cursor.block_number:
            _block(report, told, "在进度之后", "it lies beyond where the mirror stands", "number")
        previous = row
    for number in ends:
        _block(
            report,
            (f"区块 {number}", f"block {number}"),
            "有声明却未记录",
            "it holds statements and is not known",
            "number",
        )
    if previous is None or (previous.number, previous.hash) != (
        cursor.block_number,
        cursor.block_hash,
    ):
        report.add(
            "cursor",
            f"进度所指区块 {cursor.block_number} 不是最新记录的区块",
            f"the cursor stands at block {cursor.block_number} with hash "
            f"0x{cursor.block_hash.hex()}, which is not the newest block known",
            table="cursor",
            column="block_number",
        )


def _times(place: Beside, inherited: int) -> dict[int, int]:
    """When the statements of each block were recorded; -1 where they disagree."""
    question = text(
        "SELECT a.block_number, min(s.recorded_at), max(s.recorded_at) FROM authorisation a "
        "JOIN statement s ON s.index_ >= a.first_index AND s.index_ < a.first_index + a.count "
        "WHERE a.first_index >= :inherited GROUP BY a.block_number"
    )
    found = place.conn.execute(question, {"inherited": inherited})
    return {number: low if low == high else -1 for number, low, high in found}


def _block(report: Report, told: tuple[str, str], zh: str, en: str, column: str) -> None:
    report.add("block", f"{told[0]}：{zh}", f"{told[1]}: {en}", table="block", column=column)
