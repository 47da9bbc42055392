"""
A server that writes what a script tells it to, byte by byte where that matters.

It reads whole requests (head and body) and keeps them; what it sends back is up to the
test. Loopback only, any free port, gone with the block.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter, int], Awaitable[None]]


@dataclass
class RawServer:
    """The port of a running server and the requests that it got."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/voice?APPID=acme-crm", userinfo: str = "") -> str:
        return f"http://{userinfo}127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncIterator[RawServer]:
    """Serve; `answer` writes the reply to the n-th request (from 1) and may close."""
    served = RawServer()
    handlers: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        writers.append(writer)
        task = asyncio.current_task()
        if task is not None:
            handlers.add(task)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                served.requests.append(head + await reader.readexactly(length))
                await answer(writer, len(served.requests))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()
        # A loop that ends before its connections do leaves open sockets behind.
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        for writer in writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def sends(*pieces: bytes, pause_s: float = 0.0, close: bool = False) -> Answer:
    """Answer every request with these bytes, with a pause before each piece."""

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        for piece in pieces:
            if pause_s:
                await asyncio.sleep(pause_s)
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()

    return answer


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    """Render a plain response; header names with _ for -."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
