"""
One connection on which groups travel: some prepared statements and a Sync, one round trip.

What is sent between two Syncs is one transaction of its own, without BEGIN and COMMIT; the
answer is complete when the Sync is answered, and not before is anything committed. This is
written on the driver's libpq layer, without a task or a timer for each group: a third of
the time that the driver's pipeline takes (ADR 0011).

A lane that has timed out or lost its server is broken for good; whoever owns it opens
another. Which statements travel, and what to do about errors, is no business of this file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import psycopg
from psycopg import pq

from reception.store import outage

Call = tuple[bytes, Sequence[bytes]]
"""A prepared statement's name and its parameters, all in binary format."""

_OK: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class TimedOut(psycopg.OperationalError):
    """The database has not answered in time; whether it will is not known."""


class Lane:
    """A connection in pipeline mode; one exchange at a time."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], timeout_s: float) -> None:
        self._connection: Final = connection
        self._pg: Final = connection.pgconn
        self._fd: Final = connection.pgconn.socket
        self._loop: Final = asyncio.get_running_loop()
        self._timeout_s: Final = timeout_s
        self._answer: asyncio.Future[list[pq.abc.PGresult]] | None = None
        self._results: list[pq.abc.PGresult] = []
        self._writing = False
        self.is_broken = False
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        # Always, also while nothing is sent: so a server that goes away is noticed at once.
        self._loop.add_reader(self._fd, self._on_readable)

    @classmethod
    async def prepared(
        cls,
        connection: psycopg.AsyncConnection[Any],
        statements: Mapping[str, str],
        *,
        timeout_s: float,
    ) -> Self:
        """Make a lane of a connection in autocommit mode that knows these statements."""
        # In one message: a database that is far away has no time for more. A statement may end
        # with a comment.
        prepare = "\n;".join(f"PREPARE {name} {text}" for name, text in statements.items())
        await connection.execute(prepare, prepare=False)
        return cls(connection, timeout_s)

    async def exchange(self, calls: Sequence[Call]) -> list[pq.abc.PGresult]:
        """
        Run the statements as one transaction; its results, after the commit.

        Errors:
            psycopg.Error: nothing is committed, or, where the lane is broken after it, nobody
            knows.
        """
        if self.is_broken:
            raise psycopg.OperationalError("the connection is lost")
        if self._answer is not None:
            raise RuntimeError("one exchange at a time")
        self._results = []
        self._answer = self._loop.create_future()
        timer = self._loop.call_later(self._timeout_s, self._on_timeout)
        try:
            for name, parameters in calls:
                self._pg.send_query_prepared(
                    name, parameters, param_formats=[1] * len(parameters), result_format=1
                )
            self._pg.pipeline_sync()
            self._flush()
            return await self._answer
        except BaseException as error:
            # Cancelled between question and answer, the connection is of no use to the next.
            if not self._is_answered():
                self._break(error)
            raise
        finally:
            timer.cancel()
            self._answer = None

    async def close(self) -> None:
        """Close the connection."""
        self._break(psycopg.OperationalError("the lane is closed"))
        await self._connection.close()

    def _is_answered(self) -> bool:
        return self._answer is None or (self._answer.done() and not self._answer.cancelled())

    def _flush(self) -> None:
        """Send what libpq holds; the rest when the socket takes it."""
        more = self._pg.flush() == 1
        if more and not self._writing:
            self._loop.add_writer(self._fd, self._on_writable)
        elif not more and self._writing:
            self._loop.remove_writer(self._fd)
        self._writing = more

    def _on_writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error as error:
            self._break(error)

    def _on_timeout(self) -> None:
        self._break(TimedOut("the database did not answer in time"))

    def _on_readable(self) -> None:
        try:
            self._pg.consume_input()
            was_end = False
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    if self._answer is None or self._answer.done():
                        return
                    if was_end:
                        # Neither busy nor anything to give: libpq has given the connection up.
                        raise psycopg.OperationalError("the connection has lost its place")
                    # The end of one statement's results; those of the next, if they are here.
                    was_end = True
                    continue
                was_end = False
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._complete()
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._break(error)

    def _complete(self) -> None:
        answer = self._answer
        if answer is None or answer.done():
            return
        for result in self._results:
            if result.status not in _OK:
                answer.set_exception(outage.error_of(result))
                return
        answer.set_result(self._results)

    def _break(self, error: BaseException) -> None:
        if not self.is_broken:
            self.is_broken = True
            self._loop.remove_reader(self._fd)
            if self._writing:
                self._loop.remove_writer(self._fd)
            self._pg.finish()
        if self._answer is not None and not self._answer.done():
            if not isinstance(error, psycopg.Error):
                error = psycopg.OperationalError("the exchange was given up")
            self._answer.set_exception(error)
