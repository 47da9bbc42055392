"""
A few sessions for what is rare, made when they are needed and kept when they are good.

Not the driver's pool: after an outage that one waits up to minutes before it tries again,
and while nothing is asked it does not notice that its sessions are dead (ADR 0011). Here
whoever needs a session makes the next attempt, and a session that the server has closed
meanwhile is seen without asking anybody.

What is done with a session has a limit of its own, so that a frozen server holds nobody.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import pq

from reception.errors import Retry

Session = psycopg.AsyncConnection[tuple[Any, ...]]


class Sessions:
    """At most `most` sessions, the one used last first."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        *,
        most: int,
        wait_s: float,
        use_s: float,
    ) -> None:
        self._connect: Final = connect
        self._free: Final = asyncio.Semaphore(most)
        self._wait_s: Final = wait_s
        self._use_s: Final = use_s
        self._idle: Final[list[Session]] = []
        self._is_open = True

    async def close(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        self._is_open = False
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """
        Lend a session.

        Errors:
            Retry, psycopg.Error, OSError: there is none to be had in time.
        """
        session: Session | None = None
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
                try:
                    session = await self._good_one()
                except BaseException:
                    self._free.release()
                    raise
        except TimeoutError:
            if self._free.locked():
                raise Retry("store.busy", "all sessions are in use for too long") from None
            raise Retry("store.away", "the database gives no session in time") from None
        # A timer of our own: the driver, when cancelled, waits for the server once more.
        fd = session.pgconn.socket
        timer = asyncio.get_running_loop().call_later(self._use_s, _cut, fd)
        try:
            yield session
        finally:
            timer.cancel()
            try:
                await self._take_back(session)
            finally:
                self._free.release()

    async def _good_one(self) -> Session:
        if not self._is_open:
            raise Retry("store.closed", "the store is not open")
        while self._idle:
            session = self._idle.pop()
            if not _is_over(session):
                return session
            await session.close()
        return await self._connect()

    async def _take_back(self, session: Session) -> None:
        # Anything but idle was left in the middle of something. Whoever is cancelled while a
        # pipeline begins or ends leaves it on: what is run next would tell no row count.
        idle = (
            session.pgconn.transaction_status == pq.TransactionStatus.IDLE
            and session.pgconn.pipeline_status == pq.PipelineStatus.OFF
        )
        if self._is_open and idle and not session.broken:
            self._idle.append(session)
        else:
            await session.close()


def _is_over(session: Session) -> bool:
    """Has the server closed it? Nothing was asked, so all there can be to read is the end."""
    waiting = select.poll()
    waiting.register(session.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


def _cut(fd: int) -> None:
    """End a session from our side; whoever waits for its answer hears that it is lost."""
    with suppress(OSError), socket.socket(fileno=os.dup(fd)) as end:
        end.shutdown(socket.SHUT_RDWR)
