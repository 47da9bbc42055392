"""
The end of an episode: once, with one job, and never beside a new step.

The end takes the number after the last step, as a row of its own; a step that races it
wants the same number, and the primary key decides. If a step was faster, the end takes the
next one. The order is always: the row, then the episode, then the job. Whoever has not got
the row holds nothing yet, so that nobody waits in a circle.

What the ended dialog does afterwards is stored in that row, once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reception import faults
from reception.errors import Retry
from reception.ports import END_TASK, EndRun, NewJob
from reception.store import jobs
from reception.store.database import Connection, Database

# As many steps as may slip in between our looking and our writing; each needs a caller's answer.
_ATTEMPTS: Final = 10

_LAST: Final = """
    SELECT s.step_no, s.reply IS NULL FROM reception.step s
    WHERE s.tenant = %(tenant)s AND s.episode = %(episode)s ORDER BY s.step_no DESC LIMIT 1
"""
_TAKE: Final = """
    INSERT INTO reception.step
        (tenant, episode, step_no, digest, reply, entries, bucket, created_at)
    SELECT e.tenant, e.episode, %(step_no)s, '', NULL, NULL, '', %(now)s FROM reception.episode e
    WHERE e.tenant = %(tenant)s AND e.episode = %(episode)s
    ON CONFLICT DO NOTHING
"""
# Waits for whoever is claiming an effect; after it, nobody can.
_CLOSE: Final = """
    UPDATE reception.episode SET ended_at = %(now)s, end_cause = %(cause)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND ended_at IS NULL
"""
_SETTLE: Final = """
    UPDATE reception.step SET entries = %(entries)s
    WHERE tenant = %(tenant)s AND episode = %(episode)s AND step_no = %(step_no)s
      AND reply IS NULL AND entries IS NULL
"""


async def end(database: Database, tenant: str, episode: str, cause: str, now: datetime) -> bool:
    """End the episode, unless it has ended or there is none."""
    faults.point("store.before_end")
    async with database.transaction(tenant) as connection:
        is_ours = await end_in(connection, tenant, episode, cause, now)
    faults.point("store.after_end")
    return is_ours


async def end_in(
    connection: Connection, tenant: str, episode: str, cause: str, now: datetime
) -> bool:
    """End the episode within a transaction that does more."""
    which = {"tenant": tenant, "episode": episode, "now": now, "cause": cause}
    for _ in range(_ATTEMPTS):
        last = await _last(connection, tenant, episode)
        if last is not None and last[1]:
            return False
        step_no = -1 if last is None else last[0]
        taken = await connection.execute(_TAKE, {**which, "step_no": step_no + 1}, prepare=True)
        if taken.rowcount == 1:
            closed = await connection.execute(_CLOSE, which, prepare=True)
            if closed.rowcount != 1:
                # It was old enough to be forgotten, just now; what was taken is undone.
                raise Retry("store.busy", "this episode is being forgotten")
            job = NewJob(END_TASK, b"", now)
            await jobs.add(connection, tenant, episode, step_no + 1, (job,))
            return True
        if last is None and await _last(connection, tenant, episode) is None:
            return False
    raise Retry("store.busy", "steps of this episode keep coming")


async def finish_end(database: Database, run: EndRun) -> bool:
    """Store what the ended dialog has done, unless that is stored already."""
    async with database.transaction(run.tenant) as connection:
        last = await _last(connection, run.tenant, run.episode)
        if last is None or not last[1]:
            return False
        which = {
            "tenant": run.tenant,
            "episode": run.episode,
            "step_no": last[0],
            "entries": run.entries,
        }
        settled = await connection.execute(_SETTLE, which, prepare=True)
        if settled.rowcount != 1:
            return False
        # Number 0 is the job that has brought us here.
        await jobs.add(connection, run.tenant, run.episode, last[0], run.jobs, begin=1)
    return True


async def _last(connection: Connection, tenant: str, episode: str) -> tuple[int, bool] | None:
    which = {"tenant": tenant, "episode": episode}
    row = await (await connection.execute(_LAST, which, prepare=True)).fetchone()
    return None if row is None else (row[0], row[1])
