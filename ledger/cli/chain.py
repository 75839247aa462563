"""``govledger chain``: which chain this is, what it can do, and whether it is intact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from ledger.chain.probe import Language, probe
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    out,
    print_fields,
    print_json,
    print_table,
    progress_bar,
    say,
)
from ledger.cli.session import Json, opened

if TYPE_CHECKING:
    from ledger.chain.embedded import EmbeddedChain, IntegrityReport
    from ledger.office import Office

app = typer.Typer(no_args_is_help=True, help="The chain under the ledger / 底层链.")


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
            (say("链", "chain"), f"{chain.name} (chain id {deployment.chain_id})"),
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


def _embedded(office: Office) -> EmbeddedChain:
    from ledger.chain.embedded import EmbeddedChain  # noqa: PLC0415 - brings py-evm along

    _ = office.deployment
    chain = office.chain
    if not isinstance(chain, EmbeddedChain):
        raise Problem(
            say(
                f"链在 {chain.name}，不归本进程所有", f"the chain is {chain.name}, not ours to open"
            ),
            say(
                "只能检查内置链；若有服务在运行，请先停止",
                "only an embedded chain can be checked; stop the server or node that holds it",
            ),
            Exit.UNAVAILABLE,
        )
    return chain


def _tell(report: IntegrityReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
    elif report.sound:
        out.print(say("✓ 未发现问题", "✓ nothing wrong was found"), style="green")
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
    """Check every stored node, header and code against its hash. Example: govledger chain fsck"""
    with opened() as office, progress_bar(say("检查", "Checking")) as bar:
        report = _embedded(office).fsck(lambda _, done, total: bar(done, total))
    _tell(report, as_json=as_json)


@app.command("replay")
def replay(as_json: Json = False) -> None:
    """Execute everything again from the first block and compare. Example: govledger chain replay"""
    with opened() as office, progress_bar(say("重放", "Replaying")) as bar:
        report = _embedded(office).replay(lambda _, done, total: bar(done, total))
    _tell(report, as_json=as_json)
