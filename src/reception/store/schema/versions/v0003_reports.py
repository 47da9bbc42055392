"""
What the platform says of the legs of calls: every different report once.

The key is what a report says (`digest`), so that a copy vanishes and an altered one stays beside
the first. A report without a Call-ID has the empty one. `other_leg_id`, `interaction_id` and
`mark` (our own variable) lead to the other legs of the same conversation; "" where there is none.
`is_new` until somebody has drawn the consequences.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE reception.leg_report (
        tenant text COLLATE "C" NOT NULL,
        call_id text COLLATE "C" NOT NULL,
        event text COLLATE "C" NOT NULL,
        digest bytea NOT NULL,
        account_id text COLLATE "C" NOT NULL,
        other_leg_id text COLLATE "C" NOT NULL,
        interaction_id text COLLATE "C" NOT NULL,
        mark text COLLATE "C" NOT NULL,
        report bytea NOT NULL,
        received_at timestamptz NOT NULL,
        is_new boolean NOT NULL DEFAULT true,
        PRIMARY KEY (tenant, call_id, event, digest)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX leg_report_new ON reception.leg_report (received_at, tenant) WHERE is_new",
    """
    CREATE INDEX leg_report_other
        ON reception.leg_report (other_leg_id, tenant) WHERE other_leg_id <> ''
    """,
    """
    CREATE INDEX leg_report_interaction
        ON reception.leg_report (interaction_id, tenant) WHERE interaction_id <> ''
    """,
    "CREATE INDEX leg_report_mark ON reception.leg_report (mark, tenant) WHERE mark <> ''",
    "CREATE INDEX leg_report_age ON reception.leg_report (tenant, received_at)",
    "ALTER TABLE reception.leg_report ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE reception.leg_report FORCE ROW LEVEL SECURITY",
    """
    CREATE POLICY by_tenant ON reception.leg_report
        USING (position(',' || tenant || ',' in current_setting('reception.tenants', true)) > 0)
    """,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON reception.leg_report TO reception_app",
)


def upgrade() -> None:
    """Make the table, and let the program's role use it, a tenant at a time."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: what calls and charges hang on is not thrown away by a command."""
    raise NotImplementedError("there is no way back; restore a backup")
