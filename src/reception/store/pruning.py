"""
Forgetting what is old, a tenant at a time and a few episodes at a time.

An episode is forgotten with everything that belongs to it, some time after it has ended, or,
where nobody has reported an end, as long after the last sign of it: its URLs are good for 24
hours, so that nobody can continue it any more. Who is to hear of an end must end it before
(`Steps.silent` finds it). Kept is what still has work to do: a job of the application's, an
effect that somebody runs. The job of the end itself is no such thing: an end that nobody has
settled in all that time must not keep a guest's data for ever.

The oldest come first, along the index on the end; those without an end along the primary key,
once through. A batch is a transaction of its own, so that a prune can be stopped at any time
and never stands in a caller's way. Run as the program's role, which sees only the tenant that
is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg

from reception.errors import NeedsHuman
from reception.ports import END_TASK
from reception.store import binary, outage, roles

LEAST_RETENTION: Final = timedelta(days=2)
"""A URL of ours lives for 24 hours; its episode must not be gone before it."""

BATCH: Final = 500

_NAME: Final = "SELECT set_config('reception.tenants', ',' || %(tenant)s || ',', true)"
# Both come in the order of an index; a table that grew of late would be sorted for each batch.
_PLANS: Final = """
    SELECT set_config(name, 'off', true) -- no tenant's rows are read here
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort']) AS name
"""
_IS_DONE: Final = """
    COALESCE((SELECT false FROM reception.job j
              WHERE j.tenant = e.tenant AND j.episode = e.episode AND j.task <> %(end_task)s
                AND j.state IN ('waiting', 'running') LIMIT 1), true)
"""
# Locked, so that two prunes at once take different ones.
_ENDED: Final = f"""
    SELECT e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.ended_at IS NOT NULL AND e.ended_at < %(before)s
      AND {_IS_DONE}
    ORDER BY e.ended_at LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - made of our own constants
_SILENT: Final = f"""
    SELECT e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.episode > %(after)s
      AND e.ended_at IS NULL AND e.opened_at < %(before)s
      AND COALESCE((SELECT s.created_at FROM reception.step s
                    WHERE s.tenant = e.tenant AND s.episode = e.episode
                    ORDER BY s.step_no DESC LIMIT 1) < %(before)s, true)
      AND COALESCE((SELECT false FROM reception.effect f
                    WHERE f.tenant = e.tenant AND f.episode = e.episode
                      AND f.lease_until >= %(before)s LIMIT 1), true)
      AND {_IS_DONE}
    ORDER BY e.episode LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - made of our own constants
_FORGET: Final = (
    "DELETE FROM reception.step WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.effect WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.job WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.call_alias WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
    "DELETE FROM reception.episode WHERE tenant = %(tenant)s AND episode = ANY (%(episodes)s)",
)
_FORGET_REPORTS: Final = """
    DELETE FROM reception.leg_report
    WHERE tenant = %(tenant)s AND received_at < %(before)s AND NOT is_new
"""


def prune(
    dsn: str,
    retention: Mapping[str, timedelta],
    *,
    now: datetime,
    batch: int = BATCH,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """
    Forget the episodes that ended, or were silent, for longer than their tenant keeps them.

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
            for count in _forgotten(connection, tenant, now - kept, batch):
                forgotten[tenant] += count
                if progress is not None:
                    progress(tenant, forgotten[tenant])
    return forgotten


def _forgotten(
    connection: psycopg.Connection[Any], tenant: str, before: datetime, batch: int
) -> Iterator[int]:
    """Forget a batch after the other; gives the size of each."""
    values: dict[str, object] = {
        "tenant": tenant,
        "before": before,
        "batch": batch,
        "end_task": END_TASK,
    }
    while episodes := _forget(connection, _ENDED, values):
        yield len(episodes)
    after = ""
    while episodes := _forget(connection, _SILENT, {**values, "after": after}):
        yield len(episodes)
        after = episodes[-1]
    with connection.transaction():
        connection.execute(_NAME, values)
        connection.execute(_PLANS)
        connection.execute(_FORGET_REPORTS, values)


def _forget(
    connection: psycopg.Connection[Any], which: LiteralString, values: Mapping[str, object]
) -> list[str]:
    with connection.transaction():
        connection.execute(_NAME, values)
        connection.execute(_PLANS)
        episodes = [row[0] for row in connection.execute(which, values)]
        if episodes:
            for statement in _FORGET:
                connection.execute(statement, {**values, "episodes": episodes})
    return episodes
