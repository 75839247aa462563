"""The shelf (存档架): where leaf tiles of manifests and deliveries lie under the data directory.

``records/manifests/<digest>/`` and ``records/deliveries/<digest>/``, named for the SHA-256 of the statement's
body, so that a store and its statement find each other and none is ever overwritten. What is being computed
lies in ``records/.draft-<pid>-…`` and moves to its place in one step, or goes.

A store holds salted leaves, not rows; see docs/deliveries.md for sizes, and for what its loss costs: proofs,
not truth.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["manifests", "deliveries"]
KINDS: tuple[Kind, ...] = ("manifests", "deliveries")
_DRAFT = ".draft-"


class Store(NamedTuple):
    """One store on the shelf: whose it is (SHA-256 of the statement's body), where, bytes on disk."""

    kind: Kind
    body_digest: bytes
    place: Path
    size: int


class Shelf:
    """The stores of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "records"

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A new directory to compute into; gone after the block unless :meth:`keep` took it."""
        self._sweep()
        place = self.root / f"{_DRAFT}{os.getpid()}-{secrets.token_hex(6)}"
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def keep(self, draft: Path, kind: Kind, body_digest: bytes) -> Path:
        """Put a draft in its place; one that stands there already is as good and stays."""
        place = self.place(kind, body_digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.replace(place)
        except OSError:
            if not place.is_dir():
                raise
        return place

    def place(self, kind: Kind, body_digest: bytes) -> Path:
        """Where the store of a statement lies, or would lie."""
        return self.root / kind / body_digest.hex()

    def find(self, kind: Kind, body_digest: bytes) -> Path | None:
        """The store of a statement, None where it is not here."""
        place = self.place(kind, body_digest)
        return place if place.is_dir() else None

    def stores(self) -> list[Store]:
        """Every store on the shelf, by kind and digest."""
        found = []
        for kind in KINDS:
            for place in sorted((self.root / kind).glob("*")):
                try:
                    digest = bytes.fromhex(place.name)
                except ValueError:
                    continue
                size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
                found.append(Store(kind, digest, place, size))
        return found

    def remove(self, store: Store) -> None:
        """Throw a store away: its rows can be proven no more, until it is computed again."""
        # Renamed first, so that half a store is never taken for a whole one.
        gone = self.root / f"{_DRAFT}{os.getpid()}-{secrets.token_hex(6)}"
        store.place.replace(gone)
        shutil.rmtree(gone)

    def _sweep(self) -> None:
        """Remove what processes left behind that were ended half-way."""
        for place in self.root.glob(f"{_DRAFT}*"):
            process = place.name.removeprefix(_DRAFT).partition("-")[0]
            if process.isdigit() and not _lives(int(process)):
                shutil.rmtree(place, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
