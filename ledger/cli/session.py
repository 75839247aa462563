"""What every command shares: the settings in force, the opened office, signing keys, the options."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.output import Exit, Problem, counted, err, out, print_json, progress_bar, say
from ledger.cli.wording import problem_of
from ledger.settings import Settings, load_settings

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from rich.console import Console
    from sqlalchemy import Connection

    from ledger.chain.outbox import Receipt
    from ledger.office import Office
    from ledger.statements import Batch

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="As the ledger stood: a log size, or a time like 2026-05-01T12:00+08:00."
    ),
]
KeyName = Annotated[
    str, typer.Option("--key", help="Name of the keystore's key that signs (see `key list`).")
]
HeadName = Annotated[
    str | None,
    typer.Option("--head", help="Key of the department's head, who co-signs what is submitted."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="Most rows shown.")]

ADMIN_KEY = "admin"
"""The keystore's key that `init` makes the log's administrator."""

_flags: dict[str, Any] = {}


def set_flags(**flags: object) -> None:
    """Keep the options that stand before the command."""
    _flags.update({name: value for name, value in flags.items() if value is not None})


def asked_data_dir() -> Path | None:
    """The data directory that an option before the command names, if any."""
    asked = _flags.get("data_dir")
    return None if asked is None else Path(asked)


def settings(**more: object) -> Settings:
    """Flags over environment over ``config.toml`` over defaults."""
    flags = {**_flags, **{name: value for name, value in more.items() if value is not None}}
    loaded = load_settings(flags)
    if loaded.sources["language"] != "default":
        os.environ["GOVLEDGER_LANGUAGE"] = loaded.language
    return loaded


def ask_passphrase(office: Office, *, confirm: bool = False) -> None:
    """Ask a person for the passphrase where no setting gives it and somebody is there to answer."""
    if office.knows_passphrase or not sys.stdin.isatty():
        return
    office.use_passphrase(
        typer.prompt(
            say("密钥库口令", "Passphrase of the keystore"),
            hide_input=True,
            confirmation_prompt=confirm,
            err=True,
        )
    )


@contextmanager
def opened(**more: object) -> Iterator[Office]:
    """The office of the data directory, closed at the end."""
    from ledger.office import Office  # noqa: PLC0415 - it brings chain and databases along

    with Office(settings(**more)) as office:
        yield office


@contextmanager
def reading(
    as_of: str | None = None, *, edges: bool = False
) -> Iterator[tuple[Connection, int | None]]:
    """The mirror, brought up to date, and the log size that ``as_of`` means (None: now).

    With ``edges`` those of lineage follow the journal too.
    """
    with reading_office(as_of, edges=edges) as (_, connection, size):
        yield connection, size


@contextmanager
def reading_office(
    as_of: str | None = None, *, edges: bool = False
) -> Iterator[tuple[Office, Connection, int | None]]:
    """:func:`reading`, with the office."""
    from ledger.mirror.moments import resolve_as_of  # noqa: PLC0415
    from ledger.mirror.queries import MirrorQueryError  # noqa: PLC0415

    with opened() as office:
        _ = office.deployment
        with progress_bar(say("同步镜像", "Following the log")) as bar:
            trouble = office.refresh(lambda step: bar(step.size))
        if trouble is not None:
            warn_of(trouble)
        if edges and office.lineage.exists:
            with progress_bar(say("生成血缘", "Making edges")) as bar:
                office.lineage.edges.catch_up(bar)
        with office.read() as connection:
            size = None
            if as_of is not None:
                try:
                    size = resolve_as_of(connection, as_of)
                except MirrorQueryError as error:
                    raise (problem_of(error, Exit.USAGE) or error) from error
            yield office, connection, size


def demand_organisation(connection: Connection, code: str | None, size: int | None) -> None:
    """Raise :class:`Problem` for an organisation that the ledger does not know; None is any."""
    from ledger.organisations import queries as organisations  # noqa: PLC0415

    if code is not None and not organisations.organisation(connection, code, size):
        raise Problem(
            say(f"账本上没有机构 {code}", f"no organisation {code} is known"),
            say("用 `govledger org list` 查找代码", "find its code with `govledger org list`"),
            Exit.NOT_FOUND,
        )


def warn_of(trouble: Exception) -> None:
    """Tell that the chain could not be asked, why, and that the mirror answers all the same."""
    told = problem_of(trouble)
    err.print(f"! {told if told is not None else trouble}", markup=False, style="yellow")
    err.print(
        say(
            "  以下为镜像中已有的内容，可能不是最新",
            "  what follows is what the mirror holds already; it may not be the newest",
        ),
        style="yellow",
    )


def unlock(office: Office, name: str) -> LocalAccount:
    """A signing key, its passphrase asked for where needed."""
    ask_passphrase(office)
    return office.unlock(name)


def prepare_to_sign(office: Office) -> None:
    """Ask for the passphrase, and finish what an earlier command left waiting."""
    _ = office.deployment
    ask_passphrase(office)
    office.prepare_to_sign()


def record(
    office: Office,
    batches: Sequence[Batch],
    *,
    key: str,
    head: str | None = None,
    json_output: bool = False,
    what: tuple[str, str] = ("声明", "statement"),
    told: Console = out,
) -> list[Receipt]:
    """Sign, send and wait; prints the receipts (for people on ``told``). Raises :class:`Problem`
    where a batch was refused. ``what`` are the words for one statement, Chinese and English.
    """
    signer = unlock(office, key)
    cosigner = unlock(office, head) if head else None
    receipts = [office.outbox.submit(office.sign(batch, signer, cosigner)).id for batch in batches]
    total = sum(len(batch.values) for batch in batches)
    with progress_bar(say("上链", "Recording"), total=len(receipts)) as bar:
        done = office.settle(receipts, progress=bar, timeout=120 + 2.0 * total)
    refused = [receipt for receipt in done if receipt.state == "refused"]
    if json_output:
        print_json({"receipts": done})
    if refused:
        error = refused[0].error
        raise Problem(
            say(error.message_zh, error.message_en) if error else say("被拒绝", "refused"),
            say(error.hint_zh, error.hint_en) if error else "",
            Exit.REFUSED,
        )
    if not json_output:
        for receipt in done:
            first, count = receipt.first_index or 0, receipt.count
            leaves = f"{first}" if count == 1 else f"{first}–{first + count - 1}"
            told.print(
                say(
                    f"✓ 已上链并核验：{count} 条{what[0]}，日志位置 {leaves}",
                    f"✓ recorded and verified: {counted(count, what[1])}, log index {leaves}",
                ),
                style="green",
            )
    return done


def existing_file(path: Path) -> Path:
    """The path, or a refusal that names it."""
    if not path.is_file():
        raise Problem(
            say(f"没有这个文件：{path}", f"no such file: {path}"),
            say("请检查路径", "check the path"),
            Exit.USAGE,
        )
    return path
