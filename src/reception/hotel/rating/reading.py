"""
A property and a deck as they stand in a file, checked as a whole.

The rule this file keeps: whoever wrote the file hears of everything that is wrong with it at
once, each with its place; nothing is taken for something else. Numbers are decimal: text, whole
numbers or `decimal.Decimal` (read JSON with ``parse_float=Decimal``), never a float.

Source: hotel/rating_cases.json (the shape), hotel/rating.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import phonenumbers

from reception.hotel.rating.deck import MOST_DIGITS, Band, Deck, Rate
from reception.hotel.rating.fields import Fields, Problems, Zone, amount_of
from reception.hotel.rating.property import (
    BandMode,
    NumberingPlan,
    Property,
    Rounding,
    Tax,
    TaxMode,
)

MOST_SECONDS: Final = 86_400
_MOST_TEXT: Final = 200
PREFIX: Final = re.compile(rf"[1-9][0-9]{{0,{MOST_DIGITS - 1}}}", re.ASCII)
CLASS: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}", re.ASCII)
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]*", re.ASCII)
_DAYS: Final = re.compile(r"[1-7]+", re.ASCII)


def property_of(data: Mapping[str, Any], zone: Zone) -> Property:
    """
    Read a property.

    Shape:
        data: as in ``rating_cases.json``; its ``deck`` is left out here (`deck_of`).

    Errors:
        NeedsHuman("rating.property"): everything that is wrong, a line each.
    """
    problems = Problems()
    fields = Fields(data, "", problems)
    hotel = Property(
        currency=fields.text("currency", re.compile(r"[A-Z]{3}"), "three capitals, like EUR"),
        digits=fields.whole("digits", 0, 4),
        zone=fields.zone("tz", zone),  # type: ignore[arg-type]  # None is a problem, raised below
        numbers=_plan(fields),
        rounding=fields.one_of("rounding", Rounding, "half_even"),
        band_mode=fields.one_of("band_mode", BandMode, "at_answer"),
        taxes=_taxes(fields),
        tax_mode=fields.one_of("tax_mode", TaxMode, "exclusive"),
        grace=fields.whole("grace", 0, MOST_SECONDS, 0),
        free_classes=frozenset(fields.texts("free_classes", CLASS, "the name of a class")),
        free_seconds_per_call=fields.whole("free_seconds_per_call", 0, MOST_SECONDS, 0),
        markup=_markup(fields),
        flat_surcharge=Fraction(fields.amount("flat_surcharge", Decimal(0))),
        min_charge=Fraction(fields.amount("min_charge", Decimal(0))),
        max_charge=_maybe(fields.amount_or_none("max_charge")),
        long_call=fields.whole("long_call", 1, 10 * MOST_SECONDS, 4 * 3600),
    )
    fields.no_more("deck")
    problems.raise_any("rating.property")
    return hotel


def deck_of(data: Any, *, version: str = "") -> Deck:
    """
    Read a deck: rates by prefix, as in ``rating_cases.json``.

    Shape:
        data: what a JSON file holds; anything but an object is refused.

    Errors:
        NeedsHuman("rating.deck"): everything that is wrong, a line each.
    """
    problems = Problems()
    rates: dict[str, Rate] = {}
    if not isinstance(data, Mapping):
        problems.add("deck", "must be an object with a prefix for each name")
        data = {}
    for prefix, value in data.items():
        place = f"deck.{str(prefix)[:_MOST_TEXT]}"
        if not isinstance(prefix, str) or not PREFIX.fullmatch(prefix):
            problems.add(place, f"a prefix is 1 to {MOST_DIGITS} digits of E.164, not 0 first")
        elif not isinstance(value, Mapping):
            problems.add(place, "must be an object")
        else:
            rates[prefix] = _rate(prefix, Fields(value, f"{place}.", problems))
    problems.raise_any("rating.deck")
    return Deck(rates, version=version)


def band_of(days: str, start: str, end: str, rate: Decimal) -> Band | str:
    """Make a band of texts ("12345", "08:00", "20:00"), or say what is wrong with them."""
    if not _DAYS.fullmatch(days):
        return f"days {days!r} must be of 1 (Monday) to 7"
    begins, ends = _minute(start), _minute(end)
    if begins is None or begins == 24 * 60:
        return f"start {start!r} must be 00:00 to 23:59"
    if ends is None:
        return f"end {end!r} must be 00:00 to 24:00"
    if begins == ends:
        return "start and end are the same: a whole day is 00:00 to 24:00"
    return Band(frozenset(map(int, days)), begins, ends, rate)


def _minute(text: str) -> int | None:
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    minute = int(found[1]) * 60 + int(found[2])
    return minute if minute <= 24 * 60 else None


def _plan(fields: Fields) -> NumberingPlan:
    country = fields.text("country", re.compile(r"[1-9][0-9]{0,2}"), 'a country code, like "33"')
    pattern = fields.get("extensions")
    extensions = None
    if pattern is not None:
        try:
            extensions = re.compile(pattern)
        except (re.error, TypeError):
            fields.wrong("extensions", "must be a regular expression, like ^[1-9][0-9]{2,3}$")
    return NumberingPlan(
        country=country,
        trunk=fields.text("trunk", _DIGITS, 'digits, or "" for none', trunk_of(country)),
        outside=fields.text("outside", _DIGITS, 'digits, or "" for none', ""),
        international=fields.texts("intl", re.compile(r"[0-9]{1,6}"), "digits"),
        extensions=extensions,
        emergency=frozenset(fields.texts("emergency", re.compile(r"[0-9]{2,8}"), "digits")),
    )


def trunk_of(country: str) -> str:
    """
    Give what precedes national numbers in a country and is no part of them.

    >>> trunk_of("33"), trunk_of("81"), trunk_of("1"), trunk_of("965"), trunk_of("39")
    ('0', '0', '1', '', '')
    """
    if not country:
        return ""
    region = phonenumbers.region_code_for_country_code(int(country))
    return phonenumbers.ndd_prefix_for_region(region, True) or ""


def _taxes(fields: Fields) -> tuple[Tax, ...]:
    values = fields.get("taxes")
    if values is None:
        return ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        fields.wrong("taxes", 'must be a list of pairs, like ["state", "8.875"]')
        return ()
    taxes = []
    for number, value in enumerate(values):
        place = f"taxes[{number}]"
        is_pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
        if not is_pair or not isinstance(value[0], str) or not 0 < len(value[0]) <= _MOST_TEXT:
            fields.wrong(place, 'must be a name and a percentage, like ["state", "8.875"]')
            continue
        percent = amount_of(value[1])
        if isinstance(percent, str):
            fields.wrong(place, percent)
        else:
            taxes.append(Tax(value[0], Fraction(percent)))
    return tuple(taxes)


def _markup(fields: Fields) -> dict[str, Fraction]:
    values = fields.get("markup")
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        fields.wrong("markup", 'must name a percentage for each class, like {"*": "50"}')
        return {}
    found = {}
    for name, value in values.items():
        percent = amount_of(value)
        if isinstance(percent, str):
            fields.wrong(f"markup.{str(name)[:40]}", percent)
        elif name != "*" and not CLASS.fullmatch(name):
            fields.wrong(f"markup.{str(name)[:40]}", "must be the name of a class, or *")
        else:
            found[name] = Fraction(percent)
    return found


def _rate(prefix: str, fields: Fields) -> Rate:
    rate = Rate(
        prefix=prefix,
        cls=fields.text("cls", CLASS, "a class, like national"),
        rate=fields.amount("rate"),
        connect=fields.amount("connect", Decimal(0)),
        initial=fields.whole("initial", 0, MOST_SECONDS, 1),
        sub=fields.whole("sub", 1, MOST_SECONDS, 1),
        bands=tuple(_bands(fields)),
        name=fields.text("name", re.compile(r".{0,200}"), "a text", ""),
    )
    fields.no_more()
    return rate


def _bands(fields: Fields) -> list[Band]:
    found = []
    for each in fields.objects("bands"):
        days, start, end = (each.get(name) for name in ("days", "start", "end"))
        price = each.amount("rate")
        each.no_more()
        band = band_of(str(days), str(start), str(end), price)
        if isinstance(band, str):
            each.wrong("", band)
        else:
            found.append(band)
    return found


def _maybe(amount: Decimal | None) -> Fraction | None:
    return None if amount is None else Fraction(amount)
