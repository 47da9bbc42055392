"""A person at the keyboard: on virtual time the phone asks, on real time it listens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reception.simulator.call import CallSetup, CallState
from reception.simulator.clock import Clock, RealClock, VirtualClock
from reception.simulator.steps import Outcome
from reception.simulator.typed import TypedWorld
from reception.simulator.walk import Walk
from tests.unit.simulator.calls import USER, Replies, Told, node, pivot

ASK = node(
    "play",
    {"id": "/a.wav"},
    then=node("collect_dtmf", {"collection_name": "q", "max_digits": 2}, then=pivot()),
)


class Typed:
    """Lines given beforehand, with a pause before each; then the end of input, or none."""

    def __init__(self, lines: Sequence[str], pause_s: float = 0.0, *, ends: bool = True) -> None:
        self._lines = list(lines)
        self._pause_s = pause_s
        self._ends = ends

    async def read(self) -> str | None:
        if self._pause_s:
            await asyncio.sleep(self._pause_s)
        if not self._lines and not self._ends:
            await asyncio.Event().wait()
        return self._lines.pop(0) if self._lines else None


def call(lines: Typed, *replies: object, real_time: bool = False) -> tuple[Told, list[str]]:
    told, shown = Told(), list[str]()

    async def run() -> None:
        clock: Clock = RealClock() if real_time else VirtualClock()
        walk = Walk(
            CallState.begin(CallSetup(call_id="c"), 4),
            clock=clock,
            world=TypedWorld(lines, clock, show=shown.append, real_time=real_time),
            transport=Replies(told, replies),
            note=told.entries.append,
        )
        ending = await walk.run(pivot())
        told.outcome, told.at_ms = ending.outcome, ending.at_ms

    asyncio.run(run())
    return told, shown


def test_the_phone_asks_at_the_prompt_and_at_the_question() -> None:
    told, shown = call(Typed(["", "42"]), ASK, node("hangup"))
    assert {"q": "42"} == told.bodies()[1]["Digits"]
    assert ["prompt" in line for line in shown] == [True, False]


def test_keys_typed_at_the_prompt_answer_the_question() -> None:
    told, shown = call(Typed(["42"]), ASK, node("hangup"))
    assert {"q": "42"} == told.bodies()[1]["Digits"]
    assert len(shown) == 1


def test_what_is_no_key_is_asked_again() -> None:
    told, shown = call(Typed(["what?", "", "7", "", ""]), ASK, node("hangup"))
    assert len(shown) == 3
    assert {"q": "7"} == told.bodies()[1]["Digits"]


def test_hangup_and_the_end_of_input_end_the_call() -> None:
    assert Outcome.CALLER_HUNG_UP is call(Typed(["hangup"]), ASK)[0].outcome
    assert Outcome.CALLER_HUNG_UP is call(Typed([]), ASK)[0].outcome


def test_a_ringing_phone_is_asked_about() -> None:
    flow = node("user", {"id": USER}, USER_BUSY=node("hangup"))
    told, shown = call(Typed(["busy"]), flow)
    assert Outcome.HANGUP is told.outcome
    assert USER in shown[0]
    assert Outcome.BRIDGED is call(Typed([""]), flow)[0].outcome
    assert Outcome.FLOW_ENDED is call(Typed(["noanswer"]), flow)[0].outcome


def test_a_loop_without_questions_asks_for_the_person_now_and_then() -> None:
    told, shown = call(Typed(["", "hangup"]), node("sleep", {"duration": 60}, then=pivot()))
    assert Outcome.CALLER_HUNG_UP is told.outcome
    assert ["nothing was asked"] * 2 == [line[:17] for line in shown]
    assert 20 * 60_000 <= told.at_ms < 25 * 60_000


def test_on_real_time_a_line_acts_when_it_is_entered() -> None:
    ask = node("collect_dtmf", {"collection_name": "q", "timeout": 2_000}, then=pivot())
    told, _ = call(Typed(["5"], 0.2, ends=False), ask, node("hangup"), real_time=True)
    assert {"q": "5"} == told.bodies()[1]["Digits"]
    assert 150 <= told.at_ms < 1_500


def test_on_real_time_a_phone_rings_until_somebody_answers() -> None:
    flow = node("user", {"id": USER, "timeout": 3}, USER_BUSY=node("hangup"))
    told, _ = call(Typed(["busy"], 0.2, ends=False), flow, real_time=True)
    assert Outcome.HANGUP is told.outcome
    assert told.at_ms < 1_500


def test_hanging_up_while_it_rings_ends_the_call() -> None:
    told, _ = call(Typed(["hangup"]), node("user", {"id": USER}, then=node("answer")))
    assert Outcome.CALLER_HUNG_UP is told.outcome
