"""What a backup holds (备份清单): every file with its size and SHA-256, written last.

A directory without a manifest is a backup that was broken off; one with a file more, less or other than the
manifest says is damaged. Either is refused whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from ledger.canonical import canonical_json
from ledger.mirror.queries import Checkpoint

FILE_NAME = "manifest.json"
FORMAT = "govledger-backup/1"
DESK_ROWS = "desk"
"""Directory of a backup with the desk's rows, one file a table, where the desk is no file."""
_BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Called with how many bytes are done, and of how many."""


class BackupError(Exception):
    """A backup that cannot be made or restored; ``hint`` says what to do, ``zh`` the same in Chinese."""

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class DamagedBackup(BackupError):
    """A backup that is not what its manifest says, or has none."""


class FileEntry(msgspec.Struct, frozen=True):
    """A file of the backup: its path within, bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backup. ``made_at`` is Unix seconds of this machine's clock.

    ``desk`` says how the desk was taken: a copy of its SQLite file, or its rows as at schema
    ``desk_revision``. ``checkpoint`` is the log as the mirror knew it when the backup began: what is restored
    must begin with it. ``chain`` says whether the embedded chain is in it.
    """

    program: str
    made_at: int
    chain_id: int
    log: str
    chain: bool
    keys: bool
    desk: Literal["file", "rows", "none"]
    desk_revision: str
    checkpoint: Checkpoint | None
    files: tuple[FileEntry, ...]
    format: str = FORMAT

    def digest(self) -> str:
        """SHA-256 of the manifest's RFC 8785 form, in hex: to be kept elsewhere."""
        return hashlib.sha256(canonical_json(msgspec.to_builtins(self))).hexdigest()

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def entry_of(root: Path, file: Path) -> FileEntry:
    """A file of the backup at ``root`` as it stands on the disk."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return FileEntry(file.relative_to(root).as_posix(), size, digest.hexdigest())


def read(root: Path) -> Manifest:
    """The manifest of a backup; raises :class:`DamagedBackup` where it is missing or no manifest."""
    try:
        found = msgspec.json.decode((root / FILE_NAME).read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError) as problem:
        if not root.is_dir():
            raise BackupError(
                f"{root} is a file" if root.exists() else f"there is no {root}",
                "name the directory that `govledger backup` made; unpack an archive of it first",
                zh=f"{root} 是文件" if root.exists() else f"没有 {root}",
                hint_zh="请指定 `govledger backup` 生成的目录；归档文件请先解包",
            ) from problem
        raise DamagedBackup(
            f"{root} has no {FILE_NAME}: it is no backup, or one that was broken off",
            "take another backup, or unpack the whole archive; half of one is of no use, and nothing was restored",
            zh=f"{root} 中没有 {FILE_NAME}：不是备份，或备份未完成",
            hint_zh="请使用另一份备份，或完整解包归档；未完成的备份不能使用，未恢复任何内容",
        ) from problem
    except msgspec.MsgspecError as problem:
        raise _damaged(root, FILE_NAME, f"no manifest ({problem})", "不是备份清单") from problem
    if found.format != FORMAT:
        raise BackupError(
            f"{root} has the format {found.format}, this program reads {FORMAT}",
            "use the program that made it, or a later one",
            zh=f"备份格式为 {found.format}，本程序只能读取 {FORMAT}",
            hint_zh="请使用制作该备份的版本或更新的版本",
        )
    return found


def check(root: Path, manifest: Manifest, progress: Progress | None = None) -> None:
    """Compare every file with the manifest; raises :class:`DamagedBackup` that names the first that differs."""
    listed = {file.path for file in manifest.files}
    there = {
        file.relative_to(root).as_posix()
        for file in root.rglob("*")
        if not file.is_dir() and file != root / FILE_NAME
    }
    for path in sorted(there - listed):
        raise _damaged(root, path, "not in the manifest", "不在清单中")
    done, total = 0, manifest.total
    for file in manifest.files:
        place = root / file.path
        if not _within(root, place) or not place.is_file() or place.is_symlink():
            raise _damaged(root, file.path, "missing", "缺失")
        if entry_of(root, place) != file:
            raise _damaged(root, file.path, "not what was backed up", "与备份时不同")
        done += file.size
        if progress is not None:
            progress(done, total)


def _within(root: Path, place: Path) -> bool:
    return place.resolve().is_relative_to(root.resolve())


def _damaged(root: Path, path: str, en: str, zh: str) -> DamagedBackup:
    return DamagedBackup(
        f"{root / path} is {en}: the backup was damaged or altered",
        "take another backup; nothing was restored",
        zh=f"{root / path} {zh}：备份已损坏或被改动",
        hint_zh="请使用另一份备份；未恢复任何内容",
    )
