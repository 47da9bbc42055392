"""
What the engine says, as the store takes it.

Only translation: the engine's effects and jobs know neither tenants nor clocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from reception.dialog import Effect, Job
from reception.ports import EffectClaim, NewJob


def claim_of(
    effect: Effect,
    tenant: str,
    episode: str,
    step_no: int,
    *,
    now: datetime,
    is_ending: bool = False,
) -> EffectClaim:
    """Claim an effect; owner and lease are each attempt's own (see `EffectRunner.result`)."""
    return EffectClaim(
        tenant=tenant,
        episode=episode,
        step_no=step_no,
        op=effect.op,
        owner="",
        key=effect.key,
        entries=effect.before,
        now=now,
        lease_until=now,
        is_ending=is_ending,
    )


def jobs_of(jobs: Iterable[Job], *, now: datetime) -> tuple[NewJob, ...]:
    """Say when each job is due."""
    return tuple(NewJob(job.task, job.args, now + timedelta(seconds=job.after_s)) for job in jobs)
