"""
One worker process: loads the configuration, takes the listening socket, answers.

Started by the supervisor as ``python -P -m reception.bootstrap.worker FD``, where FD is
its end of the control line. In order: settings, load (`loaded` or `problems`), the
listening socket, `ready`, then pings and an end. All workers share one listening socket,
so that a killed worker takes no waiting connection with it.

A worker never outlives its supervisor: the end of the control line is read by a thread of
its own (the event loop may be busy), and on Linux the kernel sends SIGTERM as well. SIGTERM
and not SIGKILL, because what is in flight is to be finished; before our handler is in
place it ends the process, which is right too.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import structlog
import uvicorn

from reception.bootstrap import logs
from reception.bootstrap.arming import arm_fault
from reception.bootstrap.asgi import AsgiApp, answer_text, site
from reception.bootstrap.config import Config, Overrides, ServerConfig
from reception.bootstrap.control import Line, Message
from reception.bootstrap.drain import DrainingServer
from reception.bootstrap.garbage import collect_seldom
from reception.bootstrap.loading import Loaded, load, tenant_of
from reception.bootstrap.problems import ConfigError, Problem
from reception.bootstrap.store_config import StoreConfig, store_message
from reception.bootstrap.target import TargetError, load_app
from reception.web.lifecycle import Lifecycle
from reception.web.protocol import LimitedHttpProtocol

EXIT_CONFIG: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_log: Final = structlog.stdlib.get_logger("reception.worker")


def main() -> None:
    """Be a worker until told otherwise."""
    _serve(*begin())


class Begun(NamedTuple):
    """A process that has loaded and may serve."""

    planned: Planned
    listener: socket.socket
    line: Line
    supervisor: int


def begin() -> Begun:
    """Hear what to load, load it, tell of it, and wait for the word to serve; or end."""
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    line = Line(end)
    settings = line.receive()
    if settings is None:
        sys.exit(0)
    supervisor: int = settings["supervisor"]
    _die_with(supervisor)
    logs.configure(worker=settings["worker"])
    try:
        planned = _load(settings, line)
        arm_fault(os.environ, is_loopback=planned.config.server.is_loopback)
    except ConfigError as error:
        line.send({"problems": error.message})
        sys.exit(EXIT_CONFIG)
    line.send({"loaded": planned.described})
    listener = line.receive_listener()
    if listener is None:
        sys.exit(0)
    return Begun(planned, listener, line, supervisor)


class Planned:
    """What a worker will serve, and what the supervisor must know of it."""

    def __init__(self, loaded: Loaded | None, config: Config, broken: str, *, dev: bool) -> None:
        self.config: Final = config
        self.loaded: Final = loaded
        self.dev: Final = dev
        self._broken: Final = broken

    @property
    def described(self) -> Message:
        """Where to listen and what to show; never a secret."""
        server = self.config.server
        return {
            "host": server.host,
            "port": server.port,
            "workers": server.workers,
            "works": bool(self.config.store.address),
            "public_url": server.public_url,
            "broken": self._broken,
            "tenants": [
                {"app_id": tenant.app_id, "is_open": tenant.open_to_loopback}
                for tenant in (self.loaded.tenants if self.loaded else ())
            ],
        }

    def app(self, port: int, lifecycle: Lifecycle) -> AsgiApp:
        """Make the application."""
        if self.loaded is None:
            return Broken(self._broken)
        return site(
            self.loaded,
            port=port,
            lifecycle=lifecycle,
            dev=self.dev,
            database=self.config.store.address,
        )


class Broken:
    """Answers for an application that does not load while it is being mended."""

    def __init__(self, reason: str) -> None:
        self._reason: Final = reason

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Speak ASGI: every request gets 503 and the reason."""
        if scope["type"] == "http":
            await answer_text(send, 503, f"The application does not load.\n\n{self._reason}\n")
        elif scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})


def _load(settings: Message, line: Line) -> Planned:
    if "target" in settings:
        store = StoreConfig(Path(settings["data_dir"]))
        line.send({"store": store_message(store)})
        return _load_target(settings, store)
    overrides = Overrides(settings["host"], settings["port"], settings["workers"])
    loaded = load(
        Path(settings["config"]),
        overrides=overrides,
        # The database starts while the applications are imported.
        on_config=lambda config: line.send(
            {"store": store_message(config.store, settings["config"])}
        ),
    )
    return Planned(loaded, loaded.config, "", dev=False)


def _load_target(settings: Message, store: StoreConfig) -> Planned:
    """Load `module:attribute` for `reception dev`, where a failure is shown, not fatal."""
    directory = Path.cwd()
    server = ServerConfig(port=settings["port"], drain_s=0.0)
    config = Config("", directory, server, (), store)
    if settings.get("broken"):
        return Planned(None, config, settings["broken"], dev=True)
    try:
        app = load_app(settings["target"], directory)
    except TargetError as error:
        if error.is_absent and not settings["is_reload"]:
            raise ConfigError([Problem("", settings["target"], error.message)]) from None
        return Planned(None, config, error.message, dev=True)
    loaded = Loaded(config, (tenant_of(app),))
    return Planned(loaded, config, "", dev=True)


def _serve(planned: Planned, listener: socket.socket, line: Line, supervisor: int) -> None:
    server_config = planned.config.server
    lifecycle = Lifecycle()
    app = planned.app(listener.getsockname()[1], lifecycle)
    server = DrainingServer(
        uvicorn_config(app, keep_alive_s=server_config.keep_alive_s),
        lifecycle,
        drain_s=server_config.drain_s,
        deadline_s=server_config.deadline_s,
        is_orphan=lambda: os.getppid() != supervisor,
        on_ready=lambda: line.send({"ready": os.getpid()}),
    )
    collect_seldom()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        start_listening(line, server, runner.get_loop())
        runner.run(server.serve(sockets=[listener]))
        server.ended()
    if os.getppid() != supervisor:
        remove_metrics()
    sys.exit(0 if server.started else 1)


def uvicorn_config(app: AsgiApp, *, keep_alive_s: int) -> uvicorn.Config:
    """
    Configure uvicorn for us.

    Never `limit_concurrency`: it counts idle connections, and the platform keeps many.
    """
    return uvicorn.Config(
        app,
        http=LimitedHttpProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=keep_alive_s,
    )


def loop_factory() -> Any:
    """Give uvloop's loop, or asyncio's own where uvloop does not exist."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class Steered(Protocol):
    """What a supervisor tells a process of its own to do."""

    last_tick_at: float

    @property
    def grace_s(self) -> float:
        """How long what is under way is waited for."""
        ...

    def retire(self) -> None:
        """Finish and go; another one takes what comes."""
        ...

    def abandon(self) -> None:
        """Finish and go: the supervisor has died."""
        ...


def start_listening(line: Line, server: Steered, loop: asyncio.AbstractEventLoop) -> None:
    """Answer the supervisor from now on, in a thread, since the loop may be busy."""
    listening = threading.Thread(
        target=_listen, args=(line, server, loop), name="reception-control", daemon=True
    )
    listening.start()


def _listen(line: Line, server: Steered, loop: asyncio.AbstractEventLoop) -> None:
    while True:
        message = line.receive()
        try:
            if message is None:
                loop.call_soon_threadsafe(server.abandon)
                break
            if "retire" in message:
                loop.call_soon_threadsafe(server.retire)
        except RuntimeError:
            return  # the loop is closed: we are ending already
        if message and "ping" in message:
            line.send({"pong": time.monotonic() - server.last_tick_at})
    # The loop may never get to it.
    time.sleep(server.grace_s)
    remove_metrics()
    os._exit(1)


def _die_with(supervisor: int) -> None:
    """Have the kernel tell us of the supervisor's death, and see whether it came first."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        sys.exit(0)


def remove_metrics() -> None:
    """Remove the shared metrics: the supervisor, whose they were, is gone."""
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
