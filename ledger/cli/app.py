"""The command tree, and how every error reaches the person.

What a command needs is imported when that command is asked for: chain, databases and web code take a second
together, and most commands need few of them.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from ledger import __version__
from ledger.cli.garbage import pass_over
from ledger.cli.output import Exit, Problem, print_problem, say
from ledger.cli.session import set_flags
from ledger.cli.wording import problem_of


class Command(NamedTuple):
    """Where a command is, and what ``govledger --help`` says of it."""

    module: str
    name: str
    """The function, or the group of commands."""
    does: str
    """The first paragraph of its own help: a test holds both together."""


COMMANDS: dict[str, Command] = {
    "init": Command(
        "ledger.cli.setup",
        "init",
        "Make a data directory: keys, contracts, and the root organisation if it is named.",
    ),
    "demo": Command(
        "ledger.cli.demo",
        "demo",
        "A synthetic district on its own chain: 29 departments, 300 catalogue entries, scores.",
    ),
    "serve": Command(
        "ledger.cli.serving",
        "serve",
        "Serve the API and the chain's JSON-RPC, follow the log, and send what the outbox holds.",
    ),
    "node": Command(
        "ledger.cli.serving",
        "node",
        "Serve the embedded chain as JSON-RPC, for cast, web3 and other Ethereum tools.",
    ),
    "chain": Command("ledger.cli.chain", "app", "The chain under the ledger / 底层链."),
    "mirror": Command("ledger.cli.mirror", "app", "The SQL mirror of the log / 账本镜像."),
    "drills": Command(
        "ledger.cli.drills",
        "drills",
        "What the integrity drills of this office found last. A server does them on a schedule.",
    ),
    "org": Command(
        "ledger.cli.organisations", "app", "Organisations: register, amend, list / 机构."
    ),
    "key": Command("ledger.cli.keys", "app", "Keys: create, grant, rotate, revoke / 密钥."),
    "catalogue": Command(
        "ledger.cli.catalogue", "app", "The catalogue of public data / 公共数据目录."
    ),
    "obligation": Command("ledger.cli.obligations", "app", "What must be collected / 归集义务."),
    "exemption": Command("ledger.cli.exemptions", "app", "Exemptions from collection / 豁免."),
    "deliver": Command(
        "ledger.cli.deliver",
        "app",
        "Resources, manifests, deliveries, proofs of rows / 挂接、数据清单、归集交付、逐条证明.",
    ),
    "reconcile": Command(
        "ledger.cli.reconcile",
        "reconcile",
        "Say which rows of RIGHT are missing, extra or changed against LEFT, and which columns differ.",
    ),
    "quality": Command(
        "ledger.cli.quality",
        "app",
        "Assess data by rules, record scores and read them / 质量评估与评分.",
    ),
    "audit": Command("ledger.cli.audit", "app", "Completeness audits / 应归尽归审计."),
    "lineage": Command("ledger.cli.lineage", "app", "Lineage: where data come from / 血缘."),
    "journal": Command(
        "ledger.cli.journal", "app", "The lineage journal and its anchors / 血缘日志."
    ),
    "token": Command("ledger.cli.tokens", "app", "Bearer tokens for pipelines / 访问令牌."),
    "correction": Command(
        "ledger.cli.correction",
        "app",
        "Requests to correct an entry, answers and clocks / 校核纠错.",
    ),
    "log": Command(
        "ledger.cli.ledger_log", "app", "The log: checkpoints and proofs / 日志、检查点与证明."
    ),
    "backup": Command(
        "ledger.cli.backups",
        "backup",
        "Back this data directory up, while a server runs or not. The mirror is not in it: it follows "
        "from the log.",
    ),
    "restore": Command(
        "ledger.cli.backups",
        "restore",
        "Restore a backup into the data directory (-C), which must be empty; verifies it at the end.",
    ),
}
LISTING = f"{__name__}.listing"
"""In a context's ``meta`` while the list of commands is printed."""


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

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """The list of commands, for which none of them is imported."""
        ctx.meta[LISTING] = True
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = COMMANDS[cmd_name]
        if ctx is not None and ctx.meta.get(LISTING):
            return TyperCommand(cmd_name, help=command.does)
        found = getattr(importlib.import_module(command.module), command.name)
        if not gc.isenabled():
            pass_over()
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
            alone.command(cmd_name)(found)
            found = alone
        loaded = typer.main.get_command(found)
        loaded.name = cmd_name
        return loaded


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
    # Importing leaves no garbage behind; looking for it takes a tenth of a second and more of every command.
    gc.disable()
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
