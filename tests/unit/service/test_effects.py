"""Effects in a process that lives: none runs twice, and none stands in another tenant's way."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest

from reception import App, Call, Flow, flow
from reception.errors import Retry
from reception.service.threads import Threads
from tests.unit.service.conftest import Caller, node, nodes

FALLBACK = flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20)


def test_a_tenant_whose_system_hangs_takes_no_thread_from_another() -> None:
    async def main() -> None:
        threads, hangs = Threads(most=2), threading.Event()
        try:
            hanging = [
                asyncio.create_task(threads.call("a", lambda: hangs.wait(10))) for _ in range(5)
            ]
            await asyncio.sleep(0.05)
            assert "b" == await asyncio.wait_for(threads.call("b", lambda: "b"), 2)
        finally:
            hangs.set()
        await asyncio.gather(*hanging)
        threads.stop()

    asyncio.run(main())


def test_a_result_that_waits_for_the_database_is_not_made_again_when_its_lease_has_run_out(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []
    app = App("acme", fallback=FALLBACK)

    async def book() -> str:
        ran.append(1)
        return "ready"

    @app.answer
    async def _(call: Call) -> Flow:
        return flow.tts(await call.step(book, while_=flow.play("hold"))).then(flow.hangup())

    async def main() -> None:
        async with node(dsn, app, deadline_s=1.0) as one:
            finish, is_back = one.steps.finish, asyncio.Event()

            async def away(*args: Any, **values: Any) -> bool:
                if not is_back.is_set():
                    raise Retry("store.away", "away")
                return await finish(*args, **values)

            monkeypatch.setattr(one.steps, "finish", away)
            caller = Caller(one)
            await caller.dial()
            assert "play" in caller.modules
            one.clock.ahead = timedelta(seconds=40)
            await caller.send(caller.url())
            is_back.set()
            await caller.send(caller.url())
            assert "ready" == nodes(caller.replies[-1])[0]["data"]["text"]
        assert [1] == ran

    asyncio.run(main())


def test_of_effects_that_fail_together_in_an_outage_nothing_is_left_unheard(
    dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        await call.gather(call.step(str.upper, "a"), call.step(str.lower, "B"))
        return flow.hangup()

    async def main() -> None:
        async with node(dsn, app) as one:

            async def away(_: object) -> None:
                raise Retry("store.away", "away")

            monkeypatch.setattr(one.steps, "claim", away)
            caller = Caller(one)
            await caller.dial()
            assert FALLBACK.to_dict() == caller.replies[-1]

    with caplog.at_level(logging.ERROR, "asyncio"):
        asyncio.run(main())
    assert [] == caplog.records
