"""
Reading an HTTP response the way the platform's client reads it.

It is stricter than most in places: lines end with CR LF and nothing else, what stands in
for a version must begin with ``HTTP/``, a header line without a colon ends everything. And
it is laxer in others: bytes that come with the body and go beyond its length belong to it,
a body without a length lasts until the connection closes, interim answers are passed over,
of a header that is repeated the first counts. A reply is either a `Response` or a `NoReply`
that says what went wrong; what it means for the call is decided in `verdict.py`.

Source: contract/observed.md section 4, contract/wire/responses; inets of Erlang/OTP 25,
httpc_response.erl and httpc_handler.erl.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

# The platform has no limit of its own; this one only keeps a rehearsal from eating the
# machine. A flow of 1 MB was accepted by the platform.
LARGEST_BODY: Final = 16 * 1024 * 1024
LARGEST_HEAD: Final = 64 * 1024

_INTERIM: Final = range(100, 200)
_NO_BODY: Final = frozenset({204, 304})
_SERVER_ERROR: Final = range(500, 600)
_NUMBER: Final = re.compile(rb"[+-]?\d{1,18}")
_LENGTH: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")


class Trouble(Enum):
    """Why there was no reply; the value is said to people."""

    REFUSED = "nothing listens there (connection refused)"
    UNKNOWN_HOST = "the host name is not known"
    UNREACHABLE = "the host cannot be reached"
    TLS = "the TLS handshake failed"
    TIMED_OUT = "no complete reply in time"
    UNANSWERED = "no complete reply, and the platform's client has no timeout for this request"
    CLOSED = "the connection was closed before the reply was complete"
    UNREADABLE = "what came back is no HTTP response"
    UNFOLLOWABLE = "a redirect that the platform's client cannot follow"
    UNSENDABLE = "the request never leaves the platform"
    TOO_LARGE = "the reply is larger than this phone reads"


@dataclass(frozen=True, slots=True)
class Response:
    """
    A complete HTTP response.

    Shape:
        headers: names in lower case, in order of arrival, values without outer blanks.
        elapsed_ms: from the first byte sent to the last one read, redirects included.
        hops: the addresses that redirected us here.
        reusable: the connection may carry another request.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    elapsed_ms: int = 0
    hops: tuple[str, ...] = ()
    reusable: bool = False

    def header(self, name: str) -> str | None:
        """Give the first header of that name, as the platform does; None without one."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class NoReply:
    """There is no response: what went wrong, and after how long."""

    trouble: Trouble
    elapsed_ms: int = 0
    detail: str = ""
    hops: tuple[str, ...] = ()


Reply: TypeAlias = Response | NoReply


class Unreadable(Exception):
    """The bytes are no response; the reader stops there. `is_blank`: there were none at all."""

    def __init__(self, trouble: Trouble, *, is_blank: bool = False) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.is_blank = is_blank


@dataclass(frozen=True, slots=True)
class _Head:
    version: bytes
    status: int
    headers: tuple[tuple[str, str], ...]

    def first(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


async def read_response(reader: asyncio.StreamReader) -> Response:
    """
    Read one response.

    Errors:
        Unreadable: closed too early, no HTTP, too large. A caller's timeout is the
        caller's own: this function may wait for ever.
    """
    incoming = _Incoming(reader)
    head = await incoming.head()
    while head.status in _INTERIM:
        head = await incoming.head()
    if (head.first("content-type") or "").startswith("multipart/byteranges"):
        raise Unreadable(Trouble.UNREADABLE)
    body, is_ended = await _body(incoming, head)
    return Response(head.status, head.headers, body, reusable=is_ended and _keeps_alive(head))


def _keeps_alive(head: _Head) -> bool:
    """
    Tell whether the client keeps the connection.

    "close" counts in lower case only, and an answer of 500 and above closes it as well.
    """
    connection = head.first("connection")
    if connection == "close" or head.status in _SERVER_ERROR:
        return False
    return head.version != b"HTTP/1.0" or connection == "keep-alive"


class _Incoming:
    """The bytes of one connection, as far as they have come."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._is_blank = True
        self.held = bytearray()

    async def more(self) -> bool:
        """Wait for further bytes; False once the server has closed."""
        try:
            block = await self._reader.read(65_536)
        except ConnectionError as error:
            raise Unreadable(Trouble.CLOSED, is_blank=self._is_blank) from error
        self.held += block
        self._is_blank = self._is_blank and not block
        if len(self.held) > LARGEST_BODY + LARGEST_HEAD:
            raise Unreadable(Trouble.TOO_LARGE)
        return bool(block)

    async def need(self, size: int) -> None:
        """Wait until `size` bytes are here."""
        while len(self.held) < size:
            if not await self.more():
                raise Unreadable(Trouble.CLOSED, is_blank=self._is_blank)

    async def line(self) -> bytes:
        """Take one line, without its end."""
        while (end := self.held.find(b"\r\n")) < 0:
            await self.need(len(self.held) + 1)
        taken = bytes(self.held[:end])
        del self.held[: end + 2]
        return taken

    def take(self, size: int) -> bytes:
        """Take `size` bytes that are here."""
        taken = bytes(self.held[:size])
        del self.held[:size]
        return taken

    async def head(self) -> _Head:
        """Take the next head; what cannot begin one is refused as soon as it shows."""
        while True:
            version, space, _ = self.held.partition(b" ")
            # The client looks no further than the first blank: without one it waits on.
            if space and not version.startswith(b"HTTP/"):
                raise Unreadable(Trouble.UNREADABLE)
            end = self.held.find(b"\r\n\r\n") if space else -1
            if end >= 0:
                head = _parse_head(bytes(self.held[:end]))
                del self.held[: end + 4]
                return head
            if space and len(self.held) > LARGEST_HEAD:
                raise Unreadable(Trouble.UNREADABLE)
            await self.need(len(self.held) + 1)


def _parse_head(raw: bytes) -> _Head:
    version, _, rest = raw.partition(b" ")
    number, space, rest = rest.partition(b" ")
    if not space or _NUMBER.fullmatch(number) is None:
        raise Unreadable(Trouble.UNREADABLE)
    _, _, lines = rest.partition(b"\r\n")
    headers: list[tuple[str, str]] = []
    for line in _unfolded(lines):
        name, colon, value = line.partition(b":")
        if not colon:
            raise Unreadable(Trouble.UNREADABLE)
        text = value.decode("latin-1").strip(" ")
        headers.append((name.decode("latin-1").strip(" ").lower(), text))
    return _Head(version, int(number), tuple(headers))


def _unfolded(lines: bytes) -> list[bytes]:
    """Join lines that begin with a blank to the one before them."""
    whole: list[bytes] = []
    for line in lines.split(b"\r\n") if lines else []:
        if whole and line[:1] in {b" ", b"\t"}:
            whole[-1] += b" " + line[1:]
        else:
            whole.append(line)
    return whole


async def _body(incoming: _Incoming, head: _Head) -> tuple[bytes, bool]:
    """Take the body; the flag tells whether its end was marked."""
    if head.status in _NO_BODY:
        return b"", True
    encoding = head.first("transfer-encoding")
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise Unreadable(Trouble.UNREADABLE)
        return await _chunks(incoming), True
    written = head.first("content-length")
    if written is None:
        return await _until_closed(incoming), False
    if _LENGTH.fullmatch(written) is None:
        raise Unreadable(Trouble.UNREADABLE)
    length = int(written)
    if length < 0:
        return await _until_closed(incoming), False
    if length > LARGEST_BODY:
        raise Unreadable(Trouble.TOO_LARGE)
    await incoming.need(length)
    # What arrives together with the last of them is taken as body too: a flow longer than
    # its Content-Length was accepted whole (responses/052).
    taken = incoming.take(len(incoming.held) if length else 0)
    return taken, len(taken) == length


async def _until_closed(incoming: _Incoming) -> bytes:
    while await incoming.more():
        pass
    return incoming.take(len(incoming.held))


async def _chunks(incoming: _Incoming) -> bytes:
    gathered = bytearray()
    while True:
        written = (await incoming.line()).split(b";")[0].strip(b" ")
        if _CHUNK_SIZE.fullmatch(written) is None:
            raise Unreadable(Trouble.UNREADABLE)
        size = int(written, 16)
        if size == 0:
            while await incoming.line():
                pass
            return bytes(gathered)
        if len(gathered) + size > LARGEST_BODY:
            raise Unreadable(Trouble.TOO_LARGE)
        await incoming.need(size + 2)
        gathered += incoming.take(size)
        incoming.take(2)
