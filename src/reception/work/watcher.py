"""
Watching for reports of which nobody has drawn the consequences.

The rule this file keeps: a report is marked when its consequences are stored, so that a process
that dies in between leaves it to the next one. One that cannot be understood does not hold up
the others. And one that came before the dialog which it ends is looked at again: a caller may
hang up before the first answer is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from reception.errors import Retry
from reception.ports import Reports, StoredReport

POLL_S: Final = 0.25
AT_ONCE: Final = 100
AGAIN: Final = timedelta(seconds=10)
# A report is drawn within seconds, and a dialog is stored within seconds of its opening.
_OPENED: Final = timedelta(minutes=10)
_AWAY_S: Final = 1.0
_BROKEN_S: Final = 5.0

_log: Final = structlog.stdlib.get_logger("reception.work")


class Watcher:
    """
    Hands new reports on, the oldest first, until it is stopped.

    Args:
        tenants: whose reports.
        draw: draws the consequences of one, and marks it.
        now: the time, aware, in UTC.
    """

    def __init__(
        self,
        reports: Reports,
        tenants: Sequence[str],
        draw: Callable[[StoredReport], Awaitable[None]],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._reports: Final = reports
        self._tenants: Final = tenants
        self._draw: Final = draw
        self._now: Final = now
        self._again_at: datetime | None = None
        self._is_stopping = False

    def stop(self) -> None:
        """Finish the reports at hand, and no others."""
        self._is_stopping = True

    async def serve(self) -> None:
        """Hand on what is new, as it comes, until `stop`."""
        while not self._is_stopping:
            try:
                new = await self._reports.new(self._tenants, limit=AT_ONCE)
                drawn = [await self._one(report) for report in new]
                await self._look_again()
            except Retry:
                await asyncio.sleep(_AWAY_S)
            except Exception as error:  # noqa: BLE001  a database that lacks a migration gets it one day
                _log.error("work.reports_not_read", error=type(error).__name__)
                await asyncio.sleep(_BROKEN_S)
            else:
                await asyncio.sleep(0 if len(new) == AT_ONCE and all(drawn) else POLL_S)

    async def _look_again(self) -> None:
        now = self._now()
        if self._again_at is None or now >= self._again_at:
            self._again_at = now + AGAIN
            late = await self._reports.overtaken(self._tenants, since=now - _OPENED, limit=AT_ONCE)
            for report in late:
                await self._one(report)

    async def _one(self, report: StoredReport) -> bool:
        """Hand one on; False where its call is busy, and it has to wait for the next round."""
        try:
            await self._draw(report)
        except Retry as error:
            if error.code != "store.busy":
                raise
            return False
        except Exception as error:  # noqa: BLE001  the others must not wait behind it
            problem = type(error).__name__
            _log.error("work.report_failed", tenant=report.tenant, error=problem)
            await self._reports.seen(report)
        return True
