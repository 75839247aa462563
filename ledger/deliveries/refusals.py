"""What is refused before anything is signed (拒绝事由): what is wrong, and what to do, in both languages."""

from __future__ import annotations


class DeliveryRefused(Exception):
    """A manifest or delivery that is not to be signed as it stands; nothing was written.

    ``name`` is a short name of the reason, for programs; ``hint`` says what to do; ``zh`` and
    ``hint_zh`` say the same in Chinese.
    """

    def __init__(self, name: str, what: str, zh: str, *, hint: str, hint_zh: str) -> None:
        super().__init__(what)
        self.name = name
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh
