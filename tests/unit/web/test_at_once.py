"""The short way to the socket leaves a connection as the long way does, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from reception import Call, Flow, flow
from reception.web import exchange
from reception.web.protocol import LimitedHttpProtocol
from tests.unit.web.asgi import BODY, VOICE, site, tenant

HANGUP = flow.hangup()
REQUEST = (
    f"POST {VOICE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    f"content-length: {len(BODY)}\r\n\r\n"
).encode() + BODY
Raw = tuple[str, dict[str, str], bytes]


async def spoken(
    handler: Callable[[Call], Awaitable[Flow]], sent: bytes, answers: int, **settings: Any
) -> tuple[list[Raw], bool]:
    """Send bytes on one connection; so many answers, and whether it stays open after them."""
    app = site(tenant(handler), **settings)
    config = uvicorn.Config(
        app, http=LimitedHttpProtocol, ws="none", log_config=None, access_log=False
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"Wed, 25 Nov 2026 12:00:00 GMT")]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: LimitedHttpProtocol(config, state, {}, loop), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    found: list[Raw] = []
    try:
        writer.write(sent)
        for _ in range(answers):
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            found.append(
                (head[0], headers, await reader.readexactly(int(headers["content-length"])))
            )
        try:
            await asyncio.wait_for(reader.read(1), 0.1)
        except TimeoutError:
            return found, True
        return found, False
    finally:
        writer.close()
        server.close()


async def hangup(_: Call) -> Flow:
    return HANGUP


async def slow(_: Call) -> Flow:
    await asyncio.sleep(0.05)
    return HANGUP


def test_the_short_way_says_what_the_long_way_says(monkeypatch: pytest.MonkeyPatch) -> None:
    short = asyncio.run(spoken(hangup, REQUEST, 1))
    monkeypatch.setattr(exchange, "answer_at_once", lambda *_: False)
    assert asyncio.run(spoken(hangup, REQUEST, 1)) == short
    assert short[1]


def test_the_short_way_is_taken_where_nothing_is_unusual(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(RequestResponseCycle, "send", never)
    assert "HTTP/1.1 200 OK" == asyncio.run(spoken(hangup, REQUEST, 1))[0][0][0]


def test_requests_in_a_row_are_answered_in_their_order() -> None:
    answers, is_open = asyncio.run(spoken(slow, REQUEST * 3, 3))
    assert [HANGUP.render()] * 3 == [body for _, _, body in answers]
    assert is_open


def test_whoever_wants_no_more_gets_no_more() -> None:
    last = REQUEST.replace(b"host: x", b"host: x\r\nconnection: close")
    answers, is_open = asyncio.run(spoken(hangup, last, 1))
    assert "close" == answers[0][1]["connection"]
    assert not is_open


def test_a_slow_answer_closes_its_connection() -> None:
    answers, is_open = asyncio.run(spoken(slow, REQUEST, 1, slow_reply_s=0.01))
    assert "close" == answers[0][1]["connection"]
    assert not is_open
