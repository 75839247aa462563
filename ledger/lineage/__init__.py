"""Lineage (血缘): where every data set comes from and what it feeds.

What pipelines say of themselves (OpenLineage events, SQL files, dbt artefacts) stands, exact bytes, in the
lineage journal (:mod:`ledger.journal`); what stewards declare or rule stands on the ledger. The tables of
:mod:`ledger.lineage.models` follow from the two and from nothing else.
"""
