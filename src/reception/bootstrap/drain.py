"""
How a worker stops: the server of uvicorn, with endings of our own.

- **drain** (SIGTERM, SIGINT): not ready at once; for `drain_s` everything goes on, with
  `Connection: close` on every answer, so that the platform's kept-alive connections move
  elsewhere one by one and none is closed under its next POST. Then no new connection is
  taken, what is in flight is finished, and the process ends with 0.
- **retire** (word of the supervisor): a drain that leaves new connections to the workers
  that stay.
- **abandon** (the supervisor died): no new connection from now on; finish and go.
- A second signal ends the process at once.

Whatever hangs (a handler's thread, a slow reader), a watchdog ends it in time. What an
answer looks like while draining is the application's business (`Lifecycle`).
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import structlog
import uvicorn

from reception.web.lifecycle import Lifecycle

# From the first signal to the end, whatever happens; a supervisor waits a little longer.
TOTAL_S: Final = 9.0
# A process group gets one Ctrl-C or one `systemctl stop` twice: from the system and from
# our supervisor. Two signals closer than this are one.
ECHO_S: Final = 0.5
# What is left to the interpreter to end by itself once the server has.
_AFTER_S: Final = 1.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log: Final = structlog.stdlib.get_logger("reception.worker")


class DrainingServer(uvicorn.Server):
    """
    A uvicorn server that ends as described above.

    Args:
        lifecycle: told of the drain before anything else happens.
        drain_s: seconds from the signal to the end of listening.
        is_orphan: asked at a signal whether the supervisor is dead: its death itself is
            announced by one.
        on_ready: called once, when connections are taken.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        lifecycle: Lifecycle,
        *,
        drain_s: float,
        deadline_s: float,
        is_orphan: Callable[[], bool] = lambda: False,
        on_ready: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(config)
        config.timeout_graceful_shutdown = math.ceil(deadline_s + 0.4)
        self.lifecycle: Final = lifecycle
        self.last_tick_at = time.monotonic()
        self._drain_s: Final = drain_s
        self._deadline_s: Final = deadline_s
        self._is_orphan: Final = is_orphan
        self._on_ready: Final = on_ready
        self._is_announced = False
        self._first_signal_at: float | None = None
        self._stop_at: float | None = None
        self._end_at = math.inf
        self._exit_code = 1
        self._has_watchdog = False

    @property
    def grace_s(self) -> float:
        """How long what is in flight is waited for."""
        return self.config.timeout_graceful_shutdown or 3

    # ── beginnings of an end; safe in a signal handler and from the loop ─────────────

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal: drain, or end at once when it is the second."""
        now = time.monotonic()
        if self._is_orphan():
            self.abandon()
        elif self._first_signal_at is None:
            self._first_signal_at = now
            self.drain()
        elif now - self._first_signal_at > ECHO_S:
            sys.stderr.flush()
            os._exit(128 + sig)

    def drain(self) -> None:
        """Begin to stop; a drain that has begun goes on."""
        self.lifecycle.draining = True
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._drain_s
            self._end_within(TOTAL_S)

    def retire(self) -> None:
        """Drain, but take no new connection: another worker does."""
        self._stop_listening()
        self.drain()

    def abandon(self) -> None:
        """Finish what is in flight and go."""
        self.lifecycle.draining = True
        self._stop_listening()
        self._stop_at = time.monotonic()
        self._end_within(self._deadline_s + 0.5)

    # ── uvicorn's hooks ──────────────────────────────────────────────────────────────

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the signals for good: uvicorn would raise them again at the end."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, self.handle_exit)
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: is it time to go?"""
        self.last_tick_at = time.monotonic()
        is_over = await super().on_tick(counter)
        if not self._is_announced:
            self._is_announced = True
            self._on_ready()
        return is_over or (self._stop_at is not None and self.last_tick_at >= self._stop_at)

    def ended(self) -> None:
        """Say that the server has ended well: what still hangs is of no interest any more."""
        self._exit_code = 0
        self._end_within(_AFTER_S)

    def _stop_listening(self) -> None:
        for server in getattr(self, "servers", ()):
            server.close()

    def _end_within(self, seconds: float) -> None:
        self._end_at = min(self._end_at, time.monotonic() + seconds)
        if not self._has_watchdog:
            self._has_watchdog = True
            threading.Thread(target=self._watch, name="reception-watchdog", daemon=True).start()

    def _watch(self) -> None:
        while time.monotonic() < self._end_at:
            time.sleep(0.05)
        if self._exit_code:
            _log.error("worker.cut_short", connections=len(self.server_state.connections))
        sys.stderr.flush()
        os._exit(self._exit_code)
