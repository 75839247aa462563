"""Other doors to the lineage journal: SQL files and dbt artefacts, read into OpenLineage job events.

Whatever is read here is told in the same language in which pipelines tell it (OpenLineage 2-0-2), stands in the
same journal, and makes the same edges. sqlglot is imported where it is needed, by the commands that read SQL.
"""
