"""
A few sessions for what is rare, made when they are needed and kept when they are good.

Not the driver's pool: after an outage that one waits up to minutes before it tries again,
and while nothing is asked it does not notice that its sessions are dead (ADR 0011). Here
whoever needs a session makes the next attempt, and a session that the server has closed
meanwhile is seen without asking anybody.

What is done with a session has a limit of its own, so that a frozen server holds nobody. The
limit ends the connection from our side: the driver, when cancelled, first waits for the server
once more.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import pq

from reception.errors import Retry
from reception.store import outage

Session = psycopg.AsyncConnection[tuple[Any, ...]]


class Sessions:
    """At most `most` sessions, the one used last first."""

    def __init__(
        self,
        connect: Callable[[float], Awaitable[Session]],
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
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_s
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise Retry("store.busy", "all sessions are in use for too long") from None
        try:
            session = await self._good_one(until - loop.time())
        except BaseException:
            self._free.release()
            raise
        is_lost = False
        try:
            with limited(session, self._use_s):
                yield session
        except psycopg.Error as error:
            # Perhaps it leads to a server that has become a replica, or is not what it was.
            is_lost = outage.kind(error) in ("away", "confused")
            raise
        finally:
            try:
                await self._take_back(session, is_lost=is_lost)
            finally:
                self._free.release()

    async def _good_one(self, within_s: float) -> Session:
        if not self._is_open:
            raise Retry("store.closed", "the store is not open")
        while self._idle:
            session = self._idle.pop()
            if not _is_over(session):
                return session
            await session.close()
        return await self._connect(within_s)

    async def _take_back(self, session: Session, *, is_lost: bool) -> None:
        # Anything but idle was left in the middle of something. Whoever is cancelled while a
        # pipeline begins or ends leaves it on: what is run next would tell no row count.
        idle = (
            session.pgconn.transaction_status == pq.TransactionStatus.IDLE
            and session.pgconn.pipeline_status == pq.PipelineStatus.OFF
        )
        if self._is_open and idle and not session.broken and not is_lost:
            self._idle.append(session)
        else:
            await session.close()


@contextmanager
def limited(session: Session, within_s: float) -> Iterator[None]:
    """
    Let what is done with a session take so long at most.

    Errors:
        psycopg.OperationalError: it took longer, and the session is lost.
    """
    timer = asyncio.get_running_loop().call_later(within_s, _cut, session.pgconn.socket)
    try:
        yield
    finally:
        timer.cancel()


def _is_over(session: Session) -> bool:
    """Has the server closed it? Nothing was asked, so all there can be to read is the end."""
    waiting = select.poll()
    waiting.register(session.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


def _cut(fd: int) -> None:
    """End a session from our side; whoever waits for its answer hears that it is lost."""
    with suppress(OSError), socket.socket(fileno=os.dup(fd)) as end:
        end.shutdown(socket.SHUT_RDWR)
