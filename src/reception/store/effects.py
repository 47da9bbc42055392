"""
Effects: claimed before they run, by one, and finished by the one who claimed.

A claim is a row, committed before the effect begins. It locks the episode's row in share
mode, which the end of the episode waits for: after the end has committed, every claim that
was made is visible and none is made any more, except by the ended dialog itself.

A lease that has run out may be taken over, which makes an effect "at least once"; the
number of attempts is capped. Only the owner of the row can store a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from reception import faults
from reception.ports import Claimed, EffectClaim, EffectRow
from reception.store import binary
from reception.store.database import Database

MOST_ATTEMPTS: Final = 5
"""Who has died five times with one effect in hand would die a sixth time."""

_COLUMNS: Final = "op, step_no, state, owner, lease_until, attempts, key, entries, result"

# The step must be new: a claim for one that is stored comes from a request that was overtaken.
_CLAIM: Final = """
    WITH alive AS (
        SELECT e.tenant, e.episode FROM reception.episode e
        WHERE e.tenant = %(tenant)s AND e.episode = %(episode)s
          AND (e.ended_at IS NULL OR %(is_ending)s)
        FOR SHARE
    )
    INSERT INTO reception.effect AS f
        (tenant, episode, op, step_no, state, owner, lease_until, attempts, key, entries)
    SELECT a.tenant, a.episode, %(op)s, %(step_no)s, 'running', %(owner)s, %(lease_until)s, 1,
           %(key)s, %(entries)s
    FROM alive a
    WHERE COALESCE(
        (SELECT s.reply IS NULL AND s.entries IS NULL AND %(is_ending)s FROM reception.step s
         WHERE s.tenant = a.tenant AND s.episode = a.episode AND s.step_no = %(step_no)s),
        NOT %(is_ending)s
    )
    ON CONFLICT (tenant, episode, op) DO UPDATE
        SET owner = excluded.owner, lease_until = excluded.lease_until, attempts = f.attempts + 1
        WHERE f.state = 'running' AND f.lease_until <= %(now)s AND f.attempts < %(most)s
"""
_FIND: Final = """
    SELECT op, step_no, state, owner, lease_until, attempts, key, entries, result
    FROM reception.effect
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND op = %(op)s
"""
_HAS_ENDED: Final = """
    SELECT e.ended_at IS NOT NULL FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.episode = %(episode)s
"""
_RENEW: Final = """
    UPDATE reception.effect SET lease_until = %(lease_until)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND op = %(op)s
      AND owner = %(owner)s AND state = 'running'
    RETURNING 1
"""
_FINISH: Final = """
    UPDATE reception.effect SET state = %(state)s, result = %(result)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND op = %(op)s
      AND owner = %(owner)s AND state = 'running'
    RETURNING 1
"""


async def claim(database: Database, wanted: EffectClaim) -> Claimed:
    """Claim the effect, or say who has it."""
    values = {
        "tenant": wanted.tenant,
        "episode": wanted.episode,
        "op": wanted.op,
        "step_no": wanted.step_no,
        "owner": wanted.owner,
        "key": wanted.key,
        "entries": wanted.entries,
        "now": wanted.now,
        "lease_until": wanted.lease_until,
        "is_ending": wanted.is_ending,
        "most": MOST_ATTEMPTS,
    }
    for name in ("tenant", "episode", "op", "owner"):
        binary.text(name, str(values[name]))
    binary.text("the key", wanted.key or "")
    faults.point("store.before_claim")
    # Statements of one transaction, each with a snapshot of its own: the second sees what the
    # first has done or waited for.
    _, found, ended = await database.once(
        wanted.tenant, (_CLAIM, values), (_FIND, values), (_HAS_ENDED, values)
    )
    faults.point("store.after_claim")
    if not found:
        return Claimed("ended" if ended and ended[0][0] else "stored")
    effect = EffectRow(*found[0])
    if effect.state != "running":
        return Claimed("settled", effect)
    if effect.owner == wanted.owner:
        return Claimed("ours", effect)
    if effect.lease_until <= wanted.now and effect.attempts >= MOST_ATTEMPTS:
        return Claimed("exhausted", effect)
    return Claimed("theirs", effect)


async def renew(
    database: Database, tenant: str, episode: str, op: str, *, owner: str, lease_until: datetime
) -> bool:
    """Prolong the owner's lease."""
    values = {
        "tenant": tenant,
        "episode": episode,
        "op": op,
        "owner": owner,
        "lease_until": lease_until,
    }
    (rows,) = await database.once(tenant, (_RENEW, values))
    return bool(rows)


async def finish(
    database: Database,
    tenant: str,
    episode: str,
    op: str,
    *,
    owner: str,
    failed: bool,
    result: bytes,
) -> bool:
    """Store the owner's result."""
    values = {
        "tenant": tenant,
        "episode": episode,
        "op": op,
        "owner": owner,
        "state": "failed" if failed else "done",
        "result": result,
    }
    faults.point("store.before_finish")
    (rows,) = await database.once(tenant, (_FINISH, values))
    faults.point("store.after_finish")
    return bool(rows)


async def find(database: Database, tenant: str, episode: str, op: str) -> EffectRow | None:
    """Load one effect."""
    values = {"tenant": tenant, "episode": episode, "op": op}
    (rows,) = await database.once(tenant, (_FIND, values))
    return _effect(rows)


def _effect(rows: Sequence[tuple[Any, ...]]) -> EffectRow | None:
    return EffectRow(*rows[0]) if rows else None
