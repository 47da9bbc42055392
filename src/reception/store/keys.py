"""
The port `Keys`: the keys for the MACs in a tenant's URLs.

Two generations live: the newest signs, both verify, so that a rotation breaks no running
call. Whoever makes the first key, or rotates, may meet somebody who does the same; the
faster one's key counts for both. Keys lie in the database in clear: whoever can read it
can read what they protect.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reception.ports import TenantKey
from reception.store.database import Database

_LIVE: Final = """
    SELECT generation, secret, made_at FROM reception.tenant_key
    WHERE tenant = %(tenant)s ORDER BY generation DESC LIMIT 2
"""
_FIRST: Final = """
    INSERT INTO reception.tenant_key (tenant, generation, secret, made_at)
    SELECT %(tenant)s, 1, %(secret)s, %(now)s
    WHERE NOT EXISTS (SELECT FROM reception.tenant_key k WHERE k.tenant = %(tenant)s)
    ON CONFLICT DO NOTHING
"""
_NEXT: Final = """
    INSERT INTO reception.tenant_key (tenant, generation, secret, made_at)
    SELECT k.tenant, k.generation + 1, %(secret)s, %(now)s FROM reception.tenant_key k
    WHERE k.tenant = %(tenant)s AND k.generation = %(after)s
    ON CONFLICT DO NOTHING
"""
_DROP: Final = """
    DELETE FROM reception.tenant_key WHERE tenant = %(tenant)s AND generation < %(after)s
"""


class PostgresKeys:
    """Keys in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def load(self, tenant: str) -> Sequence[TenantKey]:
        """Load the live keys, the newest first."""
        (rows,) = await self._database.once(tenant, (_LIVE, {"tenant": tenant}))
        return [TenantKey(*row) for row in rows]

    async def ensure(self, tenant: str, *, secret: bytes, now: datetime) -> Sequence[TenantKey]:
        """Make the first key where there is none, and load the live ones."""
        values = {"tenant": tenant, "secret": secret, "now": now}
        _, rows = await self._database.once(tenant, (_FIRST, values), (_LIVE, values))
        return [TenantKey(*row) for row in rows]

    async def rotate(
        self, tenant: str, *, after: int, secret: bytes, now: datetime
    ) -> Sequence[TenantKey]:
        """Add the key that follows generation `after`, unless there is one, and drop older ones."""
        values = {"tenant": tenant, "after": after, "secret": secret, "now": now}
        _, _, rows = await self._database.once(
            tenant, (_NEXT, values), (_DROP, values), (_LIVE, values)
        )
        return [TenantKey(*row) for row in rows]
