"""
The whole ASGI application of a worker: the voice path in front, everything else behind.

`/voice` and `/v1/apps/{APPID}/voice` never reach a framework; health, readiness and
metrics are a Starlette app. What is found nowhere gets the same 404 as a denied tenant.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reception.web.lifecycle import Lifecycle
from reception.web.metrics import Metrics
from reception.web.settings import WebSettings
from reception.web.tenant import Tenants, is_voice_path
from reception.web.voice import Receive, Scope, Send, Voice


class Site:
    """The ASGI app; `voice` and `lifecycle` are what a worker steers it by."""

    def __init__(self, tenants: Tenants, settings: WebSettings, lifecycle: Lifecycle) -> None:
        self.lifecycle: Final = lifecycle
        self.settings: Final = settings
        self.metrics: Final = Metrics()
        self.voice: Final = Voice(tenants, settings, lifecycle, self.metrics)
        self._watched_loop: Any = None
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
            else:
                await self._rest(scope, receive, send)
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
                self.voice.watch_lag()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self.lifecycle.started = False
                # Threads that hang in an application's code must not hold the exit.
                self.voice.threads.shutdown(wait=False, cancel_futures=True)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _healthz(self, _: Request) -> Response:
        return self._text("ok\n", 200)

    async def _readyz(self, _: Request) -> Response:
        if self.lifecycle.ready:
            return self._text("ready\n", 200)
        return self._text("draining\n" if self.lifecycle.draining else "starting\n", 503)

    async def _metrics(self, request: Request) -> Response:
        if not self._may_read_metrics(request):
            return await _not_found(request, None)
        return Response(
            self.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    def _may_read_metrics(self, request: Request) -> bool:
        if request.client is None or _came_through_a_proxy(request):
            return False
        try:
            address = ip_address(request.client.host)
        except ValueError:
            return False
        return any(address in network for network in self.settings.metrics_allow_from)

    def _text(self, text: str, status: int) -> Response:
        headers = {"connection": "close"} if self.lifecycle.draining else None
        return PlainTextResponse(text, status, headers)


def _came_through_a_proxy(request: Request) -> bool:
    """Behind a proxy on this machine everybody would seem to be on this machine."""
    return any(
        name in ("forwarded", "via") or name.startswith("x-forwarded-") for name in request.headers
    )


async def _not_found(_: Request, __: Any) -> Response:
    return Response(b'{"error":"not found"}', 404, media_type="application/json")


def _raw_path(scope: Scope) -> bytes:
    """The path as it stood in the request, below where we are mounted."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        raw = str(scope["path"]).encode("utf-8", "surrogatepass")
    if root := scope.get("root_path"):
        raw = raw.removeprefix(str(root).encode("utf-8", "surrogatepass"))
    return raw
