"""Everything that is wrong with a property or a deck is said at once, with its place."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.errors import NeedsHuman
from reception.hotel.rating import deck_of, property_of
from tests.unit.hotel.rating.hotels import DECK, PARIS

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=5),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3)
    ),
    max_leaves=6,
)


def zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name == "Europe/Paris" else None


def problems(data: dict[str, Any]) -> list[str]:
    with pytest.raises(NeedsHuman) as caught:
        property_of(data, zone)
    return caught.value.message.splitlines()


def test_all_problems_are_told_at_once() -> None:
    found = problems(
        PARIS
        | {
            "currency": "eur",
            "tz": "Paris",
            "digits": 9,
            "grace": "10",
            "markups": {},
            "rounding": "down",
        }
    )
    assert ["currency", "digits", "tz", "rounding", "grace", "markups"] == [
        line.partition(":")[0] for line in found
    ]


def test_a_float_is_refused_because_it_is_not_exact() -> None:
    assert ['min_charge: must be a decimal number, in quotes: "0.15"'] == problems(
        PARIS | {"min_charge": 0.15}
    )
    assert 1 == property_of(PARIS | {"min_charge": Decimal(1)}, zone).min_charge


@pytest.mark.parametrize("text", ["1_5", "\u0661", "0,15", "", "1e99", "NaN"])
def test_an_amount_is_plain_decimal_digits(text: str) -> None:
    (problem,) = problems(PARIS | {"flat_surcharge": text})
    assert problem.startswith("flat_surcharge: ")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"044": DECK["44"]}, "deck.044"),
        ({"44": []}, "deck.44"),
        ({"44": DECK["44"] | {"rate": "-1"}}, "deck.44.rate"),
        ({"44": DECK["44"] | {"sub": 0}}, "deck.44.sub"),
        ({"44": DECK["44"] | {"step": 6}}, "deck.44.step"),
        ({"44": {"rate": "1"}}, "deck.44.cls"),
        (
            {
                "44": DECK["44"]
                | {"bands": [{"days": "8", "start": "00:00", "end": "24:00", "rate": 1}]}
            },
            "deck.44.bands[0].",
        ),
        (
            {
                "44": DECK["44"]
                | {"bands": [{"days": "1", "start": "08:00", "end": "08:00", "rate": 1}]}
            },
            "deck.44.bands[0].",
        ),
    ],
)
def test_a_deck_says_where_it_is_wrong(change: dict[str, Any], place: str) -> None:
    with pytest.raises(NeedsHuman) as caught:
        deck_of(DECK | change)
    assert [place] == [line.partition(":")[0] for line in caught.value.message.splitlines()]


@given(st.sampled_from([*sorted(PARIS), "taxes", "markup", "free_classes", "trunk"]), json)
def test_no_value_is_answered_with_another_error(name: str, value: Any) -> None:
    with contextlib.suppress(NeedsHuman):
        property_of(PARIS | {name: value}, zone)


@given(
    st.dictionaries(
        st.sampled_from(["cls", "rate", "connect", "initial", "sub", "bands", "x"]), json
    )
)
def test_no_rate_is_answered_with_another_error(value: Any) -> None:
    with contextlib.suppress(NeedsHuman):
        deck_of({"44": value})
