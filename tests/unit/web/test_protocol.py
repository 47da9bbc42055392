"""
The limits of a connection, tried over real sockets against a tiny application.

Every server here runs inside the test's own loop on a free loopback port. The timeouts
are shortened by a subclass; what is tested is that they begin and end where they should.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from reception.web.protocol import MAX_HEAD_BYTES, LimitedHttpProtocol

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Impatient(LimitedHttpProtocol):
    head_timeout_s = 0.3
    first_byte_timeout_s = 0.5


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with path and body; `/early` answers at once, `/slow` after 0.1 s."""
    body = b""
    while scope["path"] != "/early":
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(0.1)
    text = scope["path"].encode() + b" " + body
    headers = [(b"content-length", b"%d" % len(text))]
    if scope["path"] == "/last":
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


@asynccontextmanager
async def served(
    protocol: type[LimitedHttpProtocol] = Impatient, keep_alive_s: int = 125
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve `echo` and yield one open connection to it."""
    config = uvicorn.Config(
        echo,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_keep_alive=keep_alive_s,
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, {}, loop), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await asyncio.wait_for(reader.readexactly(int(headers["content-length"])), 3)
    return int(head[0].split()[1]), headers, body


async def seconds_until_closed(reader: asyncio.StreamReader) -> float:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        rest = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        rest = b""
    assert b"" == rest
    return loop.time() - begun


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def head_of(size: int) -> bytes:
    """Give a complete head of exactly `size` bytes."""
    begin = b"GET / HTTP/1.1\r\nhost: x\r\nx-pad: "
    return begin + b"a" * (size - len(begin) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_head_at_the_limit_is_answered(pieces: int) -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            head = head_of(MAX_HEAD_BYTES)
            step = -(-len(head) // pieces)
            for at in range(0, len(head), step):
                writer.write(head[at : at + step])
                await writer.drain()
                await asyncio.sleep(0.005)
            status, _, _ = await answer_of(reader)
            assert 200 == status

    run(test)


def test_a_whole_head_over_the_limit_is_refused() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(head_of(MAX_HEAD_BYTES + 1))
            status, headers, _ = await answer_of(reader)
            assert (431, "close") == (status, headers["connection"])
            await seconds_until_closed(reader)

    run(test)


def test_an_endless_head_is_refused_before_it_ends() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nx-pad: ")
            for _ in range(40):
                writer.write(b"a" * 1024)
                await asyncio.sleep(0)
            status, _, _ = await answer_of(reader)
            assert 431 == status

    run(test)


def test_an_endless_request_line_is_refused() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(b"GET /" + b"a" * 40_000)
            status, _, _ = await answer_of(reader)
            assert 431 == status

    run(test)


def test_an_endless_second_head_is_refused() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(GET)
            assert 200 == (await answer_of(reader))[0]
            writer.write(b"GET / HTTP/1.1\r\nx-pad: " + b"a" * 40_000)
            assert 431 == (await answer_of(reader))[0]

    run(test)


def test_a_large_body_does_not_count_as_head() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            body = b"b" * 60_000
            post = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n" + body
            writer.write(post + post + GET[:10])
            await asyncio.sleep(0.05)
            writer.write(GET[10:])
            for expected in (b"/ " + body, b"/ " + body, b"/ "):
                assert expected == (await answer_of(reader))[2]

    run(test)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            paths = [b"/slow", b"/2", b"/slow", b"/4"]
            writer.write(b"".join(GET.replace(b"/ ", path + b" ", 1) for path in paths))
            for path in paths:
                assert path + b" " == (await answer_of(reader))[2]

    run(test)


def test_requests_byte_by_byte_are_answered() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            for byte in b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.001)
            assert (200, b"/x hi") == (await answer_of(reader))[::2]

    run(test)


def test_a_dripping_head_is_closed_in_time() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(GET[:3])
            waiting = asyncio.create_task(seconds_until_closed(reader))
            for byte in GET[3:]:
                await asyncio.sleep(0.05)
                if waiting.done():
                    break
                writer.write(bytes([byte]))
            assert 0.2 < await waiting < 1.0

    run(test)


def test_dripping_line_breaks_do_not_hold_a_connection() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            waiting = asyncio.create_task(seconds_until_closed(reader))
            for _ in range(20):
                if waiting.done():
                    break
                writer.write(b"\r\n")
                await asyncio.sleep(0.05)
            assert 0.2 < await waiting < 1.0

    run(test)


def test_a_silent_fresh_connection_is_closed_in_time() -> None:
    async def test() -> None:
        async with served() as (reader, _):
            assert 0.4 < await seconds_until_closed(reader) < 1.2

    run(test)


def test_a_kept_alive_connection_outlives_the_head_timeouts() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            for _ in range(2):
                writer.write(GET)
                assert 200 == (await answer_of(reader))[0]
                await asyncio.sleep(0.8)
            writer.write(GET)
            assert 200 == (await answer_of(reader))[0]

    run(test)


def test_a_kept_alive_connection_ends_at_its_own_timeout() -> None:
    async def test() -> None:
        async with served(keep_alive_s=1) as (reader, writer):
            writer.write(GET)
            await answer_of(reader)
            assert 0.8 < await seconds_until_closed(reader) < 1.8

    run(test)


def test_a_body_that_comes_after_its_answer_keeps_the_connection() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
            assert 200 == (await answer_of(reader))[0]
            writer.write(b"la")
            await asyncio.sleep(0.1)
            writer.write(b"te")
            await asyncio.sleep(0.6)
            writer.write(GET)
            assert 200 == (await answer_of(reader))[0]

    run(test)


def test_unreadable_bytes_get_400() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(b"\x16\x03\x01\x02\x00 this is TLS\r\n\r\n")
            status, headers, _ = await answer_of(reader)
            assert (400, "close") == (status, headers["connection"])

    run(test)


def test_unreadable_bytes_do_not_cost_the_answer_before_them() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(GET.replace(b"/ ", b"/slow ", 1) + b"\x00\x01\x02\r\n\r\n")
            status, headers, _ = await answer_of(reader)
            assert (200, "close") == (status, headers["connection"])
            await seconds_until_closed(reader)

    run(test)


def test_a_broken_chunked_body_gets_400() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
            assert 400 == (await answer_of(reader))[0]

    run(test)


def test_an_upgrade_is_answered_as_a_plain_request_that_closes() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(GET[:-2] + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n")
            status, headers, _ = await answer_of(reader)
            assert (200, "close") == (status, headers["connection"])

    run(test)


def test_the_application_can_close_the_connection() -> None:
    async def test() -> None:
        async with served() as (reader, writer):
            writer.write(GET.replace(b"/ ", b"/last ", 1))
            status, headers, _ = await answer_of(reader)
            assert (200, "close") == (status, headers["connection"])
            assert await seconds_until_closed(reader) < 0.3

    run(test)
