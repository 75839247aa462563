"""Why a certificate cannot be made: each says what to do."""

from __future__ import annotations


class CertificateError(Exception):
    """A certificate that cannot be made; the text says why, ``hint`` what to do."""

    def __init__(self, what: str, hint: str, *, zh: str, hint_zh: str) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class UnknownDelivery(CertificateError):
    """There is no such delivery."""


class NotAnchored(CertificateError):
    """An edge rests on an event that no anchored checkpoint vouches for yet."""
