"""Backups (备份) of a data directory, made while it is in use, and their restoration.

The mirror is not part of one: it follows from the log. What a backup holds, and in which order it is taken so
that its parts fit together, says :mod:`ledger.backup.making`.
"""
