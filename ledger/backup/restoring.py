"""Putting a backup back: checked whole first, brought up to this version, and verified at the end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from ledger.backup.making import DESK, KEYS, copy
from ledger.backup.manifest import (
    DESK_ROWS,
    BackupError,
    Manifest,
    Progress,
    check,
    read,
)
from ledger.backup.rows import read_rows
from ledger.chain.deployment import FILE_NAME as DEPLOYMENT
from ledger.mirror.queries import size_of
from ledger.store.engine import create_at

if TYPE_CHECKING:
    from ledger.mirror.verification.report import Report
    from ledger.office import Office


def checked(place: Path, expected: str | None = None, progress: Progress | None = None) -> Manifest:
    """The manifest of a backup that is whole. ``expected`` is its digest, kept elsewhere.

    Raises :class:`BackupError`, most often a :class:`~ledger.backup.manifest.DamagedBackup`.
    """
    manifest = read(place)
    if expected is not None and manifest.digest() != expected.strip().lower().removeprefix("0x"):
        raise BackupError(
            f"the manifest of {place} has the digest {manifest.digest()}, you expect {expected}",
            "this is another backup, or somebody altered it",
            zh=f"{place} 的清单摘要为 {manifest.digest()}，与给定的不同",
            hint_zh="这是另一份备份，或已被改动",
        )
    check(place, manifest, progress)
    return manifest


def put_back(
    place: Path, manifest: Manifest, data_dir: Path, progress: Progress | None = None
) -> None:
    """Copy the backup's files to ``data_dir``, which must not exist or be empty; all of them, or none.

    An empty directory may be a volume of its own, or stand where nobody may write beside it: it is filled from within,
    with what makes it a ledger last.

    Raises :class:`BackupError` where something is there, :class:`OSError` that names a file where no room is left.
    """
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise BackupError(
            f"{data_dir} is not empty",
            "name a directory that is empty, or does not exist yet, with -C",
            zh=f"{data_dir} 不是空目录",
            hint_zh="请用 -C 指定空目录或尚不存在的目录",
        )
    there = data_dir.exists()
    draft = (data_dir / data_dir.name if there else data_dir).with_name(
        f".{data_dir.name}.{os.getpid()}.restoring"
    )
    shutil.rmtree(draft, ignore_errors=True)
    moved: list[Path] = []
    try:
        draft.mkdir(parents=True)
        done = 0
        for file in manifest.files:
            if not file.path.startswith(f"{DESK_ROWS}/"):
                copy(place / file.path, draft / file.path)
            done += file.size
            if progress is not None:
                progress(done, manifest.total)
        if manifest.keys:
            (draft / KEYS).chmod(0o700)
        if there:
            parts = sorted(draft.iterdir(), key=lambda one: one.name == DEPLOYMENT)
            moved.extend(one.replace(data_dir / one.name) for one in parts)
            draft.rmdir()
        else:
            draft.replace(data_dir)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        for one in moved:
            shutil.rmtree(one) if one.is_dir() else one.unlink()
        raise


def bring_up(office: Office, place: Path, manifest: Manifest) -> None:
    """Databases at this version, and what the desk knows beyond the restored chain sent again.

    Raises :class:`BackupError` where the desk that the settings name holds something already.
    """
    url = office.settings.desk_url
    if manifest.desk == "rows":
        engine = create_at(url, "desk", manifest.desk_revision)
        if engine is None:
            raise _desk_in_use(url)
        try:
            read_rows(engine, place / DESK_ROWS)
        finally:
            engine.dispose()
    elif manifest.desk == "file":
        _move_desk(office.data_dir / DESK, url)
    _ = office.desk_engine  # opening it brings its schema up to date


def verified(office: Office, manifest: Manifest, progress: Progress | None = None) -> Report:
    """Take the log over into an empty mirror, put the outbox right, and verify everything.

    The report also says whether the log begins with what was known when the backup was made.
    """
    with office.duty() as on_duty:
        if on_duty:
            office.mirror.catch_up()
            with office.read() as connection:
                size = size_of(connection)
            office.rolled_back(size)
            office.confirm_receipts()
    return office.verify(manifest.checkpoint, progress=progress)


def _move_desk(file: Path, url: str) -> None:
    """Where the settings keep the desk elsewhere, the copied file goes there."""
    target = make_url(url)
    if target.get_backend_name() != "sqlite" or not target.database:
        raise BackupError(
            "the backup holds the desk as a SQLite file, the settings name another database",
            "leave the setting desk_url out while restoring",
            zh="备份中的工作台库为 SQLite 文件，而设置指向其他数据库",
            hint_zh="恢复时请不要设置 desk_url",
        )
    place = Path(target.database)
    if place.absolute() == file.absolute():
        return
    if place.exists():
        raise _desk_in_use(url)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file, place)


def _desk_in_use(url: str) -> BackupError:
    shown = make_url(url).render_as_string(hide_password=True)
    return BackupError(
        f"the desk database {shown} holds something already",
        "name an empty one with the setting desk_url",
        zh=f"工作台库 {shown} 中已有内容",
        hint_zh="请用设置 desk_url 指定一个空库",
    )
