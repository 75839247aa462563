"""Alembic's entry: runs the revisions on the connection, and in the transaction, that it was
given."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # What is being migrated is in one transaction with the check that it must be.
    transactional_ddl=True,
)
context.run_migrations()
