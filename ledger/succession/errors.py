"""Why a migration does not go on."""

from __future__ import annotations

from ledger.chain.interface import ChainError


class MigrationError(ChainError):
    """A migration that cannot begin or go on; nothing was changed. ``zh`` and hints say it for people."""

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh
