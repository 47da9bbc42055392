"""
Time and chance as a journal keeps them.

The rule this file keeps: what was drawn or read once is written so that a replay gets the
very same value, to the last digit. Where randomness comes from is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def stamp_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1000 + passed.microseconds // 1000


def time_of(stamp: int) -> datetime:
    """The moment, aware, in UTC."""
    return _EPOCH + timedelta(microseconds=stamp)


def number(bounds: tuple[int, int] | None, entropy: Callable[[int], bytes]) -> float | int:
    """
    Draw a number: a float in [0, 1) with 53 bits, or a whole number between bounds.

    >>> number((1, 6), lambda count: b"\\x00" * count), number(None, lambda count: b"\\x80" * count)
    (1, 0.5019607843137255)
    """
    if bounds is None:
        return (int.from_bytes(entropy(7), "big") >> 3) / (1 << 53)
    low, high = bounds
    span = high - low + 1
    size = (span.bit_length() + 7) // 8 + 8
    # Eight bytes more than the span needs: the rest of the division favours nobody noticeably.
    return low + int.from_bytes(entropy(size), "big") % span
