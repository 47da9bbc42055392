"""
ASGI applications: of a whole configuration, and of one `App` in somebody else's server.

The composition root of the web side. An `App` under a foreign server is configured by the
environment alone:

RECEPTION_SECRETS
    one secret, or two with a comma between them while the secret changes.
RECEPTION_PUBLIC_URL
    the https address under which the platform reaches this server; required with secrets.
RECEPTION_INSECURE_NO_SECRET
    "1": answer requests from this machine without a secret.
RECEPTION_DATABASE_URL
    the database for dialogs; without it only handlers that answer in one step work.

With neither a secret nor that flag, only requests are answered that cannot have come from
outside: both ends of the connection on loopback, a Host that means this machine, and no
proxy's header.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Final

import structlog

from reception.bootstrap.config import ServerConfig, is_loopback, public_url_problem
from reception.bootstrap.dialogs import DialogParts
from reception.bootstrap.listen import origin
from reception.bootstrap.loading import Loaded, tenant_of
from reception.bootstrap.problems import ConfigError, Problem
from reception.bootstrap.prompts import read_prompts
from reception.errors import AppError
from reception.face.app import App
from reception.web.client import is_proxied
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenant, Tenants

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
        Tenants(loaded.tenants), settings, lifecycle, parts.conversing if parts else None
    )
    if parts is not None:
        app = WithDialogs(app, parts)
    if any(tenant.open_to_loopback for tenant in loaded.tenants):
        return LocalOnly(app)
    return app


def single(app: App) -> AsgiApp:
    """
    Make an `App` an ASGI application, with settings from the environment (see above).

    A wrong setting is told when the server starts: it gets `lifespan.startup.failed`, and
    whatever is asked before or without a lifespan gets 503.
    """
    try:
        read_prompts(app)
        tenant, public_url, is_open = _from_environment(app, os.environ)
    except (ConfigError, AppError) as error:
        return Misconfigured(error)
    if is_open:
        _log.warning("server.no_secret", tenant=app.name)
    return Single(tenant, public_url, os.environ.get("RECEPTION_DATABASE_URL", ""))


class Single:
    """
    One tenant under a foreign server.

    The site is made at the first request: only then is it known where this server listens,
    and with no public URL that is what URLs back to us are made of. The address is the
    socket's own; what a request claims in Host is never used.
    """

    def __init__(self, tenant: Tenant, public_url: str, database: str = "") -> None:
        self._tenant: Final = tenant
        self._public_url: Final = public_url
        self._database: Final = database
        self._parts: DialogParts | None = None
        self._lifecycle = Lifecycle()
        # Mounted in another application, nobody tells us of a start.
        self._lifecycle.started = True
        self._site: Site | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if self._site is None:
            self._site = self._made(scope)
            if self._parts is not None:
                await self._parts.start()
        if self._tenant.open_to_loopback:
            await LocalOnly(self._site)(scope, receive, send)
        else:
            await self._site(scope, receive, send)

    def _begin(self) -> None:
        # What has ended once does not come back: each life gets a site of its own, on the
        # event loop of that life.
        self._lifecycle = Lifecycle()
        self._lifecycle.started = True
        self._site = None
        self._parts = None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._begin()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._lifecycle.started = False
                if self._site is not None:
                    self._site.voice.load.stop()
                if self._parts is not None:
                    await self._parts.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _made(self, scope: Scope) -> Site:
        public_url = self._public_url
        if not public_url:
            host, port = scope.get("server") or ("127.0.0.1", 80)
            public_url = origin(str(host), int(port or 80)) + str(scope.get("root_path") or "")
        settings = WebSettings(public_url=public_url, loopback=not self._public_url)
        parts = self._parts = (
            DialogParts(self._database, settings, self._lifecycle, dev=False)
            if self._database
            else None
        )
        made = Site(
            Tenants([self._tenant]), settings, self._lifecycle, parts.conversing if parts else None
        )
        made.voice.start()
        return made


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


class Misconfigured:
    """Tells a foreign server, and whoever asks, that the environment must be mended."""

    def __init__(self, error: ConfigError | AppError) -> None:
        self._error: Final = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak ASGI: a failed start, or 503."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": self._error.message})
            return
        _log.error("server.misconfigured", reason=self._error.message)
        await answer_text(send, 503, "This application is not configured yet.\n")


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


def _from_environment(app: App, environ: Mapping[str, str]) -> tuple[Tenant, str, bool]:
    """Give the tenant, its public URL, and whether nobody asked for it to be open."""
    texts = [text.strip() for text in environ.get("RECEPTION_SECRETS", "").split(",")]
    secrets = [text for text in texts if text]
    public_url = environ.get("RECEPTION_PUBLIC_URL", "").rstrip("/")
    insecure = environ.get("RECEPTION_INSECURE_NO_SECRET", "")
    problems: list[Problem] = []

    def add(key: str, message: str) -> None:
        problems.append(Problem("environment", key, message))

    if len(secrets) > 2:
        add("RECEPTION_SECRETS", "holds more than two secrets: the new and the old one are enough")
    if any(not _SECRET.fullmatch(secret) for secret in secrets):
        add("RECEPTION_SECRETS", "must hold 32 or more of A-Z a-z 0-9 _ -, twice with a comma")
    if insecure not in ("", "0", "1"):
        add("RECEPTION_INSECURE_NO_SECRET", "must be 1 or absent")
    if insecure == "1" and (secrets or public_url):
        add("RECEPTION_INSECURE_NO_SECRET", "cannot go with secrets or a public URL: take it out")
    if secrets and not public_url:
        add("RECEPTION_PUBLIC_URL", "is required with secrets: URLs back to us begin with it")
    if public_url:
        problem = public_url_problem(ServerConfig(public_url=public_url))
        if problem:
            add("RECEPTION_PUBLIC_URL", problem)
    if problems:
        raise ConfigError(problems)
    tenant = replace(
        tenant_of(app),
        secrets=tuple(secret.encode() for secret in secrets),
        open_to_loopback=not secrets,
    )
    return tenant, public_url, not secrets and insecure != "1"
