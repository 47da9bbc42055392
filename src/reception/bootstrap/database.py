"""
Keeps the embedded database server alive for the supervisor, in a thread of its own.

The supervisor must not wait: it asks `state` and is woken when that changes. The thread
starts the server, brings the schema up to date, starts the server again when it dies, and
stops it when told to. It lives exactly as long as the server, which on Linux ends when
the thread does.

What only a human can change (the directory is used by another, its data is of another
major) before the first start ends the whole: the operator is there and reads it. All else
(a full disk, a server that dies again and again) is tried again, since calls that need no
history are answered without a database. Once the server has run nothing ends the whole any
more, not even a mistake of ours.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

import structlog

from reception.bootstrap.nightly import Nightly
from reception.errors import NeedsHuman

DATABASE: Final = 254  # a byte on the supervisor's wake-up socket that is no signal's number
_BACK_OFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_YOUNG_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.1
_ASK_EVERY_S: Final = 5.0
_SILENCE_LIMIT_S: Final = 30.0
_PASSING: Final = frozenset({"store.no_space", "store.failed", "store.initdb"})

_log: Final = structlog.stdlib.get_logger("reception.store")


class Server(Protocol):
    """What is kept alive: `EmbeddedServer`."""

    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def cancel(self) -> None: ...
    def is_alive(self) -> bool: ...
    def keep_log_small(self) -> None: ...
    def stop(self, *, timeout_s: float = 8.0) -> None: ...


class State(Enum):
    """Where the server is in its life."""

    STARTING = "starting"
    READY = "ready"
    AWAY = "away"
    REFUSED = "refused"
    STOPPED = "stopped"


class Keeper:
    """
    Keeps one server.

    Args:
        server: what to keep.
        prepare: called after the first start, before anybody is told that it is ready,
            with a function that says whether to give up; may raise NeedsHuman.
        waker: gets the byte `DATABASE` when `state` changes.
        nightly: does what it needs every night, from when it is ready.
    """

    def __init__(
        self,
        server: Server,
        prepare: Callable[[Callable[[], bool]], None],
        waker: socket.socket,
        nightly: Nightly | None = None,
    ) -> None:
        self.state = State.STARTING
        self.problem = ""
        self._server: Final = server
        self._prepare: Final = prepare
        self._nightly: Final = nightly
        self._waker: Final = waker
        self._stopping: Final = threading.Event()
        self._stop_timeout_s = 0.0
        self._is_prepared = False
        self._thread: Final = threading.Thread(
            target=self._keep, name="reception-database", daemon=True
        )

    def begin(self) -> None:
        """Start the server, soon."""
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Is there neither a server nor anybody who would start one?"""
        return not self._thread.is_alive()

    def stop(self, timeout_s: float) -> None:
        """Stop the server, soon; `timeout_s` as in `EmbeddedServer.stop`."""
        self._stop_timeout_s = timeout_s
        self._server.cancel()
        if self._nightly is not None:
            self._nightly.stop()
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    # ── in the thread ────────────────────────────────────────────────────────────────

    def _keep(self) -> None:
        try:
            self._start_again_and_again()
        except Exception as error:  # noqa: BLE001  # the last of this thread: nobody else would tell
            self.problem = f"The database cannot be kept running: {type(error).__name__}: {error}"
            _log.exception("database.keeper_failed")
            self._become(State.REFUSED)
        finally:
            self._server.stop(timeout_s=self._stop_timeout_s)
            if self.state is not State.REFUSED:
                self._become(State.STOPPED)
            self._wake()

    def _start_again_and_again(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_at = time.monotonic()
            try:
                self._live_once(failures)
            except NeedsHuman as error:
                if self._stopping.is_set():
                    return
                self.problem = error.message
                if not self._is_prepared and error.code not in _PASSING:
                    self._become(State.REFUSED)
                    return
                _log.error("database.not_started", code=error.code, reason=error.message)
            except Exception as error:
                if not self._is_prepared:
                    raise
                # It has run, and calls are answered: whatever this is must not end that.
                self.problem = f"{type(error).__name__}: {error}"
                _log.exception("database.keeper_failed")
            if self._stopping.is_set():
                return
            self._become(State.AWAY)
            if time.monotonic() - began_at > _YOUNG_S:
                failures = 0
            self._stopping.wait(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
            failures += 1

    def _live_once(self, failures: int) -> None:
        """Start the server and return when it has ended, or we are to end."""
        self._server.start()
        if self._server.pid is None:
            return
        if not self._is_prepared:
            self._prepare(self._stopping.is_set)
            self._is_prepared = True
            if self._nightly is not None:
                self._nightly.begin()
        self._told_of_start(failures)
        self._watch()
        if not self._stopping.is_set():
            _log.error("database.died", reason="The database server has ended.")

    def _told_of_start(self, failures: int) -> None:
        if self.state is State.AWAY:
            _log.info("database.back", pid=self._server.pid, count=failures)
        self.problem = ""
        self._become(State.READY)

    def _watch(self) -> None:
        """Return when the server has ended, or we are to end."""
        answered_at = asked_at = time.monotonic()
        while not self._stopping.wait(_LOOK_EVERY_S):
            if self._server.pid is None:
                return
            now = time.monotonic()
            if now - asked_at < _ASK_EVERY_S:
                continue
            asked_at = now
            self._server.keep_log_small()
            if self._server.is_alive():
                answered_at = time.monotonic()
            elif time.monotonic() - answered_at > _SILENCE_LIMIT_S:
                _log.error("database.stuck", pid=self._server.pid)
                self._server.stop(timeout_s=0.0)
                return

    def _become(self, state: State) -> None:
        if self.state is not state:
            self.state = state
            self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(bytes([DATABASE]))
        except OSError:  # full (it will look anyway) or closed (nobody is interested)
            return
