"""What part of the ledger an audit is about (审计范围): everybody, or one organisation, library or level."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.canonical import canonical_json
from ledger.codes import Level, Library


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """None means any. ``level`` is the organisation's; ``library`` what the obligation says, or else its entry."""

    organisation: str | None = None
    library: Library | None = None
    level: Level | None = None

    def covers(self, code: str, level: str) -> bool:
        """Whether an organisation with this code and level is within."""
        return self.organisation in (None, code) and (
            self.level is None or self.level.value == level
        )

    def document(self) -> dict[str, Any]:
        """The scope as JSON values; what is not narrowed is left out."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def text(self) -> str:
        """The canonical JSON text that a report's statement carries: ``{}`` for everything."""
        return canonical_json(self.document()).decode()


def scope_of(document: object) -> Scope:
    """The scope in a JSON value; raises :class:`ValueError` for one that is none."""
    return msgspec.convert(document, Scope)
