"""
The use case "tell the application of a call that is over": all its legs, as one record.

Legs are found from the calling one: by the names that the call has had, by the legs it was
bridged with, by the platform's interaction, and by our own variable in it. While a leg of them is
still up the record waits for it, but not for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from reception.errors import Retry
from reception.face.ended import EndedCall
from reception.ports import Reports, Steps
from reception.service.joining import joined, still_up
from reception.service.reports import decode_report
from reception.wire import LegReport

LONGEST: Final = timedelta(hours=6)
"""How long after the last word of a leg that is still up its end is waited for."""

# Each round finds the legs that those of the round before name.
_ROUNDS: Final = 4


class Conversations:
    """Finds and joins what was reported of a call; one for a process."""

    def __init__(self, reports: Reports, steps: Steps, *, now: Callable[[], datetime]) -> None:
        self._reports: Final = reports
        self._steps: Final = steps
        self._now: Final = now

    async def of_episode(self, tenant: str, episode: str) -> EndedCall | None:
        """
        Make the record of the call that an episode belongs to; None where it was forgotten.

        Errors:
            Retry: a leg is still up, or the database is away.
        """
        history = await self._steps.load(tenant, episode, -1)
        if history is None:
            return None
        row = history.episode
        episodes = await self._steps.of_call(tenant, row.call_id)
        reports, last = await self._found(
            tenant, {row.call_id}, {each.episode for each in episodes} | {episode}
        )
        if still_up(reports) and last is not None and self._now() - last < LONGEST:
            raise Retry("work.leg_up", "a leg of the call is still up", after_s=60.0)
        return joined(row.call_id, row.account_id, reports)

    async def _found(
        self, tenant: str, calls: set[str], marks: set[str]
    ) -> tuple[list[LegReport], datetime | None]:
        """All reports of a conversation, in the order in which they came, and when the last came."""
        interactions: set[str] = set()
        reports: list[LegReport] = []
        last: datetime | None = None
        for _ in range(_ROUNDS):
            stored = await self._reports.together(
                tenant, calls=calls, interactions=interactions, marks=marks
            )
            reports = [decode_report(each.report) for each in stored]
            last = max((each.received_at for each in stored), default=None)
            known = {report.call_id for report in reports if report.call_id}
            others = {report.other_leg_call_id for report in reports if report.other_leg_call_id}
            company = {report.interaction_id for report in reports if report.interaction_id}
            if known | others <= calls and company <= interactions:
                break
            calls, interactions = calls | known | others, interactions | company
        return reports, last
