"""
Reading an HTTP response the way the platform's client reads it.

It is stricter than most: lines end with CR LF and nothing else, and bytes that are no
status line leave it waiting until its timeout. And it is laxer: bytes that come with the
body and go beyond its length belong to it, a body without a length lasts until the
connection closes. A reply is either a `Response` or a `NoReply` that says what went wrong;
what it means for the call is decided in `verdict.py`.

Source: contract/observed.md section 4, contract/wire/responses.
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

_STATUS_LINE: Final = re.compile(rb"HTTP/(\d)\.(\d) (\d{3})(?: [^\r\n]*)?")
_SKIPPED: Final = range(102, 199)
_NO_BODY: Final = frozenset({204, 304})


class Trouble(Enum):
    """Why there was no reply; the value is said to people."""

    REFUSED = "nothing listens there (connection refused)"
    UNKNOWN_HOST = "the host name is not known"
    UNREACHABLE = "the host cannot be reached"
    TLS = "the TLS handshake failed"
    TIMED_OUT = "no complete reply in time"
    CLOSED = "the connection was closed before the reply was complete"
    UNREADABLE = "what came back is no HTTP response"
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
        """
        Give the last header of that name, None where there is none.

        Which of several the platform uses could not be told from its recorded verdicts.
        """
        return next((value for key, value in reversed(self.headers) if key == name), None)


@dataclass(frozen=True, slots=True)
class NoReply:
    """There is no response: what went wrong, and after how long."""

    trouble: Trouble
    elapsed_ms: int = 0
    detail: str = ""
    hops: tuple[str, ...] = ()


Reply: TypeAlias = Response | NoReply


class Unreadable(Exception):
    """The bytes are no response; the reader stops there."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


async def read_response(reader: asyncio.StreamReader) -> Response:
    """
    Read one response.

    Errors:
        Unreadable: closed too early, no HTTP, too large. A caller's timeout is the
        caller's own: this function may wait for ever.
    """
    try:
        version, status, headers = await _final_head(reader)
        fields = dict(headers)
        body, ends = await _body(reader, status, fields)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Unreadable(Trouble.CLOSED) from error
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise Unreadable(Trouble.UNREADABLE) from error
    connection = fields.get("connection", "").lower()
    reusable = ends and version == (1, 1) and "close" not in connection
    return Response(status, headers, body, reusable=reusable)


async def _final_head(
    reader: asyncio.StreamReader,
) -> tuple[tuple[int, int], int, tuple[tuple[str, str], ...]]:
    """Read heads, passing over interim ones; 100 and 199 count as the reply itself."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        matched = _STATUS_LINE.fullmatch(first)
        if matched is None:
            # The platform's client waits on, and so does this one: whatever else comes is
            # thrown away until the connection or the caller's patience ends.
            await _drain(reader)
            raise Unreadable(Trouble.UNREADABLE)
        status = int(matched[3])
        headers = tuple(_header(line) for line in lines)
        if status not in _SKIPPED:
            return (int(matched[1]), int(matched[2])), status, headers


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon:
        return name.decode("latin-1").lower(), ""
    return name.decode("latin-1").strip().lower(), value.decode("latin-1").strip(" \t")


async def _body(
    reader: asyncio.StreamReader, status: int, fields: dict[str, str]
) -> tuple[bytes, bool]:
    """Read the body; the flag tells whether its end was marked."""
    if status in _NO_BODY or status < 200:
        return b"", True
    if "chunked" in fields.get("transfer-encoding", "").lower():
        return await _chunks(reader), True
    if "content-length" in fields:
        length = int(fields["content-length"])
        _allow(length)
        return await _sized(reader, length)
    gathered = bytearray()
    while block := await reader.read(65_536):
        gathered += block
        _allow(len(gathered))
    return bytes(gathered), False


async def _sized(reader: asyncio.StreamReader, length: int) -> tuple[bytes, bool]:
    """
    Read at least `length` bytes.

    What arrives together with the last of them is taken as body too: a flow longer than
    its Content-Length was accepted whole (responses/052).
    """
    gathered = bytearray()
    while len(gathered) < length:
        block = await reader.read(65_536)
        if not block:
            raise Unreadable(Trouble.CLOSED)
        gathered += block
    return bytes(gathered), len(gathered) == length


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    gathered = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line[:-2].split(b";")[0], 16)
        if size == 0:
            while await reader.readuntil(b"\r\n") != b"\r\n":
                pass
            return bytes(gathered)
        _allow(len(gathered) + size)
        gathered += await reader.readexactly(size)
        await reader.readexactly(2)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass


def _allow(size: int) -> None:
    if size > LARGEST_BODY:
        raise Unreadable(Trouble.TOO_LARGE)
    if size < 0:
        raise Unreadable(Trouble.UNREADABLE)
