"""
The platform's HTTP client, on the wire.

It sends a request once, over one of a few kept connections, and follows redirects. The time
allowed runs anew with each redirect, and not at all for a request that had to wait for a
connection. A POST whose connection the server closes at that moment is lost. A 503 with
Retry-After is answered with the same POST again, a hundred times, long after the call has
moved on. After ten seconds nobody waits for an answer any more: what comes later is read
and thrown away. Nothing here raises for what a server does: the answer is a `Reply`.

Which of these habits a platform has is a matter of its `Quirks`.

Source: contract/observed.md sections 1 and 4, contract/wire/http; inets of Erlang/OTP,
httpc_handler.erl.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from reception.simulator.heads import render_head
from reception.simulator.pool import Place, Pool, Session
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reading import (
    NoReply,
    Reply,
    Response,
    Trouble,
    Unreadable,
    read_response,
)
from reception.simulator.redirects import SCHEMES, redirected
from reception.simulator.request import Outgoing

_UNAVAILABLE: Final = 503
_SHORT_PAUSE: Final = re.compile(r"\d{1,2}", re.ASCII)
_IPV4_ONLY: Final = "an IPv6 address, and the platform's client speaks IPv4 only"


class PlatformClient:
    """Sends requests as the platform does; close it when it is no longer needed."""

    def __init__(self, quirks: Quirks = QUIRKS[4]) -> None:
        self._quirks: Final = quirks
        self._pool: Final = Pool(quirks)
        self._under_way: Final[set[asyncio.Task[None]]] = set()

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """
        Send one request, follow its redirects, and read the reply.

        Shape:
            timeout_ms: for the request and again for each redirect. The whole ends with
                the platform's patience.
        """
        for _ in range(self._quirks.duplicate_sends):
            _ = self._start(self._deliver(_Delivery(), request, timeout_ms))
        delivery = _Delivery()
        began = time.monotonic()
        task = self._start(self._deliver(delivery, request, timeout_ms))
        await asyncio.wait({task}, timeout=self._quirks.patience_ms / 1000)
        if task.done():
            task.result()
        elapsed_ms = round((time.monotonic() - began) * 1000)
        reply = delivery.reply or delivery.refusal or NoReply(Trouble.UNANSWERED)
        return replace(reply, elapsed_ms=elapsed_ms, hops=tuple(delivery.hops))

    async def call(self, request: Outgoing, *, connect_timeout_ms: int | None = None) -> Reply:
        """Send one request and wait for its reply as long as it takes, as reports are sent."""
        began = time.monotonic()
        delivery = _Delivery()
        await self._deliver(delivery, request, None, connect_timeout_ms)
        elapsed_ms = round((time.monotonic() - began) * 1000)
        reply = delivery.reply or delivery.refusal or NoReply(Trouble.UNANSWERED)
        return replace(reply, elapsed_ms=elapsed_ms, hops=tuple(delivery.hops))

    async def aclose(self) -> None:
        """Stop what is still under way and close the connections."""
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._pool.aclose()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _deliver(
        self,
        delivery: _Delivery,
        request: Outgoing,
        timeout_ms: int | None,
        connect_timeout_ms: int | None = None,
    ) -> None:
        """Send a request for as long as it is answered with redirects or "try again"."""
        posts = 1
        while True:
            reply = await self._once(request, timeout_ms, connect_timeout_ms)
            pause_s = _pause_s(reply)
            if pause_s is not None and self._quirks.retry_after_posts > 1:
                delivery.refusal = reply
                if posts >= self._quirks.retry_after_posts:
                    return
                posts += 1
                await asyncio.sleep(pause_s)
                continue
            onward = redirected(request, reply)
            if onward is None or len(delivery.hops) >= self._quirks.most_redirects:
                delivery.reply = reply
                return
            if isinstance(onward, NoReply):
                delivery.reply = onward
                return
            delivery.hops.append(onward.url)
            request = onward

    async def _once(
        self, request: Outgoing, timeout_ms: int | None, connect_timeout_ms: int | None
    ) -> Reply:
        unsendable = request.unsendable
        if unsendable is not None:
            return NoReply(Trouble.UNSENDABLE, detail=unsendable)
        try:
            parts = urlsplit(request.url)
            place = _place(parts)
        except ValueError:
            return NoReply(Trouble.UNSENDABLE, detail="the URL cannot be read")
        if ":" in place[1]:
            return NoReply(Trouble.UNKNOWN_HOST, detail=_IPV4_ONLY)
        while True:
            session = self._pool.take(place)
            if session is None:
                return await self._on_new(place, parts, request, timeout_ms, connect_timeout_ms)
            reply = await self._on_kept(session, parts, request, timeout_ms)
            if reply is not None:
                return reply

    async def _on_new(
        self,
        place: Place,
        parts: SplitResult,
        request: Outgoing,
        timeout_ms: int | None,
        connect_timeout_ms: int | None,
    ) -> Reply:
        closes = self._pool.is_full(place)
        try:
            async with _within(timeout_ms):
                async with _within(connect_timeout_ms):
                    session = await self._pool.open(place)
                async with session.turn:
                    return await self._exchange(session, parts, request, closes=closes)
        except TimeoutError:
            return NoReply(Trouble.TIMED_OUT)
        except UnicodeError:
            return NoReply(Trouble.UNKNOWN_HOST)
        except OSError as error:
            trouble = _connect_trouble(error)
            plain = trouble in {Trouble.REFUSED, Trouble.UNKNOWN_HOST}
            return NoReply(trouble, detail="" if plain else str(error))

    async def _on_kept(
        self, session: Session, parts: SplitResult, request: Outgoing, timeout_ms: int | None
    ) -> Reply | None:
        """Wait for a connection and use it; None where it was closed before our turn."""
        waits = session.load > 1
        times_out = not waits or self._quirks.queued_requests_time_out
        try:
            async with _within(timeout_ms if times_out else None), session.turn:
                if waits and not session.is_open:
                    return None
                return await self._exchange(session, parts, request, closes=False)
        except TimeoutError:
            session.load -= 1
            return NoReply(Trouble.TIMED_OUT)
        except _LostUnderIt as error:
            if self._quirks.resends_lost_post:
                return None
            return NoReply(Trouble.CLOSED, detail=str(error))

    async def _exchange(
        self, session: Session, parts: SplitResult, request: Outgoing, *, closes: bool
    ) -> Reply:
        reader, writer = session.reader, session.writer
        is_usable = is_answer = False
        try:
            writer.write(render_head(request, parts, closes=closes) + request.body)
            await writer.drain()
            response = await read_response(reader)
            is_usable = response.reusable and not closes
            is_answer = _pause_s(response) is None and redirected(request, response) is None
        except Unreadable as error:
            if error.is_blank and session.is_kept:
                raise _LostUnderIt from error
            return NoReply(error.trouble)
        except OSError as error:
            if session.is_kept:
                raise _LostUnderIt from error
            return NoReply(Trouble.CLOSED, detail=str(error))
        finally:
            if is_usable:
                self._pool.keep(session, is_answer=is_answer)
            else:
                self._pool.drop(session)
        return response


class _LostUnderIt(Exception):
    """The server closed a kept connection, and has said nothing to the request on it."""

    def __str__(self) -> str:
        return "the server closed the idle connection under the request"


@dataclass(slots=True)
class _Delivery:
    """What has become of one request: the answer, or the last "try again"."""

    reply: Reply | None = None
    refusal: Reply | None = None
    hops: list[str] = field(default_factory=list)


def _within(timeout_ms: int | None) -> asyncio.Timeout:
    return asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000)


def _pause_s(reply: Reply) -> float | None:
    """Tell how long the client waits before it sends the same again; None where it does not."""
    if not isinstance(reply, Response) or reply.status != _UNAVAILABLE:
        return None
    asked = reply.header("retry-after")
    # Anything longer than two characters, a date for example, is a failure like any other.
    return float(asked) if asked is not None and _SHORT_PAUSE.fullmatch(asked) else None


def _place(parts: SplitResult) -> Place:
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("no http or https URL with a host")
    return parts.scheme, parts.hostname, parts.port or SCHEMES[parts.scheme]


def _connect_trouble(error: OSError) -> Trouble:
    match error:
        case ConnectionRefusedError():
            return Trouble.REFUSED
        case socket.gaierror():
            return Trouble.UNKNOWN_HOST
        case ssl.SSLError() | ConnectionResetError():
            return Trouble.TLS
        case _:
            return Trouble.UNREACHABLE
