"""``govledger quality``: record scores, and read them (质量评分, DB31/T 1523)."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Quality scores on the ledger / 质量评分.")
