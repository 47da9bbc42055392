"""A call has one price, with its reason; what has none is put aside and never free."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.hotel.rating import Call, Rated, rate
from reception.hotel.rating.rate import increments
from tests.unit.hotel.rating.hotels import deck, hotel

AT = datetime(2026, 3, 10, 9, tzinfo=UTC)
NATIONAL = "+33142961234"


def rated(dialled: str = NATIONAL, seconds: int | None = 60, **settings: Any) -> Rated:
    about = {
        name: settings.pop(name)
        for name in ("exempt", "allowance_left", "answered")
        if name in settings
    }
    return rate(
        Call(dialled, seconds, about.pop("answered", AT), **about), hotel(**settings), deck()
    )


def test_a_call_is_priced_by_its_longest_prefix() -> None:
    assert ("rated", "33", "0.16") == shown(rated())
    assert ("rated", "336", "0.33") == shown(rated("+33612345678"))


def shown(result: Rated) -> tuple[str, str, str]:
    return result.status, result.prefix, result.total_text


def test_an_emergency_call_is_free_whatever_else_is_said_of_it() -> None:
    for seconds in (-5, 0, 60, None):
        assert "emergency_free" == rated("0112", seconds).status


def test_ringing_costs_nothing() -> None:
    assert "not_answered" == rated(seconds=0).status
    assert "not_answered" == rated(seconds=45, answered=None).status


@pytest.mark.parametrize("seconds", [-1, None])
def test_seconds_that_cannot_be_are_for_a_person_to_look_at(seconds: int | None) -> None:
    assert ("unrated_suspense", 0) == (rated(seconds=seconds).status, rated(seconds=seconds).total)


def test_a_number_without_a_price_is_never_free() -> None:
    result = rated("+8821234567")
    assert ("unrated_suspense", "8821234567") == (result.status, result.number)
    assert not result.is_charge
    assert "unrated_suspense" == rated("").status
    assert "unrated_suspense" == rate(Call(NATIONAL, 60, AT), hotel(), None).status


def test_grace_covers_short_calls_only_and_is_not_deducted() -> None:
    assert "grace_free" == rated(seconds=10, grace=10).status
    assert 11 == rated(seconds=11, grace=10).billed_seconds


def test_an_exempt_call_keeps_what_it_would_have_cost() -> None:
    result = rated(exempt="staff", free_classes=["national"], free_seconds_per_call=600)
    assert ("exempt", 0, Fraction("0.16")) == (result.status, result.total, result.cost)
    assert "0.16" in result.reason


def test_free_seconds_of_the_call_come_before_those_of_the_stay() -> None:
    free: dict[str, Any] = {"free_classes": ["national"], "free_seconds_per_call": 30}
    result = rated(seconds=100, allowance_left=50, **free)
    assert (50, 20) == (result.allowance_used, result.billed_seconds)
    result = rated(seconds=80, allowance_left=50, **free)
    assert ("allowance_free", 50, 0) == (result.status, result.allowance_used, result.total)
    assert 0 == rated("+447911123456", 60, allowance_left=50, **free).allowance_used


def test_a_call_that_costs_nothing_is_recorded_and_not_posted() -> None:
    free = rate(Call("+33800123456", 60, AT), hotel(), deck(p33800={"cls": "tollfree", "rate": 0}))
    assert ("rated", 0, False) == (free.status, free.total, free.is_charge)


def test_a_very_long_call_is_rated_and_flagged() -> None:
    assert rated(seconds=4 * 3600 + 1).is_long
    assert not rated(seconds=4 * 3600).is_long


def test_the_version_of_the_deck_goes_with_the_price() -> None:
    assert "v1" == rated().deck_version


@given(st.integers(-5, 10_000), st.integers(0, 200), st.integers(1, 200))
def test_increments_cover_the_call_and_no_more_than_one_step(
    seconds: int, initial: int, sub: int
) -> None:
    billed = increments(seconds, initial, sub)
    if seconds <= 0:
        assert 0 == billed
        return
    assert billed >= max(seconds, initial)
    assert billed == initial or billed - seconds < sub
    assert (billed - initial) % sub == 0


@given(st.integers(1, 100_000), st.integers(0, 1000), st.integers(0, 5000))
def test_a_longer_call_never_costs_less(seconds: int, free: int, left: int) -> None:
    rules: dict[str, Any] = {"free_classes": ["national"], "free_seconds_per_call": free}
    short = rated(seconds=seconds, allowance_left=left, **rules)
    long = rated(seconds=seconds + 1, allowance_left=left, **rules)
    assert short.total <= long.total
    assert short.allowance_used <= long.allowance_used <= left


def test_the_arithmetic_can_be_checked_by_a_person() -> None:
    night = {"days": "1234567", "start": "10:01", "end": "24:00", "rate": "0.10"}
    prices = deck(p49={"cls": "international", "rate": "0.25", "connect": "0.25", "bands": [night]})
    rules = hotel(band_mode="split", markup={"*": "10"}, taxes=[["vat", "20"]])
    result = rate(Call("+49301234567", 90, AT), rules, prices)
    assert (
        "90 s, billed 90 s: 0.25 + 60 s × 0.25/60 + 30 s × 0.10/60 = 0.55;"
        " + 10 % markup = 0.605; half_even 0.60 + 0.12 vat = 0.72"
    ) == result.work


def test_seconds_that_are_a_time_hold_nobody_up() -> None:
    # Gregorian seconds where the seconds of the call should be.
    night = {"days": "1234567", "start": "22:00", "end": "06:00", "rate": "0.10"}
    prices = deck(p49={"cls": "international", "rate": "0.25", "bands": [night]})
    for seconds in (63_961_000_000, 10**30):
        result = rate(Call("+49301234567", seconds, AT), hotel(band_mode="split"), prices)
        assert ("unrated_suspense", 0) == (result.status, result.total)
    assert "rated" == rated(seconds=31 * 86_400).status


def test_the_most_that_a_call_may_cost_has_the_last_word() -> None:
    assert "1.00" == rated(min_charge="2", max_charge="1").total_text
