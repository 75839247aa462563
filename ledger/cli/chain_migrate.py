"""``govledger chain migrate`` and ``chain adopt``: moving a ledger to another chain (账本迁移)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ledger.cli.migration_checks import (
    ask,
    check_purse,
    check_purse_of_admin,
    demand,
    settle,
    verified,
)
from ledger.cli.migration_pages import (
    tell_adopted,
    tell_everybody,
    tell_preview,
    tell_status,
    tell_waiting,
)
from ledger.cli.organisations import speaker_of
from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    err,
    out,
    print_json,
    progress_bar,
    say,
)
from ledger.cli.session import (
    ADMIN_KEY,
    Json,
    ask_passphrase,
    existing_file,
    opened,
    unlock,
    warn_of,
)

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from ledger.chain.deployment import Deployment, SealedLog
    from ledger.chain.jsonrpc import JsonRpcChain
    from ledger.mirror.queries import Checkpoint
    from ledger.office import Office
    from ledger.statements import SignedBatch
    from ledger.succession.migration import Migration, Outcome, Preview

To = Annotated[str | None, typer.Option("--to", help="JSON-RPC address of the new chain.")]


def migrate(
    to: To = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", help="The administration's key, which seals; `admin` if none is named."
        ),
    ] = None,
    authority: Annotated[
        str, typer.Option("--authority", help="Key of an authority, which signs the opening.")
    ] = "authority",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Verify, count and estimate; send nothing.")
    ] = False,
    show_status: Annotated[
        bool, typer.Option("--status", help="Tell how far a migration has come; change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")] = False,
    as_json: Json = False,
) -> None:
    """Move the ledger to another chain: the old log is sealed, the new one carries it on.

    Every statement keeps its number, its time and its signature, and proofs span both logs. The command may
    be broken off and run again at any time; until the seal the old log is the ledger.

    Example: govledger chain migrate --to http://10.0.0.5:8545 --dry-run
    Example: govledger chain migrate --status
    """
    if show_status:
        with opened() as office:
            tell_status(office, as_json=as_json)
        return
    if to is None:
        raise Problem(
            say("请用 --to 给出新链的地址", "name the new chain with --to"), code=Exit.USAGE
        )
    with opened() as office:
        if _finished(office, to, as_json=as_json):
            return
        ask_passphrase(office)
        with _alone(office), _target(to) as new:
            settle(office)
            migration = _migration(office, new)
            migration.check()
            since = verified(office)
            preview = _preview(migration)
            if dry_run or not as_json:
                tell_preview(office, new, preview, as_json=as_json and dry_run)
            if dry_run:
                return
            check_purse(office, new, preview)
            if not yes:
                ask(as_json=as_json)
            admin = _admin(office, key)
            check_purse_of_admin(office, admin)
            outcome = _run(office, migration, admin, authority)
        if outcome.deployment is None:
            tell_waiting(outcome, as_json=as_json)
            return
        _change_over(office, outcome.deployment, to, since, as_json=as_json)


def adopt(
    file: Annotated[Path, typer.Argument(help="deployment.json of the office that migrated.")],
    to: To = None,
    as_json: Json = False,
) -> None:
    """Change this data directory over to the log that carries its own on, after verifying all of it.

    Example: govledger chain adopt deployment.json --to http://10.0.0.5:8545
    """
    from ledger.chain.deployment import Deployment  # noqa: PLC0415 - only this command
    from ledger.succession.changing import carries_on, kept_checkpoint  # noqa: PLC0415

    if to is None:
        raise Problem(
            say("请用 --to 给出新链的地址", "name the new chain with --to"), code=Exit.USAGE
        )
    try:
        made = msgspec.json.decode(existing_file(file).read_bytes(), type=Deployment)
    except msgspec.MsgspecError as problem:
        raise Problem(
            say(f"{file} 不是部署文件：{problem}", f"{file} is no deployment file: {problem}"),
            say("请使用迁移方的 deployment.json", "take the deployment.json of who migrated"),
            Exit.USAGE,
        ) from problem
    with opened() as office:
        if (made.chain_id, made.log) == (office.deployment.chain_id, office.deployment.log):
            tell_adopted(made, as_json=as_json)
            return
        carries_on(made, office.deployment)
        with _alone(office):
            since = kept_checkpoint(office.mirror_engine)
        _change_over(office, made, to, since, as_json=as_json)


@contextmanager
def _alone(office: Office) -> Iterator[None]:
    with office.duty() as on_duty:
        if not on_duty:
            raise Problem(
                say("另有进程正在使用该数据目录", "another process is at work in this directory"),
                say(
                    "请先停止其中的服务，再运行本命令",
                    "stop the server that runs there, and run this again",
                ),
                Exit.UNAVAILABLE,
            )
        yield


@contextmanager
def _target(to: str) -> Iterator[JsonRpcChain]:
    from ledger.chain.jsonrpc import JsonRpcChain  # noqa: PLC0415 - only this command

    chain = JsonRpcChain(to)
    try:
        yield chain
    finally:
        chain.close()


def _migration(office: Office, new: JsonRpcChain) -> Migration:
    from ledger.succession.migration import Migration  # noqa: PLC0415 - only this command

    return Migration(
        data_dir=office.data_dir,
        old=office.chain,
        new=new,
        deployment=office.deployment,
        engine=office.mirror_engine,
        rulebooks=office.rulebooks,
        catch_up=office.mirror.catch_up,
    )


def _preview(migration: Migration) -> Preview:
    with progress_bar(say("清点", "Counting")) as bar:
        migration.progress = bar
        return migration.preview()


def _run(
    office: Office, migration: Migration, admin: LocalAccount | None, authority: str
) -> Outcome:
    signer = unlock(office, authority)
    speaker = speaker_of(office, signer.address)

    def sign(sealed: SealedLog, made: Deployment) -> SignedBatch:
        from ledger.office import MANDATE_SECONDS  # noqa: PLC0415
        from ledger.succession.statements import opening  # noqa: PLC0415 - only this command

        newest = max(migration.new.head().timestamp, int(office.clock()))
        batch = opening(sealed, speaker=speaker, deadline=newest + MANDATE_SECONDS)
        return office.sign(batch, signer, domain=made.domain(batch.struct.contract))

    with progress_bar(say("迁入历史", "Carrying the history over")) as bar:
        migration.progress = bar
        return migration.run(office.sender, admin, sign, office.deployment.admin_delay)


def _admin(office: Office, key: str | None) -> LocalAccount | None:
    """The administration's key; None where none is named and the usual one is not here."""
    if key is None and all(known.name != ADMIN_KEY for known in office.keystore.list()):
        return None
    return unlock(office, key or ADMIN_KEY)


def _change_over(
    office: Office, made: Deployment, to: str, since: Checkpoint | None, *, as_json: bool
) -> None:
    """Verify the new log whole, then switch the data directory to it."""
    from ledger.succession.changing import prove, switch  # noqa: PLC0415 - only this command

    with progress_bar(say("核验新账本", "Verifying the new log")) as bar:
        report = prove(
            office.settings,
            made,
            to,
            projections=office.projections,
            rulebooks=office.rulebooks,
            since=since,
            progress=bar,
        )
    demand(
        report,
        say("新账本未通过核验，未作切换", "the new log does not verify: nothing was switched"),
    )
    settable = office.settings.sources["rpc_url"] in ("default", "file")
    with _alone(office):
        archive = switch(office.data_dir, made, to, write_config=settable)
    _follow(to)
    sealed = made.predecessors[-1]
    if as_json:
        print_json(
            {"stage": "done", "deployment": made, "verified": report.counts, "kept": str(archive)}
        )
        return
    out.print(
        say(
            f"✓ 账本已迁至链 {made.chain_id}：{sealed.size} 条声明全部核验，位置与证明不变",
            f"✓ the ledger is on chain {made.chain_id} now: {counted(sealed.size, 'statement')} verified, their "
            "numbers and proofs as before",
        ),
        style="green",
    )
    tell_everybody(office, made, to, settable=settable)


def _follow(to: str) -> None:
    """Take the new log over into this directory's mirror."""
    with opened(rpc_url=to) as anew, progress_bar(say("同步镜像", "Following the log")) as bar:
        trouble = anew.refresh(lambda step: bar(step.size))
        lost = 0 if trouble else anew.move_receipts()
    if trouble is not None:
        warn_of(trouble)
    if lost:
        err.print(
            say(
                f"! {lost} 批在封存前未入账，已标为被拒：请重新签署",
                f"! not recorded before the seal, and refused: {counted(lost, 'batch')}; sign again",
            ),
            style="yellow",
        )


def _finished(office: Office, to: str, *, as_json: bool) -> bool:
    """Whether a run before this one was broken off in the very last step; then that is done now."""
    from ledger.succession.begun import load  # noqa: PLC0415 - only this command
    from ledger.succession.changing import switch  # noqa: PLC0415

    begun = load(office.data_dir)
    made = begun.deployment if begun else None
    if made is None or made.log != office.deployment.log:
        return False
    settable = office.settings.sources["rpc_url"] in ("default", "file")
    switch(office.data_dir, made, to, write_config=settable)
    _follow(to)
    if as_json:
        print_json({"stage": "done", "deployment": made})
    else:
        out.print(say("✓ 切换已完成", "✓ the change-over is finished"), style="green")
        tell_everybody(office, made, to, settable=settable)
    return True


__all__ = ["adopt", "migrate"]
