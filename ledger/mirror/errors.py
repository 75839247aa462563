"""Why a mirror stops. Every message says which leaf or block, and what to do."""

from __future__ import annotations


class MirrorError(Exception):
    """The mirror cannot go on, and has changed nothing."""


class ForeignLogError(MirrorError):
    """The chain, or the log on it, is not the one that the mirror knows."""


class MismatchError(MirrorError):
    """What the node gives does not add up to what the contract commits to.

    ``leaf`` is the first leaf in doubt, None where none can be told. ``blocks`` are the first and
    last block of the range that was read, None where reading a part of it again would say no more.
    """

    def __init__(
        self, message: str, leaf: int | None = None, blocks: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message)
        self.leaf = leaf
        self.blocks = blocks


class StaleMirrorError(MirrorError):
    """The mirror's own rows contradict each other: it must be verified, or thrown away and
    rebuilt.
    """


class ChainMovedError(Exception):
    """Blocks changed while they were read; to be asked again. Never leaves this package."""
