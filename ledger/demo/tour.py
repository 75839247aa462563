"""A short tour of the synthetic district: what is there, a search, a proof and its check."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import Filters
from ledger.codes import EntryState
from ledger.demo.play import Demo
from ledger.demo.tour_lineage import print_lineage
from ledger.demo.tour_year import print_year
from ledger.log.document import render
from ledger.log.queries import build_proof
from ledger.log.verify import verify_proof
from ledger.mirror.queries import cursor_of
from ledger.office import Office
from ledger.organisations import queries as organisations
from ledger.quality import queries as quality
from ledger.statements import address_bytes

SEARCH = "食品"
console = Console(highlight=False, soft_wrap=True)


def print_tour(office: Office, demo: Demo, *, language: str, serving: bool) -> None:
    """Print the tour; ``serving`` adds the addresses at which the server is about to answer."""
    zh = language == "zh"
    district = demo.district
    with office.read() as connection:
        cursor = cursor_of(connection)
        everyone = organisations.organisations(connection)
        facets = catalogue.facets(connection)
        scores = quality.scores(connection)
        found = catalogue.search(connection, Filters(q=SEARCH), limit=5)
        code = found.entries[0].code
        filed = catalogue.editions(connection, code)[-1].leaf
        proof = render(
            build_proof(
                connection,
                filed,
                genesis_authority=address_bytes(office.deployment.genesis_authority),
            )
        )
    if cursor is None:
        raise LookupError("the mirror is empty")
    console.rule("合成示例区，非真实数据" if zh else "A synthetic district; nothing in it is real")
    states = ", ".join(
        f"{(EntryState.of(name).zh if zh else EntryState.of(name).en)} {count}"
        for name, count in facets["state"].items()
    )
    total = sum(facets["state"].values())
    console.print(
        f"{len(everyone)} 个机构，{total} 条目录（{states}），{len(scores)} 条质量评分"
        if zh
        else f"{len(everyone)} organisations, {total} catalogue entries ({states}), {len(scores)} scores"
    )
    console.print(
        f"账本：{cursor.size} 条声明，根 {cursor.root.hex()}"
        if zh
        else f"The log: {cursor.size} statements, root {cursor.root.hex()}"
    )
    console.print()
    console.print(
        f"$ govledger -C {demo.place} catalogue search {SEARCH}", style="bold", markup=False
    )
    table = Table(show_edge=False, pad_edge=False)
    for column in ("代码 code", "名称 name", "提供单位 provider", "状态 state", "日志 leaf"):
        table.add_column(column, overflow="fold")
    for entry in found.entries:
        state = EntryState.of(entry.state)
        table.add_row(
            entry.code,
            entry.name or "–",
            entry.provider_name or entry.provider,
            state.zh if zh else state.en,
            str(entry.leaf),
        )
    console.print(table)
    console.print()
    place = demo.place / "proof.json"
    place.write_bytes(proof)
    commands = (
        f"$ govledger -C {demo.place} log prove --entry {code} -o {place}",
        f"$ govledger log verify {place} --root {cursor.root.hex()} --size {cursor.size}",
    )
    for command in commands:
        console.print(command, style="bold", markup=False)
    verdict = verify_proof(proof, cursor.root, cursor.size)
    for line in verdict.lines(language):
        console.print(line, markup=False)
    console.print()
    print_year(office, demo, console, zh=zh)
    print_lineage(office, demo, console, zh=zh)
    if serving:
        _print_addresses(office, code, zh=zh)
    else:
        again = (
            f"govledger demo --dir {demo.place}" if str(demo.place) != "demo-data" else "make demo"
        )
        console.print(f"继续浏览：{again}" if zh else f"To look around: {again}")
    console.print(f"({district.root.name} {district.root.name_en})", style="dim")


def _print_addresses(office: Office, code: str, *, zh: bool) -> None:
    base = f"http://{office.settings.host}:{office.settings.port}"
    pages = (
        ("/", "从这里开始", "start here"),
        ("/docs", "接口说明", "the API"),
        (f"/api/v1/catalogue/entries?q={SEARCH}", "检索", "a search"),
        (f"/api/v1/catalogue/entries/{code}", "条目", "an entry"),
        (f"/api/v1/catalogue/entries/{code}/history", "条目历史", "its history"),
        ("/api/v1/audits/completeness", "应归尽归审计", "the completeness audit"),
        ("/api/v1/audits/gaps", "缺口", "its gaps"),
        ("/api/v1/lineage/findings", "血缘发现", "what lineage finds"),
        ("/api/v1/log/checkpoint", "检查点", "the checkpoint"),
    )
    for path, chinese, english in pages:
        console.print(f"  {base}{path}   {chinese if zh else english}", markup=False)
