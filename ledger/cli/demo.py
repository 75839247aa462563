"""``govledger demo``: a synthetic district to look at."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.cli.output import out, progress_bar, say
from ledger.cli.serving import receiving, serve_office
from ledger.cli.session import asked_data_dir, settings
from ledger.demo.play import PASSPHRASE, Demo, open_demo
from ledger.demo.tour import print_tour
from ledger.office import Office


def demo(
    no_serve: Annotated[
        bool, typer.Option("--no-serve", help="Build the district, show the tour, and end.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same district.")] = 2026,
    place: Annotated[
        Path | None,
        typer.Option("--dir", help="Where the district is kept; what -C names, or demo-data."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port of the HTTP API.")] = None,
) -> None:
    """A synthetic district on its own chain: 29 departments, 300 catalogue entries, scores.

    Nothing in it is real. Example: govledger demo --no-serve
    """
    place = place or asked_data_dir() or Path("demo-data")
    built: Demo = open_demo(place, seed)
    chosen = settings(data_dir=place, port=port, passphrase_file=place / "passphrase")
    clock = time.time if built.complete else built.calendar
    with Office(chosen, work_factor=DEMO_WORK_FACTOR, clock=clock) as office:
        # Its keys have a passphrase of their own, whatever the environment says of the office's.
        office.use_passphrase(PASSPHRASE)
        if not built.complete:
            out.print(
                say(
                    "正在生成合成示例区（非真实数据）…",
                    "Building a synthetic district (nothing in it is real) …",
                ),
                style="bold",
            )
            built.build(office, progress_bar, receiving)
        print_tour(office, built, language=say("zh", "en"), serving=not no_serve)
        if not no_serve:
            serve_office(office)
