"""Records for the tests of the store, short where nothing depends on their content."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reception.ports import EffectClaim, NewJob, NewStep, Opening

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TENANT = "hotel"


def opening(
    episode: str,
    call_id: str = "call",
    *,
    tenant: str = TENANT,
    digest: bytes = b"body",
    after_s: float = 0.0,
    is_new: bool = False,
) -> Opening:
    return Opening(
        tenant,
        episode,
        "account",
        call_id,
        digest,
        "app",
        "1",
        NOW + timedelta(seconds=after_s),
        is_new,
    )


def step(
    episode: str,
    step_no: int,
    reply: bytes = b"reply",
    *,
    tenant: str = TENANT,
    digest: bytes = b"request",
    jobs: tuple[NewJob, ...] = (),
) -> NewStep:
    return NewStep(tenant, episode, step_no, digest, reply, b"entries", b"bucket", NOW, jobs)


def job(task: str = "task", args: bytes = b"args") -> NewJob:
    return NewJob(task, args, NOW)


def claim(
    episode: str,
    step_no: int,
    op: str = "1",
    *,
    owner: str = "me",
    tenant: str = TENANT,
    after_s: float = 0.0,
    lease_s: float = 30.0,
    is_ending: bool = False,
) -> EffectClaim:
    now = NOW + timedelta(seconds=after_s)
    return EffectClaim(
        tenant,
        episode,
        step_no,
        op,
        owner,
        "key",
        b"buffer",
        now,
        now + timedelta(seconds=lease_s),
        is_ending,
    )
