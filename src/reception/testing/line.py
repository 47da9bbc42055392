"""
The line between the simulated platform and the server under test: requests without sockets.

It is the simulator's transport. It also knows which server is the present one, replaces it,
and does to a request what chaos has planned for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.request import Outgoing
from reception.testing.chaos import Chaos
from reception.testing.ledger import Ledger
from reception.testing.records import Posted
from reception.testing.server import PUBLIC, LeaseClock, Server
from reception.wire import parse_pivot, parse_pivot_query

_CLIENT: Final = ("127.0.0.1", 5060)
_LONGEST_SHOWN: Final = 2_000


class Line:
    """
    Carries the requests of one phone.

    Attributes:
        posted: what the platform asked, and was told.
    """

    def __init__(
        self,
        make_server: Callable[[], Server],
        ledger: Ledger,
        *,
        chaos: Chaos | None,
        leases: LeaseClock,
        with_store: Callable[[], None],
    ) -> None:
        self._make: Final = make_server
        self._ledger: Final = ledger
        self._chaos: Final = chaos
        self._leases: Final = leases
        self._with_store: Final = with_store
        self._server: Server | None = None
        self._last: tuple[Outgoing, int] | None = None
        self.posted: list[Posted] = []

    @property
    def server(self) -> Server:
        """The present server; started when it is first asked for."""
        if self._server is None:
            self._server = self._make()
            self._server.start()
        return self._server

    async def restart(self) -> None:
        """Stop the server, and go on with another one."""
        await self.stop()
        self._leases.skip_lease()
        _ = self.server

    async def stop(self) -> None:
        """Stop the server."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop()

    async def send(self, request: Outgoing, *, timeout_ms: int) -> Reply:
        """Send one request as the platform does."""
        if not request.url.startswith(f"{PUBLIC}/"):
            return NoReply(Trouble.UNKNOWN_HOST, detail="a phone in a test reaches its app only")
        if request.unsendable is not None:
            return NoReply(Trouble.UNSENDABLE, detail=request.unsendable)
        self._last = request, timeout_ms
        if self._chaos is None:
            reply = await self._post(self.server, request, timeout_ms)
        else:
            reply = await self._through_chaos(self._chaos, request, timeout_ms)
        self._note(request, reply)
        return reply

    async def again(self, copies: int) -> list[Reply]:
        """Send the last request once more, so many times at once."""
        if self._last is None:
            return []
        server = self.server
        return await asyncio.gather(*(self._post(server, *self._last) for _ in range(copies)))

    async def _through_chaos(self, chaos: Chaos, request: Outgoing, timeout_ms: int) -> Reply:
        plan = chaos.plan()
        one = self.server
        other = self._make() if plan.elsewhere else one
        if other is not one:
            other.start()
        try:
            reply, copy = await asyncio.gather(
                self._post(one, request, timeout_ms),
                self._post(other, request, timeout_ms, after_s=plan.pause_s),
            )
        finally:
            if other is not one:
                await other.stop()
        if plan.restarts_first:
            await self.restart()
        later = await self._post(self.server, request, timeout_ms)
        if not plan.restarts_first:
            await self.restart()
        node = "another node" if plan.elsewhere else "the same node"
        self._compare(reply, copy, f"A copy of the request, at the same time on {node}")
        self._compare(reply, later, "A copy of the request, after the reply")
        return reply

    def _compare(self, reply: Reply, copy: Reply, words: str) -> None:
        if not same(reply, copy):
            self._ledger.fail(f"{words}, was answered differently.\n{difference(reply, copy)}")

    async def _post(
        self, server: Server, request: Outgoing, timeout_ms: int, *, after_s: float = 0.0
    ) -> Reply:
        if after_s:
            await asyncio.sleep(after_s)
        reply = await _asked(server, request, timeout_ms)
        if server.wants_store:
            # Its first handler did not look like a dialog, and is one.
            self._with_store()
            if self._server is server:
                await self.restart()
            reply = await _asked(self.server, request, timeout_ms)
        if reply.elapsed_ms >= server.deadline_s * 1000:
            self._ledger.fail(
                f"The app was late: the caller got the fallback after {server.deadline_s:g} s"
            )
        return reply

    def _note(self, request: Outgoing, reply: Reply) -> None:
        if request.method == "GET":
            read = parse_pivot_query(urlsplit(request.url).query.encode())
        else:
            read = parse_pivot(request.body, request.content_type)
        status, body = (reply.status, reply.body) if isinstance(reply, Response) else (0, b"")
        self.posted.append(Posted(read, request.url, request.body, status, body))


async def _asked(server: Server, request: Outgoing, timeout_ms: int) -> Reply:
    """Send one request to a server, and take what it answers."""
    parts = urlsplit(request.url)
    headers = [(b"host", parts.netloc.encode()), (b"content-length", b"%d" % len(request.body))]
    if request.content_type is not None:
        headers.append((b"content-type", request.content_type.encode()))
    headers += [(name.lower().encode(), text.encode()) for name, text in request.headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "https",
        "method": request.method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": headers,
        "client": _CLIENT,
        "server": (parts.hostname, 443),
    }
    exchange = _Exchange(request.body)
    began_s = time.monotonic()
    # A task of its own: the server cancels the task that it runs in when it is late.
    task = asyncio.create_task(_served(server, scope, exchange))
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            reply = await exchange.reply
    except TimeoutError:
        reply = NoReply(Trouble.TIMED_OUT)
    elapsed_ms = round((time.monotonic() - began_s) * 1000)
    if isinstance(reply, Response):
        await asyncio.wait({task})
    return replace(reply, elapsed_ms=elapsed_ms)


async def _served(server: Server, scope: dict[str, Any], exchange: _Exchange) -> None:
    try:
        await server(scope, exchange.receive, exchange.send)
    except Exception as error:
        if not exchange.reply.done():
            exchange.reply.set_exception(error)
        raise


class _Exchange:
    """Both ends of one ASGI exchange."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._status = 0
        self._headers: tuple[tuple[str, str], ...] = ()
        self.reply: Final[asyncio.Future[Reply]] = asyncio.get_running_loop().create_future()

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(
                (name.decode("latin-1").lower(), text.decode("latin-1"))
                for name, text in message["headers"]
            )
        elif message["type"] == "http.response.body" and not self.reply.done():
            self.reply.set_result(Response(self._status, self._headers, message["body"]))


def same(one: Reply, other: Reply) -> bool:
    """Are these the same bytes?"""
    if not isinstance(one, Response) or not isinstance(other, Response):
        return False
    return (one.status, one.body) == (other.status, other.body)


def difference(one: Reply, other: Reply) -> str:
    """Show two replies that should be one."""
    return f"  first: {_shown(one)}\n  then:  {_shown(other)}"


def _shown(reply: Reply) -> str:
    if isinstance(reply, NoReply):
        return f"no reply: {reply.trouble.value}"
    text = reply.body.decode("utf-8", "replace")
    return f"{reply.status} {text[:_LONGEST_SHOWN]}{'…' if len(text) > _LONGEST_SHOWN else ''}"
