"""Provenance certificates (溯源证书): where one delivery comes from, with the evidence behind every edge.

:func:`~ledger.lineage.certificate.make.make` makes one from mirror and journal,
:func:`~ledger.lineage.certificate.verify.verify_certificate` checks one with nothing but the file; the check
uses nothing of the making, and never takes the file's graph at its word.
"""
