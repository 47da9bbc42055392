"""
From the cost of a call to what the guest pays: markup, limits, rounding, taxes, once each.

The rule this file keeps: everything is exact until the one rounding to the currency's minor
unit; taxes are of the rounded amount, and each is rounded for itself.

Source: hotel/rating.md, rules 10 to 13; hotel/fias.md §2 (money without its point).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from msgspec import Struct

from reception.hotel.rating.property import Property, Rounding

_HUNDRED: Final = 100


class TaxAmount(Struct, frozen=True):
    """A tax of one call, in minor units."""

    name: str
    minor: int


class Price(Struct, frozen=True):
    """
    What one call costs the guest, in minor units of the currency.

    Attributes:
        exact: the net amount before it was rounded, in the currency (where taxes are
            inclusive, the amount with them).
        steps: what was done to the cost, for people: ``× 1.50 (markup 50 %)``.
    """

    exact: Fraction
    net: int
    taxes: tuple[TaxAmount, ...]
    total: int
    steps: tuple[str, ...]


def priced(cost: Fraction, cls: str, hotel: Property) -> Price:
    """Make a price of the cost of a call of one class."""
    exact, steps = _with_markup(cost, cls, hotel)
    rounded = to_minor(exact, hotel.digits, hotel.rounding)
    if hotel.tax_mode == "inclusive":
        every = sum((tax.percent for tax in hotel.taxes), Fraction(0))
        taxes = tuple(
            TaxAmount(tax.name, _share(rounded, tax.percent / (_HUNDRED + every)))
            for tax in hotel.taxes
        )
        net, total = rounded - sum(tax.minor for tax in taxes), rounded
    else:
        taxes = tuple(
            TaxAmount(tax.name, _share(rounded, tax.percent / _HUNDRED)) for tax in hotel.taxes
        )
        net, total = rounded, rounded + sum(tax.minor for tax in taxes)
    return Price(exact, net, taxes, total, steps)


def to_minor(amount: Fraction, digits: int, rounding: Rounding) -> int:
    """
    Round an amount of 0 or more to whole minor units.

    >>> to_minor(Fraction("0.165"), 2, "half_even"), to_minor(Fraction("0.161"), 2, "up")
    (16, 17)
    """
    return _whole(amount.numerator * 10**digits, amount.denominator, rounding)


def _share(minor: int, share: Fraction) -> int:
    return _whole(minor * share.numerator, share.denominator, "half_up")


def shown(minor: int, digits: int) -> str:
    """
    Write an amount with its decimals.

    >>> shown(104, 2), shown(39, 0), shown(38, 3)
    ('1.04', '39', '0.038')
    """
    if not digits:
        return str(minor)
    whole, part = divmod(minor, 10**digits)
    return f"{whole}.{part:0{digits}d}"


def fias_amount(minor: int, digits: int) -> str:
    """
    Write an amount as FIAS wants it in ``TA``: without the point, and two decimals at least.

    >>> fias_amount(104, 2), fias_amount(39, 0), fias_amount(1152, 3)
    ('104', '3900', '1152')
    """
    return str(minor * 10 ** max(0, 2 - digits))


def _with_markup(cost: Fraction, cls: str, hotel: Property) -> tuple[Fraction, tuple[str, ...]]:
    steps: list[str] = []
    percent = hotel.markup.get(cls, hotel.markup.get("*"))
    if percent:
        cost *= 1 + percent / _HUNDRED
        steps.append(f"+ {exactly(percent)} % markup")
    if hotel.flat_surcharge:
        cost += hotel.flat_surcharge
        steps.append(f"+ {exactly(hotel.flat_surcharge)} surcharge")
    if cost < hotel.min_charge:
        cost = hotel.min_charge
        steps.append(f"at least {exactly(cost)}")
    if hotel.max_charge is not None and cost > hotel.max_charge:
        cost = hotel.max_charge
        steps.append(f"at most {exactly(cost)}")
    return cost, tuple(steps)


def exactly(value: Fraction) -> str:
    """
    Write a number out; what has no end is cut after eight decimals, and says so.

    >>> exactly(Fraction("0.525")), exactly(Fraction(37, 60)), exactly(Fraction(20))
    ('0.525', '0.61666666…', '20')
    """
    whole, rest = divmod(abs(value.numerator), value.denominator)
    sign = "-" if value < 0 else ""
    if not rest:
        return f"{sign}{whole}"
    scaled, more = divmod(rest * 10**8, value.denominator)
    decimals = f"{scaled:08d}…" if more else f"{scaled:08d}".rstrip("0")
    return f"{sign}{whole}.{decimals}"


def _whole(numerator: int, denominator: int, rounding: Rounding) -> int:
    floor, rest = divmod(numerator, denominator)
    if not rest:
        return floor
    half = 2 * rest - denominator
    is_up = (
        rounding == "up" or half > 0 or (half == 0 and (rounding == "half_up" or floor % 2 == 1))
    )
    return floor + is_up
