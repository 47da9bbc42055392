"""
The way to the database: a small pool for what is rare, lanes for what every call needs.

Every session is set up alike: plans by index only and kept (the statements look up keys and
nothing else, and a plan made while a table was small would be wrong for ever after), and
limits well below the deadline of a call, so that nobody waits for a database that is away.

A worker holds two lanes for commits, two for loads and up to four connections in the pool.
Which statements there are is no business of this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg
from psycopg_pool import AsyncConnectionPool

from reception.errors import Retry
from reception.store import outage, roles
from reception.store.lane import Lane

Row = tuple[Any, ...]
Connection = psycopg.AsyncConnection[Row]
Statement = tuple[LiteralString, Mapping[str, object]]

CONNECT_S: Final = 0.8
ANSWER_S: Final = 1.2
_POOL_SIZE: Final = 4

_SET_UP: Final = """
    SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
           set_config('enable_seqscan', 'off', false),
           set_config('enable_bitmapscan', 'off', false),
           set_config('enable_hashjoin', 'off', false),
           set_config('enable_mergejoin', 'off', false),
           set_config('jit', 'off', false),
           set_config('synchronous_commit', 'on', false),
           set_config('timezone', 'UTC', false),
           set_config('lock_timeout', '500ms', false),
           set_config('statement_timeout', '1000ms', false),
           set_config('idle_in_transaction_session_timeout', '5s', false)
"""
_NAME: Final = "SELECT set_config('reception.tenants', ',' || %s || ',', true) -- tenant"


class Database:
    """One database, as the program's role."""

    def __init__(self, address: str) -> None:
        self._address: Final = psycopg.conninfo.make_conninfo(
            roles.app_conninfo(address), application_name="reception", connect_timeout=2
        )
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def open(self) -> None:
        """Make the pool; connections are made when they are needed."""
        self._pool = AsyncConnectionPool(
            self._address,
            connection_class=psycopg.AsyncConnection[Row],
            kwargs={"autocommit": True, "prepare_threshold": 0},
            min_size=0,
            max_size=_POOL_SIZE,
            timeout=CONNECT_S,
            # The pool's patience between attempts doubles up to minutes; ours ends at once, and
            # the next who needs a connection makes the next attempt.
            reconnect_timeout=0.05,
            configure=_set_up,
            check=_notice_end,
            open=False,
            name="reception",
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def lane(self, statements: Mapping[str, str]) -> Lane:
        """Open a lane that knows these statements."""
        connection: Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_S):
                connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
                await _set_up(connection)
                return await Lane.prepared(connection, statements, timeout_s=ANSWER_S)
        except BaseException:
            if connection is not None:
                await connection.close()
            raise

    async def once(self, tenant: str, *statements: Statement) -> list[list[Row]]:
        """
        Run statements as one transaction that sees one tenant, in one round trip.

        Errors:
            Retry: the database is away or busy; whether they were committed is not known.
        """
        with outage.named():
            async with self._connection() as connection:
                async with connection.pipeline():
                    # Without BEGIN: what is sent before the Sync is one transaction.
                    await connection.execute(_NAME, [tenant], prepare=True)
                    cursors = [
                        await connection.execute(text, values, prepare=True, binary=True)
                        for text, values in statements
                    ]
                return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[Connection]:
        """
        Give a transaction that sees one tenant.

        Errors:
            Retry: the database is away or busy; whether the block was committed is not known.
        """
        with outage.named():
            async with self._connection() as connection, connection.transaction():
                await connection.execute(_NAME, [tenant], prepare=True)
                yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        if self._pool is None:
            raise Retry("store.closed", "the store is not open")
        async with self._pool.connection() as connection:
            yield connection


async def _notice_end(connection: Connection) -> None:
    """Raise if the server has closed this connection meanwhile; asks nobody."""
    connection.pgconn.consume_input()


async def _set_up(connection: Connection) -> None:
    await connection.execute(_SET_UP, prepare=False)
