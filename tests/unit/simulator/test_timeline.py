"""What happens next, and when."""

from __future__ import annotations

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.clock import VirtualClock
from reception.simulator.timeline import Timeline


def test_what_was_said_earlier_happens_earlier() -> None:
    timeline, told = Timeline(VirtualClock()), list[str]()

    def first() -> None:
        told.append("first")
        timeline.soon(lambda: told.append("third"))

    timeline.soon(first)
    timeline.soon(lambda: told.append("second"))
    asyncio.run(timeline.settle())
    assert told == ["first", "second", "third"]


def test_a_timer_waits_for_its_time_and_no_longer() -> None:
    clock = VirtualClock()
    timeline, told = Timeline(clock), list[int]()
    timeline.at(30_000, lambda: told.append(clock.now_ms))
    asyncio.run(timeline.settle())
    assert (told, timeline.next_ms) == ([], 30_000)
    asyncio.run(clock.until(30_000))
    asyncio.run(timeline.settle())
    assert (told, timeline.next_ms) == ([30_000], None)


def test_a_timer_that_is_cancelled_never_rings() -> None:
    timeline, told = Timeline(VirtualClock()), list[int]()
    timer = timeline.at(0, lambda: told.append(1))
    timer.cancel()
    assert timeline.next_ms is None
    asyncio.run(timeline.settle())
    assert told == []


@given(st.lists(st.integers(0, 50), max_size=30))
def test_timers_ring_in_order_of_time_and_then_of_setting(times: list[int]) -> None:
    async def run() -> list[tuple[int, int]]:
        clock = VirtualClock()
        timeline, told = Timeline(clock), list[tuple[int, int]]()
        for number, at_ms in enumerate(times):
            timeline.at(at_ms, partial(told.append, (at_ms, number)))
        while (next_ms := timeline.next_ms) is not None:
            await clock.until(next_ms)
            await timeline.settle()
        return told

    expected = sorted((at_ms, number) for number, at_ms in enumerate(times))
    assert expected == asyncio.run(run())
