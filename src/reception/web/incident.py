"""
One log line for everything that went wrong with a call.

A line holds codes, our own identifiers and places in code. It never holds what a caller
said or typed, a header, a URL, or the text of somebody else's exception, which may quote
any of them.
"""

from __future__ import annotations

import traceback
from typing import Final

import structlog

from reception.dialog.failures import RAISED_IN
from reception.errors import AppError, ReceptionError

_OURS: Final = __file__.replace("\\", "/").rpartition("/web/")[0] + "/"
_MOST_FINDINGS: Final = 10
_log: Final = structlog.stdlib.get_logger("reception.voice")


def is_told_where(error: BaseException) -> bool:
    """Did it pass code that is not ours?"""
    frames = traceback.extract_tb(error.__traceback__)
    return any(not frame.filename.startswith(_OURS) for frame in frames)


def where(error: BaseException) -> str:
    """
    The place an exception comes from, "file.py:12 in answer".

    The last frame that is not ours counts: a builder raises in our code, but the line to
    mend is the one that called it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    theirs = [frame for frame in frames if not frame.filename.startswith(_OURS)]
    last = (theirs or frames)[-1]
    name = last.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{last.lineno} in {last.name}"


def report(
    event: str, *, tenant: str, call: str = "", ms: float, error: BaseException | None = None
) -> None:
    """
    Log one incident.

    `event` is a stable dotted name; `call` the platform's Call-ID; `ms` since arrival.
    Our own errors add their code, others their class, both the place they come from.
    """
    details: dict[str, object] = {}
    if isinstance(error, ReceptionError):
        details["code"] = error.code
    elif error is not None:
        details["error"] = type(error).__name__
    if isinstance(error, AppError) and error.findings:
        details["findings"] = list(error.findings[:_MOST_FINDINGS])
    if error is not None and error.__traceback__ is not None:
        details["where"] = where(error)
    raised_in = vars(error).get(RAISED_IN) if error is not None else None
    if raised_in:
        # A step's error comes out of the journal: where it was raised is not in its traceback.
        details["raised_in"] = raised_in
    _log.warning(event, tenant=tenant, call=call, ms=round(ms, 1), **details)


class Throttled:
    """Logs something that comes in floods: at most one line a second, with how many it stands for."""

    __slots__ = ("_count", "_event", "_logged_s")

    def __init__(self, event: str) -> None:
        self._event: Final = event
        self._count = 0
        self._logged_s = float("-inf")

    def add(self, now_s: float, code: str) -> None:
        """Count one at this monotonic time; the line shows the code of the latest."""
        self._count += 1
        if now_s - self._logged_s >= 1.0:
            _log.warning(self._event, count=self._count, code=code)
            self._count = 0
            self._logged_s = now_s
