"""A session that comes back is as good as new, or it is not used again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from reception.store.database import Database

# More turns of the event loop than it takes until the database is waited for.
_TICKS = 20


def test_a_caller_that_is_cancelled_anywhere_leaves_no_session_half_used(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on a busy loop: there the driver lets others run also where it need not wait.
    monkeypatch.setattr("psycopg.waiting.MAX_BUSY_TIME", 0.0)

    async def main() -> list[int]:
        database = Database(dsn)
        counts = []
        for ticks in range(_TICKS):
            asking = asyncio.create_task(database.once("acme", ("SELECT 1 -- tenant", {})))
            for _ in range(ticks):
                await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            async with database.transaction("acme") as session:
                counts.append((await session.execute("SELECT 1 -- tenant")).rowcount)
        await database.close()
        return counts

    assert [1] * _TICKS == asyncio.run(main())
