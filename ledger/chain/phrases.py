"""The words for every refusal of the contracts, in English and Chinese, each with what to do about it.

In braces stand the error's arguments as the contract names them.
"""

from __future__ import annotations

import msgspec

PANIC = "Panic"


class Phrase(msgspec.Struct, frozen=True):
    en: str
    zh: str
    hint_en: str
    hint_zh: str


PHRASES: dict[str, Phrase] = {
    "StaleVersion": Phrase(
        "Version {given} of {subject} ({kind}) does not carry on from the ledger: version "
        "{expected} comes next.",
        "{subject}（{kind}）的第 {given} 版与账本不衔接：下一版应为第 {expected} 版。",
        "Somebody recorded another version meanwhile. Look at it, and sign version {expected}.",
        "其间已有其他版本入账。请查看后重新签署第 {expected} 版。",
    ),
    "NotAdmitted": Phrase(
        "The registry {registry} may not write statements of the kind {kind}.",
        "登记合约 {registry} 无权写入 {kind} 类声明。",
        "It was retired or never admitted: use the registries that deployment.json names, or have "
        "the log's administration admit it.",
        "该合约未获准入或已停用：请使用 deployment.json 所列的合约，或由账本管理方准入。",
    ),
    "AlreadyAdmitted": Phrase(
        "The registry {registry} may write statements of the kind {kind} already.",
        "登记合约 {registry} 已可写入 {kind} 类声明。",
        "Nothing is to be done.",
        "无需操作。",
    ),
    "EmptyBatch": Phrase(
        "The batch holds no statement.",
        "批次中没有声明。",
        "Put at least one statement into it.",
        "请至少放入一条声明。",
    ),
    "BodyTooLarge": Phrase(
        "A body has {length} bytes; at most {limit} are recorded.",
        "正文有 {length} 字节，上限为 {limit} 字节。",
        "Shorten it, or keep long texts elsewhere and name their digest.",
        "请缩短正文，或将长文另存并写入其摘要。",
    ),
    "DeadlinePassed": Phrase(
        "The signature was valid until {deadline}; on the chain it is {time}.",
        "签名有效期至 {deadline}，链上时间已是 {time}。",
        "Nothing was recorded. Sign again with a later deadline.",
        "未作任何记录。请以更晚的截止时间重新签署。",
    ),
    "BadSignature": Phrase(
        "The signature is not one of {signer} over this content ({digest}).",
        "该签名不是 {signer} 对此内容（{digest}）的签名。",
        "Content, chain, registry or key differ from what was signed: prepare the statement again "
        "and sign exactly that.",
        "内容、链、登记合约或密钥与签署时不同：请重新准备声明并照原文签署。",
    ),
    "RoleMissing": Phrase(
        "The key {signer} does not act for {organisation} with the role {role}.",
        "密钥 {signer} 未以 {role} 角色代表 {organisation}。",
        "The key is unknown, revoked, of another organisation, or lacks the role: use another key, "
        "or have an authority grant it the role.",
        "该密钥未登记、已吊销、属于其他机构或缺少该角色：请换用密钥，或由主管部门授予角色。",
    ),
    "CosignerIsSigner": Phrase(
        "The second signature comes from the same key {signer} as the first.",
        "第二签名与第一签名出自同一密钥 {signer}。",
        "Let the head sign with another key.",
        "请由部门负责人以另一密钥签署。",
    ),
    "CosignatureMissing": Phrase(
        "{subject} lacks the signature of the department's head.",
        "{subject} 缺少部门负责人的签名。",
        "The law asks for the head's approval before a catalogue is submitted: have a key with the "
        "role HEAD sign too.",
        "目录报送须经部门负责人审核同意：请由具有部门负责人角色的密钥会签。",
    ),
    "UnknownOrganisation": Phrase(
        "The organisation {code} is not registered.",
        "机构 {code} 尚未登记。",
        "Check the code, or have an authority register the organisation first.",
        "请核对代码，或先由主管部门登记该机构。",
    ),
    "OrganisationDissolved": Phrase(
        "The organisation {code} is dissolved and makes no statements any more.",
        "机构 {code} 已撤并，不能再作声明。",
        "Let its successor speak, or have an authority make it active again.",
        "请由承接机构声明，或由主管部门恢复其状态。",
    ),
    "BadParent": Phrase(
        "{parent} cannot stand above {code}.",
        "{parent} 不能作为 {code} 的上级。",
        "Only the first organisation has none above it, and none stands above itself.",
        "仅首个机构没有上级，且机构不能以自身为上级。",
    ),
    "NotOwner": Phrase(
        "{subject} does not belong to {organisation}.",
        "{subject} 不属于 {organisation}。",
        "Only the organisation that it belongs to may change it; check code and key.",
        "仅所属机构可以变更；请核对代码与密钥。",
    ),
    "IllegalTransition": Phrase(
        "{subject} cannot go from {from} to {to}.",
        "{subject} 不能由“{from}”变为“{to}”。",
        "Look at its present state; the steps allowed from there are in the documentation.",
        "请查看其当前状态，可行的步骤见文档。",
    ),
    "ReasonsMissing": Phrase(
        "The statement about {subject} gives no reasons.",
        "关于 {subject} 的声明未写明理由。",
        "Say why: what is returned, suspended, revoked, withdrawn, released or objected to needs reasons.",
        "请写明理由：退回、暂停、撤销、取消、解绑与异议均须说明理由。",
    ),
    "OutOfRange": Phrase(
        "The value {value} of {member} is outside its range (at most {max}).",
        "{member} 的值 {value} 超出范围（最大 {max}）。",
        "Correct the value; for a submission every typed member must be stated.",
        "请更正该值；正式报送时各项编码均须填写。",
    ),
    "UnknownEntry": Phrase(
        "The catalogue has no entry {code}.",
        "目录中没有条目 {code}。",
        "Check the code, or have its owner file the entry first.",
        "请核对代码，或先由所属机构报送该条目。",
    ),
    "UnknownEdition": Phrase(
        "The entry {code} has no edition {given}; its latest is {latest}.",
        "条目 {code} 没有第 {given} 版，最新为第 {latest} 版。",
        "Name an edition from 1 to {latest}.",
        "请填写 1 至 {latest} 之间的版次。",
    ),
    "OwnEntry": Phrase(
        "The entry {entry} belongs to {organisation} itself.",
        "条目 {entry} 属于 {organisation} 自身。",
        "Nobody asks itself for a correction: correct the data, or revise the entry.",
        "无需向本机构提出校核申请：请直接更正数据或修订条目。",
    ),
    "NotRequester": Phrase(
        "The request {code} was not filed by {organisation}.",
        "校核申请 {code} 不是由 {organisation} 提出的。",
        "Only who filed it may evaluate or cancel it.",
        "仅申请机构可以评价或撤回。",
    ),
    "MemberFixed": Phrase(
        "The member {member} of {subject} differs from what was first recorded.",
        "{subject} 的 {member} 与首次记录的不同。",
        "It never changes: name it as it was, or begin anew under another code.",
        "该项不可变更：请按原值填写，或以另一代码重新提出。",
    ),
    "BodyMissing": Phrase(
        "The statement about {subject} has no body.",
        "关于 {subject} 的声明没有正文。",
        "Say in the body what it is about, and why.",
        "请在正文中写明内容和理由。",
    ),
    "NotGrown": Phrase(
        "The journal {origin} stands at {last} already; {given} is no growth.",
        "日志 {origin} 已到第 {last} 条，{given} 并未增加。",
        "A journal only grows: anchor a later checkpoint, and find out why this one is behind.",
        "日志只增不减：请提交更晚的检查点，并查明此检查点落后的原因。",
    ),
    "UnknownObligation": Phrase(
        "There is no obligation {code}.",
        "没有归集义务 {code}。",
        "Check the code, or have an authority impose the obligation first.",
        "请核对代码，或先由主管部门登记该义务。",
    ),
    "NotAbove": Phrase(
        "{parent} cannot stand above the obligation {code}.",
        "{parent} 不能作为义务 {code} 的上级。",
        "The chain of duty goes from duty to system to table to expected entry: a duty stands at the top, "
        "anything else below an obligation that is known and of an earlier kind.",
        "链条依次为职责事项、信息系统、业务表、应编目录：职责事项居首，其余须位于已登记且层级更高的义务之下。",
    ),
    "NotInForce": Phrase(
        "The obligation {code} is withdrawn.",
        "义务 {code} 已取消。",
        "Nothing can be bound to it; have an authority put it into force again if that is wrong.",
        "不能再与其绑定；如有误，请由主管部门恢复其效力。",
    ),
    "EntryMismatch": Phrase(
        "The entry {entry} does not fit the obligation {obligation}.",
        "目录条目 {entry} 与义务 {obligation} 不符。",
        "To bind, name an entry of the organisation that is responsible for the obligation; to release, "
        "the entry that is bound now.",
        "绑定时请填写义务责任单位自己的条目；解绑时请填写当前绑定的条目。",
    ),
    "SelfApproved": Phrase(
        "{organisation} profits from the exemption {code} and cannot approve it.",
        "{organisation} 是豁免 {code} 的受益方，不能自行批准。",
        "Have the authority of another organisation approve it.",
        "请由其他机构的主管部门批准。",
    ),
    "UnknownManifest": Phrase(
        "{entry} has no manifest {given} for this period; the latest is {latest}.",
        "{entry} 在该期间没有第 {given} 版清单，最新为第 {latest} 版。",
        "Name a version from 1 to {latest}, or 0 where none was signed before; check the period.",
        "请填写 1 至 {latest} 的版本，事先未签清单则填 0；并核对期间。",
    ),
    "WrongPredecessor": Phrase(
        "The delivery of {entry} follows the root {given}, but the last one ends with {expected}.",
        "{entry} 的本次交付接续根 {given}，而上一次交付的根为 {expected}。",
        "Another delivery was recorded meanwhile, or this one is sent twice: look at the entry's last "
        "delivery and name its root.",
        "其间已有其他交付入账，或重复提交：请查看该条目最近一次交付并填写其根。",
    ),
    "WrongRoot": Phrase(
        "{root} is not the root of {rows} rows of {entry}.",
        "{root} 不是 {entry} 的 {rows} 行数据的根。",
        "A table without rows has the root of the empty tree, and only such a table has it: compute the "
        "root from the data again.",
        "空表的根为空树之根，且仅空表如此：请由数据重新计算。",
    ),
    "AccessManagedUnauthorized": Phrase(
        "The account {caller} does not administer the log.",
        "账户 {caller} 不是账本的管理方。",
        "Use the administration's key.",
        "请使用管理方的密钥。",
    ),
    "NotCarrier": Phrase(
        "{caller} may not fill this log.",
        "{caller} 无权向该日志迁入历史。",
        "Only the account that deployed it may: go on with the sender key of the office that began the "
        "migration.",
        "仅部署该日志的账户可以：请在发起迁移的办公室以其发送密钥继续。",
    ),
    "AlreadyConcluded": Phrase(
        "The history was carried over whole: {size} statements with the root {root}.",
        "历史已全部迁入：共 {size} 条声明，根为 {root}。",
        "Nothing more can be carried over; see 'govledger chain migrate --status'.",
        "不能再迁入；请运行 govledger chain migrate --status 查看。",
    ),
    "NotInherited": Phrase(
        "What was carried over has {size} statements and the root {root}, not those of the sealed log.",
        "已迁入的为 {size} 条声明、根 {root}，与已封存的日志不符。",
        "Never open this log: begin the migration anew from a data directory that verifies.",
        "切勿启用该日志：请在核验通过的数据目录中重新发起迁移。",
    ),
    "OutOfPlace": Phrase(
        "Leaf {given} cannot be carried over now: leaf {expected} comes next.",
        "现在不能迁入第 {given} 号声明：下一条应为第 {expected} 号。",
        "Run the migration again: it goes on where it stopped.",
        "请再次运行迁移命令：将从中断处继续。",
    ),
    "OutOfTime": Phrase(
        "What is recorded at {recordedAt} cannot follow on a statement of {last} (Unix seconds).",
        "记录于 {recordedAt} 的内容不能排在 {last}（Unix 秒）的声明之后。",
        "The new chain's clock is behind the old one's: wait until it is past that time, and run this again.",
        "新链的时钟落后于旧链：请等到新链时间越过后再次运行。",
    ),
    "NotPredecessor": Phrase(
        "This log carries on {predecessor} on chain {chainId} with {size} statements and the root {root}, and "
        "nothing else; it is opened once, first of all.",
        "该日志接续的是链 {chainId} 上的 {predecessor}，共 {size} 条声明、根 {root}；只能启用一次，且须为首条。",
        "Compare the opening with the log that was sealed, and sign exactly that.",
        "请与已封存的日志核对后照原样签署启用声明。",
    ),
    "Error": Phrase(
        "The contract refuses: {message}.",
        "合约拒绝：{message}。",
        "Check address and chain: our contracts give their reasons in another form.",
        "请核对地址与链：本系统的合约以其他形式给出理由。",
    ),
    PANIC: Phrase(
        "The contract stopped with panic {code}.",
        "合约以 panic {code} 中止。",
        "The call is not one that this version of the contracts understands.",
        "该版本的合约不理解此调用。",
    ),
    "": Phrase(
        "The contract refuses without a reason.",
        "合约未给出理由即拒绝。",
        "There may be no contract at the address, or the gas may not suffice: check the chain with "
        "'govledger chain status'.",
        "该地址可能没有合约，或燃料不足：请用 govledger chain status 检查链。",
    ),
}
UNKNOWN = Phrase(
    "The contract refuses with {name}({listed}).",
    "合约拒绝：{name}({listed})。",
    "Check that the contracts on the chain are of this version ('govledger chain status').",
    "请核对链上合约与本版本一致（govledger chain status）。",
)
