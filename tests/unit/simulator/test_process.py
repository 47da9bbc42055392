"""A module at work: its mailbox, its pauses, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from reception.simulator.clock import VirtualClock
from reception.simulator.events import CallEvent
from reception.simulator.process import Crash, Process
from reception.simulator.timeline import Timeline


class Rig:
    """One process, and what became of it."""

    def __init__(self, module: Callable[[Process], Coroutine[Any, Any, Any]]) -> None:
        self.clock = VirtualClock()
        self.timeline = Timeline(self.clock)
        self.ends: list[Any] = []
        self.process = Process(
            self.timeline,
            ended=lambda _, after: self.ends.append(after),
            crashed=lambda _, crash: self.ends.append(crash.reason),
        )
        self.process.start(module(self.process))
        self.settle()

    def settle(self) -> None:
        asyncio.run(self.timeline.settle())

    def pass_to(self, at_ms: int) -> None:
        asyncio.run(self.clock.until(at_ms))
        self.settle()

    def deliver(self, *names: str) -> None:
        for name in names:
            self.process.deliver(CallEvent(name))
        self.settle()


async def two(process: Process) -> list[str | None]:
    events = [await process.receive(), await process.receive(1_000)]
    return [None if event is None else event.name for event in events]


def test_events_come_one_after_another() -> None:
    rig = Rig(two)
    rig.deliver("a", "b")
    assert rig.ends == [["a", "b"]]
    assert not rig.process.is_alive


def test_waiting_ends_when_its_time_is_over() -> None:
    rig = Rig(two)
    rig.deliver("a")
    rig.pass_to(999)
    assert rig.ends == []
    rig.pass_to(1_000)
    assert rig.ends == [["a", None]]


def test_events_of_a_pause_wait_for_its_end() -> None:
    async def paused(process: Process) -> list[Any]:
        await process.pause(100)
        at_ms = rig.clock.now_ms
        event = await process.receive(500)
        return [at_ms, event and event.name]

    rig = Rig(paused)
    rig.deliver("a")
    assert rig.ends == []
    rig.pass_to(100)
    assert rig.ends == [[100, "a"]]


def test_what_was_killed_hears_and_says_nothing_more() -> None:
    rig = Rig(two)
    rig.process.kill()
    rig.deliver("a", "b")
    rig.pass_to(5_000)
    assert rig.ends == []
    assert not rig.process.is_alive


def test_a_module_may_be_killed_between_an_event_and_its_turn() -> None:
    rig = Rig(two)
    rig.process.deliver(CallEvent("a"))
    rig.process.kill()
    rig.settle()
    assert rig.ends == []


def test_a_crash_is_told_with_its_reason() -> None:
    async def crashing(process: Process) -> None:
        await process.receive()
        raise Crash("{badmatch,false}")

    rig = Rig(crashing)
    rig.deliver("a")
    assert rig.ends == ["{badmatch,false}"]


def test_what_a_module_awaits_of_the_loop_is_passed_through() -> None:
    async def asking(process: Process) -> str:
        await asyncio.sleep(0)
        return "asked"

    assert Rig(asking).ends == ["asked"]
