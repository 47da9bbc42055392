"""
The way to the database: sessions for what is rare, lanes for what every call needs.

Every session is set up alike: plans by index only and kept (the statements look up keys and
nothing else, and a plan made while a table was small would be wrong for ever after), and
limits well below the deadline of a call, so that nobody waits for a database that is away.

A worker holds two lanes for commits, two for loads and up to four sessions. Which
statements there are is no business of this file.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, LiteralString

import psycopg

from reception.errors import Retry
from reception.store import binary, outage, roles
from reception.store.lane import Lane
from reception.store.sessions import Session, Sessions, limited

Row = tuple[Any, ...]
Connection = Session
Statement = tuple[LiteralString, Mapping[str, object]]

CONNECT_S: Final = 0.6
ANSWER_S: Final = 1.0
"""Together they stay below the 2 s in which a call must be answered."""

_SESSIONS: Final = 4

SET_UP: Final = """
    SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
           set_config('enable_seqscan', 'off', false),
           set_config('enable_bitmapscan', 'off', false),
           set_config('enable_hashjoin', 'off', false),
           set_config('enable_mergejoin', 'off', false),
           set_config('jit', 'off', false),
           set_config('synchronous_commit', 'on', false),
           set_config('timezone', 'UTC', false),
           set_config('lock_timeout', '400ms', false),
           set_config('statement_timeout', '800ms', false),
           set_config('idle_in_transaction_session_timeout', '5s', false)
"""
_CAN_WRITE: Final = "SELECT current_setting('transaction_read_only') = 'off' -- no tenant's rows"
_NAME: Final = "SELECT set_config('reception.tenants', ',' || %s || ',', true) -- tenant"


class Database:
    """One database, as the program's role."""

    def __init__(self, address: str) -> None:
        self._address: Final = psycopg.conninfo.make_conninfo(
            roles.app_conninfo(address), application_name="reception", connect_timeout=2
        )
        self._sessions: Final = Sessions(
            self._connected, most=_SESSIONS, wait_s=CONNECT_S, use_s=ANSWER_S
        )

    async def close(self) -> None:
        """Close the sessions; lanes belong to who has opened them."""
        await self._sessions.close()

    async def lane(self, statements: Mapping[str, str]) -> Lane:
        """Open a lane that knows these statements."""
        began = time.monotonic()
        session = await self._connected(CONNECT_S)
        try:
            with limited(session, CONNECT_S - (time.monotonic() - began)):
                return await Lane.prepared(session, statements, timeout_s=ANSWER_S)
        except BaseException:
            await session.close()
            raise

    async def ask(self) -> None:
        """
        See that the database is there, and that it takes what is new.

        Errors:
            Retry: it is away, or has become a replica.
        """
        ((row,),) = await self.once("", (_CAN_WRITE, {}))
        if not row[0]:
            raise Retry("store.read_only", "the database is a replica, or takes nothing new")

    async def once(self, tenant: str, *statements: Statement) -> list[list[Row]]:
        """
        Run statements as one transaction that sees one tenant, in one round trip.

        Errors:
            Retry: the database is away or busy; whether they were committed is not known.
        """
        return await self.once_for([tenant], *statements)

    async def once_for(self, tenants: Sequence[str], *statements: Statement) -> list[list[Row]]:
        """
        Run statements as one transaction that sees these tenants, in one round trip.

        Errors:
            Retry: the database is away or busy; whether they were committed is not known.
        """
        # None of them can hold a comma.
        named = b",".join(map(binary.tenant, tenants)).decode()
        with outage.named():
            async with self._sessions.session() as session:
                async with session.pipeline():
                    # Without BEGIN: what is sent before the Sync is one transaction.
                    await session.execute(_NAME, [named], prepare=True)
                    cursors = [
                        await session.execute(text, values, prepare=True, binary=True)
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
        binary.tenant(tenant)
        with outage.named():
            async with self._sessions.session() as session, session.transaction():
                await session.execute(_NAME, [tenant], prepare=True)
                yield session

    async def _connected(self, within_s: float) -> Session:
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            session: Session = await psycopg.AsyncConnection.connect(
                self._address, autocommit=True, prepare_threshold=0
            )
        try:
            with limited(session, within_s - (time.monotonic() - began)):
                await session.execute(SET_UP, prepare=False)
        except BaseException:
            await session.close()
            raise
        return session
