"""What ``govledger chain migrate`` tells: what it will carry, how far it has come, and what is left to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ledger.cli.output import (
    counted,
    out,
    print_fields,
    print_json,
    say,
)
from ledger.days import CHINA_TIME

if TYPE_CHECKING:
    from ledger.chain.deployment import Deployment
    from ledger.chain.jsonrpc import JsonRpcChain
    from ledger.office import Office
    from ledger.succession.migration import Outcome, Preview


def purse(office: Office, new: JsonRpcChain) -> int:
    """What the sender key owns there, in wei."""
    return int(new.w3.eth.get_balance(office.sender.address))


def tell_preview(office: Office, new: JsonRpcChain, preview: Preview, *, as_json: bool) -> None:
    """What would be carried, and what it would cost at most."""
    if as_json:
        print_json({"stage": "none", "preview": preview})
        return
    limit = new.block_gas_limit()
    blocks = max(1, -(-preview.gas // limit)) if limit else preview.transactions
    print_fields(
        say("迁移预览", "What a migration carries"),
        [
            (
                say("从", "from"),
                f"{office.chain.name} ({say('链标识', 'chain id')} {office.deployment.chain_id})",
            ),
            (say("到", "to"), f"{new.name} ({say('链标识', 'chain id')} {new.chain_id})"),
            (say("声明", "statements"), preview.statements),
            (say("签名批次", "signed batches"), preview.batches),
            (say("主题", "subjects"), preview.subjects),
            (say("交易", "transactions"), preview.transactions),
            (say("数据量（字节）", "bytes"), preview.calldata),
            (say("燃料上限", "gas, at most"), preview.gas),
            (say("燃料价格（wei）", "gas price (wei)"), preview.price),
            (say("费用上限（wei）", "cost, at most (wei)"), preview.gas * preview.price),
            (say("发送密钥余额（wei）", "the sender key owns (wei)"), purse(office, new)),
            (say("新链区块数（约）", "blocks there, about"), blocks),
            (say("合约账户签名人", "signers that are contracts"), len(preview.accounts)),
        ],
    )


def tell_waiting(outcome: Outcome, *, as_json: bool) -> None:
    """How far it has come where the seal has to wait, and who has to send what."""
    if as_json:
        print_json(outcome)
        return
    when = ""
    if outcome.ripe_at:
        moment = datetime.fromtimestamp(outcome.ripe_at, UTC).astimezone(CHINA_TIME)
        when = moment.isoformat(sep=" ")
    out.print(
        say(
            f"{outcome.carried} 条声明已在新链；封存已预告，{'须等到 ' + when if when else '待管理方执行'}。"
            "其间旧日志照常使用，届时再次运行本命令",
            f"on the new chain: {counted(outcome.carried, 'statement')}; the seal is announced and "
            f"{'waits until ' + when if when else 'waits for the administration'}. Until then the old log "
            "is used as ever; run this command again afterwards",
        ),
        markup=False,
    )
    if outcome.call is not None:
        print_fields(
            say("管理方须发送", "The administration has to send"),
            [
                (say("步骤", "step"), outcome.call.step),
                (say("发送方", "from"), outcome.call.sender),
                (say("合约", "to"), outcome.call.to),
                (say("数据", "data"), outcome.call.data),
            ],
        )


def tell_everybody(office: Office, made: Deployment, to: str, *, settable: bool) -> None:
    """What operators have to change, here and in every other department."""
    if not settable:
        source = office.settings.sources["rpc_url"]
        out.print(
            say(
                f"  rpc_url 由 {source} 设置：请改为新链地址",
                f"  rpc_url is set by the {source}: change it to the new address there",
            ),
            style="yellow",
        )
    out.print(say("各部门运维须做：", "What every department's operator has to do:"), style="bold")
    steps = [
        say("停止服务（govledger serve）", "stop the server (govledger serve)"),
        say(
            f"取得 {office.data_dir / 'deployment.json'}，并与公布的日志地址 {made.log} 核对",
            f"take {office.data_dir / 'deployment.json'}, and compare the log's published address {made.log}",
        ),
        say(
            f"运行 govledger chain adopt deployment.json --to {to}（核验后才切换）",
            f"run govledger chain adopt deployment.json --to {to} (it verifies, then switches)",
        ),
        say(
            "重新启动服务；镜像自动重建，密钥与令牌不变",
            "start the server again; the mirror is built anew, keys and tokens stay",
        ),
        say(
            "已签署而未上链的批次作废，须重新签署",
            "what was signed and not recorded is void and has to be signed again",
        ),
        say("保留旧链数据作为档案", "keep the old chain's files as an archive"),
    ]
    for number, step in enumerate(steps, start=1):
        out.print(f"  {number}. {step}", markup=False)


def tell_adopted(made: Deployment, *, as_json: bool) -> None:
    """That this directory has been changed over before."""
    if as_json:
        print_json({"stage": "done", "deployment": made})
        return
    out.print(
        say(
            f"✓ 本目录已在使用链 {made.chain_id} 上的日志 {made.log}，无需切换",
            f"✓ this directory uses log {made.log} on chain {made.chain_id} already: nothing to change over",
        ),
        style="green",
    )


def tell_status(office: Office, *, as_json: bool) -> None:
    """How far a migration has come."""
    from ledger.succession.begun import load  # noqa: PLC0415 - only this command
    from ledger.succession.migration import Stage  # noqa: PLC0415

    begun, deployment = load(office.data_dir), office.deployment
    if begun is None:
        stage = Stage.DONE if deployment.predecessors else Stage.NONE
    elif begun.deployment is not None:
        stage = Stage.OPENED
    elif begun.sealed is not None:
        stage = Stage.SEALED
    else:
        stage = Stage.ANNOUNCED if begun.seal else Stage.CARRYING
    if as_json:
        print_json({"stage": stage, "migration": begun, "predecessors": deployment.predecessors})
        return
    words = {
        Stage.NONE: ("未开始", "not begun"),
        Stage.CARRYING: ("迁入中；旧日志仍是账本", "carrying; the old log is the ledger"),
        Stage.ANNOUNCED: (
            "历史已迁入，封存待执行；旧日志仍是账本",
            "carried over, the seal is under way; the old log is the ledger",
        ),
        Stage.SEALED: (
            "旧日志已封存，待启用新日志",
            "the old log is sealed, the new one is to be opened",
        ),
        Stage.OPENED: (
            "新日志已启用，待切换本目录",
            "the new log is open, this directory is to change over",
        ),
        Stage.DONE: ("已完成", "done"),
    }
    zh, en = words[stage]
    rows: list[tuple[str, object]] = [(say("阶段", "stage"), say(zh, en))]
    if begun is not None:
        rows.append(
            (
                say("新链", "new chain"),
                f"{begun.to} ({say('链标识', 'chain id')} {begun.to_chain_id})",
            )
        )
        rows += [(name, place) for name, place in begun.places.items()]
        again = say("再次运行同一命令即可继续", "run the same command again to go on")
        rows.append((say("下一步", "next"), again))
    for one in deployment.predecessors:
        rows.append(
            (
                say("前序日志", "carried on"),
                f"{one.log} ({say('链标识', 'chain id')} {one.chain_id}), {one.size}, {one.root}",
            )
        )
    print_fields(say("迁移", "Migration"), rows)
