"""``govledger chain``: which chain this is, what it can do, and whether it is intact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.chain.probe import Language, probe
from ledger.cli import chain_migrate
from ledger.cli.output import (
    Exit,
    Problem,
    counted,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
)
from ledger.cli.session import ADMIN_KEY, Json, ask_passphrase, opened, unlock
from ledger.cli.wording import problem_of
from ledger.days import CHINA_TIME

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from ledger.chain.embedded import EmbeddedChain, IntegrityReport
    from ledger.chain.upgrade import Upgrade
    from ledger.office import Office

app = typer.Typer(no_args_is_help=True, help="The chain under the ledger / 底层链.")
app.command("migrate")(chain_migrate.migrate)
app.command("adopt")(chain_migrate.adopt)


@app.command("status")
def status(as_json: Json = False) -> None:
    """Chain, newest block, what the chain can do, contracts and their code.

    Example: govledger chain status
    """
    with opened() as office:
        deployment, chain = office.deployment, office.chain
        deployment.check(chain)
        deployment.verify_code(chain)
        head = chain.head()
        capabilities = probe(chain, deployment)
    if as_json:
        print_json(
            {"chain": chain.name, "head": head, "deployment": deployment, "probe": capabilities}
        )
        return
    print_fields(
        say("链", "Chain"),
        [
            (
                say("链", "chain"),
                f"{chain.name} ({say('链标识', 'chain id')} {deployment.chain_id})",
            ),
            (say("最新区块", "newest block"), f"{head.number} 0x{head.hash.hex()}"),
            (say("日志合约", "log contract"), deployment.log),
            *((name, address) for name, address in deployment.registries.items()),
            (
                say("合约代码", "contract code"),
                say("与本程序内置一致", "as built into this program"),
            ),
            (say("创世授权密钥", "genesis authority"), deployment.genesis_authority),
        ],
    )
    language: Language = "zh" if say("zh", "en") == "zh" else "en"
    print_fields(say("能力探测", "What it can do"), capabilities.words(language))
    for obstacle in capabilities.obstacles(language):
        err.print(f"! {obstacle}", markup=False, style="yellow")
    if deployment.missing:
        names = ", ".join(deployment.missing)
        lacks = say(
            f"该账本由较早版本部署，尚无登记合约 {names}：运行 `govledger chain upgrade` 补齐",
            f"this log was deployed by an earlier version and lacks {names}: "
            "run `govledger chain upgrade`",
        )
        err.print(f"! {lacks}", markup=False, style="yellow")


@app.command("upgrade")
def upgrade(
    key: Annotated[
        str | None,
        typer.Option("--key", help="The administration's key; `admin` where none is named."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add the registries that this version knows and the log has not got yet.

    The log's administration announces every admission and executes it when its delay has passed:
    run the command again then. Where its key is elsewhere, the command shows what it has to send.

    Example: govledger chain upgrade
    """
    from ledger.chain.upgrade import upgrade as bring_up  # noqa: PLC0415 - only this command

    with opened() as office:
        before = office.deployment
        if not before.missing:
            _tell_upgrade(None, as_json=as_json, names=tuple(before.registries))
            return
        ask_passphrase(office)
        admin = _admin(office, key)
        with (
            office.duty() as on_duty,
            progress_bar(say("升级", "Upgrading"), total=len(before.missing) + 3) as bar,
        ):
            if not on_duty:
                raise Problem(
                    say(
                        "另有进程正在使用该数据目录", "another process is at work in this directory"
                    ),
                    say(
                        "请先停止其中的服务，再运行本命令",
                        "stop the server that runs there, and run this again",
                    ),
                    Exit.UNAVAILABLE,
                )
            steps = 0

            def step(_: str) -> None:
                nonlocal steps
                steps += 1
                bar(steps)

            found = bring_up(
                office.chain, before, office.data_dir, office.sender, admin, progress=step
            )
            bar(len(before.missing) + 3)
    _tell_upgrade(found, as_json=as_json)


def _admin(office: Office, key: str | None) -> LocalAccount | None:
    """The administration's key; None where none is named and the usual one is not here."""
    if key is None and all(known.name != ADMIN_KEY for known in office.keystore.list()):
        return None
    return unlock(office, key or ADMIN_KEY)


def _tell_upgrade(found: Upgrade | None, *, as_json: bool, names: tuple[str, ...] = ()) -> None:
    if as_json:
        registries = list(names) if found is None else list(found.deployment.registries)
        print_json(
            {
                "registries": registries,
                "added": [] if found is None else found.added,
                "waiting": [] if found is None else found.waiting,
                "ripe_at": None if found is None else found.ripe_at,
                "call": None if found is None else found.call,
            }
        )
        return
    if found is None or not found.waiting:
        added = ", ".join(() if found is None else found.added)
        done = say(f"✓ 已补齐登记合约：{added}", f"✓ registries added: {added}")
        nothing = say("✓ 登记合约齐全，无需升级", "✓ the log has every registry of this version")
        out.print(done if added else nothing, style="green", markup=False)
        if added:
            out.print(
                say(
                    "  正在运行的服务须重新启动；使用同一账本的其他数据目录也各运行一次本命令",
                    "  restart servers that are running; run this once in every other data directory "
                    "of the same log, too",
                )
            )
        return
    _tell_waiting(found)


def _tell_waiting(found: Upgrade) -> None:
    listed = ", ".join(found.waiting)
    out.print(
        say(f"已部署，待准入：{listed}", f"deployed, not admitted yet: {listed}"), markup=False
    )
    when = ""
    if found.ripe_at is not None:
        when = datetime.fromtimestamp(found.ripe_at, UTC).astimezone(CHINA_TIME).isoformat(sep=" ")
    if found.call is not None:
        asked = say(
            f"管理方 {found.call.sender} 须发送以下交易" + (f"（不早于 {when}）" if when else ""),
            f"the administration {found.call.sender} has to send this transaction"
            + (f" (not before {when})" if when else ""),
        )
        print_fields(
            asked,
            [
                (say("步骤", "step"), found.call.step),
                (say("合约", "to"), found.call.to),
                (say("数据", "data"), found.call.data),
            ],
        )
        out.print(say("之后再次运行本命令", "run this command again afterwards"))
        return
    out.print(
        say(
            f"准入已预告，须等到 {when}（链上时间）；届时再次运行 `govledger chain upgrade`",
            f"the admission is announced and waits until {when} (time of the chain); "
            "run `govledger chain upgrade` again then",
        ),
        markup=False,
    )


@contextmanager
def _embedded(office: Office) -> Iterator[EmbeddedChain]:
    """The embedded chain of this directory: the ledger's, or the one that it moved away from."""
    from ledger.chain.embedded import FILE_NAME, EmbeddedChain  # noqa: PLC0415 - brings py-evm along
    from ledger.chain.embedded.errors import ChainCorrupt  # noqa: PLC0415

    place, before = office.data_dir / FILE_NAME, office.deployment.predecessors
    if before and office.settings.rpc_url and place.exists():
        # a directory's own chain can only have been the first
        old = EmbeddedChain.open(place, before[0].chain_id)
        try:
            yield old
        finally:
            old.close()
        return
    try:
        chain = office.chain
    except ChainCorrupt as damage:
        raise (problem_of(damage, Exit.NOT_PROVEN) or damage) from damage
    if not isinstance(chain, EmbeddedChain):
        raise Problem(
            say(
                f"链在 {chain.name}，不归本进程所有", f"the chain is {chain.name}, not ours to open"
            ),
            say(
                "只能检查内置链；若有服务在运行，请先停止，或查看其定期演练 `govledger drills`",
                "only an embedded chain can be checked; stop the server or node that holds it, or see what its "
                "own drills found (`govledger drills`)",
            ),
            Exit.UNAVAILABLE,
        )
    yield chain


def _as_sealed(office: Office, chain: EmbeddedChain, report: IntegrityReport) -> IntegrityReport:
    """The report, and whether a log that was carried on still ends as it was sealed."""
    from ledger.mirror.fetching import contract_state  # noqa: PLC0415

    for one in office.deployment.predecessors:
        sealed = one.predecessor
        if sealed.log.chain_id != chain.chain_id or not report.sound:
            continue
        state = contract_state(chain, sealed.log, chain.head().number)
        if (state.size, state.root) != (sealed.size, sealed.root):
            found = f"{counted(state.size, 'statement')} and the root 0x{state.root.hex()}"
            report.problems.append(
                f"the sealed log {one.log} has {found}, it was sealed with {one.size} and {one.root}"
            )
    return report


def _tell(report: IntegrityReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
    elif report.sound:
        looked_at = [
            counted(report.blocks, "block"),
            counted(report.transactions, "transaction"),
            counted(report.logs, "event"),
            counted(report.nodes, "stored node"),
        ]
        out.print(
            say(
                f"✓ 未发现问题：区块 {report.blocks}，交易 {report.transactions}，事件 {report.logs}，"
                f"存储节点 {report.nodes}",
                f"✓ nothing wrong was found in {', '.join(looked_at)}",
            ),
            style="green",
        )
    else:
        print_table(
            say("发现问题", "Problems"), [say("问题", "problem")], [(p,) for p in report.problems]
        )
    if not report.sound:
        raise Problem(
            say("链数据不完整或被改动", "the chain's data are damaged or were altered"),
            say(
                "从备份恢复，并保留现状供调查", "restore a backup, and keep this state for inquiry"
            ),
            Exit.NOT_PROVEN,
        )


@app.command("fsck")
def fsck(as_json: Json = False) -> None:
    """Check every stored node, header and code against its hash.

    After a migration it is the embedded chain before that is checked, and how its log ended. Exit code 5 where
    something is damaged.

    Example: govledger chain fsck
    """
    with (
        opened() as office,
        _embedded(office) as chain,
        progress_bar(say("检查", "Checking")) as bar,
    ):
        report = _as_sealed(office, chain, chain.fsck(lambda _, done, total: bar(done, total)))
    _tell(report, as_json=as_json)


@app.command("replay")
def replay(as_json: Json = False) -> None:
    """Execute everything again from the first block and compare.

    Takes about a second for 90 blocks; exit code 5 where something comes out differently.

    Example: govledger chain replay
    """
    with (
        opened() as office,
        _embedded(office) as chain,
        progress_bar(say("重放", "Replaying")) as bar,
    ):
        report = _as_sealed(office, chain, chain.replay(lambda _, done, total: bar(done, total)))
    _tell(report, as_json=as_json)
