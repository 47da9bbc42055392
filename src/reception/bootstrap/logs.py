"""
The log of a server: one line per incident, on standard error.

JSON lines for machines, aligned words on a terminal. A processor drops every key that is
not on the list below, so that whoever logs a new thing decides here, once, that it may be
seen: codes, our own identifiers, places in code and figures. What a caller said, a number,
a header, a URL or a secret has no key. Text of other libraries is not repeated either,
because nobody knows what they put into it; their class and place are.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

import structlog

ALLOWED: Final = frozenset(
    {
        "address",  # of our own listener
        "attempt",
        "call",  # the platform's Call-ID
        "code",  # a stable dotted code, or a lint code
        "connections",
        "count",
        "delay_s",
        "error",  # the class of an exception
        "event",
        "exit_code",
        "findings",  # JSON paths and rules, no values
        "level",
        "lib",  # who logged, where it was not us
        "ms",
        "path",  # a JSON path in a flow
        "pid",
        "reason",  # a safe text of ours
        "signal",
        "status",
        "tasks",
        "tenant",
        "text",  # the unfilled template of another library's line
        "time",
        "where",  # file.py:12 in function
        "worker",
        "workers",
    }
)
_LIBRARIES: Final = ("uvicorn.error", "asyncio")


def configure(*, worker: int | None = None) -> None:
    """Set up structlog, and route what uvicorn and asyncio say through it."""
    is_terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True, pad_event_to=24)
        if is_terminal
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(
                fmt="%H:%M:%S" if is_terminal else "iso",
                utc=not is_terminal,
                key=_time(is_terminal),
            ),
            keep_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        # A cached logger would outlive this set-up: in a test suite that starts a server,
        # nothing could capture its events any more.
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    if worker is not None:
        structlog.contextvars.bind_contextvars(worker=worker)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers = [LibraryHandler()]
        library.propagate = False
        library.setLevel(logging.WARNING)


def _time(is_terminal: bool) -> str:
    # The console renderer knows the time by its own name.
    return "timestamp" if is_terminal else "time"


def keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """
    Drop every key that is not on the list; a structlog processor.

    >>> keep_allowed(None, "info", {"event": "x", "caller_name": "Ann"})
    {'event': 'x'}
    """
    for key in [key for key in event if key not in ALLOWED and key != "timestamp"]:
        del event[key]
    return event


class LibraryHandler(logging.Handler):
    """Turns another library's record into one of our lines, without its values."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the template, and class and place of the exception."""
        details: dict[str, Any] = {"lib": record.name}
        if isinstance(record.msg, str):
            details["text"] = record.msg.strip()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            details["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            if frames:
                last = frames[-1]
                details["where"] = f"{Path(last.filename).name}:{last.lineno} in {last.name}"
        structlog.stdlib.get_logger().log(record.levelno, "server.library", **details)
