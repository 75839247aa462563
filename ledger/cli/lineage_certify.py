"""``govledger lineage certify``: one file that proves where a delivery comes from (溯源证书)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.lineage_graph import Depth, graph_of
from ledger.cli.output import (
    counted,
    err,
    progress_bar,
    say,
    write_whole,
)
from ledger.cli.session import AsOf


def certify(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The entry's code.")],
    delivery: Annotated[
        int, typer.Option("--delivery", min=1, help="Number of the delivery, from 1.")
    ],
    item: Annotated[
        str | None, typer.Option("--item", help="With the way of this column, too.")
    ] = None,
    place: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; standard output if not given.")
    ] = None,
    depth: Depth = 20,
    as_of: AsOf = None,
) -> None:
    """A provenance certificate: the graph down to the sources, with the proof behind every edge.

    Anybody checks it offline with `govledger log verify`. Without --as-of the graph is that of the time until
    the next delivery.

    Example: govledger lineage certify 318001/000009 --delivery 1 -o certificate.json

    Example: govledger lineage certify 318001/000009 --delivery 1 --item 学校名称 -o certificate.json
    """
    from ledger.lineage.certificate.make import Asked, make  # noqa: PLC0415 - only this command needs it
    from ledger.log.document import render  # noqa: PLC0415
    from ledger.statements import address_bytes  # noqa: PLC0415

    with graph_of(as_of) as graph:
        office = graph.office
        journal = office.lineage.journal if office.lineage.exists else None
        with progress_bar(say("收集证据", "Gathering evidence")) as bar:
            told = make(
                graph.connection,
                journal,
                Asked(code, delivery, graph.as_of, depth, item),
                genesis_authority=address_bytes(office.deployment.genesis_authority),
                progress=bar,
            )
    data = render(told)
    if place is None:
        sys.stdout.write(data.decode())
        return
    write_whole(place, [data])
    err.print(
        say(
            f"✓ 已写入 {place}：{len(told['graph']['edges'])} 条边，{len(told['statements'])} 条声明；"
            f"核验：govledger log verify {place}",
            f"✓ written to {place}: {counted(len(told['graph']['edges']), 'edge')}, "
            f"{counted(len(told['statements']), 'statement')}; check it with: govledger log verify {place}",
        ),
        style="green",
    )
