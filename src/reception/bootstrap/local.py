"""
An app served on this machine for as long as a block of code runs, for `reception phone`.

The server runs in a thread of this process, with a loop of its own; the port is any free
one of 127.0.0.1. It is not for others: no secret, no drain, no supervisor. An app with dialogs
gets a database that is thrown away.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from reception.bootstrap import logs
from reception.bootstrap.asgi import site
from reception.bootstrap.config import Config, ServerConfig
from reception.bootstrap.listen import listen, origin
from reception.bootstrap.loading import Loaded, tenant_of
from reception.bootstrap.target import load_app
from reception.bootstrap.worker import loop_factory, uvicorn_config
from reception.errors import NeedsHuman
from reception.web.lifecycle import Lifecycle

_HOST: Final = "127.0.0.1"
_START_S: Final = 10.0


@contextmanager
def serving(target: str) -> Generator[str, None, None]:
    """
    Serve `module:attribute`, found in the current folder, and give its voice URL.

    Errors:
        NeedsHuman: the target gives no app, or the server cannot start; plain words.
    """
    # To standard error: standard output is the caller's.
    logs.configure()
    directory = Path.cwd()
    app = load_app(target, directory)
    listener = listen(_HOST, 0)
    port: int = listener.getsockname()[1]
    config = Config("", directory, ServerConfig(port=port), ())
    loaded = Loaded(config, (tenant_of(app),))
    with ExitStack() as stack:
        database = ""
        if any(tenant.runs == "dialog" for tenant in loaded.tenants):
            database = stack.enter_context(_database())
        asgi = site(loaded, port=port, lifecycle=Lifecycle(), dev=True, database=database)
        server = uvicorn.Server(uvicorn_config(asgi, keep_alive_s=config.server.keep_alive_s))
        server.config.timeout_graceful_shutdown = 1

        def run() -> None:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(server.serve(sockets=[listener]))

        thread = threading.Thread(target=run, name="reception-local", daemon=True)
        thread.start()
        try:
            _wait_for_start(server, thread)
            yield f"{origin(_HOST, port)}/voice?APPID={app.name}"
        finally:
            server.should_exit = True
            thread.join(_START_S)
            listener.close()


@contextmanager
def _database() -> Generator[str, None, None]:
    """Run a database for as long as the block, and give its address."""
    # Their imports take longer than an app that has no dialog is willing to wait.
    from reception.store.embedded import EmbeddedServer
    from reception.store.migrations import migrate
    from reception.store.roles import APP_ROLE

    with tempfile.TemporaryDirectory(prefix="reception-") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        server.start()
        try:
            migrate(server.dsn(user="postgres"))
            yield server.dsn(user=APP_ROLE)
        finally:
            server.stop(timeout_s=0.0)  # nobody needs its data any more


def _wait_for_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise NeedsHuman("local.not_started", "The app's server does not start.")
        time.sleep(0.005)
