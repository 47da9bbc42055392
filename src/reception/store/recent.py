"""
The episodes of a tenant that began of late, for whoever exports them.

The rule this file keeps: it is for commands, never for a call: it may read all episodes of a
tenant, so it has a session of its own, without the limits that calls need.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import psycopg

from reception.errors import Retry
from reception.store import binary, roles

_SINCE: Final = """
    SELECT e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.opened_at >= %(since)s ORDER BY e.opened_at, e.episode
"""


def since(address: str, tenant: str, moment: datetime) -> list[str]:
    """
    Find the episodes that began then or later, the earliest first.

    Errors:
        Retry: the database is away.
    """
    binary.tenant(tenant)
    try:
        with psycopg.connect(roles.app_conninfo(address), connect_timeout=5) as session:
            session.execute(
                "SELECT set_config('reception.tenants', ',' || %s || ',', true) -- tenant",
                [tenant],
            )
            found = session.execute(_SINCE, {"tenant": tenant, "since": moment})
            return [row[0] for row in found]
    except psycopg.OperationalError as error:
        raise Retry("store.away", f"the database cannot be reached: {error}") from None
