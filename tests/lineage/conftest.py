"""The small ledger, made once and copied."""

from tests.small_office import built_office, newcomer, office

__all__ = ["built_office", "newcomer", "office"]
