"""An application is told of each of its calls once, with all that was reported of its legs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reception import App, Call, EndedCall, Flow, flow
from reception.bootstrap.target import find_function
from reception.errors import Retry
from reception.ports import CALL_TASK
from reception.service.consequences import SETTLE_AFTER, Consequences
from reception.service.conversations import LONGEST, Conversations
from reception.service.tasks import Owner, Tasks
from reception.store.due import PostgresJobs
from tests.unit.service.conftest import Caller, Node, node
from tests.unit.web.asgi import ACCOUNT, SECRET, request

FALLBACK = flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20)
HANGUP = f"/hangup?APPID=acme&key={SECRET}"


def told_by(heard: list[EndedCall]) -> App:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        await call.ask("Press a key")
        return flow.hangup()

    @app.ended
    async def _(call: EndedCall) -> None:
        heard.append(call)

    return app


async def report(one: Node, call_id: str, event: str = "channel_destroy", **values: Any) -> None:
    body = {"hook_event": event, "call_id": call_id, "account_id": ACCOUNT} | values
    assert 200 == (await request(one.site, HANGUP, json.dumps(body).encode())).status


async def work(one: Node, *, later: timedelta = SETTLE_AFTER) -> int:
    """Draw the consequences of what is new, and do what is due `later`; how much of it failed."""
    jobs = PostgresJobs(one.database)
    consequences = Consequences(one.reports, one.steps, jobs, now=one.clock, told=["acme"])
    for each in await one.reports.new(["acme"], limit=100):
        await consequences.draw(each)
    owners = {name: Owner(app, FALLBACK) for name, app in one.apps.items()}
    one.clock.ahead += later
    conversations = Conversations(one.reports, one.steps, now=one.clock)
    tasks = Tasks(owners, one.endings, conversations, one.effects, find_function)
    now, failed = one.clock(), 0
    for job in await jobs.take(["acme"], now=now, lease_until=now + timedelta(1), limit=100):
        try:
            # In a task of its own, as a runner does it: who runs is known by the context.
            await asyncio.create_task(tasks.run(job))
        except Retry:
            failed += 1
            await jobs.again(job, due_at=now, problem="")
        else:
            await jobs.done(job, now=now)
    return failed


def serve(dsn: str, app: App, test: Callable[[Node], Awaitable[None]]) -> None:
    async def main() -> None:
        async with node(dsn, app) as one:
            await test(one)

    asyncio.run(main())


def test_an_application_is_told_once_with_all_legs(dsn: str) -> None:
    heard: list[EndedCall] = []

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        episode = (await one.steps.of_call("acme", "c1"))[0].episode
        # A leg that only our own variable leads to, one that names ours, and one that ours names.
        await report(one, "fork", billing_seconds=0, custom_application_vars={"rx_e": episode})
        await report(one, "carrier", billing_seconds=61, other_leg_call_id="c1")
        await report(one, "phone", billing_seconds=5)
        for _ in range(3):
            await report(
                one, "c1", billing_seconds=88, duration_seconds=95, other_leg_call_id="phone"
            )
        await report(one, "stranger", billing_seconds=999)
        assert 0 == await work(one)
        await report(one, "c1", billing_seconds=89)
        assert 0 == await work(one)

    serve(dsn, told_by(heard), test)
    (call,) = heard
    assert ["c1", "carrier", "fork", "phone"] == [
        call.legs[0].call_id,
        *sorted(leg.call_id or "" for leg in call.legs[1:]),
    ]
    assert (88, 61, ACCOUNT) == (call.seconds, call.talk_seconds, call.account_id)


def test_a_leg_that_is_still_up_is_waited_for_but_not_for_ever(dsn: str) -> None:
    heard: list[EndedCall] = []

    async def test(one: Node) -> None:
        await Caller(one).dial()
        await report(one, "b", "channel_answer", other_leg_call_id="c1")
        await report(one, "c1", billing_seconds=88)
        assert 1 == await work(one)
        assert [] == heard
        await report(one, "b", billing_seconds=70, other_leg_call_id="c1")
        assert 0 == await work(one)
        assert [70] == [call.talk_seconds for call in heard]

        await Caller(one, "c2").dial()
        await report(one, "b2", "channel_answer", other_leg_call_id="c2")
        await report(one, "c2", billing_seconds=88)
        assert 1 == await work(one)
        assert 0 == await work(one, later=LONGEST)
        assert [70, None] == [call.talk_seconds for call in heard]

    serve(dsn, told_by(heard), test)


def test_nothing_is_told_before_the_reports_of_other_legs_had_time_to_come(dsn: str) -> None:
    heard: list[EndedCall] = []

    async def test(one: Node) -> None:
        await Caller(one).dial()
        await report(one, "c1", billing_seconds=88)
        assert 0 == await work(one, later=SETTLE_AFTER - timedelta(seconds=1))
        assert [] == heard
        assert 0 == await work(one, later=timedelta(seconds=1))
        assert 1 == len(heard)

    serve(dsn, told_by(heard), test)


def test_a_call_that_was_forgotten_is_no_error(dsn: str) -> None:
    async def test(one: Node) -> None:
        conversations = Conversations(one.reports, one.steps, now=lambda: datetime.now(UTC))
        assert await conversations.of_episode("acme", "nothing") is None

    serve(dsn, told_by([]), test)


def test_there_is_one_such_task_in_a_call(dsn: str) -> None:
    async def test(one: Node) -> None:
        jobs = PostgresJobs(one.database)
        for _ in range(3):
            await jobs.defer_once("acme", "e", CALL_TASK, due_at=one.clock())
        now = one.clock()
        assert 1 == len(await jobs.take(["acme"], now=now, lease_until=now, limit=9))

    serve(dsn, told_by([]), test)


def test_a_second_function_is_refused() -> None:
    app = told_by([])
    with pytest.raises(Exception, match=r"has an @app\.ended already"):
        app.ended(print)
