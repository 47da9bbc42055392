"""Drives an ASGI app in process: one request in, one answer out, and what it logged."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reception.callflow import Flow, flow
from reception.face import Call
from reception.web.lifecycle import Lifecycle
from reception.web.load import ARRIVED
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenant, Tenants

SECRET = "0123456789abcdef0123456789abcdef"
USER = "5f3c1a9e8b7d4c2fa1e0b9d8c7f6a5e4"
ACCOUNT = "fedcba9876543210fedcba9876543210"
FALLBACK = flow.user(USER, timeout=20)
VOICE = f"/voice?APPID=acme&key={SECRET}"
BODY = b'{"Call-ID":"c1","Account-ID":"' + ACCOUNT.encode() + b'","Request":"2000"}'


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def tenant(answer: Callable[[Call], Any] | Flow, *, app_id: str = "acme", **changes: Any) -> Tenant:
    """A tenant with one secret, unless `changes` say otherwise."""
    runs = "static" if isinstance(answer, Flow) else "thread"
    if inspect.iscoroutinefunction(answer):
        runs = "loop"
    fields: dict[str, Any] = {
        "runs": runs,
        "fallback": FALLBACK,
        "secrets": (SECRET.encode(),),
        **changes,
    }
    return Tenant(app_id, answer, **fields)


def site(*tenants: Tenant, **settings: Any) -> Site:
    """A site that is ready."""
    values: dict[str, Any] = {"public_url": "https://voice.example.com", **settings}
    lifecycle = Lifecycle()
    lifecycle.started = True
    return Site(Tenants(tenants), WebSettings(**values), lifecycle)


async def request(
    app: Site,
    target: str = VOICE,
    body: bytes | Sequence[bytes] = BODY,
    *,
    method: str = "POST",
    headers: Sequence[tuple[bytes, bytes]] = ((b"content-type", b"application/json"),),
    client: tuple[str, int] | None = ("198.51.100.7", 4000),
    stall: bool = False,
    root_path: str = "",
    arrived_s: float | None = None,
) -> Answer:
    """Send one request; `body` in pieces where it is a sequence, never ending with `stall`."""
    path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": root_path,
        "query_string": query.encode(),
        "headers": list(headers),
        "client": client,
        "server": ("127.0.0.1", 8080),
    }
    if arrived_s is not None:
        scope[ARRIVED] = arrived_s
    pieces = [body] if isinstance(body, bytes) else list(body)
    sent: list[Any] = []
    done: list[bool] = []

    async def receive() -> Any:
        if pieces:
            piece = pieces.pop(0)
            more = bool(pieces) or stall
            return {"type": "http.request", "body": piece, "more_body": more}
        if stall:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            done.append(True)

    await app(scope, receive, send)
    # A server answers 500 for whoever is gone before the answer is out.
    assert done
    assert 2 == len(sent)
    start, end = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, end["body"])


def run(awaitable: Awaitable[Any]) -> Any:
    """Run one coroutine to its end on a loop of its own."""

    async def whole() -> Any:
        return await awaitable

    return asyncio.run(whole())
