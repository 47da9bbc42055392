"""
Makes the nightly backups of the embedded database, in a thread of the supervisor.

Once a day at a time of the machine's zone; and soon after a start where the newest backup
is older than a day, since the machine may have been off at night. A backup that fails is
logged and tried again an hour later. What a backup is, the store knows.
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
    Calls `make` when a backup is due.

    Args:
        at: time of day, in the machine's zone.
        newest_at: when the newest backup was made; None where there is none.
        make: makes one, unless the function it is given says that it is to give up.
    """

    def __init__(
        self,
        at: time,
        newest_at: Callable[[], datetime | None],
        make: Callable[[Callable[[], bool]], None],
    ) -> None:
        self._at: Final = at
        self._newest_at: Final = newest_at
        self._make: Final = make
        self._stopping: Final = threading.Event()
        self._thread: Final = threading.Thread(
            target=self._run, name="reception-backup", daemon=True
        )

    def begin(self) -> None:
        """Start waiting."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more, and give up the one that is being made."""
        self._stopping.set()

    def _run(self) -> None:
        due = first_due(datetime.now().astimezone(), self._at, self._newest_at())
        while True:
            # In short waits: a clock that is set, and a machine that sleeps, are noticed.
            while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
                if self._stopping.wait(min(left, 60.0)):
                    return
            due = self._made()
            if self._stopping.is_set():
                return

    def _made(self) -> datetime:
        """Make one now; when is the next due?"""
        begun = monotonic()
        try:
            self._make(self._stopping.is_set)
        except NeedsHuman as error:
            if not self._stopping.is_set():
                _log.error("store.backup_failed", code=error.code, reason=error.message)
            return datetime.now(UTC) + AGAIN
        except Exception as error:  # noqa: BLE001  # the next night must come all the same
            _log.exception("store.backup_failed", error=type(error).__name__)
            return datetime.now(UTC) + AGAIN
        _log.info("store.backup_made", ms=round((monotonic() - begun) * 1000))
        return next_due(datetime.now().astimezone(), self._at)


def first_due(now: datetime, at: time, newest_at: datetime | None) -> datetime:
    """When is the first backup after a start due?"""
    if newest_at is None or now - newest_at > DAY:
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
