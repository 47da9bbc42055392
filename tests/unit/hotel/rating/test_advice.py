"""What would make bills wrong is said before a deck is in force."""

from __future__ import annotations

from typing import Any

from reception.hotel.rating import advice, doubt, kind_of
from tests.unit.hotel.rating.hotels import DECK, deck

ONE = {"cls": "national", "rate": "0.1"}


def codes(**rates: Any) -> list[tuple[str, str]]:
    return [(each.prefix, each.code) for each in advice(deck(**rates))]


def words(code: str, **rates: Any) -> str:
    return next(each.words for each in advice(deck(**rates)) if each.code == code)


def test_a_bare_1_is_said_to_cover_the_caribbean() -> None:
    assert ("1", "north-america") in codes(p1=ONE)
    told = words("north-america", p1=ONE)
    for area in ("BS 1242", "JM 1658 1876", "DO 1809 1829 1849"):
        assert area in told
    assert "US " not in told
    assert "BS 1242" not in words("north-america", p1=ONE, p1242=ONE)
    assert ("1", "premium") in codes(p1=ONE)
    assert ("1", "premium") not in codes(p1=ONE, p1900=ONE)


def test_countries_without_a_price_are_named() -> None:
    told = words("missing")
    assert " 1, 7, 20, 27," in told
    assert ", 44," not in told
    assert ", 33," not in told


def band(days: str, start: str, end: str) -> dict[str, str]:
    return {"days": days, "start": start, "end": end, "rate": "0.1"}


def test_gaps_and_dead_bands_are_found() -> None:
    gap = DECK["44"] | {"bands": [band("12345", "08:00", "20:00"), band("67", "00:00", "24:00")]}
    assert ("44", "band-gap") in codes(p44=gap)
    assert words("band-gap", p44=gap).startswith(
        "no band from Mon 00:00 to Mon 08:00, Mon 20:00 to Tue 08:00"
    )
    dead = DECK["44"] | {"bands": [band("1234567", "00:00", "24:00"), band("1", "20:00", "06:00")]}
    assert ("44", "dead-band") in codes(p44=dead)
    whole = DECK["44"] | {
        "bands": [band("1234567", "20:00", "06:00"), band("1234567", "06:00", "20:00")]
    }
    assert not [code for prefix, code in codes(p44=whole) if prefix]


def test_a_premium_number_at_an_ordinary_price_is_doubted() -> None:
    assert "premium rate, US" == kind_of("19005551234")
    assert doubt("19005551234", "national")
    assert not doubt("19005551234", "premium")
    assert not doubt("33612345678", "mobile")
    assert "" == kind_of("0")
