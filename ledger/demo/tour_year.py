"""The tour's second half: what was not collected, who owes an answer, and a score that comes out again."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from ledger.audits.audit import audited
from ledger.audits.findings import SIGNALS
from ledger.audits.report import finding_line, gap_line, measures
from ledger.corrections import queries as corrections
from ledger.demo.collecting import FEWER, STORIES, build_tables, table_file
from ledger.demo.duties import expected_of
from ledger.demo.play import Demo
from ledger.demo.tables import COLUMNS, write_table
from ledger.demo.year import CORRECTION, REPORT
from ledger.office import Office
from ledger.quality import queries as quality

METRICS = (
    ("duty_coverage", "职责覆盖率", "duties with an entry"),
    ("cataloguing", "编目率", "entries published of those expected"),
    ("collection", "归集率", "tables collected of those expected"),
    ("record_collection", "记录归集率", "records that arrived of those signed for"),
    ("timeliness", "更新及时率", "tables in time"),
)
LAST = 2


def print_year(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    """Print the audit, the stories behind its gaps, the overdue correction, and the reproduced score."""
    _print_audit(office, demo, console, zh=zh)
    _print_correction(office, demo, console, zh=zh)
    _print_score(office, demo, console, zh=zh)


def _command(console: Console, demo: Demo, words: str) -> None:
    console.print(f"$ govledger -C {demo.place} {words}", style="bold", markup=False)


def _print_audit(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    tables = build_tables(demo.district)
    expected = {expected_of(demo.district, one.entry): one for one in tables}
    with office.read() as connection, audited(connection) as found:
        rates = {one["id"]: one for one in measures(found)}
        gaps = {one["obligation"]: one for one in (gap_line(found, row) for row in found.gaps())}
        told = [finding_line(found, row) for row in found.findings()]
    _command(console, demo, "audit completeness")
    grid = Grid(show_edge=False, pad_edge=False)
    for column in ("指标 metric", "%", "分子 of", "分母 all"):
        grid.add_column(column, justify="left" if column.startswith("指标") else "right")
    for name, chinese, english in METRICS:
        one = rates[name]
        points = one["rate_basis_points"]
        rate = "–" if points is None else f"{points // 100}.{points % 100:02d}"
        label = chinese if zh else english
        grid.add_row(label, rate, str(one["numerator"]), str(one["denominator"]))
    console.print(grid)
    console.print()
    _command(console, demo, "audit explain " + next(iter(expected)))
    grid = Grid(show_edge=False, pad_edge=False)
    for column in ("义务 obligation", "实情 what happened", "止于 stops at", "发现 findings"):
        grid.add_column(column, overflow="fold")
    for code, table in expected.items():
        gap = gaps.get(code)
        names = {
            SIGNALS[one["name"]].zh if zh else SIGNALS[one["name"]].en
            for one in told
            if one["subject"] in (code, table.entry)
        }
        grid.add_row(
            code,
            STORIES[table.story][0 if zh else 1],
            str(gap["rung"]) if gap else ("齐全" if zh else "complete"),
            "；".join(sorted(names)) or "–",
        )
    console.print(grid)
    console.print()
    console.print(
        f"审计报告：{demo.place / REPORT}，其摘要已上链；任何人可重算："
        if zh
        else f"The audit report is {demo.place / REPORT}; its digest is anchored, and anybody works it out again:"
    )
    _command(console, demo, f"audit verify {demo.place / REPORT}")
    console.print()


def _print_correction(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    with office.read() as connection:
        request = corrections.request(connection, CORRECTION)
    if request is None:
        raise LookupError(CORRECTION)
    _command(console, demo, f"correction show {CORRECTION}")
    console.print(
        f"校核申请 {CORRECTION}（{request.title}）：10 个工作日内未答复，已逾期（条例第三十九条第六项）"
        if zh
        else f"Correction request {CORRECTION}: no answer within ten working days, overdue (finding 39(6))"
    )
    console.print()


def _print_score(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    """A recorded score done again: equal on the data delivered, not on data with one cell altered."""
    from ledger.demo.judging import reproduced  # noqa: PLC0415 - brings the query engine along

    table = build_tables(demo.district)[FEWER]
    source = table_file(demo.place, table, LAST, sent=True)
    with office.read() as connection:
        score = quality.scores(connection, entry=table.entry)[0]
        outcomes = quality.outcomes(connection, score.leaf_from)
    _command(console, demo, f"quality reproduce {score.leaf_from} {source}")
    again = reproduced(demo.place, score, outcomes, source)
    total = "–" if score.total is None else f"{score.total / 100:.2f}"
    if not again.equal:
        raise LookupError(f"the score at {score.leaf_from} was not reproduced")
    console.print(
        f"✓ 日志位置 {score.leaf_from} 的评分（{total}）已复现，逐项一致"
        if zh
        else f"✓ the score at log index {score.leaf_from} ({total}) comes out equal, item by item"
    )
    altered = _altered(source)
    _command(console, demo, f"quality reproduce {score.leaf_from} {altered}")
    again = reproduced(demo.place, score, outcomes, altered)
    for one in again.differences[:2]:
        console.print(f"✗ {one.what} {one.name}: {one.stated} ≠ {one.found}", markup=False)
    console.print()


def _altered(source: Path) -> Path:
    """The same table with one result set right that was wrong: a prettier table."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    rows = [tuple(row[name] for name in COLUMNS) for row in pq.read_table(source).to_pylist()]
    place = COLUMNS.index("办理结果")
    at = next(at for at, row in enumerate(rows) if row[place] == "未知")
    rows[at] = (*rows[at][:place], "准予", *rows[at][place + 1 :])
    return write_table(source.with_name(f"{source.stem}_altered.parquet"), rows)
