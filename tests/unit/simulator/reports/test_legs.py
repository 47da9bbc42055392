"""Durations as the media switch counts them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.reports.legs import Leg

US = 1_000_000


def leg(created: int, rang: int | None, answered: int | None, ended: int | None) -> Leg:
    made = Leg("c", "a", "inbound", created, "x@r", "y@r", "y@r", "n", "1")
    made.rang_us, made.answered_us, made.ended_us = rang, answered, ended
    return made


def test_a_duration_is_the_difference_of_whole_seconds() -> None:
    one = leg(10 * US + 900_000, 11 * US, 12 * US + 100_000, 42 * US + 50_000)
    assert (32, 1, 30) == (one.duration_s, one.ringing_s, one.billing_s)
    assert 29_950 == one.billing_ms


def test_nobody_answered_means_nothing_is_billed() -> None:
    one = leg(0, 0, None, 12 * US)
    assert (12, 12, 0, 0) == (one.duration_s, one.ringing_s, one.billing_s, one.billing_ms)


TIMES = st.integers(0, 10**15)


@given(st.lists(TIMES, min_size=4, max_size=4).map(sorted))
def test_ringing_and_billing_fit_into_the_whole(times: list[int]) -> None:
    one = leg(*times)
    assert 0 <= one.ringing_s + one.billing_s <= one.duration_s
