"""Time in a test: it costs nothing, and the server's clock is the caller's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from reception import Call, Flow, flow
from reception.testing import Phone
from tests.unit.testing.apps import DESK, app_of


async def tells_the_time(call: Call) -> Flow:
    before = await call.now()
    await call.run(flow.user(DESK, timeout=30))
    await call.sleep(3600)
    after = await call.now()
    return flow.tts(f"{(after - before).total_seconds():.0f} s").then(flow.hangup())


def test_an_hour_of_the_call_costs_no_time_and_passes_on_the_server() -> None:
    with Phone(app_of(tells_the_time)) as phone:
        phone.no_answer(DESK)
        phone.dial()
        began_s = time.monotonic()
        phone.hear("3630 s")
        assert time.monotonic() - began_s < 5


async def greets(call: Call) -> Flow:
    hour = (await call.now()).hour
    return flow.tts("Good morning" if hour < 12 else "Good evening").then(flow.hangup())


def test_a_call_happens_when_the_test_says() -> None:
    with Phone(app_of(greets), at=datetime(2026, 3, 1, 9, tzinfo=UTC)) as phone:
        phone.dial()
        phone.hear("morning")
        phone.wait_for_end()
        phone.dial(at=datetime(2026, 3, 1, 20, tzinfo=UTC))
        phone.hear("evening")


def test_the_next_call_begins_after_the_last_one() -> None:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    with Phone(app_of(tells_the_time), at=at) as phone:
        phone.dial()
        phone.wait(10)
        phone.hang_up()
        phone.dial()
        assert phone.now >= at + timedelta(seconds=10)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="knows its zone"):
        Phone(app_of(greets), at=datetime(2026, 3, 1))  # noqa: DTZ001  that is the mistake


def test_the_lease_of_a_held_effect_does_not_run_out_on_the_phones_clock() -> None:
    ran = []

    async def slow() -> str:
        import asyncio

        ran.append(1)
        await asyncio.sleep(2.2)
        return "ready"

    async def answer(call: Call) -> Flow:
        told = await call.step(slow, while_=flow.play("hold.wav"))
        return flow.tts(told).then(flow.hangup())

    with Phone(app_of(answer)) as phone:
        phone.given("lasts hold.wav 25")
        phone.dial()
        phone.hear("hold.wav")
        phone.hear("ready")
        assert [1] == ran
        assert (datetime.now(UTC) - phone.now).total_seconds() < 0
