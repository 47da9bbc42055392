"""Every report is handed on, whatever another one does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from reception.errors import Retry
from reception.ports import StoredReport
from reception.store.leg_reports import PostgresReports
from reception.work.watcher import Watcher

AT = datetime(2026, 11, 4, tzinfo=UTC)


class New(PostgresReports):
    """Reports that are new until somebody has seen them; cannot be read at first."""

    def __init__(self, *calls: str) -> None:
        self.left = [StoredReport("acme", call, "destroy", b"", "", b"", AT) for call in calls]
        self.is_broken = True

    async def new(self, tenants: Sequence[str], *, limit: int) -> Sequence[StoredReport]:
        if self.is_broken:
            self.is_broken = False
            raise LookupError
        return self.left[:limit]

    async def overtaken(
        self, tenants: Sequence[str], *, since: datetime, limit: int
    ) -> Sequence[StoredReport]:
        return []

    async def seen(self, report: StoredReport) -> None:
        self.left.remove(report)


def watch(new: New, busy: list[str], *, until: list[str]) -> list[str]:
    """The calls whose reports were drawn, until these are left."""
    drawn: list[str] = []

    async def draw(report: StoredReport) -> None:
        if report.call_id in busy:
            raise Retry("store.busy", "busy")
        if report.call_id == "poison":
            raise ValueError("what a guest said")
        drawn.append(report.call_id)
        await new.seen(report)

    async def main() -> None:
        watcher = Watcher(new, ["acme"], draw, now=lambda: AT)
        serving = asyncio.create_task(watcher.serve())
        async with asyncio.timeout(5):
            while [report.call_id for report in new.left] != until:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.01)
        watcher.stop()
        await serving

    asyncio.run(main())
    return drawn


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.work.watcher._BROKEN_S", 0.01)


def test_what_cannot_be_understood_holds_up_nothing() -> None:
    assert ["a", "b"] == watch(New("a", "poison", "b"), [], until=[])


def test_a_call_that_is_busy_waits_alone() -> None:
    assert ["a", "b"] == watch(New("a", "busy", "b"), ["busy"], until=["busy"])
