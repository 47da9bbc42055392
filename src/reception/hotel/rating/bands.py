"""
Which price of a rate holds for which seconds of a call.

The rule this file keeps: a band is local time, a call is elapsed time. A call that runs while
clocks are changed is cut at the same places as the wall clock shows them, and lasts as long as
it lasted.

Source: hotel/rating.md, rule 8.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from msgspec import Struct

from reception.hotel.rating.deck import Band, Rate

_DAY: Final = 24 * 60
# Clocks are set forward and back at a quarter of an hour in UTC, in every zone since 1970.
_QUARTER_S: Final = 900


class Stretch(Struct, frozen=True):
    """Seconds at one price for a minute."""

    seconds: int
    rate: Decimal


def rate_at(rate: Rate, when: datetime, zone: tzinfo) -> Decimal:
    """Give the price for a minute at one aware time."""
    for band in rate.bands:
        if _matches(band, when.astimezone(zone)):
            return band.rate
    return rate.rate


def split(rate: Rate, begins: datetime, billed: int, zone: tzinfo) -> list[Stretch]:
    """
    Price each increment by the band at its first second.

    Shape:
        begins: aware; where the first increment begins.
        billed: seconds, as `increments` gives them: the initial one and whole ones after it.
    """
    found: list[Stretch] = []
    begins = begins.astimezone(UTC)
    at = 0
    while at < billed:
        price = rate_at(rate, begins + timedelta(seconds=at), zone)
        if at == 0:
            seconds = min(rate.initial, billed) or min(rate.sub, billed)
        else:
            # All increments that begin before the price can change.
            lasts = _lasts(rate, begins + timedelta(seconds=at), zone)
            seconds = min(billed - at, -(-lasts // rate.sub) * rate.sub)
        if found and found[-1].rate == price:
            found[-1] = Stretch(found[-1].seconds + seconds, price)
        else:
            found.append(Stretch(seconds, price))
        at += seconds
    return found


def _matches(band: Band, local: datetime) -> bool:
    minute, day = local.hour * 60 + local.minute, local.isoweekday()
    if band.start < band.end:
        return day in band.days and band.start <= minute < band.end
    before = (day - 2) % 7 + 1
    return (minute >= band.start and day in band.days) or (
        minute < band.end and before in band.days
    )


def _lasts(rate: Rate, when: datetime, zone: tzinfo) -> int:
    """For how many seconds, at least one, the price at `when` cannot change."""
    local = when.astimezone(zone)
    second = local.hour * 3600 + local.minute * 60 + local.second
    marks = {mark * 60 for band in rate.bands for mark in (band.start, band.end)} | {_DAY * 60}
    next_mark = min(mark for mark in marks if mark > second) - second
    return min(next_mark, _QUARTER_S - int(when.timestamp()) % _QUARTER_S)
