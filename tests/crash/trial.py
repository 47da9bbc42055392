"""
What the trials share: a service under load, its evidence, and the report at the end.

How and when something is killed is each trial's own.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.callers import Caller
from tests.crash.evidence import Evidence
from tests.crash.history import History, runs_again
from tests.crash.service import Service

Say = Callable[[str], None]
Enough = Callable[[], bool]
"""Asked between two kills: end here, and report what there is."""
# Long enough for a lease to run out, and for the effect to be run again.
_LAST_CALLS_S = 120.0
_AWAY_S = 0.3


def silent(_: str) -> None:
    """Say nothing."""


def never() -> bool:
    """Go on to the end."""
    return False


@dataclass
class Report:
    """What a trial has come to."""

    title: str
    figures: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    is_cut_short: bool = False

    def __str__(self) -> str:
        lines = [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  PROBLEM {problem}" for problem in self.problems]
        return "\n".join([self.title + ", then cut short" * self.is_cut_short, *lines])


@dataclass
class Trial:
    """A service in a folder, its callers, and what they heard."""

    service: Service
    seed: int
    callers: int
    hold_s: float
    history: History = field(default_factory=History)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.service.owner_dsn, self.service.ledger)

    def begin_load(self, **settings: Any) -> None:
        """Let the callers call."""
        self._running = [
            asyncio.create_task(
                Caller(
                    self.service.port,
                    number,
                    self.seed,
                    self.history,
                    self.stopping,
                    hold_s=self.hold_s,
                    **settings,
                ).run()
            )
            for number in range(self.callers)
        ]

    async def end_load(self) -> None:
        """Let every caller bring its call to an end."""
        self.stopping.set()
        _, late = await asyncio.wait(self._running, timeout=_LAST_CALLS_S)
        for task in late:
            self.history.problem("a call never came to its end")
            task.cancel()
        for task in self._running:
            if task not in late:
                task.result()

    async def progress(self, count: int, within_s: float) -> bool:
        """Wait until so many more steps were acknowledged; False where they are not."""
        wanted = len(self.history.acknowledged) + count
        deadline = asyncio.get_running_loop().time() + within_s
        while len(self.history.acknowledged) < wanted:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    async def check_recent(self) -> None:
        """Look for what was acknowledged since the last time, while the load goes on."""
        await asyncio.to_thread(self.evidence.check_recent, self.history)

    async def start(self, fault: str = "") -> None:
        """Start the service."""
        await self.service.start(fault)
        await asyncio.to_thread(self.evidence.wait_for_database)
        # Whoever has just missed it says so for a moment.
        await asyncio.sleep(_AWAY_S)
        self.history.is_outage = False

    async def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        """Stop the service; its workers live a little longer than their database."""
        self.history.is_outage = True
        await self.service.stop(by=by)

    async def report(self, title: str) -> Report:
        """Check everything, and sum up."""
        await asyncio.to_thread(self.evidence.check_all, self.history, self.service.deaths)
        effects, again, twice = runs_again(self.evidence.ledger())
        figures = {
            "acknowledged steps": len(self.history.acknowledged),
            "effects": effects,
            "effects begun again": again,
            "of them come to an end twice, the first time unstored": twice,
            "slowest answer, s": round(self.history.slowest_s, 2),
            **dict(sorted(self.history.counts.items())),
        }
        return Report(title, figures, self.history.problems)


@asynccontextmanager
async def trial(
    folder: Path,
    seed: int,
    *,
    say: Say,
    callers: int,
    lease_s: float = 0.0,
    hold_s: float = 2.0,
) -> AsyncIterator[Trial]:
    """A trial whose processes are gone afterwards."""
    service = Service(folder, lease_s=lease_s)
    begun = Trial(service, seed, callers, hold_s, History(say=say))
    try:
        yield begun
    finally:
        for task in begun._running:
            task.cancel()
        service.end()
