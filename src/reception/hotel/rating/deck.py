"""
A deck: what calls cost by the prefix of their number; and its versions over time.

The rule this file keeps: the longest prefix decides, and the version that was in force when a
call was answered prices the whole call, whenever it is rated.

Source: hotel/rating.md, rules 3, 7, 8 and "Rate version".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

MOST_DIGITS: Final = 15
"""Of a number after ITU-T E.164, and so of a prefix."""


class Band(Struct, frozen=True, gc=False):
    """
    A time of the week with a price of its own.

    Attributes:
        days: 1 is Monday, 7 Sunday; of a band that passes midnight, the day on which it began.
        start: minute of the day, 0 to 1439, included.
        end: minute of the day, 1 to 1440, not included; below `start` it is on the next day.
        rate: for a minute.
    """

    days: frozenset[int]
    start: int
    end: int
    rate: Decimal


class Rate(Struct, frozen=True, gc=False):
    """
    The price of the numbers with one prefix.

    Attributes:
        prefix: the first 1 to 15 digits of E.164 numbers.
        cls: the class that the hotel's own rules know it by ("national", "mobile").
        rate: for a minute, wherever no band applies.
        connect: for each call that is charged.
        initial: seconds that are charged at least; sub: steps after that.
        bands: the first one that matches applies.
        name: of the destination, for people.
    """

    prefix: str
    cls: str
    rate: Decimal
    connect: Decimal = Decimal(0)
    initial: int = 1
    sub: int = 1
    bands: tuple[Band, ...] = ()
    name: str = ""


class Deck:
    """The rates of one version."""

    __slots__ = ("_lengths", "_rates", "version")

    def __init__(self, rates: Mapping[str, Rate], *, version: str = "") -> None:
        """Take rates by prefix; `version` names them in every result."""
        self._rates: Final = dict(rates)
        self._lengths: Final = sorted({len(prefix) for prefix in rates}, reverse=True)
        self.version: Final = version

    def __len__(self) -> int:
        return len(self._rates)

    def __iter__(self) -> Iterator[Rate]:
        return iter(self._rates.values())

    def __contains__(self, prefix: object) -> bool:
        return prefix in self._rates

    def get(self, prefix: str) -> Rate | None:
        """Give the rate with exactly this prefix."""
        return self._rates.get(prefix)

    def rate_of(self, number: str) -> Rate | None:
        """Give the rate with the longest prefix of a number (digits of E.164), if there is one."""
        for length in self._lengths:
            found = self._rates.get(number[:length])
            if found is not None and length <= len(number):
                return found
        return None


class Decks:
    """The versions of a deck, each with the time from which it is in force."""

    __slots__ = ("_decks", "_from")

    def __init__(self, versions: Sequence[tuple[datetime, Deck]]) -> None:
        """Take aware times and decks, in any order; of two from the same time, the later counts."""
        ordered = sorted(versions, key=lambda version: version[0])
        self._from: Final = [since for since, _ in ordered]
        self._decks: Final = [deck for _, deck in ordered]

    def at(self, answered: datetime) -> Deck | None:
        """Give the deck that was in force at an aware time; None before the first."""
        found = bisect_right(self._from, answered)
        return self._decks[found - 1] if found else None
