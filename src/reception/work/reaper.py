"""
Ending the dialogs of calls whose end nobody has reported.

The rule this file keeps: a dialog is ended only when no step of it can be answered any more, so
that a caller who is still on the line loses nothing by it. Why and when the call ended is not
known, and is not guessed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from reception.errors import Retry
from reception.ports import Steps

EVERY_S: Final = 60.0
_AT_ONCE: Final = 100

_log: Final = structlog.stdlib.get_logger("reception.work")


class Reaper:
    """
    Ends silent dialogs, now and then, until it is cancelled.

    Args:
        tenants: whose dialogs.
        end: ends one: tenant and episode.
        silence: after how much of it.
    """

    def __init__(
        self,
        steps: Steps,
        tenants: Sequence[str],
        end: Callable[[str, str], Awaitable[None]],
        *,
        now: Callable[[], datetime],
        silence: timedelta,
    ) -> None:
        self._steps: Final = steps
        self._tenants: Final = tenants
        self._end: Final = end
        self._now: Final = now
        self._silence: Final = silence

    async def serve(self) -> None:
        """Look once a minute."""
        while True:
            try:
                await self.look()
            except Retry:
                # The next minute is as good.
                pass
            except Exception as error:  # noqa: BLE001  nor does a mistake end the looking
                _log.error("work.not_looked", error=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def look(self) -> int:
        """
        End what is silent now; gives how many.

        Errors:
            Retry: the database is away.
        """
        count = 0
        for tenant in self._tenants:
            since = self._now() - self._silence
            ended: set[str] = set()
            while silent := await self._steps.silent(tenant, since=since, limit=_AT_ONCE):
                if ended.issuperset(silent):
                    # They did not end: asking again at once would change nothing.
                    break
                for episode in silent:
                    await self._end(tenant, episode)
                ended.update(silent)
            count += len(ended)
        if count:
            _log.warning("work.silent_calls", calls=count)
        return count
