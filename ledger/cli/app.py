"""The command tree, and how every error reaches the person.

What a command needs is imported when that command is asked for: chain, databases and web code take a second
together, and most commands need few of them.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ledger import __version__
from ledger.cli.output import Exit, Problem, print_problem, say
from ledger.cli.session import set_flags
from ledger.cli.wording import problem_of

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("ledger.cli.setup", "init"),
    "demo": ("ledger.cli.setup", "demo"),
    "serve": ("ledger.cli.serving", "serve"),
    "node": ("ledger.cli.serving", "node"),
    "chain": ("ledger.cli.chain", "app"),
    "mirror": ("ledger.cli.mirror", "app"),
    "drills": ("ledger.cli.drills", "drills"),
    "org": ("ledger.cli.organisations", "app"),
    "key": ("ledger.cli.keys", "app"),
    "catalogue": ("ledger.cli.catalogue", "app"),
    "obligation": ("ledger.cli.obligations", "app"),
    "exemption": ("ledger.cli.exemptions", "app"),
    "deliver": ("ledger.cli.deliver", "app"),
    "reconcile": ("ledger.cli.reconcile", "reconcile"),
    "quality": ("ledger.cli.quality", "app"),
    "audit": ("ledger.cli.audit", "app"),
    "lineage": ("ledger.cli.lineage", "app"),
    "journal": ("ledger.cli.journal", "app"),
    "token": ("ledger.cli.tokens", "app"),
    "correction": ("ledger.cli.correction", "app"),
    "log": ("ledger.cli.ledger_log", "app"),
    "backup": ("ledger.cli.backups", "backup"),
    "restore": ("ledger.cli.backups", "restore"),
}
"""Command -> module, and the function or group of commands in it."""


class Commands(TyperGroup):
    """The commands of :data:`COMMANDS`, each imported when it is asked for."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        # The names alone, so that a misspelt one can be answered with the nearest.
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(module), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
            alone.command(cmd_name)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="govledger",
    cls=Commands,
    help="GovLedger: a ledger for the governance of public data / 公共数据治理账本.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Start with [bold]govledger demo[/], or [bold]govledger init[/] for a ledger of your own.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's way to call it
    if asked:
        sys.stdout.write(f"govledger {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", "-C", help="Directory of this ledger (GOVLEDGER_DATA_DIR)."),
    ] = None,
    rpc_url: Annotated[
        str | None, typer.Option("--rpc-url", help="JSON-RPC address of the chain.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="zh or en (GOVLEDGER_LANGUAGE).")
    ] = None,
    _version_asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command hold for every command."""
    if language is not None:
        os.environ["GOVLEDGER_LANGUAGE"] = language
    set_flags(data_dir=data_dir, rpc_url=rpc_url, language=language)


def main() -> None:
    """Run ``govledger``; every known error becomes one clear message and its exit code."""
    # A command tells its own troubles; only servers write a log (ledger.cli.serving).
    for name in ("ledger", "govledger"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        app()
    except Problem as problem:
        _end(problem)
    except KeyboardInterrupt:
        print_problem(
            say(
                "已中断；已受理的内容留在发件箱中",
                "interrupted; what was accepted stays in the outbox",
            )
        )
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output is gone (for example `| head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.OK)
    except Exception as error:
        told = problem_of(error)
        if told is None:
            raise
        _end(told)


def _end(problem: Problem) -> None:
    print_problem(str(problem), problem.hint)
    sys.exit(problem.code)
