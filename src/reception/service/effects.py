"""
Running effects: the steps of a dialog that touch the world.

An effect is claimed in the store before it runs, so that of all copies of a request, on all
nodes, one runs it and the others wait for its result. It runs in a task of this process and
not of the request, which may be answered long before: a deadline and a caller who hangs up
stop nothing. What a crash leaves is a lease that runs out; then the next who asks runs it
again, with the same key. So an effect is run at least once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, Final

from reception.dialog import Effect, StepInfo
from reception.dialog.lines import name_of
from reception.dialog.running import entered
from reception.dialog.values import Result
from reception.errors import Denied, NeedsHuman, Retry
from reception.ports import EffectClaim, EffectRow, Steps
from reception.service.threads import Threads

LEASE: Final = timedelta(seconds=30)
_RENEW_S: Final = LEASE.total_seconds() / 3
# How long an attempt may take where `call.step` does not say: far beyond what a caller waits.
TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05
_MOST_POLL_S: Final = 0.5
_FINISH_AGAIN_S: Final = 0.5


class StepIsStored(Exception):
    """Another copy of the request has answered the step meanwhile; read what it said."""


class BegunByAnother(Exception):
    """
    Another copy of the request has begun the step, and what it drew and read counts.

    The clock and chance were asked before the effect ran: begin again with what is stored.
    """


_Op = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Running:
    """An effect that runs in this process, and the claim that it runs by."""

    task: asyncio.Task[bytes]
    claim: EffectClaim


class EffectRunner:
    """Runs effects and tells their results; one for a process."""

    def __init__(
        self, steps: Steps, *, now: Callable[[], datetime], new_owner: Callable[[], str]
    ) -> None:
        self._steps: Final = steps
        self._now: Final = now
        self._new_owner: Final = new_owner
        self.threads: Final = Threads()
        # The event loop alone would not hold a task that nobody waits for any more.
        self._running: Final[dict[_Op, _Running]] = {}

    async def result(self, effect: Effect, claim: EffectClaim) -> bytes:
        """
        Give the result of an effect, run here or by whoever has claimed it.

        Cancelling this stops the waiting, never the effect.

        Shape:
            claim: with any owner and times; each attempt to claim gets its own.

        Errors:
            StepIsStored: there is nothing left to run for.
            BegunByAnother: it was claimed with another journal.
            Denied: the episode has ended.
            NeedsHuman: it was begun too often and never came to an end.
            Retry: the database is away.
        """
        pause_s = _POLL_S
        op = (claim.tenant, claim.episode, claim.op)
        while True:
            if running := self._running.get(op):
                # Its lease may have run out while the database was away, and it has happened.
                if _is_other(running.claim, claim):
                    raise BegunByAnother
                return await asyncio.shield(running.task)
            now = self._now()
            claim = replace(claim, owner=self._new_owner(), now=now, lease_until=now + LEASE)
            try:
                claimed = await self._steps.claim(claim)
            except Retry as error:
                if error.code != "store.busy":
                    raise
                # Whoever asks gives up when it is time, and says the same to all copies.
                await asyncio.sleep(pause_s)
                continue
            row = claimed.effect
            if row is not None and _is_other(row, claim):
                raise BegunByAnother
            match claimed.fate:
                case "ours":
                    assert row is not None  # a claim that was won has a row
                    return await asyncio.shield(self._begun(op, effect, claim, row.attempts))
                case "settled":
                    return _result_of(row)
                case "stored":
                    raise StepIsStored
                case "ended":
                    raise Denied("denied.ended", "The call has ended.")
                case "exhausted":
                    raise NeedsHuman(
                        "dialog.exhausted",
                        f"Step {claim.op} of an episode was begun {row.attempts if row else 0}"
                        " times and never came to an end: see why its function kills or hangs the"
                        " process",
                    )
                case "theirs":
                    pass
            while row is not None and row.state == "running" and row.lease_until > self._now():
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _MOST_POLL_S)
                try:
                    row = await self._steps.effect(claim.tenant, claim.episode, claim.op)
                except Retry as error:
                    if error.code != "store.busy":
                        raise
            if row is not None and row.state != "running":
                return _result_of(row)

    def _begun(
        self, op: _Op, effect: Effect, claim: EffectClaim, attempt: int
    ) -> asyncio.Task[bytes]:
        task = asyncio.create_task(self._run(effect, claim, attempt))
        self._running[op] = _Running(task, claim)
        task.add_done_callback(lambda _: self._running.pop(op, None))
        return task

    async def stop(self, *, within_s: float) -> None:
        """Let what is running come to an end; the rest is run again by somebody else."""
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        for task in tasks:
            task.cancel()
        self.threads.stop()

    async def _run(self, effect: Effect, claim: EffectClaim, attempt: int) -> bytes:
        renewing = asyncio.create_task(self._renew(claim))
        limit_s = effect.timeout_s or TIMEOUT_S
        deadline = asyncio.timeout(limit_s)
        try:
            async with deadline:
                result = effect.succeeded(await self._value(claim.tenant, effect, attempt))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            if isinstance(error, TimeoutError) and deadline.expired():
                error = TimeoutError(f"{name_of(effect.function)} took longer than {limit_s:g} s")
            # Of its own accord it may raise a cancellation, or leave as a script does: it failed.
            result = effect.failed(error)
        finally:
            renewing.cancel()
        return await self._finished(claim, result)

    async def _value(self, tenant: str, effect: Effect, attempt: int) -> Any:
        # Here as well: what a plain function hands on is awaited here, and is still the step.
        entered(StepInfo(effect.key, attempt))
        if _is_async(effect.function):
            return await effect.start(attempt)
        return await self.threads.call(tenant, partial(effect.start, attempt))

    async def _renew(self, claim: EffectClaim) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            try:
                await self._steps.renew(
                    claim.tenant,
                    claim.episode,
                    claim.op,
                    owner=claim.owner,
                    lease_until=self._now() + LEASE,
                )
            except Retry:
                continue

    async def _finished(self, claim: EffectClaim, result: bytes) -> bytes:
        """Store the result; the stored one is what counts."""
        failed = not Result.decode(result).is_ok
        while True:
            try:
                kept = await self._steps.finish(
                    claim.tenant,
                    claim.episode,
                    claim.op,
                    owner=claim.owner,
                    failed=failed,
                    result=result,
                )
                if kept:
                    return result
                row = await self._steps.effect(claim.tenant, claim.episode, claim.op)
            except Retry:
                # It has happened; forgetting it would make it happen again.
                await asyncio.sleep(_FINISH_AGAIN_S)
                continue
            if row is None or row.state != "running":
                return _result_of(row)
            # Our lease ran out, and another one runs it now: its result is the one.
            await asyncio.sleep(_MOST_POLL_S)
            if row.lease_until <= self._now():
                return result


def _is_other(begun: EffectRow | EffectClaim, claim: EffectClaim) -> bool:
    """Was it begun in the same step, and with another journal?"""
    return begun.step_no == claim.step_no and begun.entries != claim.entries


def _result_of(row: EffectRow | None) -> bytes:
    if row is None or row.result is None:
        raise StepIsStored
    return row.result


def _is_async(function: Callable[..., Any]) -> bool:
    while isinstance(function, partial):
        function = function.func
    called = getattr(function, "__call__", None)  # noqa: B004  it is looked into, not tested
    return iscoroutinefunction(function) or iscoroutinefunction(called)
