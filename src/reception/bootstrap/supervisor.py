"""
The parent of the workers: owns the port, keeps the workers alive, ends them in order.

It runs no code of an application, serves no request and reads no configuration: a worker
does, and tells. So nothing that an application does can stop it. It holds the listening
socket, so that the port stays open while workers come and go.

- A worker that dies is started again, at once the first time, then with a growing delay
  where it dies young.
- A worker whose event loop or process does not move for 30 s is killed. A busy one is not.
- SIGTERM, SIGINT: workers drain; whoever is left after `STOP_S` is killed. A second one
  ends everything now. SIGHUP: every worker is replaced by a new one, which reads the
  configuration again, and drains; a replacement that does not load changes nothing.
- One more process does the background work (`work`), where there is a database; it is
  kept alive in the same way.
- The embedded database starts while the workers load, and ends after the last of them.

How a worker drains is `drain`'s business, how the database is kept is `database`'s; what
a developer's server adds is `reload`'s.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from reception.bootstrap.child import Child, status_in_words
from reception.bootstrap.control import Message
from reception.bootstrap.database import DATABASE, Keeper, State
from reception.bootstrap.listen import listen
from reception.errors import NeedsHuman

STOP_S: Final = 9.0
# For the whole; what the workers leave of it is the database's, which needs little.
ALL_STOP_S: Final = 9.8
DATABASE_STOP_S: Final = 0.5
# A database that recovers for longer than this is not waited for: most calls need none.
DATABASE_PATIENCE_S: Final = 10.0
SECOND_SIGNAL_AFTER_S: Final = 0.5
HEALTH_LIMIT_S: Final = 30.0
PING_EVERY_S: Final = 5.0
# A worker that lived this long did not die of its start.
YOUNG_S: Final = 10.0
BACK_OFF_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)
EXIT_CONFIG: Final = 2
RELOAD: Final = 255  # a byte on the wake-up socket that is no signal's number

_log: Final = structlog.stdlib.get_logger("reception.supervisor")
Say = Callable[[str], None]
Role = Literal["voice", "work"]
_MODULES: Final = {"voice": "reception.bootstrap.worker", "work": "reception.bootstrap.work"}
KeepDatabase = Callable[[Message, socket.socket], Keeper]


@dataclass(slots=True)
class Slot:
    """The place of one worker: who fills it, who is to, and when to fill it again."""

    number: int
    role: Role = "voice"
    child: Child | None = None
    successor: Child | None = None
    early_deaths: int = 0
    start_at: float | None = None


class Supervisor:
    """
    Runs workers until it is told to stop.

    Args:
        settings: the first message to every worker; see `worker`.
        announce: called once when everybody answers, with what the first worker told of
            its configuration and the port that is listened on.
        say: shows a sentence to whoever started us.
        keep_database: makes a keeper of the database that a worker's configuration names.
        dev: one worker, for a developer: no health check (there are breakpoints), and an
            application that does not load is no reason to stop.
    """

    def __init__(
        self,
        settings: Message,
        *,
        announce: Callable[[Message, int], None],
        say: Say,
        keep_database: KeepDatabase | None = None,
        dev: bool = False,
    ) -> None:
        self._settings: Final = settings
        self._announce: Final = announce
        self._say: Final = say
        self._keep_database: Final = keep_database
        self._keeper: Keeper | None = None
        self._store: Message | None = None
        self._dev: Final = dev
        self._slots = [Slot(0)]
        self._retiring: set[Child] = set()
        self._listener: socket.socket | None = None
        self._described: Message = {}
        self._is_up = False
        self._is_announced = False
        self._up_at = 0.0
        self._stopping_since: float | None = None
        self._is_stopping_database = False
        self._exit_code = 0
        self._selector: Final = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()

    @property
    def waker(self) -> socket.socket:
        """Where another thread may send the byte `RELOAD`."""
        return self._waker

    def run(self) -> int:
        """Supervise; the exit status of the whole: 0, 1 (something failed) or 2 (configuration)."""
        metrics = tempfile.mkdtemp(prefix="reception-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = metrics
        self._take_signals()
        self._selector.register(self._wake, selectors.EVENT_READ)
        try:
            self._start(self._slots[0])
            while self._is_busy():
                for key, _ in self._selector.select(self._patience_s()):
                    if key.data is None:
                        self._woken()
                    elif key.data in self._children():
                        self._hear(key.data)
                self._tick()
        finally:
            for child in self._children():
                child.process.kill()
                child.process.wait()
            if self._keeper is not None:
                self._keeper.stop(0.0)
                self._keeper.join(DATABASE_STOP_S * 10)
            if self._listener is not None:
                self._listener.close()
            shutil.rmtree(metrics, ignore_errors=True)
        return self._exit_code

    def _is_busy(self) -> bool:
        if self._children() or any(slot.start_at is not None for slot in self._slots):
            return True
        if self._keeper is None or self._keeper.has_ended:
            return False
        if not self._is_stopping_database:
            spent_s = time.monotonic() - (self._stopping_since or time.monotonic())
            self._stop_database(max(DATABASE_STOP_S, ALL_STOP_S - spent_s))
        return True

    # ── signals ──────────────────────────────────────────────────────────────────────

    def _take_signals(self) -> None:
        for end in (self._wake, self._waker):
            end.setblocking(False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Python writes the number to the wake-up socket, which is all we need. What
            # `nohup` has switched off stays off.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)

    def _woken(self) -> None:
        for byte in self._wake.recv(4096):
            if byte in (signal.SIGTERM, signal.SIGINT):
                self._stop()
            elif byte == DATABASE:
                self._database_changed()
            elif byte == RELOAD or (byte == signal.SIGHUP and not _is_on_terminal()):
                self.replace_all()
            elif byte == signal.SIGHUP:
                self._stop()  # the terminal that we run in has been closed

    def _stop(self) -> None:
        now = time.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
            _log.info("server.stopping", workers=len(self._children()))
            # Workers have it too; this one would keep the port open after the last of them.
            if self._listener is not None:
                self._listener.close()
            for slot in self._slots:
                slot.start_at = None
            for child in self._children():
                child.signal(signal.SIGTERM)
        elif now - self._stopping_since > SECOND_SIGNAL_AFTER_S:
            self._exit_code = 1
            for child in self._children():
                child.process.kill()
            self._stop_database(0.0)

    def replace_all(self) -> None:
        """Start a successor for every worker; its predecessor retires when it is ready."""
        if self._stopping_since is not None or self._listener is None:
            return
        for slot in self._slots:
            if slot.successor is not None:
                slot.successor.process.kill()
                self._bury(slot.successor)
            slot.early_deaths = 0
            if slot.child is None:
                self._start(slot)
            else:
                slot.successor = self._started(slot.number)

    # ── workers ──────────────────────────────────────────────────────────────────────

    def _children(self) -> set[Child]:
        filled = {child for slot in self._slots for child in (slot.child, slot.successor) if child}
        return filled | self._retiring

    def _start(self, slot: Slot, **extra: str) -> None:
        slot.start_at = None
        slot.child = self._started(slot.number, **extra)

    def _started(self, number: int, **extra: str) -> Child:
        settings = {**self._settings, "is_reload": self._is_up, **extra}
        module = _MODULES[self._slots[number].role]
        child = Child(number, module, settings, own_group=not self._dev)
        self._selector.register(child.line.socket, selectors.EVENT_READ, child)
        return child

    def _hear(self, child: Child) -> None:
        messages, is_open = child.line.receive_all()
        for message in messages:
            if "store" in message:
                self._store_named(message["store"])
            elif "problems" in message:
                self._not_loaded(child, message["problems"])
            elif "loaded" in message:
                self._loaded(child, message["loaded"])
            elif "ready" in message:
                self._ready(child)
            elif "pong" in message and message["pong"] < HEALTH_LIMIT_S:
                child.ponged_at = time.monotonic()
        if not is_open:
            self._died(child)

    def _loaded(self, child: Child, described: Message) -> None:
        if self._stopping_since is not None:
            return
        if self._listener is None:
            try:
                self._listener = listen(described["host"], described["port"])
            except NeedsHuman as error:
                self._say(error.message)
                self._give_up(1)
                return
            self._described = described
            self._slots += [Slot(number) for number in range(1, described["workers"])]
            if described["works"]:
                self._slots.append(Slot(len(self._slots), "work"))
            for slot in self._slots[1:]:
                self._start(slot)
        if self._dev and described["broken"]:
            self._say(f"{described['broken']}\nEvery call gets 503 until that is mended.")
        elif self._dev and self._is_up:
            self._say("Reloaded.")
        child.line.send_listener(self._listener)

    def _ready(self, child: Child) -> None:
        child.is_ready = True
        child.ponged_at = child.pinged_at = time.monotonic()
        slot = self._slots[child.number]
        if slot.successor is child:
            if slot.child is not None:
                slot.child.line.send({"retire": True})
                self._retiring.add(slot.child)
            slot.child, slot.successor = child, None
        if not self._is_up and all(slot.child and slot.child.is_ready for slot in self._slots):
            self._is_up = True
            self._up_at = time.monotonic()
            self._announce_once()
        elif self._is_up:
            _log.info("worker.ready", worker=child.number, pid=child.pid)

    def _not_loaded(self, child: Child, problems: str) -> None:
        if not self._is_up:
            self._say(problems)
            self._give_up(EXIT_CONFIG)
            return
        _log.error("worker.not_loaded", worker=child.number, reason=problems)

    def _give_up(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._stopping_since = time.monotonic()
        for child in self._children():
            child.process.kill()

    def _bury(self, child: Child) -> int:
        self._selector.unregister(child.line.socket)
        status = child.ended()
        self._retiring.discard(child)
        slot = self._slots[child.number]
        if slot.successor is child:
            slot.successor = None
        if slot.child is child:
            slot.child = None
        return status

    def _died(self, child: Child) -> None:
        slot = self._slots[child.number]
        was_serving = slot.child is child
        was_successor = slot.successor is child
        status = self._bury(child)
        words = status_in_words(status)
        if self._stopping_since is not None:
            # Whoever was still loading has no orderly end yet, and needs none.
            if status and child.is_ready and not self._exit_code:
                self._exit_code = 1
            return
        if not self._is_up and not self._dev and not child.is_ready:
            if not self._exit_code:
                self._say(f"A worker cannot start: it {words}.")
            self._give_up(self._exit_code or 1)
        elif was_successor and not self._dev:
            _log.error("worker.not_replaced", worker=child.number, reason=f"The new one {words}.")
        elif self._dev and not child.is_ready:
            # The application took its process along while it was loaded.
            broken = f"The process {words} while the application was loaded."
            if was_successor:
                slot.successor = self._started(slot.number, broken=broken)
            else:
                self._start(slot, broken=broken)
        elif was_serving:
            self._restart_later(slot, child, words)

    def _restart_later(self, slot: Slot, child: Child, words: str) -> None:
        if child.age_s() >= YOUNG_S:
            slot.early_deaths = 0
        delay_s = BACK_OFF_S[min(slot.early_deaths, len(BACK_OFF_S) - 1)]
        slot.early_deaths += 1
        slot.start_at = time.monotonic() + delay_s
        _log.error(
            "worker.died",
            worker=child.number,
            pid=child.pid,
            reason=f"It {words}.",
            delay_s=delay_s,
        )

    # ── database ─────────────────────────────────────────────────────────────────────

    def _store_named(self, store: Message) -> None:
        if self._store is None:
            self._store = store
            if store and self._keep_database and self._stopping_since is None:
                self._keeper = self._keep_database(store, self._waker)
                self._keeper.begin()
        elif store != self._store:
            _log.warning("store.needs_restart", reason="[store] has changed: start it anew.")

    def _database_changed(self) -> None:
        if self._keeper is not None and self._keeper.state is State.REFUSED:
            if self._stopping_since is None:
                self._say(self._keeper.problem)
                self._give_up(1)
        elif self._is_up and self._stopping_since is None:
            self._announce_once()

    def _stop_database(self, timeout_s: float) -> None:
        self._is_stopping_database = True
        if self._keeper is not None:
            self._keeper.stop(timeout_s)

    def _announce_once(self) -> None:
        """Say that we are up when the database is too, or keeps us waiting."""
        if self._is_announced:
            return
        is_waiting = self._keeper is not None and self._keeper.state is State.STARTING
        if is_waiting and time.monotonic() - self._up_at < DATABASE_PATIENCE_S:
            return
        self._is_announced = True
        assert self._listener is not None
        self._announce(self._described, self._listener.getsockname()[1])

    # ── time ─────────────────────────────────────────────────────────────────────────

    def _patience_s(self) -> float:
        starts = [slot.start_at for slot in self._slots if slot.start_at is not None]
        if self._stopping_since is not None:
            return 0.02 if self._is_stopping_database else 0.1
        return max(0.0, min([time.monotonic() + 1.0, *starts]) - time.monotonic())

    def _tick(self) -> None:
        now = time.monotonic()
        if self._stopping_since is not None:
            if now - self._stopping_since > STOP_S:
                self._exit_code = 1
                for child in self._children():
                    _log.error("worker.killed", worker=child.number, pid=child.pid)
                    child.process.kill()
            return
        if self._is_up:
            self._announce_once()
        for slot in self._slots:
            if slot.start_at is not None and now >= slot.start_at:
                self._start(slot)
            if slot.child is not None and slot.child.is_ready and not self._dev:
                self._check(slot.child, now)

    def _check(self, child: Child, now: float) -> None:
        if now - child.ponged_at > HEALTH_LIMIT_S:
            _log.error("worker.stuck", worker=child.number, pid=child.pid)
            child.process.kill()
        elif now - child.pinged_at > PING_EVERY_S:
            child.pinged_at = now
            child.line.send({"ping": True})


def _is_on_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:  # closed
        return False
