"""
Placing calls at a rate, whatever the server does.

The rule this file keeps: the next call is placed when it is due, never when the last one is
done. Each call is a whole one: its callflow is walked, keys are pressed, and it comes back with its
next request as the platform would. On the virtual clock nothing is waited for between two requests of
a call.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reception.simulator.call import CallSetup
from reception.simulator.client import PlatformClient
from reception.simulator.clock import Clock, RealClock, VirtualClock
from reception.simulator.load.tally import Tally
from reception.simulator.phone import Dialled, carry_call
from reception.simulator.quirks import Quirks
from reception.simulator.reading import Reply
from reception.simulator.request import Outgoing
from reception.simulator.script import Script
from reception.simulator.scripted import ScriptedWorld

MOST_AT_ONCE: Final = 5_000
_TICK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What to place.

    Shape:
        rate: calls a second; seconds: for how long.
        mix: scripts of callers with their weights.
        at_once: calls under way at most; what would be more counts as lost.
        real_time: let ringing and prompts take their time.
    """

    dialled: Dialled
    setup: CallSetup
    quirks: Quirks
    rate: float
    seconds: float
    mix: Sequence[tuple[Script, float]]
    at_once: int = MOST_AT_ONCE
    real_time: bool = False


async def generate(
    plan: Plan, tally: Tally, *, seed: int, progress: Callable[[float], None] = lambda _: None
) -> None:
    """
    Place all calls and wait for their ends.

    Shape:
        seed: which caller comes when. The names of the calls begin with the setup's: a server that
            has heard of a call repeats what it has said, and would not be measured.
        progress: told now and then how many seconds of the plan are done.
    """
    chance = random.Random(seed)  # noqa: S311  a load is to be repeatable
    scripts = [script for script, _ in plan.mix]
    weights = [weight for _, weight in plan.mix]
    client = PlatformClient(plan.quirks)
    began_s = time.monotonic()
    under_way: set[asyncio.Task[None]] = set()
    told_s = 0.0
    try:
        for number in range(max(1, round(plan.rate * plan.seconds))):
            due_s = began_s + number / plan.rate
            if (wait_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            if due_s - began_s - told_s >= _TICK_S:
                told_s = due_s - began_s
                progress(told_s)
            (script,) = chance.choices(scripts, weights)
            tally.begun(int(due_s - began_s))
            if len(under_way) >= plan.at_once:
                tally.lost(int(due_s - began_s), "not placed: too many calls under way")
                continue
            setup = replace(plan.setup, call_id=f"{plan.setup.call_id}-{number}")
            one = _One(plan, client, tally, began_s, due_s)
            task = asyncio.create_task(one.place(setup, script))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            # A generator that is late must not keep the calls that it has begun from going on.
            await asyncio.sleep(0)
        while under_way:
            await asyncio.wait(set(under_way), timeout=_TICK_S)
        progress(plan.seconds)
    finally:
        for task in under_way:
            task.cancel()
        await client.aclose()


class _One:
    """One call; stands between it and the client, to measure."""

    def __init__(
        self, plan: Plan, client: PlatformClient, tally: Tally, began_s: float, due_s: float
    ) -> None:
        self._plan: Final = plan
        self._client: Final = client
        self._tally: Final = tally
        self._began_s: Final = began_s
        self._due_s: float | None = due_s

    async def place(self, setup: CallSetup, script: Script) -> None:
        """Place the call and follow it to its end."""
        plan = self._plan
        clock: Clock = RealClock() if plan.real_time else VirtualClock()
        try:
            ending = await carry_call(
                plan.dialled,
                setup,
                platform=plan.quirks.version,
                clock=clock,
                world=ScriptedWorld(script, clock),
                note=None,
                transport=self,
                quirks=plan.quirks,
            )
        except Exception as error:  # noqa: BLE001  a call that vanishes must not look like a good one
            self._tally.lost(self._second(), f"not followed: {type(error).__name__}")
        else:
            self._tally.over(self._second(), ending)

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Send a request, and count what came of it from when it was due."""
        # The first was due with its call, the others when they are sent.
        due_s, self._due_s = self._due_s or time.monotonic(), None
        reply = await self._client.send(request, timeout_ms=timeout_ms)
        self._tally.replied(self._second(), time.monotonic() - due_s, reply)
        return reply

    def _second(self) -> int:
        return int(time.monotonic() - self._began_s)
