"""The mirror (镜像库): the log, followed into SQL, every step proven against the contract."""

from ledger.mirror.errors import ForeignLogError, MirrorError, MismatchError
from ledger.mirror.mirror import Mirror
from ledger.mirror.origin import Origin

__all__ = ["ForeignLogError", "Mirror", "MirrorError", "MismatchError", "Origin"]
