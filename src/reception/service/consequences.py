"""
The use case "what follows from a report": the end of a call ends its dialogs.

A dialog belongs to the leg that called. Its end is known when the platform says that this leg, by
any of the names that the call has had, is destroyed. The account that reports must be the one that
the call came from. Some time later, when the reports of the other legs have come, its application
is told (`conversations`); that is deferred here, once for each call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from reception.ports import CALL_TASK, ENDINGS, EpisodeRow, Jobs, Reports, Steps, StoredReport
from reception.service.reports import decode_report

SETTLE_AFTER: Final = timedelta(seconds=60)
"""How long after the end of the calling leg the reports of the others are waited for."""


class Consequences:
    """
    Draws the consequences of reports; one for a process.

    Args:
        told: the tenants whose applications want to hear of ended calls.
    """

    def __init__(
        self,
        reports: Reports,
        steps: Steps,
        jobs: Jobs,
        *,
        now: Callable[[], datetime],
        told: Collection[str] = (),
    ) -> None:
        self._reports: Final = reports
        self._steps: Final = steps
        self._jobs: Final = jobs
        self._now: Final = now
        self._told: Final = told

    async def draw(self, stored: StoredReport) -> None:
        """
        Draw the consequences of one report; doing it twice changes nothing.

        Errors:
            Retry: the database is away; do it again.
        """
        if stored.event in ENDINGS and stored.call_id:
            cause = decode_report(stored.report).hangup_cause or ""
            rows = [
                row
                for row in await self._steps.of_call(stored.tenant, stored.call_id)
                if stored.account_id in ("", row.account_id)
            ]
            await self._end(rows, cause)
        await self._reports.seen(stored)

    async def give_up(self, tenant: str, episode: str) -> None:
        """
        End a dialog of whose call nothing was heard for too long; why it ended is not known.

        Errors:
            Retry: the database is away; do it again.
        """
        history = await self._steps.load(tenant, episode, -1)
        if history is not None:
            # Of one call one dialog is open at most; another account may use its name.
            row = history.episode
            rows = await self._steps.of_call(tenant, row.call_id)
            await self._end([each for each in rows if each.account_id == row.account_id], "")

    async def _end(self, rows: Sequence[EpisodeRow], cause: str) -> None:
        """End the dialogs of one call, the latest first; the first one stands for the call."""
        for row in rows:
            if row.ended_at is None:
                await self._steps.end(row.tenant, row.episode, cause=cause, now=self._now())
        if rows and rows[-1].tenant in self._told:
            first = rows[-1]
            await self._jobs.defer_once(
                first.tenant, first.episode, CALL_TASK, due_at=self._now() + SETTLE_AFTER
            )
