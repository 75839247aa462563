"""Why a contract refused, in Chinese and English, with what to do about it.

The errors and their arguments come from the ABIs of the checked-in artifacts; the words are here. A
test holds the two together: every custom error of our contracts has its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.codes import (
    ROLE_LABELS,
    Code,
    CorrectionState,
    EntryState,
    KeyStatus,
    ObjectionState,
    Role,
)

CONTRACTS = ("AccessManager", "GovernanceLog", *artifacts.REGISTRIES)
_STATES: dict[str, type[Code]] = {
    "Catalogue": EntryState,
    "Obligations": ObjectionState,
    "Corrections": CorrectionState,
}
"""Of which states a registry says that there is no way between them."""
SELECTOR = 4
PANIC = "Panic"

Words = Mapping[bytes, str]
"""Texts by their Keccak-256, so that a message can name what the contract knows as a hash."""


class ContractRefusal(msgspec.Struct, frozen=True):
    """A refusal: the error's ``name`` and ``args`` as in the contract, and words for people.

    ``args`` are JSON values: integers, addresses in checksum form, and ``bytes32`` as hex text or,
    where it is known, as the text whose hash it is.
    """

    name: str
    args: dict[str, Any]
    message_en: str
    message_zh: str
    hint_en: str
    hint_zh: str

    @property
    def expected_version(self) -> int | None:
        """The version that the log expects next, where the refusal is ``StaleVersion``."""
        return self.args["expected"] if self.name == "StaleVersion" else None

    def __str__(self) -> str:
        return f"{self.message_en} {self.hint_en}"


class _Phrase(msgspec.Struct, frozen=True):
    en: str
    zh: str
    hint_en: str
    hint_zh: str


_PHRASES: dict[str, _Phrase] = {
    "StaleVersion": _Phrase(
        "Version {given} of {subject} ({kind}) does not carry on from the ledger: version "
        "{expected} comes next.",
        "{subject}（{kind}）的第 {given} 版与账本不衔接：下一版应为第 {expected} 版。",
        "Somebody recorded another version meanwhile. Look at it, and sign version {expected}.",
        "其间已有其他版本入账。请查看后重新签署第 {expected} 版。",
    ),
    "NotAdmitted": _Phrase(
        "The registry {registry} may not write statements of the kind {kind}.",
        "登记合约 {registry} 无权写入 {kind} 类声明。",
        "It was retired or never admitted: use the registries that deployment.json names, or have "
        "the log's administration admit it.",
        "该合约未获准入或已停用：请使用 deployment.json 所列的合约，或由账本管理方准入。",
    ),
    "AlreadyAdmitted": _Phrase(
        "The registry {registry} may write statements of the kind {kind} already.",
        "登记合约 {registry} 已可写入 {kind} 类声明。",
        "Nothing is to be done.",
        "无需操作。",
    ),
    "EmptyBatch": _Phrase(
        "The batch holds no statement.",
        "批次中没有声明。",
        "Put at least one statement into it.",
        "请至少放入一条声明。",
    ),
    "BodyTooLarge": _Phrase(
        "A body has {length} bytes; at most {limit} are recorded.",
        "正文有 {length} 字节，上限为 {limit} 字节。",
        "Shorten it, or keep long texts elsewhere and name their digest.",
        "请缩短正文，或将长文另存并写入其摘要。",
    ),
    "DeadlinePassed": _Phrase(
        "The signature was valid until {deadline}; on the chain it is {time}.",
        "签名有效期至 {deadline}，链上时间已是 {time}。",
        "Nothing was recorded. Sign again with a later deadline.",
        "未作任何记录。请以更晚的截止时间重新签署。",
    ),
    "BadSignature": _Phrase(
        "The signature is not one of {signer} over this content ({digest}).",
        "该签名不是 {signer} 对此内容（{digest}）的签名。",
        "Content, chain, registry or key differ from what was signed: prepare the statement again "
        "and sign exactly that.",
        "内容、链、登记合约或密钥与签署时不同：请重新准备声明并照原文签署。",
    ),
    "RoleMissing": _Phrase(
        "The key {signer} does not act for {organisation} with the role {role}.",
        "密钥 {signer} 未以 {role} 角色代表 {organisation}。",
        "The key is unknown, revoked, of another organisation, or lacks the role: use another key, "
        "or have an authority grant it the role.",
        "该密钥未登记、已吊销、属于其他机构或缺少该角色：请换用密钥，或由主管部门授予角色。",
    ),
    "CosignerIsSigner": _Phrase(
        "The second signature comes from the same key {signer} as the first.",
        "第二签名与第一签名出自同一密钥 {signer}。",
        "Let the head sign with another key.",
        "请由部门负责人以另一密钥签署。",
    ),
    "CosignatureMissing": _Phrase(
        "{subject} lacks the signature of the department's head.",
        "{subject} 缺少部门负责人的签名。",
        "The law asks for the head's approval before a catalogue is submitted: have a key with the "
        "role HEAD sign too.",
        "目录报送须经部门负责人审核同意：请由具有部门负责人角色的密钥会签。",
    ),
    "UnknownOrganisation": _Phrase(
        "The organisation {code} is not registered.",
        "机构 {code} 尚未登记。",
        "Check the code, or have an authority register the organisation first.",
        "请核对代码，或先由主管部门登记该机构。",
    ),
    "OrganisationDissolved": _Phrase(
        "The organisation {code} is dissolved and makes no statements any more.",
        "机构 {code} 已撤并，不能再作声明。",
        "Let its successor speak, or have an authority make it active again.",
        "请由承接机构声明，或由主管部门恢复其状态。",
    ),
    "BadParent": _Phrase(
        "{parent} cannot stand above {code}.",
        "{parent} 不能作为 {code} 的上级。",
        "Only the first organisation has none above it, and none stands above itself.",
        "仅首个机构没有上级，且机构不能以自身为上级。",
    ),
    "NotOwner": _Phrase(
        "{subject} does not belong to {organisation}.",
        "{subject} 不属于 {organisation}。",
        "Only the organisation that it belongs to may change it; check code and key.",
        "仅所属机构可以变更；请核对代码与密钥。",
    ),
    "IllegalTransition": _Phrase(
        "{subject} cannot go from {from} to {to}.",
        "{subject} 不能由“{from}”变为“{to}”。",
        "Look at its present state; the steps allowed from there are in the documentation.",
        "请查看其当前状态，可行的步骤见文档。",
    ),
    "ReasonsMissing": _Phrase(
        "The statement about {subject} gives no reasons.",
        "关于 {subject} 的声明未写明理由。",
        "Say why: what is returned, suspended, revoked, withdrawn, released or objected to needs reasons.",
        "请写明理由：退回、暂停、撤销、取消、解绑与异议均须说明理由。",
    ),
    "OutOfRange": _Phrase(
        "The value {value} of {member} is outside its range (at most {max}).",
        "{member} 的值 {value} 超出范围（最大 {max}）。",
        "Correct the value; for a submission every typed member must be stated.",
        "请更正该值；正式报送时各项编码均须填写。",
    ),
    "UnknownEntry": _Phrase(
        "The catalogue has no entry {code}.",
        "目录中没有条目 {code}。",
        "Check the code, or have its owner file the entry first.",
        "请核对代码，或先由所属机构报送该条目。",
    ),
    "UnknownEdition": _Phrase(
        "The entry {code} has no edition {given}; its latest is {latest}.",
        "条目 {code} 没有第 {given} 版，最新为第 {latest} 版。",
        "Name an edition from 1 to {latest}.",
        "请填写 1 至 {latest} 之间的版次。",
    ),
    "OwnEntry": _Phrase(
        "The entry {entry} belongs to {organisation} itself.",
        "条目 {entry} 属于 {organisation} 自身。",
        "Nobody asks itself for a correction: correct the data, or revise the entry.",
        "无需向本机构提出校核申请：请直接更正数据或修订条目。",
    ),
    "NotRequester": _Phrase(
        "The request {code} was not filed by {organisation}.",
        "校核申请 {code} 不是由 {organisation} 提出的。",
        "Only who filed it may evaluate or cancel it.",
        "仅申请机构可以评价或撤回。",
    ),
    "MemberFixed": _Phrase(
        "The member {member} of {subject} differs from what was first recorded.",
        "{subject} 的 {member} 与首次记录的不同。",
        "It never changes: name it as it was, or begin anew under another code.",
        "该项不可变更：请按原值填写，或以另一代码重新提出。",
    ),
    "BodyMissing": _Phrase(
        "The statement about {subject} has no body.",
        "关于 {subject} 的声明没有正文。",
        "Say in the body what it is about, and why.",
        "请在正文中写明内容和理由。",
    ),
    "NotGrown": _Phrase(
        "The journal {origin} stands at {last} already; {given} is no growth.",
        "日志 {origin} 已到第 {last} 条，{given} 并未增加。",
        "A journal only grows: anchor a later checkpoint, and find out why this one is behind.",
        "日志只增不减：请提交更晚的检查点，并查明此检查点落后的原因。",
    ),
    "UnknownObligation": _Phrase(
        "There is no obligation {code}.",
        "没有归集义务 {code}。",
        "Check the code, or have an authority impose the obligation first.",
        "请核对代码，或先由主管部门登记该义务。",
    ),
    "NotAbove": _Phrase(
        "{parent} cannot stand above the obligation {code}.",
        "{parent} 不能作为义务 {code} 的上级。",
        "The chain of duty goes from duty to system to table to expected entry: a duty stands at the top, "
        "anything else below an obligation that is known and of an earlier kind.",
        "链条依次为职责事项、信息系统、业务表、应编目录：职责事项居首，其余须位于已登记且层级更高的义务之下。",
    ),
    "NotInForce": _Phrase(
        "The obligation {code} is withdrawn.",
        "义务 {code} 已取消。",
        "Nothing can be bound to it; have an authority put it into force again if that is wrong.",
        "不能再与其绑定；如有误，请由主管部门恢复其效力。",
    ),
    "EntryMismatch": _Phrase(
        "The entry {entry} does not fit the obligation {obligation}.",
        "目录条目 {entry} 与义务 {obligation} 不符。",
        "To bind, name an entry of the organisation that is responsible for the obligation; to release, "
        "the entry that is bound now.",
        "绑定时请填写义务责任单位自己的条目；解绑时请填写当前绑定的条目。",
    ),
    "SelfApproved": _Phrase(
        "{organisation} profits from the exemption {code} and cannot approve it.",
        "{organisation} 是豁免 {code} 的受益方，不能自行批准。",
        "Have the authority of another organisation approve it.",
        "请由其他机构的主管部门批准。",
    ),
    "UnknownManifest": _Phrase(
        "{entry} has no manifest {given} for this period; the latest is {latest}.",
        "{entry} 在该期间没有第 {given} 版清单，最新为第 {latest} 版。",
        "Name a version from 1 to {latest}, or 0 where none was signed before; check the period.",
        "请填写 1 至 {latest} 的版本，事先未签清单则填 0；并核对期间。",
    ),
    "WrongPredecessor": _Phrase(
        "The delivery of {entry} follows the root {given}, but the last one ends with {expected}.",
        "{entry} 的本次交付接续根 {given}，而上一次交付的根为 {expected}。",
        "Another delivery was recorded meanwhile, or this one is sent twice: look at the entry's last "
        "delivery and name its root.",
        "其间已有其他交付入账，或重复提交：请查看该条目最近一次交付并填写其根。",
    ),
    "WrongRoot": _Phrase(
        "{root} is not the root of {rows} rows of {entry}.",
        "{root} 不是 {entry} 的 {rows} 行数据的根。",
        "A table without rows has the root of the empty tree, and only such a table has it: compute the "
        "root from the data again.",
        "空表的根为空树之根，且仅空表如此：请由数据重新计算。",
    ),
    "AccessManagedUnauthorized": _Phrase(
        "The account {caller} does not administer the log.",
        "账户 {caller} 不是账本的管理方。",
        "Use the administration's key.",
        "请使用管理方的密钥。",
    ),
    "Error": _Phrase(
        "The contract refuses: {message}.",
        "合约拒绝：{message}。",
        "Check address and chain: our contracts give their reasons in another form.",
        "请核对地址与链：本系统的合约以其他形式给出理由。",
    ),
    PANIC: _Phrase(
        "The contract stopped with panic {code}.",
        "合约以 panic {code} 中止。",
        "The call is not one that this version of the contracts understands.",
        "该版本的合约不理解此调用。",
    ),
    "": _Phrase(
        "The contract refuses without a reason.",
        "合约未给出理由即拒绝。",
        "There may be no contract at the address, or the gas may not suffice: check the chain with "
        "'govledger chain status'.",
        "该地址可能没有合约，或燃料不足：请用 govledger chain status 检查链。",
    ),
}
_UNKNOWN = _Phrase(
    "The contract refuses with {name}({listed}).",
    "合约拒绝：{name}({listed})。",
    "Check that the contracts on the chain are of this version ('govledger chain status').",
    "请核对链上合约与本版本一致（govledger chain status）。",
)


@cache
def _known_errors() -> dict[bytes, tuple[str, tuple[tuple[str, str], ...]]]:
    """Selector -> name and (argument, type), over the ABIs of all contracts."""
    table: dict[bytes, tuple[str, tuple[tuple[str, str], ...]]] = {}
    builtin = [("Error", (("message", "string"),)), (PANIC, (("code", "uint256"),))]
    ours = [
        (item["name"], tuple((part["name"], part["type"]) for part in item["inputs"]))
        for contract in CONTRACTS
        for item in artifacts.load(contract).abi
        if item["type"] == "error"
    ]
    for name, members in [*builtin, *ours]:
        signature = f"{name}({','.join(kind for _, kind in members)})"
        table[bytes(keccak(text=signature))[:SELECTOR]] = (name, members)
    return table


def error_names() -> frozenset[str]:
    """The names of all errors that the contracts' ABIs declare."""
    return frozenset(name for name, _ in _known_errors().values())


def explain(revert_data: bytes, words: Words | None = None, contract: str = "") -> ContractRefusal:
    """What the revert data of a call says. ``words`` name hashes; ``contract`` is the registry
    called.

    Never raises: data that fits no known error is shown as it is.
    """
    known = words or {}
    name, args = _decoded(revert_data)
    if not name and revert_data:
        name = "Unknown"
        args = {"data": revert_data}
    shown = {key: _shown(key, value, known) for key, value in args.items()}
    phrase = _PHRASES.get(name, _UNKNOWN)
    english = _for_people(shown, contract, chinese=False)
    chinese = _for_people(shown, contract, chinese=True)
    listed = {"name": name, "listed": ", ".join(f"{k}={v}" for k, v in shown.items())}
    return ContractRefusal(
        name=name or "Reverted",
        args=shown,
        message_en=phrase.en.format(**english, **listed),
        message_zh=phrase.zh.format(**chinese, **listed),
        hint_en=phrase.hint_en.format(**english),
        hint_zh=phrase.hint_zh.format(**chinese),
    )


def _decoded(data: bytes) -> tuple[str, dict[str, Any]]:
    known = _known_errors().get(data[:SELECTOR])
    if known is None:
        return "", {}
    name, members = known
    try:
        values = decode([kind for _, kind in members], data[SELECTOR:])
    except (DecodingError, OverflowError):
        return "", {}
    return name, {
        member: str(to_checksum_address(value)) if kind == "address" else value
        for (member, kind), value in zip(members, values, strict=True)
    }


def _shown(member: str, value: object, words: Words) -> object:
    """An argument as a JSON value; hashes as the text they stand for, where it is known."""
    if not isinstance(value, bytes):
        return value
    if value in words:
        return words[value]
    if member in ("kind", "member"):
        name = value.rstrip(b"\0")
        if name.isascii():
            return name.decode("ascii")
    return "0x" + value.hex()


def _state(number: int, contract: str, *, chinese: bool) -> str:
    for member in _STATES.get(contract, KeyStatus):
        if member.number == number:
            return member.zh if chinese else member.en
    return ("未登记" if chinese else "unregistered") if number == 0 else str(number)


def _roles(mask: int, *, chinese: bool) -> str:
    names = [
        ROLE_LABELS[role][0] if chinese else role.name or "" for role in Role if mask & role.value
    ]
    return ("或" if chinese else " or ").join(names) or str(mask)


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _for_people(args: Mapping[str, Any], contract: str, *, chinese: bool) -> dict[str, str]:
    """The arguments in words: times, roles and states by name."""
    turn: dict[str, Callable[[int], str]] = {
        "deadline": _time,
        "time": _time,
        "role": lambda mask: _roles(mask, chinese=chinese),
        "from": lambda number: _state(number, contract, chinese=chinese),
        "to": lambda number: _state(number, contract, chinese=chinese),
    }
    return {
        key: turn[key](value) if key in turn and isinstance(value, int) else str(value)
        for key, value in args.items()
    }
