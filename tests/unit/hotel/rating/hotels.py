"""Hotels and decks for the tests of rating."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from reception.hotel.rating import Deck, Property, deck_of, property_of

PARIS: dict[str, Any] = {
    "currency": "EUR",
    "digits": 2,
    "tz": "Europe/Paris",
    "country": "33",
    "outside": "0",
    "intl": ["00"],
    "extensions": "^[1-9][0-9]{2,3}$",
    "emergency": ["112", "15"],
}
DECK: dict[str, Any] = {
    "33": {"cls": "national", "rate": "0.06", "connect": "0.10"},
    "336": {"cls": "mobile", "rate": "0.18", "connect": "0.15", "initial": 60},
    "44": {"cls": "international", "rate": "0.20", "connect": "0.25", "initial": 60, "sub": 6},
}


def hotel(**settings: Any) -> Property:
    """A hotel in Paris, with other settings."""
    return property_of(PARIS | settings, ZoneInfo)


def deck(**rates: Any) -> Deck:
    """The deck, with other rates: ``deck(p49={…})``."""
    return deck_of(DECK | {name[1:]: rate for name, rate in rates.items()}, version="v1")
