"""Records (记录): what tables hold, encoded row by row, committed to, proven and compared.

No other package knows rows. A source is opened (:mod:`~ledger.records.sources`), described by a schema
(:mod:`~ledger.records.schema`), encoded (:mod:`~ledger.records.encoding` says it in Python,
:mod:`~ledger.records.expressions` in SQL), committed to (:mod:`~ledger.records.commitment`), proven row by
row (:mod:`~ledger.records.row_proofs`, :mod:`~ledger.records.verify_rows`) and compared
(:mod:`~ledger.records.reconciliation`). Engines are heavy: nothing is imported before it is asked for.
"""
