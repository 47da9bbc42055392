"""
The clock of a simulated call: milliseconds since the call began.

On the virtual clock thirty seconds of ringing cost nothing; on the real one they last
thirty seconds. Nobody else in the simulator asks for the time or sleeps, with one
exception: the HTTP client measures how long a server really took, and that time is
counted on either clock.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol


class Clock(Protocol):
    """Tells the time of the call and lets it pass."""

    @property
    def stands_still(self) -> bool:
        """Tell whether time passes only where it is waited for."""
        ...

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began; never goes back."""
        ...

    async def until(self, at_ms: int) -> None:
        """Let time pass up to `at_ms`; at once where that is already past."""
        ...


class VirtualClock:
    """Time passes only when somebody waits for it, and then without waiting."""

    stands_still: Final = True

    def __init__(self) -> None:
        self._now_ms = 0

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began."""
        return self._now_ms

    async def until(self, at_ms: int) -> None:
        """Jump to `at_ms`, or stay where that is in the past."""
        self._now_ms = max(self._now_ms, at_ms)


class RealClock:
    """Time as the person at the keyboard lives it."""

    stands_still: Final = False

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def now_ms(self) -> int:
        """Milliseconds since the call began."""
        return round((time.monotonic() - self._began) * 1000)

    async def until(self, at_ms: int) -> None:
        """Sleep up to `at_ms`."""
        left_ms = at_ms - self.now_ms
        if left_ms > 0:
            await asyncio.sleep(left_ms / 1000)
