"""An office that is not ready for what was asked of it."""

from __future__ import annotations


class OfficeError(Exception):
    """A data directory that is not ready for what was asked; ``hint`` says what to do.

    ``zh`` and ``hint_zh`` say the same in Chinese.
    """

    def __init__(self, what: str, hint: str = "", *, zh: str = "", hint_zh: str = "") -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


def unsettled(waiting: int, count: int, trouble: str | None) -> OfficeError:
    """What is said of batches that are accepted, and for which nobody waits any longer."""
    why = f": {trouble}" if trouble else ""
    return OfficeError(
        f"{waiting} of {count} batches are accepted, but not on the ledger yet{why}",
        "nothing is lost and nothing is to be signed again: they stay in the outbox and go on with the "
        "next command that signs, or with a server",
        zh=f"{count} 批中有 {waiting} 批已受理，但尚未上链" + (f"：{trouble}" if trouble else ""),
        hint_zh="内容没有丢失，无需重新签署：已留在发件箱中，下一条签名命令或服务启动后继续发送",
    )
