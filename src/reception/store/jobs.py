"""
Writing down background work, in the transaction of what it belongs to.

A job's key is its step and its place among the step's jobs, so that it cannot be written
twice. Who picks jobs up, and when, is no business of this file. Jobs of ordinary steps
travel with the group commit (`commits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reception.ports import NewJob
from reception.store.database import Connection

_ADD: Final = """
    INSERT INTO reception.job (tenant, episode, step_no, ordinal, task, args, due_at)
    VALUES (%(tenant)s, %(episode)s, %(step_no)s, %(ordinal)s, %(task)s, %(args)s, %(due_at)s)
"""


async def add(
    connection: Connection,
    tenant: str,
    episode: str,
    step_no: int,
    jobs: Sequence[NewJob],
    *,
    begin: int = 0,
) -> None:
    """Add the jobs of a step, numbered from `begin`."""
    for ordinal, job in enumerate(jobs, begin):
        values = {
            "tenant": tenant,
            "episode": episode,
            "step_no": step_no,
            "ordinal": ordinal,
            "task": job.task,
            "args": job.args,
            "due_at": job.due_at,
        }
        await connection.execute(_ADD, values, prepare=True)
