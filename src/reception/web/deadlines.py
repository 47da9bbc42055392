"""
The deadlines of all requests in flight, on one timer.

Every request may take equally long, so that the order of arrival is the order in which
deadlines pass, and only the oldest needs a timer. A timer for each costs more than what it
guards, and nearly every one of them is cancelled.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

# A request that was noticed later than this after its arrival has less time left than those
# before it, and gets a timer of its own; the others are at most so much late.
TOLERANCE_S: Final = 0.005


class Waiting(Protocol):
    """What has a deadline: when it began (monotonic seconds), and what then happens."""

    began_s: float

    def expire(self) -> None:
        """The deadline has passed."""


class Deadlines:
    """Calls `expire` of whatever is still watched `limit_s` after it began."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s: Final = limit_s
        # A dict, because it keeps the order and forgets in no time.
        self._waiting: Final[dict[Waiting, asyncio.TimerHandle | None]] = {}
        # In-process test clients give every request an event loop of its own.
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, one: Waiting, now_s: float) -> None:
        """From now on `one` has a deadline; on the event loop that is to keep it."""
        loop = asyncio.get_running_loop()
        if now_s - one.began_s > TOLERANCE_S:
            left_s = max(0.0, one.began_s + self._limit_s - now_s)
            self._waiting[one] = loop.call_later(left_s, one.expire)
            return
        self._waiting[one] = None
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self._limit_s, self._pass, loop)

    def forget(self, one: Waiting) -> None:
        """It is done."""
        timer = self._waiting.pop(one, None)
        if timer is not None:
            timer.cancel()

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            return
        self._loop = None
        now_s = time.monotonic()
        passed: list[Waiting] = []
        for one, timer in self._waiting.items():
            if timer is not None:
                continue
            left_s = one.began_s + self._limit_s - now_s
            if left_s > TOLERANCE_S:
                self._loop = loop
                loop.call_later(left_s, self._pass, loop)
                break
            passed.append(one)
        for one in passed:
            self._waiting.pop(one, None)
            one.expire()
