"""What a node can do, found out by asking it: the capability probe.

Nodes are not asked what they support, they are tried. The result is kept as ``chain.json`` in the
data directory, so that the getLogs range proven once is trusted from the start the next time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec
from eth_utils.crypto import keccak

from ledger.canonical import printable
from ledger.chain.cancun import asked, runs_cancun
from ledger.chain.deployment import Deployment
from ledger.chain.interface import Chain, RawLog
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.logranges import WIDEST_SPAN

FILE_NAME = "chain.json"
BATCH_TRIED = 100
BLOOM_BLOCKS = 256
"""Blocks back from the newest that are looked through for an event to measure with."""

CLIENT_SHOWN = 120
"""Characters of what a node says about itself."""
FINALIZED = ("eth_getBlockByNumber", "finalized", False)

Language = Literal["zh", "en"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about a node, at block ``block``.

    ``fees`` is ``eip1559`` where blocks have a base fee, otherwise ``legacy``; ``free_gas`` where
    nothing is paid. ``finality`` is ``finalized`` where the node knows that tag, ``latest`` where
    not: Besu QBFT and FISCO BCOS are final at once. ``log_range`` is the number of blocks in one
    getLogs range whose last block was seen to be scanned; ``log_range_limited`` is true where a
    wider one failed or came back cut off, false where the chain was too short to try;
    ``log_range_silent`` where one came back cut off without an error, as FISCO BCOS does.
    """

    node: str
    chain_id: int
    client: str
    block: int
    fees: Literal["eip1559", "legacy"]
    free_gas: bool
    finality: Literal["finalized", "latest"]
    cancun: bool
    log_range: int
    log_range_limited: bool
    batch: int
    fee_history: bool
    proofs: bool
    block_receipts: bool
    log_range_silent: bool = False

    def obstacles(self, language: Language = "en") -> list[str]:
        """What keeps the ledger from working on this chain, in words; empty where nothing does."""
        zh = language == "zh"
        found = []
        if not self.cancun:
            found.append(
                "该链未达到 Cancun 级别，合约无法部署：请升级节点（Besu、geth 1.13 起），"
                "FISCO BCOS 请启用其 Cancun 特性"
                if zh
                else "the chain is not at the Cancun level, so the contracts cannot be deployed: "
                "use a newer node (Besu, geth 1.13 or later), on FISCO BCOS switch its Cancun "
                "feature on"
            )
        if self.chain_id == 0:
            found.append(
                "链标识为 0，签名无法与其他链区分：请在节点配置中设置链标识"
                "（FISCO BCOS：web3_chain_id）"
                if zh
                else "the chain id is 0, so signatures would hold on other chains too: set one in "
                "the node's configuration (FISCO BCOS: web3_chain_id)"
            )
        return found

    def words(self, language: Language = "en") -> list[tuple[str, str]]:
        """The findings for people: (name, finding)."""
        zh = language == "zh"
        yes, no = ("支持", "不支持") if zh else ("yes", "no")
        if self.log_range_limited and self.log_range >= WIDEST_SPAN:
            # nobody asks for more, so nothing is known of more
            span = f"{self.log_range} 个区块" if zh else f"{self.log_range} blocks"
        elif self.log_range_limited:
            why = "，会被无提示截断" if self.log_range_silent else ""
            en_why = ": cut off without an error" if self.log_range_silent else ""
            span = (
                f"{self.log_range} 个区块（更宽的范围不可信{why}）"
                if zh
                else (f"{self.log_range} blocks (wider ranges fail{en_why})")
            )
        else:
            span = f"至少 {self.log_range} 个区块" if zh else f"at least {self.log_range} blocks"
        fees = {"eip1559": "EIP-1559", "legacy": "gasPrice"}[self.fees]
        if self.free_gas:
            fees += "，免费" if zh else ", free"
        final = {
            ("finalized", False): "finalized tag",
            ("finalized", True): "finalized 标签",
            ("latest", False): "newest block counts as final",
            ("latest", True): "最新区块即视为最终",
        }[self.finality, zh]
        rows = [
            ("节点", "node", self.node),
            ("客户端", "client", self.client),
            ("链标识", "chain id", str(self.chain_id)),
            ("区块高度", "block", str(self.block)),
            ("费用", "fees", fees),
            ("最终性", "finality", final),
            ("Cancun 指令", "Cancun opcodes", yes if self.cancun else no),
            ("事件查询范围", "getLogs range", span),
            ("批量调用", "batch", str(self.batch) if self.batch > 1 else no),
            ("eth_feeHistory", "eth_feeHistory", yes if self.fee_history else no),
            ("eth_getProof", "eth_getProof", yes if self.proofs else no),
            (
                "eth_getBlockReceipts",
                "eth_getBlockReceipts",
                yes if self.block_receipts else no,
            ),
        ]
        return [(name_zh if zh else name_en, value) for name_zh, name_en, value in rows]

    def save(self, data_dir: Path) -> None:
        """Keep the findings as ``chain.json``."""
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / f"{FILE_NAME}.{os.getpid()}"
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")
        draft.replace(data_dir / FILE_NAME)


def kept(data_dir: Path) -> Capabilities | None:
    """The findings of an earlier probe; None where there are none, or an older version's."""
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=Capabilities)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None


def probe(chain: Chain, deployment: Deployment | None = None) -> Capabilities:
    """Try a chain out. With a deployment the getLogs range is measured with the log's own events.

    Changes nothing on the chain. Raises ChainError where the node does not answer at all.
    """
    head = chain.head()
    fees = chain.fees()
    batch, log_range, limited, silent = 1, chain.max_log_range, False, False
    if isinstance(chain, JsonRpcChain):
        chain.endpoint.call_many([("eth_chainId", [])] * BATCH_TRIED)
        batch = chain.endpoint.batch
        if deployment is not None:
            canary = find_canary(chain, deployment)
            if canary is not None:
                chain.ranges.prove(deployment.log_address, canary)
        log_range, silent = chain.max_log_range, chain.ranges.silent
        limited = chain.ranges.limit < WIDEST_SPAN or log_range >= WIDEST_SPAN
    block = hex(head.number)
    finalized = asked(chain, *FINALIZED)
    return Capabilities(
        node=chain.name,
        chain_id=chain.chain_id,
        client=printable(str(asked(chain, "web3_clientVersion") or "?"))[:CLIENT_SHOWN],
        block=head.number,
        fees="legacy" if "gasPrice" in fees else "eip1559",
        free_gas=not any(fees.values()),
        finality="finalized" if finalized else "latest",
        cancun=runs_cancun(chain),
        log_range=log_range,
        log_range_limited=limited,
        log_range_silent=silent,
        batch=batch,
        fee_history=asked(chain, "eth_feeHistory", "0x1", "latest", []) is not None,
        proofs=asked(chain, "eth_getProof", "0x" + "00" * 20, [], "latest") is not None,
        block_receipts=asked(chain, "eth_getBlockReceipts", block) is not None,
    )


def find_canary(chain: JsonRpcChain, deployment: Deployment) -> RawLog | None:
    """An event of the log as near to the newest block as can be found cheaply.

    Looks at the bloom filters of the newest blocks, then at the block of the deployment, in which
    the log tells who administers it. Every event is had from a range of one block.
    """
    address = deployment.log_address
    head = chain.head().number
    numbers = list(range(max(deployment.deploy_block, head - BLOOM_BLOCKS + 1), head + 1))
    blooms = chain.blooms(numbers)
    for number, bloom in zip(reversed(numbers), reversed(blooms), strict=True):
        if in_bloom(bloom, address):
            events = chain.logs(address, number, number)
            if events:
                return events[-1]
    events = chain.logs(address, deployment.deploy_block, deployment.deploy_block)
    return events[-1] if events else None


def in_bloom(bloom: bytes, value: bytes) -> bool:
    """Whether ``value`` may be in a block's bloom filter (Yellow Paper, section 4.3.1)."""
    if not bloom:
        return False
    digest = keccak(value)
    bits = int.from_bytes(bloom, "big")
    positions = [int.from_bytes(digest[at : at + 2], "big") & 2047 for at in (0, 2, 4)]
    return all(bits >> position & 1 for position in positions)
