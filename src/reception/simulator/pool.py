"""
The connections that the platform's client keeps, and who waits for which.

The rule, as it was seen and read: a request goes to the least busy kept connection of its
server, even to one that is busy, until five wait behind the one under way; only then, or
where there is none yet, is a connection opened. A connection is kept only after its first
answer, so a burst on a cold client opens one for each call, and where two or more are kept
and full, further ones carry ``connection: close``. One that lies unused is closed after 120
seconds. What a connection carries is none of this file's business.

Source: contract/observed.md section 1 (20 simultaneous calls); inets of Erlang/OTP,
httpc_manager.erl.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reception.simulator.quirks import Quirks
from reception.simulator.reading import LARGEST_HEAD

_FAREWELL_S: Final = 0.5

Place: TypeAlias = tuple[str, str, int]
"""Scheme, host and port: what a connection leads to."""


@dataclass(slots=True, eq=False)
class Session:
    """
    One connection.

    Shape:
        load: requests on it, the waiting ones included.
        turn: held by the request under way; the others come in order of arrival.
        is_kept: it has answered once and is to be used again.
        is_lost: closed, by either side; whoever waits for it goes elsewhere.
    """

    place: Place
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    load: int = 1
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_kept: bool = False
    is_lost: bool = False
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has closed it, as far as can be seen from here."""
        return not (self.is_lost or self.reader.at_eof() or self.writer.is_closing())


class Pool:
    """All connections of one client."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks: Final = quirks
        self._sessions: Final[dict[Place, list[Session]]] = {}
        self._farewells: Final[set[asyncio.Task[None]]] = set()
        self._tls: ssl.SSLContext | None = None

    def take(self, place: Place) -> Session | None:
        """Give the kept connection that a request to `place` waits for; None: open one."""
        kept = self._kept(place)
        session = min(kept, key=lambda one: one.load, default=None)
        if session is None or session.load > self._quirks.queued_per_session:
            return None
        session.load += 1
        if session.expiry is not None:
            session.expiry.cancel()
            session.expiry = None
        return session

    def is_full(self, place: Place) -> bool:
        """Tell whether a connection opened now is not to be kept."""
        return len(self._kept(place)) >= self._quirks.sessions_per_host

    async def open(self, place: Place) -> Session:
        """
        Open a connection.

        Errors:
            OSError, UnicodeError: nobody there, no such host, a failed handshake.
        """
        scheme, host, port = place
        secure = self._context() if scheme == "https" else None
        # The platform's client speaks IPv4 only.
        reader, writer = await asyncio.open_connection(
            host, port, family=socket.AF_INET, ssl=secure, limit=LARGEST_HEAD
        )
        session = Session(place, reader, writer)
        self._sessions.setdefault(place, []).append(session)
        return session

    def keep(self, session: Session, *, is_answer: bool) -> None:
        """
        Put a connection back that is still usable.

        Shape:
            is_answer: it has carried an answer. After nothing but a redirect it lies there
                until its time is over, and nobody finds it.
        """
        session.load -= 1
        session.is_kept = session.is_kept or is_answer
        if session.load == 0:
            loop = asyncio.get_running_loop()
            session.expiry = loop.call_later(self._quirks.idle_s, self.drop, session)

    def drop(self, session: Session) -> None:
        """Close a connection, whatever is still to be read or written."""
        if session.is_lost:
            return
        session.is_lost = True
        if session.expiry is not None:
            session.expiry.cancel()
        siblings = self._sessions.get(session.place, [])
        if session in siblings:
            siblings.remove(session)
        if not siblings:
            self._sessions.pop(session.place, None)
        task = asyncio.create_task(_farewell(session.writer))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def aclose(self) -> None:
        """Close every connection, without waiting long for servers that say no goodbye."""
        for session in [one for sessions in self._sessions.values() for one in sessions]:
            self.drop(session)
        await asyncio.gather(*self._farewells)

    def _kept(self, place: Place) -> list[Session]:
        sessions = self._sessions.get(place, [])
        for session in [one for one in sessions if one.is_kept and not one.is_open]:
            self.drop(session)
        return [session for session in self._sessions.get(place, []) if session.is_kept]

    def _context(self) -> ssl.SSLContext:
        """
        Accept any certificate, unless the platform verifies.

        That is the platform's weakness, imitated so that a rehearsal neither fails where
        the platform would connect nor pretends to protect anything.
        """
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if not self._quirks.verifies_certificates:
                self._tls.check_hostname = False
                self._tls.verify_mode = ssl.CERT_NONE
        return self._tls


async def _farewell(writer: asyncio.StreamWriter) -> None:
    """Close a connection; what was not sent by now never is."""
    if writer.transport.get_write_buffer_size():
        writer.transport.abort()
    writer.close()
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        pass
