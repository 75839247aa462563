"""A store of leaves (叶子存档): what a commitment was made of, for proofs and comparisons.

A directory of plain files, written once and whole::

    store.json   what it is; written last
    leaves       entries of 40 bytes, sorted: place (8, big-endian), leaf (32)
    rows         the encoded rows one after another, in the same order
    offsets      where each row begins in ``rows`` (8 bytes, little-endian), and where the last ends
    fine         65,536 sums of leaves and 65,536 counts (8 bytes each), by a place's first 16 bits
    tiles-N      level N of the tree's tiles in the C2SP shape, one after another

It holds the rows themselves and the secret: it belongs to whoever holds the data, and to nobody else. Others
may read the directory no more than that (mode 0700). A *bare* store holds neither: no ``rows`` and ``offsets``,
no secret, no unsalted content root. Whoever opens it brings the secret, and the row that is to be proven.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ledger.canonical import canonical_json
from ledger.merkle import HASH_LENGTH, TILE_WIDTH, Subtree, subtree_in_tiles
from ledger.records.cells import ENTRY, FINE, buckets_of, cell_bits
from ledger.records.problems import NothingToProve, RecordsError, SourceError, StoreDamaged
from ledger.records.schema import RecordSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ledger.records.commitment import Commitment
    from ledger.records.sources import Source

FORMAT = "govledger-store/1"


class StoreWriter:
    """Writes a store beside its place and moves it there when it is whole."""

    def __init__(self, place: Path, *, bare: bool = False) -> None:
        """Raises :class:`SourceError` where something stands at ``place`` already."""
        if place.exists():
            raise SourceError(
                "something is there already", "该位置已有内容", where=str(place),
                hint="name a new directory", hint_zh="请指定一个新的目录",
            )  # fmt: skip
        place.parent.mkdir(parents=True, exist_ok=True)
        self._place = place
        self._bare = bare
        self._draft = place.with_name(f".{place.name}.part")
        shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir(mode=0o700)
        names = ("leaves",) if bare else ("leaves", "rows", "offsets")
        self._files = {name: (self._draft / name).open("wb") for name in names}
        if not bare:
            self._files["offsets"].write(b"\0" * 8)
        self._end = 0

    def add(
        self,
        entries: NDArray[np.uint8],
        data: NDArray[np.uint8],
        lengths: NDArray[np.int64],
    ) -> None:
        """Add the next part of the sorted leaves and their rows."""
        self._files["leaves"].write(np.ascontiguousarray(entries).data)
        if self._bare:
            return
        self._files["rows"].write(data.data)
        ends = np.cumsum(lengths, dtype=np.int64) + self._end
        self._files["offsets"].write(ends.astype("<i8").data)
        self._end += len(data)

    def finish(
        self,
        commitment: Commitment,
        secret: bytes,
        levels: list[NDArray[np.uint8]],
        fine: tuple[NDArray[np.uint64], NDArray[np.int64]],
        *,
        source: Source,
    ) -> None:
        """Write tiles, sums and the description, and put the store in its place."""
        for level, hashes in enumerate(levels):
            (self._draft / f"tiles-{level}").write_bytes(hashes.tobytes())
        (self._draft / "fine").write_bytes(
            fine[0].astype("<u8").tobytes() + fine[1].astype("<u8").tobytes()
        )
        description: dict[str, Any] = {
            "format": FORMAT,
            "rows": str(commitment.rows),
            "schema": commitment.schema.document(),
            "offsets": {
                column.name: column.offset
                for column in commitment.schema.columns
                if column.offset is not None
            },
            "root": commitment.root.hex(),
            "buckets": commitment.bucket_texts(),
            "duplicates": str(commitment.duplicates),
            "null_keys": str(commitment.null_keys),
            "source": source.describe() | {"fingerprint": source.fingerprint()},
        }
        if not self._bare:
            description["secret"] = secret.hex()
            description["content_root"] = commitment.content_root.hex()
        for file in self._files.values():
            file.close()
        (self._draft / "store.json").write_bytes(canonical_json(description))
        self._draft.rename(self._place)

    def discard(self) -> None:
        """Leave nothing behind, unless the store is in its place."""
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._draft, ignore_errors=True)


@dataclass(frozen=True)
class LeafStore:
    """A store, opened for reading. Files are mapped, so that it costs what is looked at."""

    place: Path
    description: dict[str, Any]
    given_secret: bytes | None = None

    @classmethod
    def open(cls, place: Path, secret: bytes | None = None) -> LeafStore:
        """The store in ``place``; ``secret`` is that of a bare one, where it is needed.

        Raises :class:`SourceError` where there is none, :class:`StoreDamaged` where it is not whole,
        and :class:`NothingToProve` where it was made with another secret.
        """
        file = place / "store.json"
        if not file.is_file():
            raise SourceError(
                "there is no store of leaves", "没有叶子存档", where=str(place),
                hint="name the directory that the manifest or the delivery was made with",
                hint_zh="请指定生成清单或交付时的存档目录",
            )  # fmt: skip
        try:
            description = json.loads(file.read_bytes())
            found = cls(place, description, secret)
            found.check_sizes()
        except (ValueError, KeyError, TypeError, OSError, RecordsError) as error:
            if isinstance(error, StoreDamaged):
                raise
            raise found_damaged(place, str(error)) from error
        if secret is not None and buckets_of(found.fine[0], secret) != found.buckets:
            raise NothingToProve(
                "the store was made with another secret", "存档所用的是另一个盐密钥", where=str(place),
                hint="give the secret of this manifest or delivery",
                hint_zh="请使用该清单或交付的盐密钥",
            )  # fmt: skip
        return found

    def check_sizes(self) -> None:
        """Compare the files' sizes with the description."""
        if self.description["format"] != FORMAT:
            raise found_damaged(self.place, f"its format is {self.description['format']}")
        expected = {"leaves": self.rows * ENTRY, "fine": FINE * 16}
        if not self.bare:
            expected["offsets"] = (self.rows + 1) * 8
        for name, size in expected.items():
            if (self.place / name).stat().st_size != size:
                raise found_damaged(self.place, f"{name} has not {size} bytes")

    @staticmethod
    def remove(place: Path) -> None:
        """Remove a store, or what an interrupted one left behind."""
        shutil.rmtree(place, ignore_errors=True)

    def commitment(self) -> Commitment:
        """What was committed to when the store was made; a bare one keeps no content root (empty)."""
        from ledger.records.commitment import Commitment  # noqa: PLC0415

        return Commitment(
            rows=self.rows,
            schema=self.schema,
            schema_digest=self.schema.digest(),
            root=self.root,
            buckets=self.buckets,
            content_root=bytes.fromhex(self.description.get("content_root", "")),
            duplicates=self.duplicates,
            null_keys=self.null_keys,
        )

    @property
    def duplicates(self) -> int:
        return int(self.description["duplicates"])

    @property
    def null_keys(self) -> int:
        return int(self.description["null_keys"])

    @property
    def rows(self) -> int:
        return int(self.description["rows"])

    @cached_property
    def schema(self) -> RecordSchema:
        """The schema, for times with a zone; :attr:`offset` is that of a source's times without one."""
        return RecordSchema.from_document(self.description["schema"])

    @property
    def offset(self) -> int | None:
        """Minutes east of UTC at which the source's times without a zone were meant; None for zoned ones."""
        return next(iter(self.description["offsets"].values()), None)

    @property
    def bits(self) -> int:
        """How many first bits of a place name its cell."""
        return cell_bits(self.rows)

    @property
    def root(self) -> bytes:
        return bytes.fromhex(self.description["root"])

    @property
    def bare(self) -> bool:
        """Whether it holds neither rows nor secret."""
        return "secret" not in self.description

    @property
    def known_secret(self) -> bytes | None:
        """The secret, its own or the one it was opened with; None for a bare one opened without."""
        if self.given_secret is None and self.bare:
            return None
        return self.secret

    @property
    def secret(self) -> bytes:
        """The secret, its own or the one it was opened with; raises :class:`NothingToProve` for none."""
        if self.given_secret is not None:
            return self.given_secret
        if self.bare:
            raise NothingToProve(
                "the store holds no secret", "存档中没有盐密钥", where=str(self.place),
                hint="open it with the secret of the manifest or the delivery",
                hint_zh="请用该清单或交付的盐密钥打开",
            )  # fmt: skip
        return bytes.fromhex(self.description["secret"])

    @property
    def buckets(self) -> tuple[int, ...]:
        return tuple(int(text, 16) for text in self.description["buckets"])

    @cached_property
    def entries(self) -> NDArray[np.uint8]:
        """All entries, shape (rows, 40)."""
        return self._mapped("leaves").reshape(-1, ENTRY)

    @cached_property
    def fine(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The 65,536 sums, and the counts."""
        both = np.frombuffer((self.place / "fine").read_bytes(), "<u8").astype(np.uint64)
        return both[:FINE], both[FINE:]

    def _mapped(self, name: str) -> NDArray[np.uint8]:
        file = self.place / name
        if not file.stat().st_size:
            return np.zeros(0, np.uint8)
        return np.memmap(file, np.uint8, "r")

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return self._mapped("offsets").view("<i8")

    @cached_property
    def _rows(self) -> NDArray[np.uint8]:
        return self._mapped("rows")

    def row(self, index: int) -> bytes:
        """The encoding of the row of entry ``index``; raises :class:`NothingToProve` in a bare store."""
        if self.bare:
            raise NothingToProve(
                "the store holds no rows", "存档中没有数据行", where=str(self.place),
                hint="give the source that the row is in",
                hint_zh="请给出该行所在的数据源",
            )  # fmt: skip
        return self._rows[self._offsets[index] : self._offsets[index + 1]].tobytes()

    def range_of(self, first: int, end: int) -> tuple[int, int]:
        """The entries whose places are ``first .. end - 1``, as a range of indexes."""
        places = self.entries[:, :8]

        def before(place: int) -> int:
            low, high = 0, self.rows
            wanted = place.to_bytes(9, "big")
            while low < high:
                middle = (low + high) // 2
                if b"\0" + places[middle].tobytes() < wanted:
                    low = middle + 1
                else:
                    high = middle
            return low

        return before(first), before(end)

    def hashes(self, level: int) -> NDArray[np.uint8]:
        """The hashes of a level of tiles, shape (n, 32)."""
        if level not in self._levels:
            self._levels[level] = self._mapped(f"tiles-{level}").reshape(-1, HASH_LENGTH)
        return self._levels[level]

    @cached_property
    def _levels(self) -> dict[int, NDArray[np.uint8]]:
        return {}

    @cached_property
    def subtree(self) -> Subtree:
        """The tree's subtrees, out of the tiles."""

        def tile(level: int, index: int) -> bytes:
            return self.hashes(level)[index * TILE_WIDTH : (index + 1) * TILE_WIDTH].tobytes()

        return subtree_in_tiles(tile)


def found_damaged(place: Path, why: str) -> StoreDamaged:
    """The refusal of a store that is not what it says."""
    return StoreDamaged(
        f"the store is damaged: {why}",
        f"存档已损坏（{why}）",
        where=str(place),
        hint="restore it from a backup, or make it anew from the same source and secret",
        hint_zh="请从备份恢复，或用同一数据源与密钥重新生成",
    )
