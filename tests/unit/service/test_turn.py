"""What a turn leaves behind in the process that answered it."""

from __future__ import annotations

import asyncio
import gc

from reception import App, Call, Flow, flow
from tests.unit.service.conftest import Caller, node


def test_a_turn_leaves_nothing_to_the_garbage_collector(dsn: str) -> None:
    app = App("acme", fallback=flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20))

    @app.answer
    async def _(call: Call) -> Flow:
        await call.say("Welcome.")
        name = await call.step(str.upper, "a")
        for number in range(3):
            await call.ask(f"{name}, question {number}", valid="123")
        return flow.hangup()

    async def main() -> int:
        async with node(dsn, app) as one:

            async def talk(name: str) -> None:
                caller = Caller(one, name)
                await caller.dial()
                for _ in range(3):
                    await caller.press("1")

            await talk("warm")
            gc.collect()
            gc.disable()
            try:
                for number in range(10):
                    await talk(f"call {number}")
                return gc.collect()
            finally:
                gc.enable()

    found = asyncio.run(main())
    # 40 turns; a cycle through one of them would keep some 30 objects each.
    assert found < 100, f"{found} objects in cycles"
