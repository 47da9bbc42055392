"""
Ends what is left of a server whose owner was killed.

Only for whoever owns the data directory, and only while the server's lock says that
something is left. A process is signalled only when it is proven to be of this server at
that moment: it listens on the socket in our private directory (the kernel names it) and
answers with our system identifier, or its working directory is this server's. The process
id in postmaster.pid proves nothing and is never used: it may be somebody else's by now.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import structlog

from reception.errors import NeedsHuman
from reception.store.embedded.cluster import SUPERUSER
from reception.store.embedded.directory import DataDirectory
from reception.store.embedded.probe import Connection, NoAnswer, Refused, connect

IDENTITY_SQL: Final = "SELECT system_identifier FROM pg_control_system()"
# A server that starts, stops or recovers refuses with these: it is alive.
BUSY_STATES: Final = frozenset({"57P01", "57P02", "57P03", "53300"})
# Its workers may be finishing what is in flight; then fast, immediate, and by force. What
# has no listener any more (its backends end by themselves) is given as long.
_ESCALATION: Final = (
    (0.5, signal.SIGINT),
    (5.0, signal.SIGQUIT),
    (8.0, signal.SIGKILL),
)
_STRAGGLERS_AFTER_S: Final = 2.0
_GIVE_UP_AFTER_S: Final = 15.0
_POLL_S: Final = 0.02
_ANSWER_S: Final = 0.5

_log: Final = structlog.stdlib.get_logger("reception.store")


def end_left_over(directory: DataDirectory) -> None:
    """End a left-over server where no other is to follow."""
    lock = take_over(directory, lambda: False)
    if lock is not None:
        os.close(lock)


def take_over(directory: DataDirectory, is_cancelled: Callable[[], bool]) -> int | None:
    """
    Wait for, then force, the end of a left-over server; give the lock for the next one.

    None where this was cancelled. What the old one leaves as files (process id, socket)
    is removed, since with the lock in hand they are known to be stale.

    Errors:
        NeedsHuman: store.left_over where something does not go away.
    """
    begun = time.monotonic()
    steps = list(_ESCALATION)
    while (lock := directory.server_lock()) is None:
        if is_cancelled():
            return None
        waited_s = time.monotonic() - begun
        if waited_s > _GIVE_UP_AFTER_S:
            raise NeedsHuman(
                "store.left_over",
                f"a database server that uses {directory.files} does not end: end its"
                " processes (their names begin with postgres), then start again",
            )
        if steps and waited_s >= steps[0][0]:
            _, number = steps.pop(0)
            if _signal_listener(directory, number):
                _log.warning("store.left_over_stopped", signal=number.name)
        if waited_s > _STRAGGLERS_AFTER_S and not _is_listening(directory):
            _end_stragglers(directory)
        time.sleep(_POLL_S)
    for stale in (
        directory.files / "postmaster.pid",
        directory.socket,
        directory.socket.with_name(f"{directory.socket.name}.lock"),
    ):
        stale.unlink(missing_ok=True)
    return lock


def _is_listening(directory: DataDirectory) -> bool:
    try:
        connect(directory.socket, _ANSWER_S).close()
    except NoAnswer:
        return False
    return True


def _signal_listener(directory: DataDirectory, number: signal.Signals) -> bool:
    try:
        connection = connect(directory.socket, _ANSWER_S)
    except NoAnswer:
        return False
    try:
        pid = connection.pid
        if pid is None:
            return False
        with _pinned(pid) as send:
            # The process is pinned first and proven after, so it is the proven one.
            if not (_answers_as_ours(connection, directory) or _works_in(pid, directory.files)):
                return False
            return send(number)
    finally:
        connection.close()


def _answers_as_ours(connection: Connection, directory: DataDirectory) -> bool:
    try:
        answer = connection.ask(IDENTITY_SQL, user=SUPERUSER, database="template1")
    except NoAnswer:
        return False
    except Refused as refusal:
        # It is in our directory, which nobody else may enter, and too busy to say its name.
        return refusal.sqlstate in BUSY_STATES
    return answer == str(directory.system_identifier())


def _end_stragglers(directory: DataDirectory) -> None:
    """Kill processes of a server that has no listener any more; Linux only."""
    if sys.platform != "linux":
        return
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if pid != os.getpid() and _works_in(pid, directory.files):
            with _pinned(pid) as send:
                if _works_in(pid, directory.files) and send(signal.SIGKILL):
                    _log.warning("store.straggler_killed", pid=pid)


def _works_in(pid: int, files: Path) -> bool:
    """Is it PostgreSQL, with the server's files as its working directory?"""
    try:
        there = os.stat(f"/proc/{pid}/cwd")
        program = os.readlink(f"/proc/{pid}/exe")
        ours = files.stat()
    except OSError:
        return False
    is_there = (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
    return is_there and Path(program).name.startswith("postgres")


@contextlib.contextmanager
def _pinned(pid: int) -> Iterator[Callable[[signal.Signals], bool]]:
    """Hold on to a process, so that its id cannot become another's before it is signalled."""
    if sys.platform != "linux":
        yield lambda number: _sent(lambda: os.kill(pid, number))
        return
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        yield lambda _: False
        return
    try:
        yield lambda number: _sent(lambda: signal.pidfd_send_signal(handle, number))
    finally:
        os.close(handle)


def _sent(send: Callable[[], None]) -> bool:
    try:
        send()
    except OSError:
        return False
    return True
