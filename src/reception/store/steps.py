"""
The port `Steps`, answered by PostgreSQL: what each method does with groups and transactions.

Commits, openings and loads travel in groups. Everything else (effects, ends, what has met a
competitor) is a transaction of its own. `open` before use, `close` at the end, on the event
loop that uses it; the database may be away at both.

SQL stands in the modules that this one joins, not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reception.ports import (
    Claimed,
    Committed,
    EffectClaim,
    EffectRow,
    EndRun,
    EpisodeRow,
    History,
    NewStep,
    Opened,
    Opening,
)
from reception.store import binary, calls, commits, effects, ends, histories, openings
from reception.store.commits import Commits, Entry, entry_of
from reception.store.database import Database
from reception.store.group import Groups
from reception.store.histories import Histories, Wanted


class PostgresSteps:
    """Steps in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self._commits: Final[Groups[Entry, bool]] = Groups(
            Commits(), lambda: database.lane(commits.STATEMENTS)
        )
        self._loads: Final[Groups[Wanted, History | None]] = Groups(
            Histories(), lambda: database.lane(histories.STATEMENTS)
        )

    def start(self) -> None:
        """Begin to serve, on the running event loop."""
        self._commits.open()
        self._loads.open()

    async def stop(self) -> None:
        """Finish what is under way, and refuse the rest."""
        await self._commits.close()
        await self._loads.close()

    async def load(self, tenant: str, episode: str, step_no: int) -> History | None:
        """Load an episode's history, with the reply of one step."""
        wanted = (binary.tenant(tenant), binary.text("the episode", episode), step_no)
        return await self._loads.do(wanted)

    async def open(self, opening: Opening, first: NewStep | None = None) -> Opened:
        """Begin an episode."""
        if await self._commits.do(entry_of(first, opening)):
            return Opened("opened", opening.episode)
        opened = await openings.settle(self._database, opening, first)
        if opened.fate != "duplicate":
            return opened
        history = await self.load(opening.tenant, opened.episode, 0)
        step = history.step(0) if history else None
        return Opened(opened.fate, opened.episode, opened.copies, step)

    async def commit(self, step: NewStep) -> Committed:
        """Store the next step."""
        if await self._commits.do(entry_of(step)):
            return Committed("stored")
        history = await self.load(step.tenant, step.episode, step.step_no)
        if history is None:
            return Committed("refused")
        if stored := history.step(step.step_no):
            return Committed("duplicate", stored)
        return Committed("ended" if history.end else "refused")

    async def claim(self, claim: EffectClaim) -> Claimed:
        """Claim an effect."""
        return await effects.claim(self._database, claim)

    async def renew(
        self, tenant: str, episode: str, op: str, *, owner: str, lease_until: datetime
    ) -> bool:
        """Prolong a lease."""
        return await effects.renew(
            self._database, tenant, episode, op, owner=owner, lease_until=lease_until
        )

    async def finish(
        self, tenant: str, episode: str, op: str, *, owner: str, failed: bool, result: bytes
    ) -> bool:
        """Store what came of an effect."""
        return await effects.finish(
            self._database, tenant, episode, op, owner=owner, failed=failed, result=result
        )

    async def effect(self, tenant: str, episode: str, op: str) -> EffectRow | None:
        """Load one effect."""
        return await effects.find(self._database, tenant, episode, op)

    async def end(self, tenant: str, episode: str, *, cause: str, now: datetime) -> bool:
        """End an episode, once."""
        return await ends.end(self._database, tenant, episode, cause, now)

    async def finish_end(self, run: EndRun) -> bool:
        """Store what the ended dialog did."""
        return await ends.finish_end(self._database, run)

    async def add_alias(self, tenant: str, episode: str, call_id: str) -> None:
        """Remember another Call-ID of an episode's call."""
        await calls.add_alias(self._database, tenant, episode, call_id)

    async def of_call(self, tenant: str, call_id: str) -> Sequence[EpisodeRow]:
        """Find the episodes of a call."""
        return await calls.of_call(self._database, tenant, call_id)

    async def silent(self, tenant: str, *, since: datetime, limit: int) -> Sequence[str]:
        """Find open episodes in which nothing happens any more."""
        return await calls.silent(self._database, tenant, since, limit)
