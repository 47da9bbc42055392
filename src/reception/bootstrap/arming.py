"""
Lets a worker die at a named point, for those who prove that nothing is lost by it.

``RECEPTION_FAULT=store.after_commit:kill:3`` kills every worker when it passes that point for
the third time; ``stop`` freezes it instead. Only the crash tests set it. Where somebody else
can reach the server it is refused: a variable that was left behind must not end calls.

The points are `faults`'; what happens to a dead or frozen worker is the supervisor's.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from reception import faults
from reception.bootstrap.problems import ConfigError, Problem, did_you_mean

VARIABLE: Final = "RECEPTION_FAULT"
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def arm_fault(environ: Mapping[str, str], *, is_loopback: bool) -> None:
    """
    Arm what the environment asks for; nothing where it asks for nothing.

    Errors:
        ConfigError: it cannot be understood, or others can reach this server.
    """
    text = environ.get(VARIABLE, "")
    if not text:
        return
    if not is_loopback:
        raise _problem("kills workers, and others can reach this server: take it out")
    name, _, rest = text.partition(":")
    action, _, count = rest.partition(":")
    if name not in faults.POINTS:
        raise _problem(f"names no fault point{did_you_mean(name, faults.POINTS)}")
    if action not in _SIGNALS or not (count or "1").isdecimal() or int(count or "1") < 1:
        raise _problem('must be like "store.after_commit:kill:3", with kill or stop')
    faults.arm(_hook(name, _SIGNALS[action], int(count or "1")))


def _hook(name: str, number: signal.Signals, passes: int) -> Callable[[str], None]:
    left = passes

    def hook(passed: str) -> None:
        nonlocal left
        if passed == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)

    return hook


def _problem(message: str) -> ConfigError:
    return ConfigError([Problem("environment", VARIABLE, message)])
