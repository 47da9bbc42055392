"""
What background work needs: a lease for each job, and why the last attempt failed.

A job that runs is due again when its lease ends, so that one index serves what waits and what
a dead worker has left.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE reception.job ADD COLUMN problem text",
    "DROP INDEX reception.job_due",
    """
    CREATE INDEX job_due
        ON reception.job (due_at, tenant) WHERE state IN ('waiting', 'running')
    """,
    "CREATE INDEX job_dead ON reception.job (due_at, tenant) WHERE state = 'dead'",
)


def upgrade() -> None:
    """Add the column, and let the index see what runs."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what calls and charges hang on is not thrown away by a command."""
    raise NotImplementedError("there is no way back; restore a backup")
