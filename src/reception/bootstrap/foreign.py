"""
One `App` in somebody else's ASGI server, configured by the environment alone.

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

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import structlog

from reception.bootstrap.asgi import AsgiApp, LocalOnly, Receive, Scope, Send, answer_text
from reception.bootstrap.config import ServerConfig, public_url_problem
from reception.bootstrap.dialogs import DialogParts
from reception.bootstrap.listen import origin
from reception.bootstrap.loading import tenant_of
from reception.bootstrap.problems import ConfigError, Problem
from reception.bootstrap.prompts import read_prompts
from reception.bootstrap.store_config import is_database_url
from reception.errors import AppError, NeedsHuman
from reception.face.app import App
from reception.web.lifecycle import Lifecycle
from reception.web.settings import WebSettings
from reception.web.site import Site
from reception.web.tenant import Tenant, Tenants

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32,}", re.ASCII)
_log: Final = structlog.stdlib.get_logger("reception.server")


def single(app: App) -> AsgiApp:
    """
    Make an `App` an ASGI application, with settings from the environment (see the file head).

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

    async def _database_problem(self) -> str:
        """What somebody must do about the database first; that it is away is no such thing."""
        if not self._database:
            return ""
        # Imported here: only a start needs it, and only with a database.
        from reception.store import migrations, roles

        try:
            await asyncio.to_thread(migrations.check, roles.app_conninfo(self._database))
        except NeedsHuman as error:
            return "" if error.code == "store.unreachable" else error.message
        return ""

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
                if problem := await self._database_problem():
                    await send({"type": "lifespan.startup.failed", "message": problem})
                    return
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
            Tenants([self._tenant]),
            settings,
            self._lifecycle,
            parts.conversing if parts else None,
            parts.taker if parts else None,
        )
        made.voice.start()
        return made


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
    if (database := environ.get("RECEPTION_DATABASE_URL", "")) and not is_database_url(database):
        add(
            "RECEPTION_DATABASE_URL",
            "must be an address like postgresql://user:password@host/database",
        )
    if problems:
        raise ConfigError(problems)
    tenant = replace(
        tenant_of(app),
        secrets=tuple(secret.encode() for secret in secrets),
        open_to_loopback=not secrets,
    )
    return tenant, public_url, not secrets and insecure != "1"
