"""A call on the real clock, and one that nobody reads."""

from __future__ import annotations

import asyncio
import json

from reception.simulator.call import CallSetup, CallState
from reception.simulator.clock import Clock, RealClock, VirtualClock
from reception.simulator.nexts import Outcome
from reception.simulator.reading import Reply, Response
from reception.simulator.request import Outgoing
from reception.simulator.script import parse_script
from reception.simulator.scripted import ScriptedWorld
from reception.simulator.walk import Ending, Walk
from tests.unit.simulator.calls import node, pivot

BARELY_MS = 400


class SlowApp:
    """Answers after a while of real time, with a hang-up."""

    def __init__(self, after_s: float) -> None:
        self.after_s = after_s
        self.was_cancelled = False

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        try:
            await asyncio.sleep(self.after_s)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        body = json.dumps(node("hangup")).encode()
        return Response(
            200, (("content-type", "application/json"),), body, int(self.after_s * 1_000)
        )


def call(app: SlowApp, clock: Clock, script: str) -> Ending:
    walk = Walk(
        CallState.begin(CallSetup(call_id="c"), 4),
        clock=clock,
        world=ScriptedWorld(parse_script(script), clock),
        transport=app,
        note=None,
    )
    return asyncio.run(walk.run(pivot()))


def test_a_caller_hangs_up_while_a_real_request_is_under_way() -> None:
    app = SlowApp(30)
    ending = call(app, RealClock(), "wait 0.05\nhangup")
    assert Outcome.CALLER_HUNG_UP is ending.outcome
    assert 50 <= ending.at_ms < 50 + BARELY_MS
    assert app.was_cancelled


def test_a_reply_ends_the_wait_for_the_caller_on_the_real_clock() -> None:
    ending = call(SlowApp(0.05), RealClock(), "wait 20\nhangup")
    assert Outcome.HANGUP is ending.outcome
    assert 50 <= ending.at_ms < 50 + BARELY_MS


def test_a_call_that_nobody_reads_goes_the_same_way() -> None:
    ending = call(SlowApp(0), VirtualClock(), "")
    assert (Outcome.HANGUP, 0) == (ending.outcome, ending.at_ms)
