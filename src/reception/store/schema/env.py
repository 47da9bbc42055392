"""
Where Alembic meets the connection that `reception.store.migrations` gives it.

Alembic runs this file by its path. All pending migrations are one transaction: whatever
stops them leaves the schema as it was. Nothing is read from a file or the environment, and
SQL is not printed for others to run.
"""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_version",
    version_table_schema="reception",
    transaction_per_migration=False,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
