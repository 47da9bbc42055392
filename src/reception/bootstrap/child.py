"""
A worker as its supervisor sees it: a process, a control line and a few times.

What to do about a worker (restart, replace, kill) is the supervisor's decision.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import Final

from reception.bootstrap.control import Line, Message


class Child:
    """
    A started worker process.

    Args:
        number: its slot, from 0; shown in logs.
        module: what it runs.
        settings: its first message; see `worker`.
        own_group: keep a terminal's Ctrl-C away from it, which then reaches only the
            supervisor. Not where a developer may want to use the terminal.
    """

    def __init__(self, number: int, module: str, settings: Message, *, own_group: bool) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.number: Final = number
        self.started_at: Final = time.monotonic()
        self.line: Final = Line(ours)
        self.is_ready = False
        self.pinged_at = self.started_at
        self.ponged_at = self.started_at
        self.process: Final = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            process_group=0 if own_group else None,
        )
        theirs.close()
        self.line.send({**settings, "worker": number, "supervisor": os.getpid()})

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started_at

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it is still there."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end (its side of the line is closed already), and give its status."""
        try:
            status = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            # It closed the line and lives on: of no use to anybody.
            self.process.kill()
            status = self.process.wait()
        self.line.close()
        return status


def status_in_words(status: int) -> str:
    """
    Say how a process ended.

    >>> status_in_words(-9), status_in_words(3)
    ('was killed by SIGKILL', 'ended with status 3')
    """
    if status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with status {status}"
