"""
What a new deck changes: for whoever must agree before it is in force.

The rule this file keeps: nothing that prices a call differently is left out, and nothing else
is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, structs

from reception.hotel.rating.deck import Band, Deck, Rate


class Change(Struct, frozen=True):
    """
    One prefix that is priced differently.

    Attributes:
        details: field, old and new value as text; empty where the prefix came or went.
    """

    prefix: str
    kind: Literal["added", "removed", "changed"]
    details: tuple[tuple[str, str, str], ...] = ()


def changes(old: Deck, new: Deck) -> Iterator[Change]:
    """Tell what is different in a new deck, in the order of the prefixes."""
    prefixes = {rate.prefix for rate in old} | {rate.prefix for rate in new}
    for prefix in sorted(prefixes):
        before, after = old.get(prefix), new.get(prefix)
        if before is None:
            yield Change(prefix, "added")
        elif after is None:
            yield Change(prefix, "removed")
        elif before != after:
            yield Change(prefix, "changed", tuple(_details(before, after)))


def _details(before: Rate, after: Rate) -> Iterator[tuple[str, str, str]]:
    old, new = structs.asdict(before), structs.asdict(after)
    for name, value in old.items():
        if value != new[name]:
            yield name, _shown(value), _shown(new[name])


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(band_text(band) for band in value) or "none"
    return str(value)


def band_text(band: Band) -> str:
    """
    Write a band as a deck's table has it.

    >>> from decimal import Decimal
    >>> band_text(Band(frozenset({1, 2}), 480, 1440, Decimal("0.25")))
    '12 08:00-24:00 0.25'
    """
    days = "".join(map(str, sorted(band.days)))
    return f"{days} {clock(band.start)}-{clock(band.end)} {band.rate}"


def clock(minute: int) -> str:
    """Write a minute of the day: 08:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
