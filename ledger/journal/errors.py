"""What can go wrong with a journal, in words that say what to do."""

from __future__ import annotations


class JournalError(Exception):
    """A journal that cannot be used; the text says why and what to do."""


class UnknownEntry(JournalError, LookupError):
    """An entry, size or tile that the journal does not have (yet)."""


class DamagedJournal(JournalError):
    """Files of a journal that do not fit together, or are not there."""


class FullJournal(JournalError):
    """More is waiting to be kept than may wait: the caller should come back."""


class UnwritableJournal(JournalError):
    """The disk did not take what was to be kept; nothing of it counts as kept."""
