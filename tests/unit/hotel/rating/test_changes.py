"""Whoever agrees to a new deck sees each price that changes."""

from __future__ import annotations

from reception.hotel.rating import Change, changes
from tests.unit.hotel.rating.hotels import DECK, deck


def test_every_difference_is_told_and_nothing_else() -> None:
    band = {"days": "12", "start": "08:00", "end": "20:00", "rate": "0.3"}
    new = deck(p44=DECK["44"] | {"rate": "0.21", "bands": [band]}, p39=DECK["33"])
    assert [
        Change("39", "added"),
        Change(
            "44", "changed", (("rate", "0.20", "0.21"), ("bands", "none", "12 08:00-20:00 0.3"))
        ),
    ] == list(changes(deck(), new))
    assert [Change("39", "removed")] == [
        each for each in changes(new, deck()) if each.kind == "removed"
    ]
    assert [] == list(changes(deck(), deck()))
