"""``govledger backup`` and ``govledger restore`` (备份与恢复)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.output import (
    Exit,
    Problem,
    err,
    in_bytes,
    out,
    print_fields,
    print_json,
    progress_bar,
    say,
)
from ledger.cli.session import Json, opened, settings

if TYPE_CHECKING:
    from ledger.backup.manifest import Manifest


def backup(
    place: Annotated[Path, typer.Argument(help="Directory to make; it must not exist yet.")],
    keys: Annotated[
        bool | None,
        typer.Option("--keys/--no-keys", help="With the keystore, encrypted as it is; else asked."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Back this data directory up, while a server runs or not. The mirror is not in it: it follows from the log.

    Example: govledger backup /mnt/backups/2026-11-23 --keys
    """
    from ledger.backup.making import make  # noqa: PLC0415 - only this command

    with opened() as office:
        _ = office.deployment
        with_keys = _with_keys(keys)
        with progress_bar(say("备份", "Backing up")) as bar:
            manifest = make(office, place.absolute(), keys=with_keys, progress=bar)
    if as_json:
        print_json({"place": str(place), "digest": manifest.digest(), "manifest": manifest})
        return
    _tell(place, manifest)
    if not with_keys:
        err.print(
            say(
                "! 不含密钥：没有密钥库，封存的文本无法解读，也不能签名；请另行保管",
                "! without keys: sealed texts cannot be read and nothing signed without the keystore; keep it "
                "elsewhere",
            ),
            style="yellow",
        )


def _with_keys(told: bool | None) -> bool:  # noqa: FBT001 - as the option gives it
    if told is not None:
        return told
    if not sys.stdin.isatty():
        raise Problem(
            say("请说明是否备份密钥库", "say whether the keystore is to be backed up"),
            say("加 --keys 或 --no-keys", "add --keys or --no-keys"),
            Exit.USAGE,
        )
    return typer.confirm(
        say("是否备份密钥库（仍为加密状态）？", "Back the keystore up too (encrypted as it is)?"),
        err=True,
    )


def restore(
    place: Annotated[Path, typer.Argument(help="The backup.")],
    digest: Annotated[
        str | None, typer.Option(help="The digest that `backup` told, if you kept it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup into the data directory (-C), which must be empty; verifies it at the end.

    Example: govledger -C qingpu restore /mnt/backups/2026-11-23
    """
    from ledger.backup.restoring import (  # noqa: PLC0415 - only this command
        bring_up,
        checked,
        put_back,
        verified,
    )

    with progress_bar(say("核对备份", "Checking the backup")) as bar:
        manifest = checked(place, digest, bar)
    with progress_bar(say("复制", "Copying")) as bar:
        put_back(place, manifest, settings().data_dir, bar)
    with opened() as office:
        bring_up(office, place, manifest)
        with progress_bar(say("核验", "Verifying")) as bar:
            report = verified(office, manifest, bar)
    if as_json:
        print_json({"manifest": manifest, "report": report})
    else:
        _tell(place, manifest)
        for line in report.lines(say("zh", "en")):
            out.print(line, markup=False)
    if not report.ok:
        raise Problem(
            say("已恢复，但账本未通过核验", "restored, but the ledger does not verify"),
            say(
                "保留现场，并与其他备份和检查点比对",
                "keep everything as it is, and compare other backups and checkpoints",
            ),
            Exit.NOT_PROVEN,
        )


def _tell(place: Path, manifest: Manifest) -> None:
    size = manifest.checkpoint.size if manifest.checkpoint else 0
    yes, no = say("有", "yes"), say("无", "no")
    print_fields(
        say("备份", "Backup"),
        [
            (say("位置", "place"), place.absolute()),
            (
                say("日志", "log"),
                f"{manifest.log} ({say('链标识', 'chain id')} {manifest.chain_id})",
            ),
            (say("声明", "statements"), size),
            (say("文件", "files"), f"{len(manifest.files)}, {in_bytes(manifest.total)}"),
            (say("内置链", "embedded chain"), yes if manifest.chain else no),
            (say("密钥库", "keystore"), yes if manifest.keys else no),
            (say("清单摘要（请另行保存）", "digest, to be kept elsewhere"), manifest.digest()),
        ],
    )
