"""The command tree, and how every error reaches the person."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ledger import __version__
from ledger.canonical import CanonicalError
from ledger.catalogue.problems import EntryRefused
from ledger.chain.interface import ChainError
from ledger.chain.keystore import KeystoreError
from ledger.cli import (
    catalogue,
    chain,
    keys,
    ledger_log,
    mirror,
    organisations,
    quality,
    serving,
    setup,
)
from ledger.cli.output import Exit, Problem, print_problem, say
from ledger.cli.session import set_flags
from ledger.identifiers import IdentifierError
from ledger.merkle_verify import ProofError
from ledger.mirror.errors import MirrorError
from ledger.mirror.queries import MirrorQueryError
from ledger.office import OfficeError
from ledger.settings import SettingsError
from ledger.statements import StatementError
from ledger.store.errors import StoreError

app = typer.Typer(
    name="govledger",
    help="GovLedger: a ledger for the governance of public data / 公共数据治理账本.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Start with [bold]govledger demo[/], or [bold]govledger init[/] for a ledger of your own.",
)
setup.add_to(app)
serving.add_to(app)
app.add_typer(chain.app, name="chain")
app.add_typer(mirror.app, name="mirror")
app.add_typer(organisations.app, name="org")
app.add_typer(keys.app, name="key")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(quality.app, name="quality")
app.add_typer(ledger_log.app, name="log")


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


_CODES: tuple[tuple[type[Exception], Exit], ...] = (
    (OfficeError, Exit.UNAVAILABLE),
    (ChainError, Exit.UNAVAILABLE),
    (StoreError, Exit.UNAVAILABLE),
    (MirrorError, Exit.NOT_PROVEN),
    (ProofError, Exit.NOT_PROVEN),
    (MirrorQueryError, Exit.NOT_FOUND),
    (KeystoreError, Exit.REFUSED),
    (SettingsError, Exit.USAGE),
    (EntryRefused, Exit.REFUSED),
    (CanonicalError, Exit.REFUSED),
    (IdentifierError, Exit.REFUSED),
    (StatementError, Exit.REFUSED),
)


def main() -> None:
    """Run ``govledger``; every known error becomes one clear message and its exit code."""
    try:
        app()
    except Problem as problem:
        print_problem(str(problem), problem.hint)
        sys.exit(problem.code)
    except tuple(kind for kind, _ in _CODES) as error:
        print_problem(str(error), str(getattr(error, "hint", "") or ""))
        sys.exit(next(code for kind, code in _CODES if isinstance(error, kind)))
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
