"""
Forgetting what is old, a tenant at a time and a few episodes at a time.

An episode is forgotten with everything that belongs to it, some time after it has ended
and only when none of its jobs is still to be done. What has never ended is not touched:
somebody has to end it first (`Steps.silent` finds it), so that its application hears of it.

The oldest come first, along the index on the end; a batch is a transaction of its own, so
that a prune can be stopped at any time and never stands in a caller's way. Run as the
program's role, which sees only the tenant that is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg

from reception.errors import NeedsHuman
from reception.store import binary, outage, roles

LEAST_RETENTION: Final = timedelta(days=2)
"""A URL of ours lives for 24 hours; its episode must not be gone before it."""

BATCH: Final = 500

_NAME: Final = "SELECT set_config('reception.tenants', ',' || %(tenant)s || ',', true)"
_PLANS: Final = "SET LOCAL enable_seqscan = off -- no tenant's rows are read here"
# Locked, so that two prunes at once take different ones.
_OLD: Final = """
    SELECT e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.ended_at IS NOT NULL AND e.ended_at < %(before)s
      AND COALESCE((SELECT false FROM reception.job j
                    WHERE j.tenant = e.tenant AND j.episode = e.episode
                      AND j.state IN ('waiting', 'running') LIMIT 1), true)
    ORDER BY e.ended_at LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
"""
_FORGET: Final = (
    "DELETE FROM reception.step WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.effect WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.job WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.call_alias WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.episode WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
)


def prune(
    dsn: str,
    retention: Mapping[str, timedelta],
    *,
    now: datetime,
    batch: int = BATCH,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """
    Forget the episodes that ended longer ago than their tenant keeps them.

    Args:
        dsn: the address of the program, not of the owner.
        retention: how long each tenant keeps its episodes; at least two days.
        progress: called after each batch with the tenant and how many it has lost so far.

    Returns: how many episodes were forgotten for each tenant.

    Errors:
        NeedsHuman: a retention that is too short.
        Retry: the database is away; what was forgotten so far stays forgotten.
    """
    for tenant, kept in retention.items():
        binary.tenant(tenant)
        if kept < LEAST_RETENTION:
            raise NeedsHuman(
                "store.retention",
                f"The tenant {tenant} would keep its calls for {kept}; at least 2 days are needed, "
                "because a call may come back for 24 hours.",
            )
    forgotten = dict.fromkeys(retention, 0)
    with (
        outage.named(),
        closing(psycopg.connect(roles.app_conninfo(dsn), connect_timeout=10)) as connection,
    ):
        for tenant, kept in retention.items():
            while count := _forget(connection, tenant, now - kept, batch):
                forgotten[tenant] += count
                if progress is not None:
                    progress(tenant, forgotten[tenant])
    return forgotten


def _forget(connection: psycopg.Connection[Any], tenant: str, before: datetime, batch: int) -> int:
    with connection.transaction():
        connection.execute(_NAME, {"tenant": tenant})
        connection.execute(_PLANS)
        values = {"tenant": tenant, "before": before, "batch": batch}
        episodes = [row[0] for row in connection.execute(_OLD, values)]
        if episodes:
            which = {"tenant": tenant, "episodes": episodes}
            for statement in _FORGET:
                connection.execute(statement, which)
    return len(episodes)
