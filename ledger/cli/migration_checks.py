"""What has to be so before ``govledger chain migrate`` begins, and when it changes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ledger.cli.migration_pages import purse
from ledger.cli.output import Exit, Problem, counted, err, progress_bar, say

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from ledger.chain.jsonrpc import JsonRpcChain
    from ledger.mirror.queries import Checkpoint
    from ledger.mirror.verification.report import Report
    from ledger.office import Office
    from ledger.succession.migration import Preview


def settle(office: Office) -> None:
    """Refuse while anything waits in the outbox; what is in blocks is confirmed first."""
    from ledger.chain.outbox_models import State  # noqa: PLC0415

    office.deployment.check(office.chain)
    office.deployment.verify_code(office.chain)
    office.mirror.catch_up()
    office.confirm_receipts()
    waiting = office.outbox.receipts(State.ACCEPTED, State.SENT, State.RECORDED)
    if waiting:
        raise Problem(
            say(
                f"发件箱中还有 {len(waiting)} 批未完成",
                f"waiting in the outbox: {counted(len(waiting), 'batch')}",
            ),
            say(
                "签名只对旧日志有效：请先运行 `govledger serve` 或任一签名命令直至全部完成",
                "their signatures hold for the old log alone: let `govledger serve`, or any command that "
                "signs, finish them first",
            ),
            Exit.UNAVAILABLE,
        )


def verified(office: Office) -> Checkpoint | None:
    """Everything verified, with the chain; what does not verify is not carried anywhere."""
    from ledger.succession.changing import kept_checkpoint  # noqa: PLC0415

    with progress_bar(say("核验旧账本", "Verifying the old log")) as bar:
        report = office.verify(progress=bar)
    demand(report, say("旧账本未通过核验，不予迁移", "the old log does not verify: not migrated"))
    return kept_checkpoint(office.mirror_engine)


def demand(report: Report, what: str) -> None:
    """Refuse to go on with a log that does not verify."""
    if report.ok:
        return
    for line in report.lines(say("zh", "en")):
        err.print(line, markup=False)
    raise Problem(
        what,
        say(
            "请保留现场，并与保存的检查点比对", "keep everything as it is, and compare checkpoints"
        ),
        Exit.NOT_PROVEN,
    )


def check_purse(office: Office, new: JsonRpcChain, preview: Preview) -> None:
    """Whoever carries must be able to pay: asked before anything is sent."""
    address = office.sender.address
    if preview.price and not purse(office, new):
        raise Problem(
            say(
                f"发送密钥 {address} 在新链上没有余额，而该链收取燃料费",
                f"the sender key {address} owns nothing on the new chain, where gas costs something",
            ),
            say(
                f"请先转入，至多需要 {preview.gas * preview.price} wei",
                f"fund it first; up to {preview.gas * preview.price} wei are needed",
            ),
            Exit.UNAVAILABLE,
        )


def check_purse_of_admin(office: Office, admin: LocalAccount | None) -> None:
    """The seal is a transaction of the administration, on the old chain."""
    from ledger.chain.gas import price_of  # noqa: PLC0415

    chain = office.chain
    if admin is None or not price_of(chain.fees()) or chain.w3.eth.get_balance(admin.address):
        return
    raise Problem(
        say(
            f"管理密钥 {admin.address} 在旧链上没有余额，无法发送封存交易",
            f"the administration's key {admin.address} owns nothing on the old chain, and has to send the seal",
        ),
        say("请先转入少量余额", "fund it first; some million gas are needed"),
        Exit.UNAVAILABLE,
    )


def ask(*, as_json: bool) -> None:
    """Whether to begin, of whoever sits at the terminal."""
    import sys  # noqa: PLC0415

    if not sys.stdin.isatty():
        raise Problem(
            say("迁移不可撤销，需要确认", "a migration cannot be undone and wants a confirmation"),
            say("请加 --yes", "add --yes"),
            Exit.USAGE,
        )
    typer.confirm(
        say(
            "旧日志封存后任何人都不能再向其写入。继续？",
            "Once the old log is sealed nobody can write to it again. Go on?",
        ),
        abort=True,
        err=as_json,
    )
