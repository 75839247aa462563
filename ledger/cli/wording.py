"""Errors of the floors below, as the person at the keyboard reads them: what, where, what to do, exit code.

The floors speak English and name the place and the way out in their text. Here every class of error gets its
exit code and its Chinese words; the English text stays beside them, because it names the place. Classes go by
their name, so that nothing has to be imported to tell them apart.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from ledger.cli.output import Exit, Problem, language


class Wording(NamedTuple):
    """What a class of errors means: exit code, and in Chinese what is wrong and what to do."""

    code: Exit
    zh: str
    hint_zh: str


_BACKUP = "请从备份恢复该文件"
WORDINGS: dict[str, Wording] = {
    "OfficeError": Wording(Exit.UNAVAILABLE, "账本尚未就绪", "请按提示处理后重试"),
    # settings and keys
    "SettingsError": Wording(
        Exit.USAGE,
        "设置有误",
        "请更正命令行选项、环境变量或 config.toml；可用设置见 docs/settings.md",
    ),
    "WrongPassphrase": Wording(
        Exit.REFUSED,
        "口令不正确",
        "请重新输入，或更正 GOVLEDGER_PASSPHRASE / GOVLEDGER_PASSPHRASE_FILE",
    ),
    "KeystoreError": Wording(
        Exit.REFUSED,
        "密钥库无法使用",
        "请核对密钥名称（`govledger key list`）与口令设置 GOVLEDGER_PASSPHRASE_FILE",
    ),
    # databases
    "NewerStoreError": Wording(
        Exit.UNAVAILABLE, "数据库由更新版本的程序写成", "请升级 govledger 后再打开；未作任何改动"
    ),
    "ForeignStoreError": Wording(Exit.UNAVAILABLE, "数据库存放的是别的内容", "请换一个数据库地址"),
    "CorruptStoreError": Wording(
        Exit.UNAVAILABLE,
        "数据库已损坏",
        "镜像库可删除（连同 -wal、-shm），下一条命令会从链上重建；工作台库须从备份恢复",
    ),
    "FullStoreError": Wording(
        Exit.UNAVAILABLE, "存储空间不足，未写入任何内容", "请释放磁盘空间后重试"
    ),
    "LockedStoreError": Wording(
        Exit.UNAVAILABLE, "数据库正被其他程序占用", "请等待其完成或将其停止，然后重试"
    ),
    "ReadOnlyStoreError": Wording(Exit.UNAVAILABLE, "数据库不可写", "请检查文件与目录的权限"),
    "UnreachableStoreError": Wording(
        Exit.UNAVAILABLE, "数据库无法打开", "请检查地址、目录权限及数据库服务"
    ),
    "StoreError": Wording(Exit.UNAVAILABLE, "数据库无法使用", "请检查磁盘与数据库服务后重试"),
    # chain
    "ChainMissing": Wording(
        Exit.UNAVAILABLE,
        "找不到链数据",
        "请从备份恢复 chain.db，或换一个 --data-dir；新建账本用 `govledger init`",
    ),
    "ChainLocked": Wording(
        Exit.UNAVAILABLE, "链正由另一个进程写入", "请使用该进程提供的服务，或将其停止后重试"
    ),
    "ChainMismatch": Wording(
        Exit.UNAVAILABLE, "链数据不属于这个账本", "请检查 --data-dir，或从备份恢复"
    ),
    "ChainTooNew": Wording(
        Exit.UNAVAILABLE, "链数据由更新版本的程序写成", "请升级 govledger 后再打开；未作任何改动"
    ),
    "ChainCorrupt": Wording(Exit.UNAVAILABLE, "链数据已损坏", _BACKUP),
    "ChainFull": Wording(
        Exit.UNAVAILABLE, "存储空间不足，新区块未写入", "请释放磁盘空间；已受理的声明会自动续发"
    ),
    "ChainUnavailable": Wording(
        Exit.UNAVAILABLE, "无法连接区块链节点", "请启动节点，或更正设置 rpc_url；查询仍可使用镜像"
    ),
    "NotAChain": Wording(
        Exit.UNAVAILABLE, "该地址不是区块链节点", "请更正设置 rpc_url（或 init --rpc）"
    ),
    "AnswerTooLong": Wording(
        Exit.UNAVAILABLE,
        "节点的答复过长，未予读取",
        "请检查该地址上运行的是什么，并核对设置 rpc_url",
    ),
    "DeploymentError": Wording(
        Exit.UNAVAILABLE, "链与本账本不符", "请更正设置 rpc_url，或换一个 --data-dir"
    ),
    "MigrationError": Wording(
        Exit.UNAVAILABLE,
        "迁移无法继续",
        "请按提示处理后再次运行；进度用 `govledger chain migrate --status` 查看",
    ),
    "DamagedBackup": Wording(
        Exit.NOT_PROVEN, "备份已损坏或未完成", "请使用另一份备份；未恢复任何内容"
    ),
    "BackupError": Wording(Exit.REFUSED, "无法备份或恢复", "请按提示处理后重试"),
    "RegistryMissing": Wording(
        Exit.UNAVAILABLE, "该账本没有所需的登记合约", "请运行 `govledger chain upgrade`"
    ),
    "ChainError": Wording(
        Exit.UNAVAILABLE, "区块链未能应答", "请用 `govledger chain status` 查看后重试"
    ),
    "ArtifactError": Wording(Exit.FAILED, "程序自带的合约文件缺失或损坏", "请重新安装 govledger"),
    "UnknownReceipt": Wording(Exit.NOT_FOUND, "没有这个回执", "回执只在受理声明的地方可查"),
    # mirror and proofs
    "ForeignLogError": Wording(
        Exit.NOT_PROVEN, "镜像库属于另一个账本", "请换一个镜像库，或更正链的设置"
    ),
    "MirrorQueryError": Wording(
        Exit.NOT_FOUND, "镜像中没有所查内容", "用 `govledger mirror status` 查看现有声明数"
    ),
    "MirrorError": Wording(
        Exit.NOT_PROVEN,
        "镜像与链上日志对不上，已停止",
        "请保留现场并运行 `govledger mirror verify`",
    ),
    "CheckpointError": Wording(
        Exit.USAGE, "不是检查点文件", "请用 `govledger log checkpoint -o FILE` 保存的文件"
    ),
    "ProveError": Wording(Exit.USAGE, "无法生成证明", "请核对日志位置与 --size"),
    "ProofError": Wording(Exit.NOT_PROVEN, "证明不成立", "请向出具方索取新的证明"),
    # journals and lineage
    "SqlError": Wording(Exit.USAGE, "SQL 文件无法读取", "请检查路径、编码与 --dialect"),
    "DbtError": Wording(
        Exit.USAGE, "不是所需的 dbt 产物", "请给出 dbt 生成的 target/manifest.json 与 catalog.json"
    ),
    "UnknownEntry": Wording(
        Exit.NOT_FOUND, "日志中没有所查内容", "用 `govledger journal status` 查看现有事件数"
    ),
    "DamagedJournal": Wording(
        Exit.UNAVAILABLE,
        "血缘日志的文件残缺",
        "请从备份恢复日志目录，并运行 `govledger journal fsck`",
    ),
    "UnwritableJournal": Wording(
        Exit.UNAVAILABLE, "血缘日志无法写入，未写入任何内容", "请检查磁盘空间后重试"
    ),
    "LineageQueryError": Wording(
        Exit.NOT_FOUND,
        "血缘中没有所查内容",
        "请核对目录代码或数据集名称；`govledger lineage rule list`",
    ),
    "UnknownDelivery": Wording(
        Exit.NOT_FOUND, "没有这次交付", "用 `govledger deliver list` 查看已登记的交付"
    ),
    "CertificateError": Wording(Exit.REFUSED, "无法出具溯源证书", "请按提示处理后重试"),
    "JournalError": Wording(Exit.UNAVAILABLE, "血缘日志无法使用", "请检查数据目录后重试"),
    "WorkersFailed": Wording(Exit.FAILED, "服务进程未能启动", "原因见上；处理后重试"),
    "OtherJournal": Wording(
        Exit.UNAVAILABLE, "共用的镜像跟随另一份血缘日志", "请向持有该日志的服务提交事件"
    ),
    "ForkedJournal": Wording(
        Exit.NOT_PROVEN, "血缘日志与账本上的检查点不符", "请从备份恢复日志目录"
    ),
    # statements and files
    "CatalogueQueryError": Wording(
        Exit.NOT_FOUND, "目录中没有所查内容", "用 `govledger catalogue search` 查找"
    ),
    "EntryRefused": Wording(Exit.REFUSED, "条目不能这样报送", "请更正后重试；尚未写入任何内容"),
    "SealError": Wording(
        Exit.REFUSED, "无法读取密封的原文", "原文保存在报送该条目的单位；请用当时的密钥库和工作台库"
    ),
    # records and deliveries
    "SourceError": Wording(Exit.USAGE, "数据源无法读取", "请检查数据源及其写法；尚未写入任何内容"),
    "NothingToProve": Wording(Exit.NOT_FOUND, "无法出具这样的证明", "请核对主键"),
    "StoreDamaged": Wording(Exit.NOT_PROVEN, "叶子存档已损坏", "请从备份恢复，或重新签署清单"),
    "RecordsError": Wording(Exit.REFUSED, "数据不能这样提交", "请按提示更正；尚未写入任何内容"),
    "DeliveryRefused": Wording(Exit.REFUSED, "不能这样签署", "请按提示处理；尚未写入任何内容"),
    "HandoverError": Wording(
        Exit.REFUSED, "移交文件无法使用", "请向提供部门索取 `deliver handover` 生成的文件"
    ),
    "BatchRefused": Wording(
        Exit.REFUSED, "账本拒绝了这一批", "已上链的保留；更正后再次运行即可继续"
    ),
    "UnfinishedImport": Wording(
        Exit.REFUSED,
        "上次导入尚未完成",
        "用 --apply 再次运行即先续完；若已换链，请换用新的数据目录",
    ),
    "AuditError": Wording(Exit.NOT_FOUND, "无法审计", "请核对日志大小与范围"),
    "ReportRefused": Wording(Exit.USAGE, "不是审计报告", "请给出 `audit publish` 写出的文件"),
    "PolicyError": Wording(Exit.USAGE, "审计口径无法使用", "成员与取值范围见 docs/audits.md"),
    "TableError": Wording(Exit.USAGE, "表格文件无法读取", "请按提示更正文件后重试"),
    "MappingError": Wording(Exit.USAGE, "映射无法使用", "请给出映射文件，或内置映射的名称"),
    "CanonicalError": Wording(Exit.REFUSED, "内容不合规范", "请更正后重试；尚未写入任何内容"),
    "IdentifierError": Wording(Exit.REFUSED, "代码不合规范", "请更正后重试；尚未写入任何内容"),
    "StatementError": Wording(Exit.REFUSED, "声明不合规范", "请更正后重试；尚未写入任何内容"),
    # quality
    "RuleFileError": Wording(
        Exit.USAGE,
        "规则或权重文件有误",
        "请更正文件，并用 `govledger quality rules check FILE` 检查",
    ),
    "ReproductionError": Wording(
        Exit.NOT_PROVEN, "所给文件与该评分不符", "请向评估方索取该评分的结果文件"
    ),
    "BindRefused": Wording(Exit.USAGE, "只允许在本机回环地址上提供服务", "请使用 --host 127.0.0.1"),
}

_SYSTEM: dict[int, tuple[str, str, str, str]] = {
    errno.ENOENT: (
        "no such file or directory",
        "check the path; a directory must exist before something is written into it",
        "没有这个文件或目录",
        "请检查路径；写入前目录须已存在",
    ),
    errno.EACCES: (
        "permission denied",
        "see who may read and write it, or name another place",
        "没有访问权限",
        "请检查文件与目录的权限，或换一个位置",
    ),
    errno.EISDIR: ("it is a directory", "name a file", "这是一个目录", "请给出文件名"),
    errno.ENOTDIR: (
        "a part of the path is a file",
        "check the path",
        "路径中有一段是文件而非目录",
        "请检查路径",
    ),
    errno.ENOSPC: (
        "no space is left",
        "free some space and try again",
        "存储空间不足",
        "请释放磁盘空间后重试",
    ),
    errno.EROFS: (
        "the file system is read-only",
        "mount it writable, or name another place; a copy of a data directory works as well",
        "文件系统只读",
        "请以可写方式挂载，或换一个位置；数据目录的副本同样可用",
    ),
}
_SAME = {errno.EPERM: errno.EACCES, errno.EDQUOT: errno.ENOSPC, errno.EFBIG: errno.ENOSPC}


def problem_of(error: BaseException, code: Exit | None = None) -> Problem | None:
    """The problem to show for an error of the floors below; None for one that nobody foresaw.

    ``code`` takes the place of the class's own exit code.
    """
    if isinstance(error, OSError):
        return _system_problem(error)
    for kind in type(error).__mro__:
        found = WORDINGS.get(kind.__name__)
        if found is not None and kind.__module__.startswith(("ledger.", "api.")):
            break
    else:
        return None
    if language() == "zh":
        said = getattr(error, "zh", "") or f"{found.zh}：{error}"
        hint = getattr(error, "hint_zh", "") or found.hint_zh
    else:
        said, hint = str(error), getattr(error, "hint", "")
    return Problem(said, hint, code or found.code)


def _system_problem(error: OSError) -> Problem:
    """What the operating system refused, with the file where one is named."""
    number = _SAME.get(error.errno or 0, error.errno or 0)
    spoken = error.strerror or str(error)
    what, hint, zh, hint_zh = _SYSTEM.get(
        number,
        (spoken, "see the file and the disk, and try again", spoken, "请检查文件与磁盘后重试"),
    )
    place = error.filename2 or error.filename
    where = "" if place is None else f"{place}: "
    if language() == "zh":
        return Problem(f"{where}{zh}", hint_zh, Exit.UNAVAILABLE)
    return Problem(f"{where}{what}", hint, Exit.UNAVAILABLE)
