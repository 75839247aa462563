"""Leaves in one file (叶子打包): a bare store, packed to travel beside a handover, and checked where it arrives.

An uncompressed ZIP archive of the store's files: hashes do not shrink. It holds neither rows nor secret, but
places, which are unsalted hashes of keys; it is for the collector, who has the keys anyway, and for nobody
else.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from ledger.canonical import canonical_json
from ledger.deliveries.comparing import whole
from ledger.deliveries.computing import leaves_in
from ledger.records.problems import StoreDamaged

_DESCRIPTION = "store.json"
_FILES = (_DESCRIPTION, "leaves", "fine")
_TILES = "tiles-"


def pack(store: Path, target: Path) -> None:
    """Write the store's leaves into one file, whole or not at all.

    Raises :class:`~ledger.records.problems.RecordsError` for a store that is damaged or not bare.
    """
    opened = leaves_in(store)
    if not opened.bare:
        raise _damaged(target, "it holds rows", "其中含有数据行")
    # Where the department's source lies is nobody else's business.
    told = {name: value for name, value in opened.description.items() if name != "source"}
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            archive.writestr(_DESCRIPTION, canonical_json(told))
            for file in sorted(store.iterdir()):
                if file.name != _DESCRIPTION:
                    archive.write(file, file.name)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def unpack(packed: Path, place: Path, root: bytes) -> None:
    """Lay the leaves in ``packed`` out in ``place`` (a new directory), after checking that they make ``root``.

    Raises :class:`~ledger.records.problems.StoreDamaged` where they do not; ``place`` is then of no use.
    """
    place.mkdir(parents=True, mode=0o700)
    try:
        with zipfile.ZipFile(packed) as archive:
            for member in archive.infolist():
                tile = member.filename.removeprefix(_TILES)
                known = member.filename in _FILES or (
                    member.filename.startswith(_TILES) and tile.isascii() and tile.isdigit()
                )
                # What is not compressed takes no more room than the file that was looked at.
                if not known or member.compress_type != zipfile.ZIP_STORED:
                    raise _damaged(packed, f"it holds {member.filename!r}", "其中有不明文件")
                archive.extract(member, place)
        store = leaves_in(place)
        fits = store.bare and store.root == root and whole(store)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(packed, str(error), "不是叶子文件") from error
    if not fits:
        raise _damaged(packed, "its leaves do not make the manifest's root", "其叶子与清单的根不符")


def _damaged(place: Path, why: str, zh: str) -> StoreDamaged:
    return StoreDamaged(
        f"these are not the manifest's leaves: {why}",
        f"这不是该数据清单的叶子：{zh}",
        where=str(place),
        hint="ask the department for them again: deliver handover --leaves",
        hint_zh="请向提供部门重新索取：deliver handover --leaves",
    )
