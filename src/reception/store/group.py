"""
Doing what has arrived at the same time in one go, without ever waiting for more.

A group is what arrived while the group before it was under way: alone, a caller is served
at once; under load the groups grow by themselves. There is no timer (a window would put its
length on every quiet call). At most `lanes` groups are under way, of at most `size` items.

An item that spoils its group fails alone: a group that is refused is tried again item by
item. A connection that is lost or confused is replaced once, because what is done here may be
done twice. Lost again, all who wait hear `Retry`, and so does everybody for a moment, at once,
so that nobody waits in line for a database that is away; confused again, it is one of the
items. A caller that stops waiting changes nothing for the others.

What a group does is the `Work`'s business; here is no SQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import psycopg

from reception.errors import ReceptionError, Retry
from reception.store import outage
from reception.store.lane import Lane, TimedOut

SIZE: Final = 64
LANES: Final = 2
_AWAY_S: Final = 0.1

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Work(Protocol[Item_contra, Result_co]):
    """What is done with a group."""

    def key(self, item: Item_contra) -> Hashable:
        """What no two items of one group may share."""
        ...

    async def run(self, lane: Lane, items: Sequence[Item_contra]) -> Sequence[Result_co]:
        """Do it, one result for each item in order; raising means that none of it is done."""
        ...


class Groups(Generic[Item, Result]):
    """The queue before one kind of work, and the lanes that serve it."""

    def __init__(
        self,
        work: Work[Item, Result],
        connect: Callable[[], Awaitable[Lane]],
        *,
        lanes: int = LANES,
        size: int = SIZE,
    ) -> None:
        self._work: Final = work
        self._connect: Final = connect
        self._lanes: Final = lanes
        self._size: Final = size
        self._queue: Final[deque[tuple[Item, asyncio.Future[Result]]]] = deque()
        self._idle: Final[list[asyncio.Future[None]]] = []
        self._called = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._is_open = False
        self._away_until = 0.0

    def open(self) -> None:
        """Start serving, on the running event loop."""
        self._is_open = True
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(self._lanes)]

    async def close(self) -> None:
        """Finish what is under way, refuse the rest, close the connections."""
        self._is_open = False
        self._fail_waiting(_closed())
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        await asyncio.gather(*self._tasks)
        self._fail_waiting(_closed())

    async def do(self, item: Item) -> Result:
        """
        Have the item done with whatever else is there, and wait for its result.

        Errors:
            Retry: the database is away; the item may have been done.
        """
        if not self._is_open:
            raise _closed()
        loop = asyncio.get_running_loop()
        if self._away_until and loop.time() < self._away_until:
            raise Retry("store.away", "the database is out of reach", after_s=_AWAY_S)
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.append((item, future))
        self._call_one()
        return await future

    def _call_one(self) -> None:
        """Wake a lane, unless one is awake already that will take all there is."""
        if self._idle and self._called * self._size < len(self._queue):
            self._idle.pop().set_result(None)
            self._called += 1

    async def _serve(self) -> None:
        lane: Lane | None = None
        while True:
            if not self._queue:
                if not self._is_open:
                    break
                idle = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
                self._called = max(0, self._called - 1)
                continue
            group = self._take()
            if group:
                lane = await self._do(lane, group)
        if lane is not None:
            await lane.close()

    def _take(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        """The oldest that still wait; of two that are alike, the second stays for later."""
        group: list[tuple[Item, asyncio.Future[Result]]] = []
        alike: list[tuple[Item, asyncio.Future[Result]]] = []
        keys: set[Hashable] = set()
        while self._queue and len(group) < self._size:
            entry = self._queue.popleft()
            if entry[1].done():
                continue
            key = self._work.key(entry[0])
            if key in keys:
                alike.append(entry)
            else:
                keys.add(key)
                group.append(entry)
        self._queue.extendleft(reversed(alike))
        self._call_one()
        return group

    async def _do(
        self, lane: Lane | None, group: list[tuple[Item, asyncio.Future[Result]]]
    ) -> Lane | None:
        """Do the group, tell each of its callers; returns the lane if it still works."""
        for is_last in (False, True):
            try:
                if lane is None or lane.is_broken:
                    if lane is not None:
                        await lane.close()
                    lane = None
                    lane = await self._connect()
                self._away_until = 0.0
                results = await self._work.run(lane, [item for item, _ in group])
            except (psycopg.Error, OSError) as error:
                kind, is_connected = outage.kind(error), lane is not None
                is_lost = kind in ("away", "confused")
                if lane is not None and is_lost:
                    await lane.close()
                    lane = None
                # What took too long once is not tried again: the caller's deadline is near.
                if is_lost and is_connected and not is_last and not isinstance(error, TimedOut):
                    continue
                if kind == "away" or (is_lost and not is_connected):
                    self._be_away(group, error)
                else:
                    lane = await self._do_each(lane, group, error)
                break
            except ReceptionError as error:
                _fail(group, error)
                break
            except Exception as error:  # noqa: BLE001 - a mistake in the work is its caller's to hear
                lane = await self._do_each(lane, group, error)
                break
            else:
                for (_, future), result in zip(group, results, strict=True):
                    if not future.done():
                        future.set_result(result)
                break
        return lane

    async def _do_each(
        self,
        lane: Lane | None,
        group: list[tuple[Item, asyncio.Future[Result]]],
        error: BaseException,
    ) -> Lane | None:
        """Find out which item has spoilt its group."""
        if len(group) == 1:
            _fail(group, error if outage.kind(error) is None else outage.retry(error))
            return lane
        for entry in group:
            if not entry[1].done():
                lane = await self._do(lane, [entry])
        return lane

    def _be_away(
        self, group: list[tuple[Item, asyncio.Future[Result]]], error: BaseException
    ) -> None:
        self._away_until = asyncio.get_running_loop().time() + _AWAY_S
        said = outage.retry(error)
        _fail(group, said)
        self._fail_waiting(said)

    def _fail_waiting(self, error: BaseException) -> None:
        waiting = list(self._queue)
        self._queue.clear()
        _fail(waiting, error)


def _closed() -> Retry:
    return Retry("store.closed", "the store is not open")


def _fail(group: list[tuple[Item, asyncio.Future[Result]]], error: BaseException) -> None:
    for _, future in group:
        if not future.done():
            # Each its own, since each adds its own traceback.
            if isinstance(error, Retry):
                error = Retry(error.code, error.message, after_s=error.after_s)
            future.set_exception(error)
