"""
What a hotelier should know about a deck before it prices calls.

The rule this file keeps: the deck decides. `phonenumbers` knows countries and kinds of numbers,
no prices, and lags behind new numbers: what it says is a warning, never a price.

Source: hotel/rating.md, "How the field does it".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneNumberType

from reception.hotel.rating.changes import clock
from reception.hotel.rating.deck import Band, Deck, Rate

_DAY: Final = 24 * 60
_WEEK: Final = 7 * _DAY
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NANP_MAIN: Final = frozenset({"US", "CA"})
_PREMIUM: Final = ("1900",)
_MOST_SHOWN: Final = 40
_MOST_GAPS: Final = 7

_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: "fixed line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed line or mobile",
    PhoneNumberType.TOLL_FREE: "toll-free",
    PhoneNumberType.PREMIUM_RATE: "premium rate",
    PhoneNumberType.SHARED_COST: "shared cost",
    PhoneNumberType.VOIP: "voice over IP",
    PhoneNumberType.PERSONAL_NUMBER: "personal number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company number",
    PhoneNumberType.VOICEMAIL: "voicemail",
}
# Kinds that a price for ordinary calls would be wrong for, and words in a class that allow them.
_DEAR: Final = {
    "premium rate": ("premium", "service", "special"),
    "shared cost": ("shared", "service", "special"),
}


class Advice(Struct, frozen=True):
    """A warning: the prefix that it is about ("" for the whole deck), a stable code, and words."""

    prefix: str
    code: str
    words: str


def advice(deck: Deck) -> Iterator[Advice]:
    """Look for what makes bills wrong: regions without a price, gaps and dead bands."""
    yield from _north_america(deck)
    yield from _missing(deck)
    for rate in deck:
        yield from _bands(rate)


def kind_of(number: str) -> str:
    """
    Say what `phonenumbers` takes a number for; "" where it does not know.

    >>> kind_of("33612345678")
    'mobile, FR'
    """
    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return ""
    kind = _KINDS.get(phonenumbers.number_type(parsed), "")
    region = phonenumbers.region_code_for_number(parsed) or ""
    return ", ".join(part for part in (kind, region) if part)


def doubt(number: str, cls: str) -> str:
    """Say why a class seems wrong for a number; "" where it does not."""
    kind, _, _ = kind_of(number).partition(", ")
    allowed = _DEAR.get(kind)
    if allowed is None or any(word in cls for word in allowed):
        return ""
    return f"this is a {kind} number, and the deck prices it as {cls}"


def _north_america(deck: Deck) -> Iterator[Advice]:
    if "1" not in deck:
        return
    without = [
        f"{region} {' '.join(prefixes)}"
        for region, prefixes in _north_american_regions()
        if not all(prefix in deck for prefix in prefixes)
    ]
    if without:
        words = (
            "1 is the price of calls to other countries too, most of them dearer; give a price"
            f" each to {len(without)}: {', '.join(without)}"
        )
        yield Advice("1", "north-america", words)
    for prefix in _PREMIUM:
        if prefix not in deck:
            yield Advice("1", "premium", f"{prefix} (premium rate) has the price of 1")


@lru_cache(maxsize=1)
def _north_american_regions() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The regions of +1 that are neither the United States nor Canada, with their prefixes."""
    found = []
    for region in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]):
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        if region in _NANP_MAIN or metadata is None or not metadata.leading_digits:
            continue
        leading = re.compile(metadata.leading_digits)
        areas = [str(area) for area in range(200, 1000) if leading.match(f"{area}5550100")]
        found.append((region, tuple(f"1{area}" for area in areas)))
    return tuple(found)


def _missing(deck: Deck) -> Iterator[Advice]:
    heads = {rate.prefix[:length] for rate in deck for length in (1, 2, 3)}
    missing = [
        str(code)
        for code in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
        if str(code) not in heads and deck.rate_of(str(code)) is None
    ]
    if missing:
        shown = ", ".join(missing[:_MOST_SHOWN])
        more = f" and {len(missing) - _MOST_SHOWN} more" if len(missing) > _MOST_SHOWN else ""
        words = f"calls to {len(missing)} country codes would wait for a price: {shown}{more}"
        yield Advice("", "missing", words)


def _bands(rate: Rate) -> Iterator[Advice]:
    if not rate.bands:
        return
    dead, gaps = _coverage(rate.bands)
    for number in dead:
        words = f"band {number} never applies: those before it cover all of its time"
        yield Advice(rate.prefix, "dead-band", words)
    if gaps:
        shown = ", ".join(gaps[:_MOST_GAPS]) + (" …" if len(gaps) > _MOST_GAPS else "")
        words = f"no band from {shown}: the rate {rate.rate} holds there"
        yield Advice(rate.prefix, "band-gap", words)


@lru_cache(maxsize=1024)
def _coverage(bands: tuple[Band, ...]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Which bands, counted from 1, never apply, and which times of the week none covers."""
    covered = [False] * _WEEK
    dead = []
    for number, band in enumerate(bands, 1):
        minutes = list(_minutes(band))
        if all(covered[minute] for minute in minutes):
            dead.append(number)
        for minute in minutes:
            covered[minute] = True
    return tuple(dead), tuple(_gaps(covered))


def _minutes(band: Band) -> Iterator[int]:
    length = (band.end - band.start) % _DAY or _DAY
    for day in band.days:
        begins = (day - 1) * _DAY + band.start
        yield from (minute % _WEEK for minute in range(begins, begins + length))


def _gaps(covered: list[bool]) -> Iterator[str]:
    minute = 0
    while minute < _WEEK:
        if covered[minute]:
            minute += 1
            continue
        begins = minute
        while minute < _WEEK and not covered[minute]:
            minute += 1
        yield f"{_week_time(begins)} to {_week_time(minute)}"


def _week_time(minute: int) -> str:
    day, of_day = divmod(minute, _DAY)
    if of_day == 0 and day:
        return f"{_DAYS[day - 1]} 24:00"
    return f"{_DAYS[day % 7]} {clock(of_day)}"
