"""What was dialled is found as a number of the world, and emergencies before anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating.numbers import Dialled, dialled
from tests.unit.hotel.rating.hotels import hotel

PLAN = hotel().numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0 0142961234", "33142961234"),
        ("0 142961234", "33142961234"),
        ("+33142961234", "33142961234"),
        ("0 +33 1 42 96 12 34", "33142961234"),
        ("0 00 39 06 1234567", "39061234567"),
        ("0-00-1 (212) 555-0100", "12125550100"),
    ],
)
def test_an_outside_number_is_found_however_it_was_dialled(text: str, number: str) -> None:
    assert Dialled("outside", number) == dialled(text, PLAN)


@pytest.mark.parametrize("text", ["112", "0112", "0 1 1 2", "15", "0-15"])
def test_an_emergency_number_is_known_with_and_without_the_outside_prefix(text: str) -> None:
    assert "emergency" == dialled(text, PLAN).kind


def test_an_emergency_number_is_no_extension_even_where_the_pattern_fits() -> None:
    assert "emergency" == dialled("112", PLAN).kind
    assert Dialled("internal", "214") == dialled("214", PLAN)


def test_the_trunk_prefix_is_the_countrys_own() -> None:
    us = hotel(country="1", outside="9", intl=["011"], tz="America/New_York").numbers
    italy = hotel(country="39", outside="", tz="Europe/Rome").numbers
    assert "12125550100" == dialled("9 1 212 555 0100", us).number
    assert "12125550100" == dialled("9 212 555 0100", us).number
    # In Italy the 0 is a part of the number.
    assert "39061234567" == dialled("061234567", italy).number
    assert (
        "39061234567"
        == dialled("061234567", hotel(country="39", trunk="", outside="").numbers).number
    )


def test_a_site_without_a_prefix_takes_none_off() -> None:
    plan = hotel(outside="").numbers
    assert "33142961234" == dialled("0142961234", plan).number
    assert "4420712345" == dialled("004420712345", plan).number


@pytest.mark.parametrize("text", ["", "+", "0", "00", "abc", "0 00"])
def test_what_holds_no_number_is_nothing(text: str) -> None:
    assert "nothing" == dialled(text, PLAN).kind


@given(st.text(max_size=40))
def test_any_text_is_taken_apart(text: str) -> None:
    found = dialled(text, PLAN)
    assert found.number.replace("+", "").isdigit() or not found.number.strip("+")
    assert ("outside" == found.kind) <= found.number.isdigit()


def test_a_pattern_for_extensions_makes_no_outside_number_free() -> None:
    plan = hotel(extensions="[1-9][0-9]{2,3}").numbers
    assert Dialled("outside", "33142961234") == dialled("0 0142961234", plan)
    assert "internal" == dialled("2140", plan).kind
