"""
What happens next in a simulated call, and when: messages at once, timers later.

The platform is many processes that send each other messages; here they are one list of
things to do, done in the order in which they were said, and a heap of timers. Nothing in
this file lets time pass: the walk does that, and asks here how far it may go. So a ring
of thirty seconds costs no time, and a key or a hang-up can fall between any two things.

The rule: what was said earlier happens earlier; of two timers for one instant the one
that was set first goes first.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from reception.simulator.clock import Clock

Action: TypeAlias = Callable[[], Awaitable[None] | None]
"""Something to do; one that is awaited may ask the world."""


class Timer:
    """A thing to do later, until it is cancelled."""

    __slots__ = ("action",)

    def __init__(self, action: Action) -> None:
        self.action: Action | None = action

    def cancel(self) -> None:
        """Do it never."""
        self.action = None


class Timeline:
    """The things to do in one call."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._ready: Final[deque[Action]] = deque()
        self._timers: Final[list[tuple[int, int, Timer]]] = []
        self._count = 0

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began."""
        return self._clock.now_ms

    def soon(self, action: Action) -> None:
        """Do this after what was said before."""
        self._ready.append(action)

    def at(self, at_ms: int, action: Action) -> Timer:
        """Do this at a time of the call's clock."""
        timer = Timer(action)
        self._count += 1
        heapq.heappush(self._timers, (at_ms, self._count, timer))
        return timer

    def after(self, for_ms: int, action: Action) -> Timer:
        """Do this so many milliseconds from now."""
        return self.at(self._clock.now_ms + for_ms, action)

    @property
    def next_ms(self) -> int | None:
        """The time of the next timer; None where there is none."""
        timers = self._timers
        while timers and timers[0][2].action is None:
            heapq.heappop(timers)
        return timers[0][0] if timers else None

    def ring(self) -> bool:
        """Make the next timer that is due ready; tells whether there was one."""
        at_ms = self.next_ms
        if at_ms is None or at_ms > self._clock.now_ms:
            return False
        timer = heapq.heappop(self._timers)[2]
        if timer.action is not None:
            self._ready.append(timer.action)
        return True

    async def settle(self) -> None:
        """Do all that is to be done at this instant."""
        ready = self._ready
        while True:
            while ready:
                waits = ready.popleft()()
                if waits is not None:
                    await waits
            if not self.ring():
                return
