"""
Does what the embedded database needs every night, in a thread of the supervisor.

Once a day at a time of the machine's zone; and soon after a start where it was last done
more than a day ago, since the machine may have been off at night. What fails is logged and
tried again an hour later. What there is to do (a backup, forgetting what is old), others
know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from typing import Final

import structlog

from reception.errors import NeedsHuman

SOON: Final = timedelta(minutes=2)
AGAIN: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

_log: Final = structlog.stdlib.get_logger("reception.store")


class Nightly:
    """
    Calls `do` every night.

    Args:
        at: time of day, in the machine's zone.
        last_at: when it was last done; None for never.
        do: does it, until the function that it is given says that it is to give up.
    """

    def __init__(
        self,
        at: time,
        last_at: Callable[[], datetime | None],
        do: Callable[[Callable[[], bool]], None],
    ) -> None:
        self._at: Final = at
        self._last_at: Final = last_at
        self._do: Final = do
        self._stopping: Final = threading.Event()
        self._thread: Final = threading.Thread(
            target=self._run, name="reception-nightly", daemon=True
        )

    def begin(self) -> None:
        """Start waiting."""
        self._thread.start()

    def stop(self) -> None:
        """Do it no more, and give up what is being done."""
        self._stopping.set()

    def _run(self) -> None:
        due = first_due(datetime.now().astimezone(), self._at, self._last_at())
        while True:
            # In short waits: a clock that is set, and a machine that sleeps, are noticed.
            while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
                if self._stopping.wait(min(left, 60.0)):
                    return
            due = self._done()
            if self._stopping.is_set():
                return

    def _done(self) -> datetime:
        """Do it now; when is it due again?"""
        begun = monotonic()
        try:
            self._do(self._stopping.is_set)
        except NeedsHuman as error:
            if not self._stopping.is_set():
                _log.error("store.nightly_failed", code=error.code, reason=error.message)
            return datetime.now(UTC) + AGAIN
        except Exception as error:  # noqa: BLE001  # the next night must come all the same
            _log.exception("store.nightly_failed", error=type(error).__name__)
            return datetime.now(UTC) + AGAIN
        _log.info("store.nightly_done", ms=round((monotonic() - begun) * 1000))
        return next_due(datetime.now().astimezone(), self._at)


def first_due(now: datetime, at: time, last_at: datetime | None) -> datetime:
    """When is it due for the first time after a start?"""
    if last_at is None or now - last_at > DAY:
        return now + SOON
    return next_due(now, at)


def next_due(now: datetime, at: time) -> datetime:
    """
    When is it that time of day again, by the machine's clock?

    Over the calendar, not over 24 hours: a day on which the clock changes is not that long.
    """
    local = now.astimezone()
    due = datetime.combine(local.date(), at).astimezone()
    return due if due > now else datetime.combine(local.date() + DAY, at).astimezone()
