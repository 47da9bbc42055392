"""
The whole ASGI application of a worker: the voice path in front, everything else behind.

`/voice` and `/hangup` (and `/v1/apps/{APPID}/…`) never reach a framework; health, readiness and
metrics are a Starlette app. What is found nowhere gets the same 404 as a denied tenant.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reception.service.reports import ReportTaker
from reception.web.client import client_of, is_within
from reception.web.conversing import Conversing
from reception.web.hangup import Hangup, is_hangup_path
from reception.web.lifecycle import Lifecycle
from reception.web.metrics import Metrics
from reception.web.reading import Message, Receive, Scope, Send
from reception.web.settings import WebSettings
from reception.web.tenant import Tenants, is_voice_path
from reception.web.voice import Voice


class Site:
    """The ASGI app; `voice` and `lifecycle` are what a worker steers it by."""

    def __init__(
        self,
        tenants: Tenants,
        settings: WebSettings,
        lifecycle: Lifecycle,
        conversing: Conversing | None = None,
        taker: ReportTaker | None = None,
    ) -> None:
        self.lifecycle: Final = lifecycle
        self.settings: Final = settings
        self.metrics: Final = Metrics()
        self.voice: Final = Voice(tenants, settings, lifecycle, self.metrics, conversing)
        self.hangup: Final = Hangup(tenants, settings, lifecycle, self.metrics, taker)
        self._rest: Final = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
            ],
            exception_handlers={404: _not_found},
        )
        self._rest.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI: http and lifespan; a websocket is refused."""
        if scope["type"] == "http":
            path = _raw_path(scope)
            if path == b"/voice" or is_voice_path(path):
                await self.voice(scope, receive, send, path)
            elif is_hangup_path(path):
                await self.hangup(scope, receive, send, path)
            else:
                await self._rest(scope, receive, self._closing(send))
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.lifecycle.started = True
                self.voice.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self.lifecycle.started = False
                self.voice.load.stop()
                self.metrics.flush()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _closing(self, send: Send) -> Send:
        if not self.lifecycle.draining:
            return send

        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        return closing

    async def _healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _readyz(self, _: Request) -> Response:
        if not self.lifecycle.ready:
            state = "draining" if self.lifecycle.draining else "starting"
        else:
            state = "busy" if self.voice.load.is_full else "ready"
        note = " (the database is away)" if self.lifecycle.is_store_away else ""
        return PlainTextResponse(f"{state}{note}\n", 200 if state == "ready" else 503)

    async def _metrics(self, request: Request) -> Response:
        # Behind a proxy on this machine everybody would seem to be on this machine.
        client = client_of(request.scope.get("client"), request.scope["headers"], ())
        if not is_within(client, self.settings.metrics_allow_from):
            return await _not_found(request, None)
        return Response(
            self.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )


async def _not_found(_: Request, __: Any) -> Response:
    return Response(b'{"error":"not found"}', 404, media_type="application/json")


def _raw_path(scope: Scope) -> bytes:
    """The path as it stood in the request, below where we are mounted."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        raw = quote(str(scope["path"])).encode()
    if root := str(scope.get("root_path") or ""):
        for prefix in (root.encode("utf-8", "surrogatepass"), quote(root).encode()):
            if raw.startswith(prefix + b"/"):
                return raw[len(prefix) :]
    return raw
