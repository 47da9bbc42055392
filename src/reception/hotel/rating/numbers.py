"""
What a guest dialled, as the number that a deck of prices knows.

The rule this file keeps: nothing here is a guess about a price, and no call is refused here:
an emergency number is found before anything else is looked at.

Source: hotel/rating.md, rule 1.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from reception.hotel.rating.property import NumberingPlan

Kind = Literal["emergency", "internal", "outside", "nothing"]

_KEPT: Final = frozenset("0123456789+")


class Dialled(Struct, frozen=True):
    """
    What was dialled.

    Attributes:
        kind: "nothing" where no digit was left.
        number: digits of the E.164 number without "+", for "outside"; else the digits as dialled.
    """

    kind: Kind
    number: str


def dialled(text: str, plan: NumberingPlan) -> Dialled:
    """
    Tell what a number is, as dialled: ``0 0142961234``, ``+33142961234``, ``112``, ``214``.

    Everything but 0-9 and + is left out. An extension fits its pattern as a whole: a pattern that
    was meant for three digits makes no outside number free. One outside prefix is taken off, then an
    international prefix, or else one trunk prefix of the country.
    """
    digits = "".join(mark for mark in text if mark in _KEPT)
    outside = digits.removeprefix(plan.outside)
    if digits in plan.emergency or outside in plan.emergency:
        return Dialled("emergency", digits)
    if plan.extensions is not None and plan.extensions.fullmatch(digits):
        return Dialled("internal", digits)
    number = _e164(outside, plan)
    return Dialled("outside", number) if number else Dialled("nothing", "")


def _e164(digits: str, plan: NumberingPlan) -> str:
    if digits.startswith("+"):
        return digits.replace("+", "")
    digits = digits.replace("+", "")
    for prefix in plan.international:
        if digits.startswith(prefix):
            return digits[len(prefix) :]
    national = digits.removeprefix(plan.trunk)
    return plan.country + national if national else ""
