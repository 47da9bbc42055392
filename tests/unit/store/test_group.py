"""How groups come about: without a timer, never too large, and each caller for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from typing import cast

import psycopg
import pytest
from psycopg import errors

from reception.errors import Retry
from reception.store.group import Groups
from reception.store.lane import Lane, TimedOut


class Road:
    """What `Groups` knows of a lane."""

    is_broken = False

    async def close(self) -> None:
        self.is_broken = True


class Doubling:
    """Work that is done when the test says so."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most_under_way = 0
        self.bad: dict[int, Exception] = {}
        self.bad_once: dict[int, Exception] = {}

    def key(self, item: int) -> Hashable:
        return item

    async def run(self, lane: Lane, items: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(items))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        for item in items:
            if error := self.bad_once.pop(item, None):
                raise error
            if item in self.bad:
                raise self.bad[item]
        return [2 * item for item in items]


class Bench:
    """Groups over `Doubling`, and a count of connections."""

    def __init__(self, lanes: int = 2, size: int = 4) -> None:
        self.work = Doubling()
        self.connected = 0
        self.away = False
        self.groups: Groups[int, int] = Groups(self.work, self.connect, lanes=lanes, size=size)
        self.groups.open()

    async def connect(self) -> Lane:
        self.connected += 1
        if self.away:
            raise psycopg.OperationalError("nobody there")
        return cast("Lane", Road())

    async def beats(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


def test_alone_an_item_goes_at_once() -> None:
    async def scenario() -> None:
        bench = Bench()
        assert 6 == await bench.groups.do(3)
        assert [[3]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


def test_a_group_is_what_arrived_while_the_others_were_under_way() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.work.gate.clear()
        tasks = [asyncio.create_task(bench.groups.do(0))]
        await bench.beats()
        tasks.append(asyncio.create_task(bench.groups.do(1)))
        await bench.beats()
        tasks += [asyncio.create_task(bench.groups.do(n)) for n in range(2, 8)]
        await bench.beats()
        assert [[0], [1]] == bench.work.groups
        bench.work.gate.set()
        assert [2 * n for n in range(8)] == await asyncio.gather(*tasks)
        assert [[0], [1], [2, 3, 4, 5], [6, 7]] == bench.work.groups
        assert 2 == bench.work.most_under_way
        assert 2 == bench.connected
        await bench.groups.close()

    asyncio.run(scenario())


def test_items_that_arrive_together_share_one_group() -> None:
    async def scenario() -> None:
        bench = Bench()
        assert [2, 4, 6] == await asyncio.gather(*(bench.groups.do(n) for n in (1, 2, 3)))
        assert [[1, 2, 3]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


def test_two_of_one_key_are_never_in_one_group() -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        assert [2, 2, 4] == await asyncio.gather(*(bench.groups.do(n) for n in (1, 1, 2)))
        assert [[1, 2], [1]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


def test_an_item_that_spoils_its_group_fails_alone() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.work.bad[2] = errors.NumericValueOutOfRange("too large")
        results = await asyncio.gather(
            *(bench.groups.do(n) for n in (1, 2, 3)), return_exceptions=True
        )
        assert [2, 6] == [results[0], results[2]]
        assert isinstance(results[1], errors.NumericValueOutOfRange)
        assert [[1, 2, 3], [1], [2], [3]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [errors.DeadlockDetected(), errors.LockNotAvailable()])
def test_who_is_only_in_the_way_hears_retry(error: psycopg.Error) -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.work.bad[2] = error
        with pytest.raises(Retry) as caught:
            await bench.groups.do(2)
        assert "store.busy" == caught.value.code
        assert 2 == await bench.groups.do(1)
        await bench.groups.close()

    asyncio.run(scenario())


# What a server says that has lost its head, a session that a pooler has changed underneath, and
# what libpq makes of bytes that are no protocol.
@pytest.mark.parametrize(
    "error",
    [
        errors.InternalError_("cache lookup failed"),
        errors.InvalidSqlStatementName("prepared statement does not exist"),
        errors.IdleInTransactionSessionTimeout("terminating connection"),
        psycopg.DatabaseError("insufficient data"),
    ],
)
def test_a_confused_connection_is_replaced_and_a_confusing_item_fails_alone(
    error: psycopg.Error,
) -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        bench.work.bad_once[2] = error
        assert [2, 4, 6] == await asyncio.gather(*(bench.groups.do(n) for n in (1, 2, 3)))
        assert 2 == bench.connected
        bench.work.bad[2] = error
        results = await asyncio.gather(
            *(bench.groups.do(n) for n in (1, 2, 3)), return_exceptions=True
        )
        assert [2, 6] == [results[0], results[2]]
        assert isinstance(results[1], Retry)
        await bench.groups.close()

    asyncio.run(scenario())


def test_a_mistake_of_ours_is_heard_by_its_caller_and_does_not_stop_the_lane() -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        bench.work.bad[2] = KeyError("a mistake")
        results = await asyncio.gather(
            *(bench.groups.do(n) for n in (1, 2, 3)), return_exceptions=True
        )
        assert [2, 6] == [results[0], results[2]]
        assert isinstance(results[1], KeyError)
        assert 2 == await bench.groups.do(1)
        await bench.groups.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection"),
        errors.ReadOnlySqlTransaction("it has become a replica"),
        errors.DiskFull("no space left"),
    ],
)
def test_a_lost_connection_is_replaced_once(error: psycopg.Error) -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        bench.work.bad_once[1] = error
        assert 2 == await bench.groups.do(1)
        assert [[1], [1]] == bench.work.groups
        assert 2 == bench.connected
        bench.work.bad[1] = error
        with pytest.raises(Retry):
            await bench.groups.do(1)
        await bench.groups.close()

    asyncio.run(scenario())


def test_what_has_timed_out_is_not_tried_again() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.work.bad[1] = TimedOut("too long")
        with pytest.raises(Retry):
            await bench.groups.do(1)
        assert [[1]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


def test_while_the_database_is_away_everybody_hears_it_at_once() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.away = True
        results = await asyncio.gather(
            *(bench.groups.do(n) for n in range(20)), return_exceptions=True
        )
        assert {"store.away"} == {each.code for each in results if isinstance(each, Retry)}
        assert 20 == sum(isinstance(each, Retry) for each in results)
        tried = bench.connected
        for n in range(50):
            with pytest.raises(Retry):
                await bench.groups.do(n)
        assert tried == bench.connected
        bench.away = False
        await asyncio.sleep(0.15)
        assert 2 == await bench.groups.do(1)
        await bench.groups.close()

    asyncio.run(scenario())


def test_a_caller_that_goes_away_changes_nothing_for_the_others() -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        bench.work.gate.clear()
        under_way = [asyncio.create_task(bench.groups.do(n)) for n in (1, 2)]
        await bench.beats()
        waiting = [asyncio.create_task(bench.groups.do(n)) for n in (3, 4)]
        await bench.beats()
        under_way[0].cancel()
        waiting[0].cancel()
        await bench.beats()
        bench.work.gate.set()
        assert [4, 8] == [await under_way[1], await waiting[1]]
        assert [[1, 2], [4]] == bench.work.groups
        await bench.groups.close()

    asyncio.run(scenario())


def test_closing_finishes_what_is_under_way_and_refuses_the_rest() -> None:
    async def scenario() -> None:
        bench = Bench(lanes=1)
        bench.work.gate.clear()
        under_way = asyncio.create_task(bench.groups.do(1))
        await bench.beats()
        waiting = asyncio.create_task(bench.groups.do(2))
        await bench.beats()
        closing = asyncio.create_task(bench.groups.close())
        await bench.beats()
        bench.work.gate.set()
        assert 2 == await under_way
        with pytest.raises(Retry):
            await waiting
        with pytest.raises(Retry):
            await bench.groups.do(3)
        await closing

    asyncio.run(scenario())
