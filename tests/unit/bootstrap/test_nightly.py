"""When the nightly work is due, by the clock on the wall."""

from __future__ import annotations

import os
import threading
import time as clock
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta

import pytest

from reception.bootstrap.nightly import AGAIN, SOON, Nightly, first_due, next_due
from reception.errors import NeedsHuman

HALF_PAST_TWO = time(2, 30)


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, …


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(2026, 1, 10, 0, 0), utc(2026, 1, 10, 1, 30)),
        (utc(2026, 1, 10, 1, 30), utc(2026, 1, 11, 1, 30)),
        (utc(2026, 7, 10, 22, 0), utc(2026, 7, 11, 0, 30)),
        # The hour that comes twice.
        (utc(2026, 10, 24, 12, 0), utc(2026, 10, 25, 0, 30)),
        (utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)),
    ],
)
def test_it_is_due_at_that_time_of_day(now: datetime, due: datetime) -> None:
    assert due == next_due(now, HALF_PAST_TWO)


def test_it_is_due_on_each_day_of_a_year_once_also_where_that_hour_does_not_exist() -> None:
    due = utc(2026, 1, 1, 12, 0)
    days = []
    for _ in range(366):
        due = next_due(due, HALF_PAST_TWO)
        days.append(due.astimezone().date())
    assert [days[0] + timedelta(days=n) for n in range(366)] == days


def test_a_night_that_was_missed_is_made_up_for_soon() -> None:
    now = utc(2026, 1, 10, 12, 0)
    assert now + SOON == first_due(now, HALF_PAST_TWO, None)
    assert now + SOON == first_due(now, HALF_PAST_TWO, now - timedelta(hours=25))
    assert utc(2026, 1, 11, 1, 30) == first_due(now, HALF_PAST_TWO, now - timedelta(hours=11))


def run_at_once(do: Callable[[Callable[[], bool]], None]) -> Nightly:
    nightly = Nightly(HALF_PAST_TWO, lambda: None, do)
    nightly.begin()
    return nightly


def test_what_fails_is_done_again_an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.bootstrap.nightly.SOON", timedelta(0))
    monkeypatch.setattr("reception.bootstrap.nightly.AGAIN", timedelta(seconds=0.05))
    assert timedelta(hours=1) == AGAIN
    outcomes = [NeedsHuman("store.backup", "no room"), RuntimeError("a bug of ours")]
    done = threading.Event()

    def do(_: Callable[[], bool]) -> None:
        if outcomes:
            raise outcomes.pop()
        done.set()

    nightly = run_at_once(do)
    assert done.wait(5.0)
    nightly.stop()


def test_a_stop_gives_up_what_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reception.bootstrap.nightly.SOON", timedelta(0))
    begun, ended = threading.Event(), threading.Event()

    def do(is_cancelled: Callable[[], bool]) -> None:
        begun.set()
        while not is_cancelled():
            clock.sleep(0.01)
        ended.set()

    nightly = run_at_once(do)
    assert begun.wait(5.0)
    nightly.stop()
    assert ended.wait(5.0)
