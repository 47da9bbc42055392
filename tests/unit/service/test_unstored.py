"""A fallback that was sent and could not be stored: a copy of its request hears it as well."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reception import App, Call, Flow, flow
from reception.errors import AppError, Retry
from reception.ports import Committed, NewStep
from reception.service.unstored import REACH, Unstored
from tests.unit.service.conftest import VOICE, Caller, Node, body_of, node
from tests.unit.store.records import NOW, opening, step

FALLBACK = flow.user("5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4", timeout=20)


def asking() -> App:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        key = await call.ask("Press a key")
        return flow.tts(f"You pressed {key}").then(flow.hangup())

    return app


def serve(dsn: str, app: App, test: Callable[[Node], Awaitable[None]], **settings: Any) -> None:
    async def main() -> None:
        async with node(dsn, app, **settings) as one:
            await test(one)

    asyncio.run(main())


class Outage:
    """Takes the place of a method of the store, and lets it through when it is over."""

    def __init__(self, method: Callable[..., Awaitable[Any]]) -> None:
        self._method = method
        self.over = asyncio.Event()
        self.hangs = False
        self.is_done = False
        """The call reaches the database, and its answer does not come back."""

    async def __call__(self, *args: Any) -> Any:
        if self.over.is_set():
            return await self._method(*args)
        if self.hangs:
            await self.over.wait()
        if self.is_done:
            await self._method(*args)
        raise Retry("store.away", "the database is out of reach")


async def _settled(unstored: Unstored) -> None:
    """Wait until everything that is owed is stored."""
    for _ in range(500):
        if not unstored.owes:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it is not stored")


@pytest.mark.parametrize("method", ["commit", "load"])
@pytest.mark.parametrize("hangs", [False, True])
def test_a_step_that_could_not_be_stored_is_the_fallback_everywhere(
    dsn: str, monkeypatch: pytest.MonkeyPatch, method: str, hangs: bool
) -> None:
    async def test(one: Node) -> None:
        async with node(dsn, asking()) as other:
            caller = Caller(one)
            await caller.dial()
            if method == "load":
                one.forget()
            outage = Outage(getattr(one.steps, method))
            outage.hangs = hangs
            monkeypatch.setattr(one.steps, method, outage)
            await caller.press("1")
            assert FALLBACK.to_dict() == caller.replies[-1]
            copy = await one.post(*caller.last)
            assert FALLBACK.render() == copy.body, "the process that said it says it again"
            outage.over.set()
            await _settled(one.unstored)
            for node_asked in (one, other):
                assert FALLBACK.render() == (await node_asked.post(*caller.last)).body

    serve(dsn, asking(), test, deadline_s=0.8)


def test_who_has_said_the_fallback_goes_on_saying_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit has reached the database, and its acknowledgement was lost."""

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        outage = Outage(one.steps.commit)
        outage.is_done = True
        monkeypatch.setattr(one.steps, "commit", outage)
        await caller.press("1")
        assert FALLBACK.to_dict() == caller.replies[-1]
        outage.over.set()
        await _settled(one.unstored)
        assert FALLBACK.render() == (await one.post(*caller.last)).body
        one.clock.ahead = timedelta(hours=25)
        assert 404 == (await one.post(*caller.last)).status

    serve(dsn, asking(), test)


def test_a_copy_of_a_first_request_hears_the_fallback_that_was_sent(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(one: Node) -> None:
        outage = Outage(one.steps.open)
        monkeypatch.setattr(one.steps, "open", outage)
        caller = Caller(one)
        await caller.dial()
        assert FALLBACK.to_dict() == caller.replies[-1]
        outage.over.set()
        assert FALLBACK.render() == (await one.post(*caller.last)).body
        one.clock.ahead = timedelta(seconds=11)
        assert FALLBACK.render() != (await one.post(*caller.last)).body, "it is another call"

    serve(dsn, asking(), test)


def test_a_first_step_that_has_failed_stays_failed_for_its_copies(dsn: str) -> None:
    app = App("acme", fallback=FALLBACK)
    fails = [True]

    @app.answer
    async def _(call: Call) -> Flow:
        if fails.pop() if fails else False:
            raise ValueError("oops")
        await call.ask("Press a key")
        return flow.hangup()

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        assert FALLBACK.to_dict() == caller.replies[-1]
        assert FALLBACK.render() == (await one.post(*caller.last)).body

    serve(dsn, app, test)


def test_what_a_failing_dialog_sends_is_what_is_stored(dsn: str) -> None:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        await call.ask("PIN?", max_digits=4, secret=True)
        raise ValueError("oops")

    async def test(one: Node) -> None:
        caller = Caller(one)
        await caller.dial()
        await caller.press("1234")
        assert "set_variables" in caller.modules or FALLBACK.to_dict() != caller.replies[-1]
        assert caller.replies[-1] == json.loads((await one.post(*caller.last)).body)

    serve(dsn, app, test)


def test_a_call_that_asks_nothing_is_answered_where_there_was_never_a_database(
    tmp_path: Path,
) -> None:
    app = App("acme", fallback=FALLBACK)

    @app.answer
    async def _(call: Call) -> Flow:
        if call.caller_name == "Ann":
            await call.ask("Press a key")
        return flow.play("hello").then(flow.hangup())

    async def test(one: Node) -> None:
        assert b'"play"' in (await one.post()).body
        asked = await one.post(VOICE, body_of(**{"Caller-ID-Name": "Ann"}))
        assert FALLBACK.render() == asked.body

    serve(f"host={tmp_path} user=reception_app dbname=none", app, test)


class Store:
    """What `Unstored` knows of a store."""

    def __init__(self) -> None:
        self.is_away = True
        self.tried: list[int] = []
        self.refuses: set[int] = set()

    async def commit(self, new: NewStep) -> Committed:
        self.tried.append(new.step_no)
        if new.step_no in self.refuses:
            raise AppError("store.text", "it cannot be stored")
        if self.is_away:
            raise Retry("store.away", "away")
        return Committed("stored")


def test_what_is_owed_is_bounded_and_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.service.unstored._AGAIN_S", 0.01)

    async def main() -> None:
        store, now = Store(), [NOW]
        unstored = Unstored(store, now=lambda: now[0], most=3)  # type: ignore[arg-type]  # only `commit` is asked for
        for number in range(1, 6):
            unstored.note(step("e", number))
            unstored.note_first(opening("e", f"call {number}"), b"reply")
        await asyncio.sleep(0.05)
        assert [None, None, *[b"reply"] * 3] == [
            unstored.said("hotel", "e", n) for n in range(1, 6)
        ]
        assert [None, None, *[b"reply"] * 3] == [
            unstored.said_first(opening("x", f"call {n}")) for n in range(1, 6)
        ]
        store.refuses.add(3)
        store.is_away = False
        await _settled(unstored)
        assert [3, 4, 5] == store.tried[-3:]
        store.is_away, store.tried = True, []
        unstored.note(step("e", 6))
        await asyncio.sleep(0.03)
        now[0] = NOW + REACH + timedelta(seconds=1)
        store.is_away, store.tried = False, []
        await asyncio.sleep(0.05)
        assert ([], False) == (store.tried, unstored.owes)
        assert unstored.said("hotel", "e", 6) == b"reply"
        store.is_away, now[0] = True, NOW
        unstored.note(step("e", 7))
        await unstored.stop(within_s=0.05)
        assert unstored.owes
        store.is_away = False
        unstored = Unstored(store, now=lambda: NOW)  # type: ignore[arg-type]  # as above
        unstored.note(step("e", 8))
        await unstored.stop(within_s=1.0)
        assert not unstored.owes

    asyncio.run(main())
