"""A database that dies, freezes or comes back: nobody hangs, nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from reception.errors import Retry
from reception.ports import Committed
from reception.store.embedded import EmbeddedServer
from reception.store.migrations import migrate
from reception.store.steps import PostgresSteps
from tests.unit.store.conftest import empty, rows, serving
from tests.unit.store.records import NOW, TENANT, claim, opening, step

DEADLINE_S = 2.0


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of its own, for tests that are bad for it."""
    server = EmbeddedServer(tmp_path_factory.mktemp("pg") / "data")
    server.start()
    try:
        migrate(server.dsn(user="postgres"))
        yield server
    finally:
        server.stop(timeout_s=0.0)


@pytest.fixture
def mortal(other: EmbeddedServer) -> EmbeddedServer:
    """It runs, whatever the test before has done to it, and is empty."""
    other.start()
    empty(other.dsn(user="postgres"))
    return other


def _kill(server: EmbeddedServer) -> None:
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    server.wait(5)


def _processes(server: EmbeddedServer) -> list[int]:
    """The server and its children."""
    assert server.pid is not None
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *map(int, children)]


class Caller:
    """One call after the other, step after step; it knows what was acknowledged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.acknowledged: dict[tuple[str, int], bytes] = {}
        self.slowest_s = 0.0
        self.refusals = 0

    async def talk(self, steps: PostgresSteps, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            episode = f"{self.name}.{number}"
            for step_no in range(5):
                if stop.is_set():
                    return
                reply = f"{episode}.{step_no}.{random.random()}".encode()
                if not await self._insist(steps, stop, episode, step_no, reply):
                    return

    async def _insist(
        self, steps: PostgresSteps, stop: asyncio.Event, episode: str, step_no: int, reply: bytes
    ) -> bool:
        """Repeat a step until it is acknowledged, as the platform's duplicate would."""
        new = step(episode, step_no, reply)
        while True:
            began = time.monotonic()
            try:
                if step_no == 0:
                    opened = await steps.open(opening(episode, episode), new)
                    assert opened.fate == "opened"
                else:
                    committed = await steps.commit(new)
                    assert committed.fate in {"stored", "duplicate"}
                    if committed.step is not None:
                        assert reply == committed.step.reply
            except Retry:
                self.refusals += 1
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                if stop.is_set():
                    return False
                await asyncio.sleep(0.02)
            else:
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.acknowledged[episode, step_no] = reply
                return True


def test_a_killed_server_has_every_acknowledged_step_when_it_is_back(
    mortal: EmbeddedServer,
) -> None:
    callers = [Caller(str(n)) for n in range(40)]
    over = threading.Event()

    async def talk() -> None:
        async with serving(mortal.dsn(user="reception_app")) as steps:
            stop = asyncio.Event()
            tasks = [asyncio.create_task(each.talk(steps, stop)) for each in callers]
            await asyncio.to_thread(over.wait)
            stop.set()
            await asyncio.gather(*tasks)

    # The server dies with the thread that has started it, so that is this one.
    talking = ThreadPoolExecutor(1).submit(asyncio.run, talk())
    for _ in range(2):
        time.sleep(0.5 + 0.3 * random.random())
        _kill(mortal)
        time.sleep(0.2)
        mortal.start()
    time.sleep(0.4)
    over.set()
    talking.result(20)

    stored = {
        (episode, number): bytes(reply)
        for episode, number, reply in rows(
            mortal.dsn(user="postgres"), "SELECT episode, step_no, reply FROM reception.step"
        )
    }
    acknowledged = {key: reply for each in callers for key, reply in each.acknowledged.items()}
    assert 500 < len(acknowledged)
    assert acknowledged == {key: stored.get(key) for key in acknowledged}
    assert 0 < sum(each.refusals for each in callers)
    assert max(each.slowest_s for each in callers) < DEADLINE_S


async def _refused_within_s(steps: PostgresSteps) -> list[float]:
    """How long each kind of request took to say no."""
    taken = []
    for attempt in (
        steps.commit(step("e", 1)),
        steps.load(TENANT, "e", 0),
        steps.open(opening("new", "new")),
        steps.claim(claim("e", 1)),
        steps.end(TENANT, "e", cause="hangup", now=NOW),
    ):
        began = time.monotonic()
        with pytest.raises(Retry):
            await attempt
        taken.append(time.monotonic() - began)
    return taken


async def _works(steps: PostgresSteps) -> None:
    assert Committed("stored") == await steps.commit(step("e", 1))
    assert "ours" == (await steps.claim(claim("e", 2))).fate
    assert await steps.load(TENANT, "e", 0) is not None
    assert await steps.end(TENANT, "e", cause="hangup", now=NOW)


def test_while_the_server_is_away_calls_fail_fast_and_then_it_goes_on(
    mortal: EmbeddedServer,
) -> None:
    async def scenario() -> None:
        async with serving(mortal.dsn(user="reception_app")) as steps:
            await steps.open(opening("e"), step("e", 0))
            await steps.claim(claim("e", 1, "warm"))
            mortal.stop()  # here, since it dies with the thread that starts it
            for _ in range(3):
                assert max(await _refused_within_s(steps)) < 1.0
            mortal.start()
            await asyncio.sleep(0.2)
            await _works(steps)

    asyncio.run(scenario())


def test_a_restart_in_between_is_not_noticed(mortal: EmbeddedServer) -> None:
    async def scenario() -> None:
        async with serving(mortal.dsn(user="reception_app")) as steps:
            await steps.open(opening("e"), step("e", 0))
            await steps.claim(claim("e", 1, "warm"))
            mortal.stop()  # here, since it dies with the thread that starts it
            mortal.start()
            await _works(steps)

    asyncio.run(scenario())


def test_a_frozen_server_is_given_up_within_the_deadline(mortal: EmbeddedServer) -> None:
    async def scenario() -> None:
        async with serving(mortal.dsn(user="reception_app")) as steps:
            await steps.open(opening("e"), step("e", 0))
            await steps.claim(claim("e", 1, "warm"))
            frozen = _processes(mortal)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            try:
                assert max(await _refused_within_s(steps)) < DEADLINE_S
            finally:
                for pid in reversed(frozen):
                    os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.3)
            history = await steps.load(TENANT, "e", 0)
            assert history is not None

    asyncio.run(scenario())


def test_a_store_can_be_opened_and_closed_while_there_is_no_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(f"host={tmp_path} user=reception_app dbname=none") as steps:
            with pytest.raises(Retry):
                await steps.commit(step("e", 1))
            with pytest.raises(Retry):
                await steps.claim(claim("e", 1))

    asyncio.run(scenario())


def test_a_connection_that_is_cut_is_replaced_without_a_word(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            await steps.claim(claim("e", 1, "warm"))
            with psycopg.connect(owner_dsn) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'reception_app'"
                )
            await asyncio.sleep(0.05)
            await _works(steps)

    asyncio.run(scenario())


def test_a_slow_lock_is_given_up_and_named_busy(dsn: str, owner_dsn: str) -> None:
    async def scenario() -> None:
        async with serving(dsn) as steps:
            await steps.open(opening("e"), step("e", 0))
            with psycopg.connect(owner_dsn) as owner:
                owner.execute("LOCK TABLE reception.step")
                began = time.monotonic()
                with pytest.raises(Retry) as caught:
                    await steps.commit(step("e", 1))
                assert "store.busy" == caught.value.code
                assert time.monotonic() - began < DEADLINE_S
            assert Committed("stored") == await steps.commit(step("e", 1))

    asyncio.run(scenario())
