"""A dialog whose call was given up hears of it, and one that may go on is left alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from reception import App, Call, Flow, flow
from reception.service.consequences import Consequences
from reception.store.due import PostgresJobs
from reception.store.steps import PostgresSteps
from reception.work.reaper import Reaper
from tests.unit.service.conftest import Caller, node

SILENCE = timedelta(hours=25)


def test_only_calls_that_were_silent_for_long_are_ended_and_once(dsn: str) -> None:
    app = App("acme", fallback=flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20))

    @app.answer
    async def _(call: Call) -> Flow:
        while True:
            await call.ask("Press a key")

    async def main() -> None:
        async with node(dsn, app) as one:
            talking = Caller(one, "talking")
            await talking.dial()
            for number in range(3):
                await Caller(one, f"silent {number}").dial()
            jobs = PostgresJobs(one.database)
            consequences = Consequences(one.reports, one.steps, jobs, now=one.clock, told=["acme"])
            reaper = Reaper(
                one.steps, ["acme"], consequences.give_up, now=one.clock, silence=SILENCE
            )
            one.clock.ahead = timedelta(hours=23)
            await talking.press("1")
            assert 0 == await reaper.look()
            one.clock.ahead = SILENCE + timedelta(seconds=1)
            assert 3 == await reaper.look()
            assert 0 == await reaper.look()
            (row,) = await one.steps.of_call("acme", "silent 1")
            assert (True, "") == (row.ended_at is not None, row.end_cause)
            (row,) = await one.steps.of_call("acme", "talking")
            assert row.ended_at is None
            now = one.clock() + timedelta(minutes=2)
            due = await jobs.take(["acme"], now=now, lease_until=now, limit=99)
            assert {"reception.call_ended": 3, "reception.dialog_ended": 3} == Counter(
                each.task for each in due
            )

    asyncio.run(main())


class Stuck(PostgresSteps):
    """Episodes that stay silent whatever is done."""

    def __init__(self) -> None:
        self.asked = 0

    async def silent(self, tenant: str, *, since: datetime, limit: int) -> Sequence[str]:
        self.asked += 1
        return ["e"]


def test_what_does_not_end_is_not_asked_about_for_ever() -> None:
    steps = Stuck()

    async def end(tenant: str, episode: str) -> None: ...

    async def main() -> int:
        reaper = Reaper(steps, ["acme"], end, now=lambda: datetime.now(UTC), silence=SILENCE)
        return await asyncio.wait_for(reaper.look(), 5)

    assert (1, 2) == (asyncio.run(main()), steps.asked)
