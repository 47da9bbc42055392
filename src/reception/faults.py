"""
Named points at which a test may let things go wrong.

``faults.point("store.after_commit")`` does nothing, in the time of one comparison, until
somebody from outside has armed a hook: the crash tests arm one that raises, sleeps, or
kills or stops the process. All names stand in `POINTS`, so that "die at every point" is a
loop; a test holds that each name is passed in the source and that no other is.

A point stands where a crash would leave something interesting behind: before and after a
commit, never in a loop and never in pure code. What a hook does is no business of this
file: it knows no processes, no signals and no environment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Hook = Callable[[str], None]

POINTS: Final[dict[str, str]] = {
    "store.before_commit": "a group of steps is about to be sent to the database",
    "store.after_commit": "a group of steps is stored, and nobody has been told",
    "store.before_opening": "an opening that met another one is about to be settled",
    "store.after_opening": "an opening that met another one is settled, and nobody has been told",
    "store.before_claim": "an effect is about to be claimed",
    "store.after_claim": "an effect is claimed and has not run yet",
    "store.before_finish": "an effect has run, and its result is not stored",
    "store.after_finish": "the result of an effect is stored, and nobody has been told",
    "store.before_end": "an episode is about to be ended",
    "store.after_end": "an episode is ended, and nobody has been told",
}
"""Every point by its name, and what has happened when it is passed."""

_hook: Hook | None = None


def point(name: str) -> None:
    """Pass a named point: nothing happens unless a hook is armed."""
    if _hook is not None:
        _hook(name)


def arm(hook: Hook) -> None:
    """Have `hook` called with the name of every point that is passed in this process."""
    global _hook  # noqa: PLW0603 - one process has one hook, whoever passes the points
    _hook = hook


def disarm() -> None:
    """Let every point do nothing again."""
    global _hook  # noqa: PLW0603 - the counterpart of `arm`
    _hook = None
