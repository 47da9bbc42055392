"""
What a call costs the guest: exact, explained, and the same whenever it is rated again.

`rate` prices one call by a `Property` (the hotel's rules) and a `Deck` (prices by prefix).
Everything here is a function of its arguments. The rules are those of hotel/rating.md, by
number in the files that keep them.
"""

from reception.hotel.rating.advice import Advice, advice, doubt, kind_of
from reception.hotel.rating.cases import Difference, as_expected, differences
from reception.hotel.rating.changes import Change, changes
from reception.hotel.rating.deck import Band, Deck, Decks, Rate
from reception.hotel.rating.deck_csv import read_deck
from reception.hotel.rating.property import NumberingPlan, Property, Tax
from reception.hotel.rating.rate import Call, Rated, Status, rate
from reception.hotel.rating.reading import deck_of, property_of

__all__ = [
    "Advice",
    "Band",
    "Call",
    "Change",
    "Deck",
    "Decks",
    "Difference",
    "NumberingPlan",
    "Property",
    "Rate",
    "Rated",
    "Status",
    "Tax",
    "advice",
    "as_expected",
    "changes",
    "deck_of",
    "differences",
    "doubt",
    "kind_of",
    "property_of",
    "rate",
    "read_deck",
]
