"""The tour's part about lineage: what it finds, where one column comes from, and a delivery that is certified."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as Grid

from ledger.audits.audit import audited
from ledger.audits.report import measures
from ledger.demo.collecting import HONEST, QUARTERS, build_tables
from ledger.demo.pipelines import CREDIT, DARK, ITEM, library_entry
from ledger.demo.play import Demo
from ledger.lineage import graph
from ledger.lineage.findings.listing import KINDS, Finding, findings
from ledger.office import Office
from ledger.statements import address_bytes

CERTIFICATE = "certificate.json"
_DEPTH = 20


def print_lineage(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    """Print findings, one column's sources, and the check of a certificate."""
    _print_findings(office, demo, console, zh=zh)
    _print_column(office, demo, console)
    _print_certificate(office, demo, console, zh=zh)


def _command(console: Console, demo: Demo, words: str) -> None:
    console.print(f"$ govledger -C {demo.place} {words}", style="bold", markup=False)


def _print_findings(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    names = {one.code: one.name if zh else one.name_en for one in demo.district.departments}
    with office.read() as connection:
        found = findings(connection)
        with audited(connection, journal=True) as audit:
            used = next(one for one in measures(audit) if one["id"] == "data_in_use")
        connection.rollback()
    _command(console, demo, "lineage findings")
    grid = Grid(show_edge=False, pad_edge=False)
    for column in ("发现 finding", "数据集 data set", "说明 what", "应办单位 organisation"):
        grid.add_column(column, overflow="fold")
    for one in found.findings:
        kind = KINDS[one.kind]
        organisation = names.get(one.organisation or "", one.organisation)
        grid.add_row(kind.zh if zh else kind.en, one.name, _what(one, zh=zh), organisation)
    console.print(grid)
    console.print(
        f"在用数据 {used['denominator']} 个，已编目 {used['numerator']} 个；未编目的可生成草案："
        if zh
        else f"Of {used['denominator']} data sets in use {used['numerator']} are catalogued; the others can be drafted:"
    )
    _command(console, demo, f"lineage draft {DARK[0][0]}:{DARK[0][1]}")
    console.print()


def _what(one: Finding, *, zh: bool) -> str:
    if one.kind == "dark_data":
        return f"作业 {one.jobs}，运行 {one.runs}" if zh else f"{one.jobs} jobs, {one.runs} runs"
    if one.path:
        way = " → ".join(place.name for place in one.path)
        return way if one.stated is None else f"{one.stated} < {one.flowing}: {way}"
    return one.entry or ""


def _print_column(office: Office, demo: Demo, console: Console) -> None:
    code, _ = library_entry(demo.district, CREDIT)
    _command(console, demo, f"lineage column {code}.{ITEM}")
    with office.read() as connection:
        starts = graph.item_columns(connection, graph.nodes_of_entry(connection, code), code, ITEM)
        found = graph.columns(connection, starts, direction="upstream", depth=_DEPTH)
    names = {node.id: node.name for node in found.nodes}
    for edge in found.edges:
        if edge.kind != "RULE":
            made, of = f"{names[edge.output]}.{edge.output_field}", names[edge.input]
            console.print(f"  {made} ← {of}.{edge.input_field}", markup=False)
    console.print()


def _print_certificate(office: Office, demo: Demo, console: Console, *, zh: bool) -> None:
    from ledger.lineage.certificate.make import Asked, make  # noqa: PLC0415 - only where it is asked for
    from ledger.lineage.certificate.verify import verify_certificate  # noqa: PLC0415
    from ledger.log.document import render  # noqa: PLC0415

    entry = build_tables(demo.district)[HONEST].entry
    number, place = len(QUARTERS), demo.place / CERTIFICATE
    with office.read() as connection:
        told = make(
            connection,
            office.lineage.journal,
            Asked(entry, number),
            genesis_authority=address_bytes(office.deployment.genesis_authority),
        )
    data = render(told)
    place.write_bytes(data)
    checkpoint = told["checkpoint"]
    _command(console, demo, f"lineage certify {entry} --delivery {number} -o {place}")
    root = checkpoint["root"].removeprefix("0x")
    console.print(
        f"$ govledger log verify {place} --root {root} --size {checkpoint['size']}",
        style="bold",
        markup=False,
    )
    verdict = verify_certificate(data, bytes.fromhex(root), checkpoint["size"])
    for line in verdict.lines("zh" if zh else "en"):
        console.print(line, markup=False)
    console.print()
