"""
Finding episodes otherwise than by their token: by the call, and by silence.

The platform may rename a call, so a Call-ID is a name for the episode and never its key.
A report of the end brings a Call-ID; the reaper brings nothing but the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reception.ports import EpisodeRow
from reception.store import binary
from reception.store.database import Database

_ADD_ALIAS: Final = """
    INSERT INTO reception.call_alias (tenant, call_id, episode)
    SELECT e.tenant, %(call_id)s, e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.episode = %(episode)s AND e.call_id <> %(call_id)s
    ON CONFLICT DO NOTHING
"""
_OF_CALL: Final = """
    SELECT e.tenant, e.episode, e.account_id, e.call_id, e.app, e.app_version,
           e.opened_at, e.ended_at, e.end_cause
    FROM reception.episode e WHERE e.call_id = %(call_id)s AND e.tenant = %(tenant)s
    UNION
    SELECT e.tenant, e.episode, e.account_id, e.call_id, e.app, e.app_version,
           e.opened_at, e.ended_at, e.end_cause
    FROM reception.call_alias a
    JOIN reception.episode e ON e.tenant = a.tenant AND e.episode = a.episode
    WHERE a.tenant = %(tenant)s AND a.call_id = %(call_id)s
    ORDER BY opened_at DESC, episode
"""
# Only open episodes are looked at, and there are as many of those as there are calls.
_SILENT: Final = """
    SELECT e.episode FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.ended_at IS NULL AND e.opened_at < %(since)s
      AND COALESCE(
          (SELECT s.created_at FROM reception.step s
           WHERE s.tenant = e.tenant AND s.episode = e.episode ORDER BY s.step_no DESC LIMIT 1),
          e.opened_at
      ) < %(since)s
    LIMIT %(limit)s
"""


async def add_alias(database: Database, tenant: str, episode: str, call_id: str) -> None:
    """Note a Call-ID, unless it is the one that the episode began with."""
    binary.text("the Call-ID", call_id)
    values = {"tenant": tenant, "episode": episode, "call_id": call_id}
    await database.once(tenant, (_ADD_ALIAS, values))


async def of_call(database: Database, tenant: str, call_id: str) -> Sequence[EpisodeRow]:
    """Find the episodes of a call by any of its Call-IDs, the latest first."""
    binary.text("the Call-ID", call_id)
    (rows,) = await database.once(tenant, (_OF_CALL, {"tenant": tenant, "call_id": call_id}))
    return [EpisodeRow(*row) for row in rows]


async def silent(database: Database, tenant: str, since: datetime, limit: int) -> Sequence[str]:
    """Find open episodes without a step since then."""
    values = {"tenant": tenant, "since": since, "limit": limit}
    (rows,) = await database.once(tenant, (_SILENT, values))
    return [row[0] for row in rows]
