"""
The platform's times, which come in six units without saying in which.

Seconds, milliseconds and microseconds, since 1970 or since the year 0 of the Gregorian
calendar. The rule: between 1973 and 2170 a number can be meant in one of them only, so its
size says in which; a number that fits none is no time, and is never guessed at.

Source: contract/hangup.md (Timestamp, Event-Timestamp, Channel-Created-Time); Erlang's
``calendar:datetime_to_gregorian_seconds``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

GREGORIAN_S: Final = 62_167_219_200
"""Seconds from the year 0 to 1970."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_S: Final = 100_000_000  # 3 March 1973
_LAST_S: Final = 6_311_433_600  # 1 January 2170
_UNITS: Final = (1, 1_000, 1_000_000)


def time_of(number: int) -> datetime | None:
    """
    Read a time; aware, UTC; None where the number can be none.

    >>> time_of(63961000000) == time_of(1793780800) == time_of(1793780800000)
    True
    >>> time_of(1793780800123456)
    datetime.datetime(2026, 11, 4, 8, 26, 40, 123456, tzinfo=datetime.timezone.utc)
    >>> time_of(12) is None
    True
    """
    for unit in _UNITS:
        for shift in (0, GREGORIAN_S * unit):
            if _FIRST_S * unit <= number - shift < _LAST_S * unit:
                return _EPOCH + timedelta(microseconds=(number - shift) * (1_000_000 // unit))
    return None
