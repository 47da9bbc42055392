"""
Tables of the dialogs: episodes, steps, effects, jobs and keys.

Every table has the tenant first in its primary key, and a row-level policy by tenant. There
are no foreign keys: each would cost a probe and a row lock for every step; `pruning` removes
what belongs together. The other indexes do not begin with the tenant: a planner that knows
nothing of a young table would take such an index for the primary key and walk through all
of a tenant's episodes (ADR 0013).
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The collation "C" compares bytes: fast, and the same order as the one in which we sort.
_TENANT = 'tenant text COLLATE "C" NOT NULL'
_EPISODE = 'episode text COLLATE "C" NOT NULL'

_TABLES = (
    f"""
    CREATE TABLE reception.tenant_key (
        {_TENANT},
        generation integer NOT NULL,
        secret bytea NOT NULL,
        made_at timestamptz NOT NULL,
        PRIMARY KEY (tenant, generation)
    )
    """,
    # `occurrence` counts the openings by one body of one call. It makes a repeated body that is
    # a new episode (more than ten seconds later) different from one that is a repetition.
    f"""
    CREATE TABLE reception.episode (
        {_TENANT},
        {_EPISODE},
        account_id text COLLATE "C" NOT NULL,
        call_id text COLLATE "C" NOT NULL,
        digest bytea NOT NULL,
        occurrence integer NOT NULL DEFAULT 0,
        copies integer NOT NULL DEFAULT 0,
        app text NOT NULL,
        app_version text NOT NULL,
        opened_at timestamptz NOT NULL,
        ended_at timestamptz,
        end_cause text,
        PRIMARY KEY (tenant, episode)
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE UNIQUE INDEX episode_opening
        ON reception.episode (call_id, account_id, tenant, digest, occurrence)
    """,
    """
    CREATE UNIQUE INDEX episode_open
        ON reception.episode (call_id, account_id, tenant) WHERE ended_at IS NULL
    """,
    """
    CREATE INDEX episode_ended
        ON reception.episode (tenant, ended_at) WHERE ended_at IS NOT NULL
    """,
    f"""
    CREATE TABLE reception.call_alias (
        {_TENANT},
        call_id text COLLATE "C" NOT NULL,
        {_EPISODE},
        PRIMARY KEY (tenant, call_id, episode)
    )
    """,
    "CREATE INDEX call_alias_episode ON reception.call_alias (episode, tenant)",
    # The row of the end has no reply; its entries are NULL until the ended dialog has run.
    f"""
    CREATE TABLE reception.step (
        {_TENANT},
        {_EPISODE},
        step_no integer NOT NULL,
        digest bytea NOT NULL,
        reply bytea,
        entries bytea,
        bucket bytea NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (tenant, episode, step_no)
    )
    """,
    f"""
    CREATE TABLE reception.effect (
        {_TENANT},
        {_EPISODE},
        op text COLLATE "C" NOT NULL,
        step_no integer NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
        owner text NOT NULL,
        lease_until timestamptz NOT NULL,
        attempts integer NOT NULL,
        key text,
        entries bytea NOT NULL,
        result bytea,
        PRIMARY KEY (tenant, episode, op)
    ) WITH (fillfactor = 80)
    """,
    f"""
    CREATE TABLE reception.job (
        {_TENANT},
        {_EPISODE},
        step_no integer NOT NULL,
        ordinal integer NOT NULL,
        task text NOT NULL,
        args bytea NOT NULL,
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'dead')),
        due_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        PRIMARY KEY (tenant, episode, step_no, ordinal)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX job_due ON reception.job (due_at, tenant) WHERE state = 'waiting'",
)

_KEPT_APART = ("tenant_key", "episode", "call_alias", "step", "effect", "job")

# No index can serve this expression, and that is its purpose: `tenant = ANY (...)` would be
# used as an index condition, once for each tenant of a group and row.
_NAMED = "position(',' || tenant || ',' in current_setting('reception.tenants', true)) > 0"


def upgrade() -> None:
    """Make the tables, and let the program's role use them, a tenant at a time."""
    for statement in _TABLES:
        op.execute(statement)
    for table in _KEPT_APART:
        op.execute(f"ALTER TABLE reception.{table} ENABLE ROW LEVEL SECURITY")
        # The owner too, so that a program that was given the owner's address sees no more.
        op.execute(f"ALTER TABLE reception.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY by_tenant ON reception.{table} USING ({_NAMED})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON reception.{table} TO reception_app")


def downgrade() -> None:
    """Refuse: what calls and charges hang on is not thrown away by a command."""
    raise NotImplementedError("there is no way back; restore a backup")
