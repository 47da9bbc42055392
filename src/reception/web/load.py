"""
How much a worker has on its hands, and whether it takes one call more.

Shedding goes by requests in flight and by how long a request has waited already, never by
connections: the platform keeps many idle ones. One tenant whose handlers hang must not
take the place of all others, so that each has at most half of it.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from reception.face.call import Call
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings

ARRIVED: Final = "reception.arrived_s"
"""Key of the scope under which our protocol notes the monotonic time of arrival."""

_TICK_S: Final = 0.05


class Ended(NamedTuple):
    """How a handler in a thread ended; an exception crosses as a value, whatever its class."""

    value: object
    error: BaseException | None


class Load:
    """Counts what is in flight, runs plain `def` handlers, and measures the event loop."""

    def __init__(self, settings: WebSettings, *, tenants: int) -> None:
        self._limit: Final = settings.max_in_flight
        self._share: Final = self._limit if tenants < 2 else max(1, self._limit // 2)
        self._patience_s: Final = settings.deadline_s
        self._by_tenant: dict[str, int] = {}
        self.in_flight = 0
        self.lag_s = 0.0
        # As many threads as requests in flight: an admitted call never waits for one.
        self._threads: Final = ThreadPoolExecutor(
            self._limit, thread_name_prefix="reception-handler"
        )

    @property
    def is_full(self) -> bool:
        """Would the next call be turned away, whose ever it is?"""
        return self.in_flight >= self._limit or self.lag_s > self._patience_s

    def take(self, app_id: str, waited_s: float) -> bool:
        """Count one request in, unless there is no room or it has waited for too long."""
        ours = self._by_tenant.get(app_id, 0)
        if self.is_full or ours >= self._share or waited_s > self._patience_s:
            return False
        self.in_flight += 1
        self._by_tenant[app_id] = ours + 1
        return True

    def give_back(self, app_id: str) -> None:
        """Count one request out."""
        self.in_flight -= 1
        self._by_tenant[app_id] -= 1

    async def run_in_thread(
        self, app_id: str, answer: Callable[[Call], object], call: Call
    ) -> object:
        """Run a plain `def` handler; a thread that outlives its request stays in flight."""
        loop = asyncio.get_running_loop()
        future = self._threads.submit(contextvars.copy_context().run, _call, answer, call)
        try:
            ended = await asyncio.wrap_future(future, loop=loop)
        except asyncio.CancelledError:
            if not future.done():
                self.in_flight += 1
                self._by_tenant[app_id] = self._by_tenant.get(app_id, 0) + 1
                future.add_done_callback(lambda _: _tell(loop, self.give_back, app_id))
            raise
        if ended.error is not None:
            raise ended.error
        return ended.value

    def warm_up(self) -> None:
        """Start the threads now: a burst of first calls should not wait for them one by one."""
        gate = threading.Event()
        for _ in range(self._limit):
            self._threads.submit(gate.wait)
        gate.set()

    def stop(self) -> None:
        """Take no more work; threads that hang in an application's code hold nothing up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def watch(self, lifecycle: Lifecycle) -> None:
        """Measure how late the event loop is, until the end of `lifecycle`."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _TICK_S
        self.lag_s = 0.0

        def tick() -> None:
            nonlocal due
            now = loop.time()
            self.lag_s = max(0.0, now - due)
            due = now + _TICK_S
            if lifecycle.started:
                loop.call_at(due, tick)

        loop.call_at(due, tick)


def _call(answer: Callable[[Call], object], call: Call) -> Ended:
    try:
        return Ended(answer(call), None)
    except BaseException as error:  # noqa: BLE001  # it is raised again on the event loop
        return Ended(None, error)


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[str], Any], app_id: str) -> None:
    # The loop may be closed by the time that a hanging thread ends.
    if not loop.is_closed():
        loop.call_soon_threadsafe(what, app_id)
