"""
The platform's HTTP client, on the wire.

Same request line, same header lines in the same order, nothing else; one idle connection
per server is kept and used again; redirects turn a POST into a GET or keep it; the time
allowed counts for the whole exchange. A request is sent once: the platform does not retry
a lost one either. Nothing here raises for what a server does: the answer is a `Reply`.

Two habits of the platform are left out on purpose and only reported: it sends a 503 with
Retry-After again every second (101 times were seen), and it queues calls behind a slow
reply on a warm connection.

Source: contract/observed.md section 1, contract/wire/http.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import time
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from reception.simulator.reading import (
    LARGEST_HEAD,
    NoReply,
    Reply,
    Response,
    Trouble,
    Unreadable,
    read_response,
)
from reception.simulator.request import Outgoing

_BECOMES_GET: Final = frozenset({301, 302, 303})
_KEEPS_METHOD: Final = frozenset({307, 308})
_MOST_HOPS: Final = 5
_IDLE_S: Final = 120.0
_FAREWELL_S: Final = 0.5
_IPV4_ONLY: Final = "an IPv6 address, and the platform's client speaks IPv4 only"
_PORTS: Final = {"http": 80, "https": 443}

_Place: TypeAlias = tuple[str, str, int]
_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class PlatformClient:
    """Sends requests as the platform does; close it when the call is over."""

    def __init__(self) -> None:
        self._idle: dict[_Place, tuple[_Streams, float]] = {}
        self._tls = _trusting_tls()

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Send one request, follow its redirects, and read the reply within `timeout_ms`."""
        began = time.monotonic()
        hops: list[str] = []
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                reply = await self._follow(request, hops)
        except TimeoutError:
            reply = NoReply(Trouble.TIMED_OUT)
        elapsed_ms = round((time.monotonic() - began) * 1000)
        return replace(reply, elapsed_ms=elapsed_ms, hops=tuple(hops))

    async def aclose(self) -> None:
        """Close the idle connections."""
        idle, self._idle = self._idle, {}
        for (_, writer), _ in idle.values():
            await _close(writer)

    async def _follow(self, request: Outgoing, hops: list[str]) -> Reply:
        while True:
            reply = await self._once(request)
            onward = _redirected(request, reply) if len(hops) < _MOST_HOPS else None
            if onward is None:
                return reply
            hops.append(onward.url)
            request = onward

    async def _once(self, request: Outgoing) -> Reply:
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
        try:
            streams = await self._connect(place)
        except UnicodeError:
            return NoReply(Trouble.UNKNOWN_HOST)
        except OSError as error:
            trouble = _connect_trouble(error)
            plain = trouble in {Trouble.REFUSED, Trouble.UNKNOWN_HOST}
            return NoReply(trouble, detail="" if plain else str(error))
        return await self._exchange(request, parts, place, streams)

    async def _exchange(
        self, request: Outgoing, parts: SplitResult, place: _Place, streams: _Streams
    ) -> Reply:
        reader, writer = streams
        keep = False
        try:
            writer.write(render_head(request, parts) + request.body)
            await writer.drain()
            response = await read_response(reader)
            keep = response.reusable
        except Unreadable as error:
            return NoReply(error.trouble)
        except OSError as error:
            return NoReply(Trouble.CLOSED, detail=str(error))
        finally:
            if keep:
                self._idle[place] = (streams, time.monotonic())
            else:
                await _close(writer)
        return response

    async def _connect(self, place: _Place) -> _Streams:
        idle = self._idle.pop(place, None)
        if idle is not None:
            (reader, writer), since = idle
            if not reader.at_eof() and time.monotonic() - since < _IDLE_S:
                return reader, writer
            await _close(writer)
        scheme, host, port = place
        secure = self._tls if scheme == "https" else None
        # The platform's client speaks IPv4 only.
        return await asyncio.open_connection(
            host, port, family=socket.AF_INET, ssl=secure, limit=LARGEST_HEAD
        )


def render_head(request: Outgoing, parts: SplitResult) -> bytes:
    """
    Render the request line and the header lines, byte for byte the platform's.

    Shape:
        content-type (not on a GET of its own), content-length, an empty te, host,
        authorization where the URL holds userinfo (not percent-decoded), connection, and
        on version 5 the custom headers of the node.
    """
    userinfo, _, netloc = parts.netloc.rpartition("@")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{request.method} {target} HTTP/1.1"]
    if request.content_type is not None:
        lines.append(f"content-type: {request.content_type}")
    lines += [f"content-length: {len(request.body)}", "te: ", f"host: {netloc}"]
    if userinfo:
        token = base64.b64encode(userinfo.encode()).decode("ascii")
        lines.append(f"authorization: Basic {token}")
    lines.append("connection: keep-alive")
    lines += [f"{name.lower()}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", errors="replace")


def _redirected(request: Outgoing, reply: Reply) -> Outgoing | None:
    """Give the request that a redirect asks for; None where the reply is final."""
    if not isinstance(reply, Response):
        return None
    location = reply.header("location")
    if not location:
        return None
    try:
        url = urljoin(request.url, location).split("#", 1)[0]
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    if scheme not in _PORTS:
        return None
    if reply.status in _BECOMES_GET:
        # The content type stays although the body is gone: recorded so.
        return replace(request, method="GET", url=url, body=b"")
    if reply.status in _KEEPS_METHOD:
        return replace(request, url=url)
    return None


def _place(parts: SplitResult) -> _Place:
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("no http or https URL with a host")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _trusting_tls() -> ssl.SSLContext:
    """
    Accept any certificate, as version 4 was seen to do.

    That is the platform's weakness, imitated so that a rehearsal neither fails where the
    platform would connect nor pretends to protect anything. Version 5 may verify.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


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


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close without waiting for a server that never reads the rest or never says goodbye."""
    writer.close()
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
    except OSError:
        pass
