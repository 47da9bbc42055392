"""
The ASGI application of a whole configuration: the composition root of the web side.

Here tenants, settings and what dialogs need become one site, and here is seen to it that a
tenant that is open to this machine is open to nobody behind it. One app in a server that is
not ours is `foreign`'s business.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any, Final

import structlog

from reception.bootstrap.config import is_loopback
from reception.bootstrap.dialogs import DialogParts
from reception.bootstrap.listen import origin
from reception.bootstrap.loading import Loaded
from reception.web.client import is_proxied
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenants

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,}", re.ASCII)
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]]+))(?::[0-9]*)?")
_log: Final = structlog.stdlib.get_logger("reception.server")


def site(
    loaded: Loaded, *, port: int, lifecycle: Lifecycle, dev: bool = False, database: str = ""
) -> AsgiApp:
    """
    Make the application that serves a configuration.

    Shape:
        port: the port that is listened on (the configured one may be 0).
        dev: show findings and tracebacks to whoever asks.
        database: its address, for dialogs; "" where there is none.
    """
    server = loaded.config.server
    settings = WebSettings(
        public_url=server.public_url or origin(server.host, port),
        loopback=server.is_loopback,
        deadline_s=server.deadline_s,
        slow_reply_s=server.slow_reply_s,
        connection=server.connection,
        max_in_flight=server.max_in_flight,
        trusted_proxies=server.trusted_proxies,
        metrics_allow_from=server.metrics_allow_from,
        dev=dev,
    )
    parts = DialogParts(database, settings, lifecycle, dev=dev) if database else None
    app: AsgiApp = Site(
        Tenants(loaded.tenants),
        settings,
        lifecycle,
        parts.conversing if parts else None,
        parts.taker if parts else None,
    )
    if parts is not None:
        app = WithDialogs(app, parts)
    if any(tenant.open_to_loopback for tenant in loaded.tenants):
        return LocalOnly(app)
    return app


class WithDialogs:
    """Lets what dialogs need begin before the site and end after it."""

    __slots__ = ("_app", "_parts")

    def __init__(self, app: AsgiApp, parts: DialogParts) -> None:
        self._app: Final = app
        self._parts: Final = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def stopping(message: Message) -> None:
            # Once this has been said, the server waits for nothing any more.
            if message["type"] == "lifespan.shutdown.complete":
                await self._parts.stop()
            await send(message)

        await self._parts.start()
        await self._app(scope, receive, stopping)


class LocalOnly:
    """
    Hides the peer's address where others may be behind a request from this machine.

    A tenant without a secret is open to this machine. A proxy on this machine is on it
    too, but its callers are not; nor is a web page in a browser on it, whose author lets
    a name of his own point here (then Host is that name). To them the tenant does not exist.
    """

    __slots__ = ("_app",)

    def __init__(self, app: AsgiApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "http":
            if _is_in_process(scope):
                scope = {**scope, "client": ("127.0.0.1", 0)}
            elif not _is_local(scope):
                scope = {**scope, "client": None}
        await self._app(scope, receive, send)


def _is_in_process(scope: Scope) -> bool:
    """
    Tell whether a test client calls us without a socket.

    A server tells the address that it listens on, or the path of its socket; only the
    in-process transports of Starlette and httpx tell a name. An adapter may copy a name out
    of the Host header, but then it tells the caller's address.
    """
    server, client = scope.get("server"), scope.get("client")
    if not server or not client or is_proxied(scope["headers"]):
        return False
    peer = str(client[0])
    return _is_name(str(server[0])) and (_is_name(peer) or is_loopback(peer))


def _is_name(host: str) -> bool:
    """Tell whether this is neither an address nor the path of a socket."""
    try:
        ip_address(host)
    except ValueError:
        return bool(host) and "/" not in host and "\0" not in host
    return False


def _is_local(scope: Scope) -> bool:
    server, client = scope.get("server"), scope.get("client")
    if not client or not is_loopback(str(client[0])):
        return False
    if not server or not is_loopback(str(server[0])):
        return False
    return not is_proxied(scope["headers"]) and all(
        _means_this_machine(value) for name, value in scope["headers"] if name == b"host"
    )


def _means_this_machine(host: bytes) -> bool:
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    return found is not None and is_loopback(found[1] or found[2])


async def answer_text(send: Send, status: int, text: str) -> None:
    """Answer with a plain text, and close."""
    body = text.encode("utf-8", "backslashreplace")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
