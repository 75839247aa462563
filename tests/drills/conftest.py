"""The small ledger, made once and copied."""

from tests.small_office import built_office, office

__all__ = ["built_office", "office"]
