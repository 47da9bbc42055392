"""
Doing what is due: take, run, note; again with growing pauses, and aside when it is hopeless.

The rule this file keeps: a job that was taken is renewed while it runs, so that nobody else
takes it, and is done, put off or put aside in the store before it is forgotten here. What a
killed process leaves is taken by the next one when its lease ends; what kills every process that
takes it is put aside too. Where the store cannot be asked, nothing is taken, and what has been
done is noted when it is back. The jobs of one tenant that hang leave half of the room to others.

What a job does is `service`'s; who starts and ends a runner is `bootstrap`'s.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from reception.errors import Retry
from reception.ports import DueJob, Jobs

LEASE: Final = timedelta(seconds=30)
POLL_S: Final = 0.25
"""How long a job that is due may wait for somebody to look."""

AT_ONCE: Final = 16
MOST_ATTEMPTS: Final = 12
_FIRST_PAUSE_S: Final = 1.0
_MOST_PAUSE_S: Final = 600.0
_AWAY_S: Final = 1.0
_BROKEN_S: Final = 5.0
_JITTER: Final = 0.2

_log: Final = structlog.stdlib.get_logger("reception.work")

Run = Callable[[DueJob], Awaitable[None]]


class Hopeless(Exception):
    """Trying again would change nothing."""


class Runner:
    """
    Takes and runs jobs until it is stopped.

    Args:
        tenants: whose jobs.
        run: does one; raises where it is to be tried again, `Hopeless` where not.
        now: the time, aware, in UTC.
        chance: a number from 0 to 1, each time it is called.
        lease: how long a job is ours without a word of us.
    """

    def __init__(
        self,
        jobs: Jobs,
        tenants: Sequence[str],
        run: Run,
        *,
        now: Callable[[], datetime],
        chance: Callable[[], float],
        lease: timedelta = LEASE,
        at_once: int = AT_ONCE,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> None:
        self._jobs: Final = jobs
        self._tenants: Final = tenants
        self._run: Final = run
        self._now: Final = now
        self._chance: Final = chance
        self._lease: Final = lease
        self._at_once: Final = at_once
        self._most_attempts: Final = most_attempts
        self._share: Final = at_once if len(tenants) < 2 else max(1, at_once // 2)
        self._running: Final[set[asyncio.Task[None]]] = set()
        self._by_tenant: Final[Counter[str]] = Counter()
        self._is_stopping = False

    async def serve(self) -> None:
        """Do what is due, as it becomes due, until `stop`."""
        while not self._is_stopping:
            tenants, room = self._room()
            taken = await self._take(tenants, room) if room else 0
            # More than there was room for may be waiting.
            await asyncio.sleep(0 if taken and taken == room else POLL_S)

    async def stop(self, *, within_s: float) -> None:
        """Take nothing more, and let what runs come to an end; the rest is taken over later."""
        self._is_stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=within_s)
        for task in self._running:
            task.cancel()

    def _room(self) -> tuple[list[str], int]:
        """Whose jobs may be taken, and how many so that none has more than its share."""
        tenants = [name for name in self._tenants if self._by_tenant[name] < self._share]
        busiest = max((self._by_tenant[name] for name in tenants), default=self._share)
        return tenants, min(self._at_once - len(self._running), self._share - busiest)

    async def _take(self, tenants: Sequence[str], limit: int) -> int:
        now = self._now()
        try:
            due = await self._jobs.take(
                tenants, now=now, lease_until=now + self._lease, limit=limit
            )
        except Retry:
            await asyncio.sleep(_AWAY_S)
            return 0
        except Exception as error:  # noqa: BLE001  a database that lacks a migration gets it one day
            _log.error("work.not_taken", error=type(error).__name__)
            await asyncio.sleep(_BROKEN_S)
            return 0
        for job in due:
            task = asyncio.create_task(self._do(job))
            self._running.add(task)
            self._by_tenant[job.tenant] += 1
            task.add_done_callback(partial(self._is_over, job.tenant))
        return len(due)

    def _is_over(self, tenant: str, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._by_tenant[tenant] -= 1

    async def _do(self, job: DueJob) -> None:
        if job.attempts > self._most_attempts:
            # Nobody could say what became of the last one: it took its process along.
            await self._give_up(job, "Died")
            return
        renewing = asyncio.create_task(self._renew(job))
        try:
            await self._run(job)
        except Retry as error:
            await self._postpone(job, error)
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001  whatever a task raises, it is tried again
            await self._failed(job, error)
        else:
            await self._noted(lambda: self._jobs.done(job, now=self._now()))
        finally:
            renewing.cancel()

    async def _failed(self, job: DueJob, error: BaseException) -> None:
        # Never what the error says: it may name a guest.
        problem = type(error).__name__
        if isinstance(error, Hopeless) or job.attempts >= self._most_attempts:
            await self._give_up(job, problem)
            return
        _log.warning("work.failed", **_about(job, problem))
        due_at = self._now() + timedelta(seconds=pause_s(job.attempts, self._chance()))
        await self._noted(lambda: self._jobs.again(job, due_at=due_at, problem=problem))

    async def _give_up(self, job: DueJob, problem: str) -> None:
        _log.error("work.given_up", **_about(job, problem))
        await self._noted(lambda: self._jobs.bury(job, now=self._now(), problem=problem))

    async def _postpone(self, job: DueJob, error: Retry) -> None:
        """Put off what nobody is to blame for, as often as it takes."""
        pause = max(error.after_s, pause_s(job.attempts, self._chance()))
        due_at = self._now() + timedelta(seconds=pause)
        # Once: where that fails too, the job is due again when its lease ends.
        with suppress(Exception):
            await self._jobs.postpone(job, due_at=due_at, problem=error.code)

    async def _noted(self, note: Callable[[], Awaitable[bool]]) -> None:
        """Note it, however long the store is away: what was done must not be done again."""
        while True:
            try:
                await note()
            except Retry:
                await asyncio.sleep(_AWAY_S)
            except Exception as error:  # noqa: BLE001  it is tried again when the lease ends
                # The driver's words may hold values.
                _log.error("work.not_noted", error=type(error).__name__)
                return
            else:
                return

    async def _renew(self, job: DueJob) -> None:
        every_s = wait_s = self._lease.total_seconds() / 3
        while True:
            await asyncio.sleep(wait_s)
            try:
                await self._jobs.renew(job, lease_until=self._now() + self._lease)
            except Exception:  # noqa: BLE001  whatever it is, the work goes on
                # Before another worker sees that the lease has ended meanwhile.
                wait_s = min(_AWAY_S, every_s)
            else:
                wait_s = every_s


def _about(job: DueJob, problem: str) -> dict[str, object]:
    return {"tenant": job.tenant, "task": job.task, "attempt": job.attempts, "error": problem}


def pause_s(attempts: int, chance: float) -> float:
    """
    Give the pause after so many attempts; a fifth of it is left to chance, to spread the load.

    >>> pause_s(1, 0.5), pause_s(4, 0.5), pause_s(50, 0.5), pause_s(1, 0.0)
    (1.0, 8.0, 600.0, 0.8)
    """
    pause = min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempts - 1, 20))
    return pause * (1 - _JITTER + 2 * _JITTER * chance)
