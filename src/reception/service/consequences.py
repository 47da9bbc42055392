"""
The use case "what follows from a report": the end of a call ends its dialogs.

A dialog belongs to the leg that called. Its end is known when the platform says that this leg,
by any of the names that the call has had, is destroyed. The account that reports must be the
one that the call came from.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from reception.ports import Reports, Steps, StoredReport
from reception.service.reports import decode_report

_ENDING: Final = "destroy"


class Consequences:
    """Draws the consequences of reports; one for a process."""

    def __init__(self, reports: Reports, steps: Steps, *, now: Callable[[], datetime]) -> None:
        self._reports: Final = reports
        self._steps: Final = steps
        self._now: Final = now

    async def draw(self, stored: StoredReport) -> None:
        """
        Draw the consequences of one report; doing it twice changes nothing.

        Errors:
            Retry: the database is away; do it again.
        """
        if stored.event == _ENDING and stored.call_id:
            cause = decode_report(stored.report).hangup_cause or ""
            for row in await self._steps.of_call(stored.tenant, stored.call_id):
                is_theirs = stored.account_id in ("", row.account_id)
                if row.ended_at is None and is_theirs:
                    await self._steps.end(stored.tenant, row.episode, cause=cause, now=self._now())
        await self._reports.seen(stored)
