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

from reception.errors import AppError, ReceptionError

_log: Final = structlog.stdlib.get_logger("reception.voice")


def where(error: BaseException) -> str:
    """The place an exception comes from, "file.py:12 in answer"; the last frame counts."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    name = last.filename.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name}:{last.lineno} in {last.name}"


def report(
    event: str, *, tenant: str, call: str = "", ms: float, error: BaseException | None = None
) -> None:
    """
    Log one incident.

    `event` is a stable dotted name; `call` the platform's Call-ID; `ms` since arrival.
    Our own errors add their code and safe text, others their class and place only.
    """
    details: dict[str, object] = {}
    if isinstance(error, ReceptionError):
        details["code"] = error.code
    if isinstance(error, AppError):
        details["reason"] = error.message
    if error is not None and not isinstance(error, ReceptionError):
        details["error"] = type(error).__name__
    if error is not None and error.__traceback__ is not None:
        details["where"] = where(error)
    _log.warning(event, tenant=tenant, call=call, ms=round(ms, 1), **details)
