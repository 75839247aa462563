"""Making a backup while server and commands go on working.

The order makes the parts fit together. Files of the ledger come first; then the embedded chain; then the desk,
which thus holds the sealed text and the receipt of everything that this copy of the chain has (both are durable
before anything is sent); then journals, which thus reach at least as far as the chain anchors them. What the
desk knows of later blocks is put right when it is restored: those batches are sent again.

SQLite files are copied by SQLite's online backup, which sees one moment; a desk in PostgreSQL is read in one
snapshot. Journals only grow: their ``size`` is copied first, and what lies beyond it is not acknowledged.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy.engine import make_url

from ledger import __version__
from ledger.backup.manifest import (
    DESK_ROWS,
    FILE_NAME,
    BackupError,
    FileEntry,
    Manifest,
    Progress,
    entry_of,
)
from ledger.backup.rows import write_rows
from ledger.chain.newest import FILE_NAME as CHAIN
from ledger.lineage.keeper import PLACE as JOURNAL
from ledger.mirror import queries
from ledger.settings import CONFIG_FILE
from ledger.succession.changing import STAGE

if TYPE_CHECKING:
    from ledger.office import Office

DESK = "desk.db"
KEYS = "keys"
_LEFT_OUT = re.compile(
    r"(mirror\.db|.*\.(lock|part|new)|.*-(wal|shm|journal)|node\.json|\..*|" + STAGE + r")\Z"
)
"""What is derived, or belongs to running processes."""
PASSPHRASE = "passphrase"  # noqa: S105 - a name
_SETTING = re.compile(r"""^[ \t]*["']?passphrase["']?[ \t]*=.*\n?""", re.MULTILINE)
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
_STEP = 4096
"""Pages that SQLite copies between two reports of progress."""


def make(office: Office, place: Path, *, keys: bool, progress: Progress | None = None) -> Manifest:
    """Back the office's data directory up into the new directory ``place``.

    ``keys`` says whether the keystore is in it, encrypted as it is; a passphrase never is, neither one in
    ``config.toml`` nor the file of one. Nothing stands at ``place`` until the backup is whole. Raises
    :class:`BackupError` where something does already, or a database cannot be read, :class:`OSError` where the disk
    is full.
    """
    if place.exists():
        raise BackupError(
            f"{place} exists already",
            "name a directory that does not exist yet",
            zh=f"{place} 已存在",
            hint_zh="请指定一个尚不存在的目录",
        )
    deployment = office.deployment
    draft = place.with_name(f".{place.name}.{os.getpid()}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with office.read() as connection:
            known = queries.checkpoint(connection) if queries.cursor_of(connection) else None
        _copy_files(office, draft, progress)
        chain = _copy_chain(office.data_dir, draft, progress)
        desk, revision = _copy_desk(office, draft)
        _copy_tree(office.data_dir / JOURNAL, draft / JOURNAL, first="size")
        if keys:
            _copy_tree(office.data_dir / KEYS, draft / KEYS)
        manifest = Manifest(
            program=__version__,
            made_at=int(time.time()),
            chain_id=deployment.chain_id,
            log=deployment.log,
            chain=chain,
            keys=keys,
            desk=desk,  # type: ignore[arg-type]
            desk_revision=revision,
            checkpoint=known,
            files=_settled(draft),
        )
        _write(draft / FILE_NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        draft.rename(place)
        _sync(place.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _copy_files(office: Office, draft: Path, progress: Progress | None) -> None:
    """Deployment, settings, leaf stores, kept results: everything that has no order of its own."""
    data_dir, told = office.data_dir, office.settings.passphrase_file
    apart = {CHAIN, DESK, KEYS, JOURNAL.parts[0], PASSPHRASE}
    secret = told.expanduser().resolve() if told else None
    files = [
        file
        for file in _files(data_dir)
        if file.relative_to(data_dir).parts[0] not in apart and file.resolve() != secret
    ]
    for done, file in enumerate(files, start=1):
        into = draft / file.relative_to(data_dir)
        if file == data_dir / CONFIG_FILE:
            into.write_text(_without_passphrase(file), "utf-8")
        else:
            copy(file, into)
        if progress is not None:
            progress(done, len(files))


def _without_passphrase(config: Path) -> str:
    """The settings file but for a passphrase; raises :class:`BackupError` where that is not sure to be gone."""
    text = _SETTING.sub("", config.read_text("utf-8"))
    try:
        if PASSPHRASE not in tomllib.loads(text):
            return text
    except tomllib.TOMLDecodeError:
        pass  # a passphrase of several lines, cut through
    raise BackupError(
        f"the passphrase in {config} cannot be left out",
        "move it to a file outside the data directory, and name that with passphrase_file",
        zh=f"无法从 {config} 中去除口令",
        hint_zh="请将口令移到数据目录之外的文件，并用 passphrase_file 指明",
    )


def _files(root: Path) -> Iterator[Path]:
    """Files below ``root`` that a backup holds, in order."""
    for entry in sorted(root.iterdir()):
        if _LEFT_OUT.match(entry.name) or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


def _copy_tree(source: Path, into: Path, first: str = "") -> None:
    """A directory's files, the one named ``first`` before all others."""
    if not source.is_dir():
        return
    files = sorted(_files(source), key=lambda file: file != source / first)
    for file in files:
        copy(file, into / file.relative_to(source))


def copy(file: Path, into: Path) -> None:
    """A file with its mode and times, in a directory with the mode of its own."""
    if not into.parent.exists():
        into.parent.mkdir(parents=True)
        shutil.copymode(file.parent, into.parent)
    try:
        shutil.copy2(file, into)
    except FileNotFoundError:
        if file.exists():
            raise
        # a draft of somebody who is done with it


def _copy_chain(data_dir: Path, draft: Path, progress: Progress | None) -> bool:
    if not (data_dir / CHAIN).exists():
        return False
    _copy_sqlite(data_dir / CHAIN, draft / CHAIN, progress)
    return True


def _copy_desk(office: Office, draft: Path) -> tuple[str, str]:
    """The desk, and its revision where it was taken as rows."""
    url = make_url(office.settings.desk_url)
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).exists():
            return "none", ""
        _copy_sqlite(Path(url.database), draft / DESK, None)
        return "file", ""
    return "rows", write_rows(office.desk_engine, draft / DESK_ROWS)


def _copy_sqlite(source: Path, into: Path, progress: Progress | None) -> None:
    """SQLite's online backup: one moment of the database, whoever writes to it meanwhile."""

    def tell(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    try:
        _online_backup(source, into, tell)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") in _NO_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(into)) from error
        raise BackupError(
            f"{source} cannot be copied: {error}",
            "nothing was backed up; see whether the file is whole (`govledger chain fsck`), and keep older backups",
            zh=f"无法复制 {source}：{error}",
            hint_zh="未作备份；请检查该文件是否完好（`govledger chain fsck`），并保留以前的备份",
        ) from error


def _online_backup(source: Path, into: Path, tell: Callable[[int, int, int], None]) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as there,
        closing(sqlite3.connect(into)) as here,
    ):
        # One reading transaction: else a writer would make the copy begin anew again and again.
        there.execute("BEGIN")
        there.execute("SELECT count(*) FROM sqlite_master").fetchone()
        there.backup(here, pages=_STEP, progress=tell)
        there.execute("ROLLBACK")
        here.execute("PRAGMA journal_mode = DELETE")


def _settled(draft: Path) -> tuple[FileEntry, ...]:
    """Every file with its digest, synced to the disk."""
    found = []
    for file in sorted(draft.rglob("*")):
        if file.is_file():
            _sync(file)
            found.append(entry_of(draft, file))
    return tuple(found)


def _write(place: Path, data: bytes) -> None:
    place.write_bytes(data + b"\n")
    _sync(place)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
