"""Rounded once, taxed on what was rounded, each tax for itself."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating.price import exactly, fias_amount, priced, shown, to_minor
from reception.hotel.rating.property import Rounding
from tests.unit.hotel.rating.hotels import hotel

DECIMAL: dict[str, str] = {
    "half_even": ROUND_HALF_EVEN,
    "half_up": ROUND_HALF_UP,
    "up": ROUND_UP,
}


@given(
    st.decimals(0, 10**6, allow_nan=False, places=6),
    st.integers(0, 4),
    st.sampled_from(get_args(Rounding)),
)
def test_rounding_is_that_of_decimal_arithmetic(amount: Decimal, digits: int, how: Any) -> None:
    with localcontext() as context:
        context.prec = 50
        expected = amount.quantize(Decimal(1).scaleb(-digits), DECIMAL[how]).scaleb(digits)
    assert int(expected) == to_minor(Fraction(amount), digits, how)


def test_markup_surcharge_least_and_most_come_in_this_order() -> None:
    rules = hotel(markup={"*": "50"}, flat_surcharge="1", min_charge="2", max_charge="5")
    assert 250 == priced(Fraction(1), "national", rules).net
    assert 200 == priced(Fraction("0.1"), "national", rules).net
    assert 500 == priced(Fraction(10), "national", rules).net


def test_a_class_has_its_own_markup_before_that_of_all() -> None:
    rules = hotel(markup={"*": "50", "mobile": "10", "tollfree": "0"})
    assert [150, 110, 100] == [
        priced(Fraction(1), cls, rules).net for cls in ("national", "mobile", "tollfree")
    ]


def test_each_tax_is_rounded_for_itself_on_the_rounded_net() -> None:
    price = priced(Fraction("0.85"), "x", hotel(taxes=[["state", "8.875"], ["city", "1.5"]]))
    assert [("state", 8), ("city", 1)] == [(tax.name, tax.minor) for tax in price.taxes]
    assert (85, 94) == (price.net, price.total)


def test_inclusive_taxes_are_contained_in_what_is_paid() -> None:
    price = priced(
        Fraction("38.5"),
        "x",
        hotel(
            digits=0,
            currency="JPY",
            rounding="up",
            tax_mode="inclusive",
            taxes=[["consumption", "10"]],
        ),
    )
    assert (39, 35, 4) == (price.total, price.net, price.taxes[0].minor)


def test_two_inclusive_taxes_are_shares_of_the_same_net() -> None:
    rules = hotel(tax_mode="inclusive", taxes=[["a", "8"], ["b", "2"]])
    price = priced(Fraction(110), "x", rules)
    assert (10_000, [800, 200]) == (price.net, [tax.minor for tax in price.taxes])


@given(st.fractions(0, 10**6), st.lists(st.decimals(0, 40, places=3), max_size=4), st.booleans())
def test_net_and_taxes_are_the_total(cost: Fraction, taxes: list[Decimal], inclusive: bool) -> None:
    rules = hotel(
        taxes=[[f"t{number}", percent] for number, percent in enumerate(taxes)],
        tax_mode="inclusive" if inclusive else "exclusive",
    )
    price = priced(cost, "x", rules)
    assert price.total == price.net + sum(tax.minor for tax in price.taxes)
    assert price.total >= 0


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("0.5", "0.5"), ("37/60", "0.61666666…"), ("-1.25", "-1.25"), ("100", "100")],
)
def test_an_amount_is_written_out(value: str, text: str) -> None:
    assert text == exactly(Fraction(value))


def test_money_for_fias_has_no_point_and_two_decimals_at_least() -> None:
    assert ["3900", "104", "1152"] == [
        fias_amount(minor, digits) for minor, digits in [(39, 0), (104, 2), (1152, 3)]
    ]
    assert "0.000" == shown(0, 3)
