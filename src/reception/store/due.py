"""
Background work that is due: taken by one worker, done, put off, or put aside.

A worker that takes a job moves the time at which it is due to the end of its lease. So a job
whose worker died is due again by itself, and one index finds both. The number of the attempt is
the worker's title to the job: whoever has been overtaken changes nothing any more.

Work is taken for all tenants of a worker at once, which the statement and its transaction name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reception.ports import DeadJob, DueJob
from reception.store.database import Database

# Ordered here, so that the oldest come first; workers pass each other by.
_TAKE: Final = """
    WITH due AS (
        SELECT j.tenant, j.episode, j.step_no, j.ordinal FROM reception.job j
        WHERE j.state IN ('waiting', 'running') AND j.due_at <= %(now)s
          AND j.tenant = ANY (%(tenants)s)
        ORDER BY j.due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE reception.job j
    SET state = 'running', attempts = j.attempts + 1, due_at = %(lease_until)s
    FROM due d
    WHERE j.tenant = d.tenant AND j.episode = d.episode AND j.step_no = d.step_no
      AND j.ordinal = d.ordinal
    RETURNING j.tenant, j.episode, j.step_no, j.ordinal, j.task, j.args, j.attempts
"""
_CHANGE: Final = """
    UPDATE reception.job SET state = %(state)s, due_at = %(at)s, problem = %(problem)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND step_no = %(step_no)s
      AND ordinal = %(ordinal)s AND state = 'running' AND attempts = %(attempts)s
    RETURNING true
"""
_POSTPONE: Final = """
    UPDATE reception.job
    SET state = 'waiting', due_at = %(at)s, problem = %(problem)s, attempts = attempts - 1
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND step_no = %(step_no)s
      AND ordinal = %(ordinal)s AND state = 'running' AND attempts = %(attempts)s
    RETURNING true
"""
_DEAD: Final = """
    SELECT j.tenant, j.episode, j.step_no, j.ordinal, j.task, j.attempts, j.due_at, j.problem
    FROM reception.job j WHERE j.state = 'dead' AND j.tenant = ANY (%(tenants)s)
    ORDER BY j.due_at LIMIT %(limit)s
"""
_REVIVE: Final = """
    UPDATE reception.job SET state = 'waiting', attempts = 0, due_at = %(now)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND step_no = %(step_no)s
      AND ordinal = %(ordinal)s AND state = 'dead'
    RETURNING true
"""
_WAITING: Final = """
    SELECT count(*), min(j.due_at) FROM reception.job j
    WHERE j.state IN ('waiting', 'running') AND j.due_at <= %(now)s
      AND j.tenant = ANY (%(tenants)s)
"""


# Before the first step, where no step's job can be.
_DEFER_ONCE: Final = """
    INSERT INTO reception.job (tenant, episode, step_no, ordinal, task, args, due_at)
    VALUES (%(tenant)s, %(episode)s, -1, 0, %(task)s, '', %(due_at)s)
    ON CONFLICT DO NOTHING
"""


class PostgresJobs:
    """The port `Jobs`, answered by PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database

    async def take(
        self, tenants: Sequence[str], *, now: datetime, lease_until: datetime, limit: int
    ) -> Sequence[DueJob]:
        """Take what is due, the oldest first."""
        values = {
            "tenants": list(tenants),
            "now": now,
            "lease_until": lease_until,
            "limit": limit,
        }
        (rows,) = await self._database.once_for(tenants, (_TAKE, values))
        return [DueJob(*row) for row in rows]

    async def renew(self, job: DueJob, *, lease_until: datetime) -> bool:
        """Prolong the lease."""
        return await self._changed(job, "running", lease_until)

    async def done(self, job: DueJob, *, now: datetime) -> bool:
        """Note that it is done."""
        return await self._changed(job, "done", now)

    async def again(self, job: DueJob, *, due_at: datetime, problem: str) -> bool:
        """Put it off."""
        return await self._changed(job, "waiting", due_at, problem)

    async def postpone(self, job: DueJob, *, due_at: datetime, problem: str) -> bool:
        """Put it off as if it had not been tried; whoever asks twice may undo another's attempt."""
        values = _named(job) | {"at": due_at, "problem": problem}
        (rows,) = await self._database.once(job.tenant, (_POSTPONE, values))
        return bool(rows)

    async def bury(self, job: DueJob, *, now: datetime, problem: str) -> bool:
        """Put it aside for a person."""
        return await self._changed(job, "dead", now, problem)

    async def dead(self, tenants: Sequence[str], *, limit: int) -> Sequence[DeadJob]:
        """List what was put aside, the oldest first."""
        (rows,) = await self._database.once_for(
            tenants, (_DEAD, {"tenants": list(tenants), "limit": limit})
        )
        return [DeadJob(*row) for row in rows]

    async def revive(self, job: DeadJob, *, now: datetime) -> bool:
        """Have it tried again."""
        values = {
            "tenant": job.tenant,
            "episode": job.episode,
            "step_no": job.step_no,
            "ordinal": job.ordinal,
            "now": now,
        }
        (rows,) = await self._database.once(job.tenant, (_REVIVE, values))
        return bool(rows)

    async def defer_once(self, tenant: str, episode: str, task: str, *, due_at: datetime) -> None:
        """Defer the one task that an episode has beside those of its steps."""
        values = {"tenant": tenant, "episode": episode, "task": task, "due_at": due_at}
        await self._database.once(tenant, (_DEFER_ONCE, values))

    async def overdue(
        self, tenants: Sequence[str], *, now: datetime
    ) -> tuple[int, datetime | None]:
        """Count what is due, and since when."""
        (rows,) = await self._database.once_for(
            tenants, (_WAITING, {"tenants": list(tenants), "now": now})
        )
        count, oldest = rows[0]
        return count, oldest

    async def _changed(
        self, job: DueJob, state: str, at: datetime, problem: str | None = None
    ) -> bool:
        values = _named(job) | {"state": state, "at": at, "problem": problem}
        (rows,) = await self._database.once(job.tenant, (_CHANGE, values))
        return bool(rows)


def _named(job: DueJob) -> dict[str, object]:
    """Name a job and the worker's title to it."""
    return {
        "tenant": job.tenant,
        "episode": job.episode,
        "step_no": job.step_no,
        "ordinal": job.ordinal,
        "attempts": job.attempts,
    }
