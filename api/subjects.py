"""The entity tags of versioned subjects."""

from __future__ import annotations

from api.answers import version_tag
from api.context import View
from ledger.mirror import queries as mirror


def version_tag_at(view: View, version: int, leaf: int) -> str:
    """The tag of a subject's version that was recorded at leaf index ``leaf``."""
    return version_tag(version, mirror.tree(view.conn)(0, leaf))
