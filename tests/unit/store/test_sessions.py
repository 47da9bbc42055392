"""A session that comes back is as good as new, or it is not used again."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from reception.errors import Retry
from reception.store.database import Database, Statement
from reception.store.keys import PostgresKeys
from tests.unit.store.records import NOW

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


def test_a_session_that_was_changed_underneath_us_is_not_used_again(dsn: str) -> None:
    async def main() -> None:
        database = Database(dsn)
        ask: Statement = ("SELECT 1 -- tenant", {})
        await database.once("acme", ask)
        async with database.transaction("acme") as session:
            # As a pooler does between two of its clients; the driver does not see it.
            await session.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        with pytest.raises(Retry):
            await database.once("acme", ask)
        assert [[(1,)]] == await database.once("acme", ask)
        await database.close()

    asyncio.run(main())


def test_a_session_with_a_server_that_has_become_a_replica_is_not_used_again(dsn: str) -> None:
    async def main() -> None:
        database = Database(dsn)
        keys = PostgresKeys(database)
        async with database.transaction("acme") as session:
            await session.execute("SELECT set_config('default_transaction_read_only', 'on', false)")
        with pytest.raises(Retry):
            await keys.ensure("acme", secret=b"x", now=NOW)
        assert 1 == len(await keys.ensure("acme", secret=b"x", now=NOW))
        await database.ask()
        await database.close()
        replica = Database(f"{dsn} options='-c default_transaction_read_only=on'")
        with pytest.raises(Retry) as caught:
            await replica.ask()
        assert "store.read_only" == caught.value.code
        await replica.close()

    asyncio.run(main())


def test_a_server_that_lets_us_in_and_then_keeps_silent_holds_nobody(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def serve(incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        await incoming.read(1)
        # "You are in", "ready": and not another word, to whatever is asked.
        outgoing.write(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\5I")
        while data := await incoming.read(1000):
            heard.append(data)
        outgoing.close()

    async def main() -> list[float]:
        async with await asyncio.start_unix_server(serve, tmp_path / ".s.PGSQL.5432"):
            database = Database(f"host={tmp_path} port=5432 user=reception_app dbname=none")
            taken_s = []
            for ask in (
                lambda: database.once("acme", ("SELECT 1 -- tenant", {})),
                lambda: database.lane({"name": "AS SELECT 1"}),
            ):
                began = time.monotonic()
                with pytest.raises((Retry, psycopg.OperationalError)):
                    await ask()
                taken_s.append(time.monotonic() - began)
            await database.close()
        return taken_s

    assert max(asyncio.run(main())) < 1.5
    assert heard
