"""State nodes between SQLite and py-evm: a shared cache, and the view that one execution has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from eth.db.backends.base import BaseAtomicDB

from ledger.chain.embedded.errors import missing_node

CACHED_NODES = 50_000
"""Nodes that a cache generation holds; some 25 MB."""


class NodeSource(Protocol):
    """Where nodes are read: the store."""

    path: Path

    def node(self, key: bytes) -> bytes:
        """The node with this Keccak-256; KeyError where there is none."""
        ...


class NodeCache:
    """Two generations of nodes that were read or written; safe to share between threads.

    Nodes never change, so a race can at worst forget one.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[key] = value


class StateNodes(BaseAtomicDB):
    """py-evm's view of the store during one execution: reads the file, keeps writes in memory.

    What is written stands in ``fresh`` until the block is appended, so an execution that is dropped
    leaves nothing behind and readers never wait for a writer.
    """

    def __init__(self, store: NodeSource) -> None:
        self._store = store
        self.fresh: dict[bytes, bytes] = {}

    def __getitem__(self, key: bytes) -> bytes:
        found = self.fresh.get(key)
        return self._store.node(key) if found is None else found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.fresh[key] = value

    def __delitem__(self, key: bytes) -> None:
        del self.fresh[key]

    def _exists(self, key: bytes) -> bool:
        if key in self.fresh:
            return True
        try:
            self._store.node(key)
        except KeyError:
            return False
        return True

    @contextmanager
    def atomic_batch(self) -> Iterator[StateNodes]:  # type: ignore[override]
        """Writes go straight to ``fresh``: the whole view is dropped where an execution fails."""
        yield self

    def require(self, key: bytes) -> bytes:
        """A node that must be there; raises :class:`ChainCorrupt` naming it where it is not."""
        try:
            return self[key]
        except KeyError:
            raise missing_node(key, self._store.path) from None
