"""The platform's client on the wire: bytes, connections, redirects, time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.client import PlatformClient
from reception.simulator.heads import render_head
from reception.simulator.reading import (
    LARGEST_HEAD,
    NoReply,
    Response,
    Trouble,
    Unreadable,
    read_response,
)
from reception.simulator.request import JSON_TYPE, Outgoing
from tests.conftest import SHARED
from tests.unit.simulator.servers import Answer, RawServer, http, raw_server, sends

FOLDER: Final = SHARED / "contract" / "wire" / "http"
OK: Final = http("200 OK", b"{}", Content_Type="application/json")
RECORDED: Final = sorted(FOLDER.glob("pivot_*.raw")) + sorted(FOLDER.glob("redirect_*.raw"))


@pytest.mark.needs_shared
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_request_is_byte_for_byte_the_recorded_one(path: Path) -> None:
    raw = path.read_bytes()
    head, body = raw.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    # The userinfo of the recorded call, not percent-decoded; see observed.md section 1.
    userinfo = "us%20er:p%40ss@" if "authorization" in headers else ""
    url = f"http://{userinfo}{headers['host']}{target}"
    request = Outgoing(method, url, body, headers.get("content-type"))
    assert raw == render_head(request, urlsplit(url)) + body


def exchange(
    answer: Answer, *requests: Outgoing, timeout_ms: int = 2000
) -> tuple[RawServer, list[Response | NoReply]]:
    async def run() -> tuple[RawServer, list[Response | NoReply]]:
        async with raw_server(answer) as server:
            client = PlatformClient()
            try:
                return server, [
                    await client.send(
                        Outgoing(
                            request.method,
                            request.url.replace("SERVER", f"127.0.0.1:{server.port}"),
                            request.body,
                            request.content_type,
                            request.headers,
                        ),
                        timeout_ms=timeout_ms,
                    )
                    for request in requests
                ]
            finally:
                await client.aclose()

    return asyncio.run(run())


POST: Final = Outgoing("POST", "http://SERVER/voice?APPID=a", b'{"To":"1"}', JSON_TYPE)


def test_headers_are_the_platforms_and_nothing_else() -> None:
    server, _ = exchange(sends(OK), POST)
    assert (
        b"POST /voice?APPID=a HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 10\r\n"
        b"te: \r\nhost: 127.0.0.1:" + str(server.port).encode() + b"\r\n"
        b'connection: keep-alive\r\n\r\n{"To":"1"}'
    ) == server.requests[0]


def test_userinfo_becomes_basic_without_percent_decoding() -> None:
    request = Outgoing("POST", "http://us%20er:p%40ss@h/", b"", JSON_TYPE)
    head = render_head(request, urlsplit(request.url))
    assert b"authorization: Basic dXMlMjBlcjpwJTQwc3M=\r\n" in head


def test_three_requests_share_one_connection() -> None:
    server, replies = exchange(sends(OK), POST, POST, POST)
    assert (1, 3) == (server.connections, len(server.requests))
    assert all(isinstance(reply, Response) for reply in replies)


def test_a_closing_reply_ends_the_connection() -> None:
    server, _ = exchange(sends(http("200 OK", b"{}", Connection="close")), POST, POST)
    assert server.connections == 2


def test_a_connection_closed_while_idle_is_replaced() -> None:
    async def run() -> tuple[RawServer, Response | NoReply]:
        async with raw_server(sends(OK, close=True)) as server:
            client = PlatformClient()
            request = Outgoing("POST", server.url(), b"", JSON_TYPE)
            await client.send(request, timeout_ms=2000)
            await asyncio.sleep(0.05)
            reply = await client.send(request, timeout_ms=2000)
            await client.aclose()
            return server, reply

    server, reply = asyncio.run(run())
    assert isinstance(reply, Response)
    assert server.connections == 2


def redirecting(status: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(http(status, Location="/next?x=1") if number == 1 else OK)
        await writer.drain()

    return answer


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S"])
def test_post_becomes_a_get_without_body_but_with_its_content_type(status: str) -> None:
    server, _ = exchange(redirecting(status), POST)
    assert server.requests[1].startswith(
        b"GET /next?x=1 HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 0\r\n"
    )


@pytest.mark.parametrize("status", ["307 T", "308 P"])
def test_post_stays_a_post_with_its_body(status: str) -> None:
    server, _ = exchange(redirecting(status), POST)
    assert server.requests[1].startswith(b"POST /next?x=1 HTTP/1.1\r\n")
    assert server.requests[1].endswith(b'{"To":"1"}')


def test_endless_redirects_end() -> None:
    server, (reply,) = exchange(sends(http("302 F", Location="/again")), POST)
    assert isinstance(reply, Response)
    assert (302, 6) == (reply.status, len(server.requests))


def test_time_allowed_counts_for_the_whole_exchange() -> None:
    _, (reply,) = exchange(sends(OK, pause_s=0.5), POST, timeout_ms=100)
    assert isinstance(reply, NoReply)
    assert Trouble.TIMED_OUT is reply.trouble
    assert 100 <= reply.elapsed_ms < 400


def test_each_redirect_gets_the_time_anew() -> None:
    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(0.15)
        writer.write(http("307 T", Location="/next") if number == 1 else OK)
        await writer.drain()

    _, (reply,) = exchange(answer, POST, timeout_ms=250)
    assert isinstance(reply, Response)
    assert (200, True) == (reply.status, reply.elapsed_ms >= 300)


@pytest.mark.parametrize("location", ["ftp://h/", "http://h/a b", "/é", "http://"])
def test_a_redirect_to_nowhere_breaks_the_client(location: str) -> None:
    _, (reply,) = exchange(sends(http("302 F", Location=location)), POST)
    assert isinstance(reply, NoReply)
    assert reply.trouble in {Trouble.UNFOLLOWABLE, Trouble.UNSENDABLE}


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://h/a b", Trouble.UNSENDABLE),
        ("http://h/é", Trouble.UNSENDABLE),
        ("ftp://h/", Trouble.UNSENDABLE),
        ("http:///x", Trouble.UNSENDABLE),
        ("http://h:99999/", Trouble.UNSENDABLE),
        ("http://nowhere.invalid/", Trouble.UNKNOWN_HOST),
        ("http://" + "x" * 70 + ".example/", Trouble.UNKNOWN_HOST),
        ("http://[::1]/", Trouble.UNKNOWN_HOST),
    ],
)
def test_requests_that_reach_nobody_are_told_apart(url: str, trouble: Trouble) -> None:
    _, (reply,) = exchange(sends(OK), Outgoing("POST", url))
    assert isinstance(reply, NoReply)
    assert trouble is reply.trouble


def test_nobody_listening_is_refused() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _, (reply,) = exchange(sends(OK), Outgoing("POST", f"http://127.0.0.1:{port}/"))
    assert isinstance(reply, NoReply)
    assert Trouble.REFUSED is reply.trouble


def test_an_address_that_the_platform_cannot_use_is_named_as_such() -> None:
    _, (reply,) = exchange(sends(OK), Outgoing("POST", "http://[::1]:8080/"))
    assert isinstance(reply, NoReply)
    assert "IPv4 only" in reply.detail


def received(listener: socket.socket) -> int:
    """Take the waiting connection and count what comes out of it to its end."""
    size = 0
    connection, _ = listener.accept()
    with connection, contextlib.suppress(ConnectionError):
        while block := connection.recv(65_536):
            size += len(block)
    return size


def test_what_was_not_sent_in_time_is_never_sent() -> None:
    body = b"x" * 16_000_000  # more than the buffers between the two hold

    async def run() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(5)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            client = PlatformClient()
            reply = await client.send(Outgoing("POST", url, body, JSON_TYPE), timeout_ms=100)
            assert isinstance(reply, NoReply)
            return await asyncio.to_thread(received, listener)

    assert asyncio.run(run()) < len(body)


def test_plain_http_behind_https_is_a_failed_handshake() -> None:
    _, (reply,) = exchange(sends(OK), Outgoing("POST", "https://SERVER/"), timeout_ms=500)
    assert isinstance(reply, NoReply)
    assert reply.trouble in {Trouble.TLS, Trouble.TIMED_OUT}


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: OK[:-2] + tail))
def test_any_bytes_are_a_response_or_unreadable(raw: bytes) -> None:
    async def read() -> Response | None:
        reader = asyncio.StreamReader(limit=LARGEST_HEAD)
        reader.feed_data(raw)
        reader.feed_eof()
        try:
            return await read_response(reader)
        except Unreadable:
            return None

    assert isinstance(asyncio.run(read()), Response | None)
