"""
What a hotel decides about the price of a call, beside the deck of prices itself.

Only records. `reading` makes them of what a hotelier wrote; who uses which field is said
there, once.

Source: hotel/rating.md, "Rule set".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from fractions import Fraction
from typing import Literal

from msgspec import Struct

Rounding = Literal["half_even", "half_up", "up"]
BandMode = Literal["at_answer", "split"]
TaxMode = Literal["exclusive", "inclusive"]


class NumberingPlan(Struct, frozen=True):
    """
    How numbers are dialled in this hotel (`numbers.dialled`).

    Attributes:
        country: the country code, digits only ("33").
        trunk: what precedes a national number inside the country, and is no part of it
            ("0" in France, "1" in the United States, "" in Italy and Kuwait).
        outside: the prefix for an outside line; "" where there is none.
        international: the prefixes of international numbers ("00", "011").
        extensions: matches the whole of a number inside the house.
        emergency: the emergency numbers as they are dialled, without the outside prefix.
    """

    country: str
    trunk: str
    outside: str
    international: tuple[str, ...]
    extensions: re.Pattern[str] | None
    emergency: frozenset[str]


class Tax(Struct, frozen=True):
    """A tax in percent of the net amount, or contained in it where taxes are inclusive."""

    name: str
    percent: Fraction


class Property(Struct, frozen=True):
    """
    One hotel.

    Attributes:
        currency: ISO 4217; digits: decimals of its minor unit, 0 to 4.
        zone: in which price bands are local time.
        band_mode: one band for the whole call, or each increment by its own.
        grace: up to so many seconds a call costs nothing.
        free_classes: classes of the deck whose calls have free seconds.
        free_seconds_per_call: of these classes.
        markup: percent by class; "*" is every other class.
        flat_surcharge, min_charge, max_charge: in the currency, before taxes; the last word is
            max_charge's.
        long_call: a call of more seconds is rated, and flagged as a channel that may be stuck.
    """

    currency: str
    digits: int
    zone: tzinfo
    numbers: NumberingPlan
    rounding: Rounding = "half_even"
    band_mode: BandMode = "at_answer"
    taxes: tuple[Tax, ...] = ()
    tax_mode: TaxMode = "exclusive"
    grace: int = 0
    free_classes: frozenset[str] = frozenset()
    free_seconds_per_call: int = 0
    markup: Mapping[str, Fraction] = {}
    flat_surcharge: Fraction = Fraction(0)
    min_charge: Fraction = Fraction(0)
    max_charge: Fraction | None = None
    long_call: int = 4 * 3600
