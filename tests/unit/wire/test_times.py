"""A time is read in the unit in which it was meant, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception.wire.times import GREGORIAN_S, time_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(
    st.integers(100_000_000, 6_311_433_599), st.sampled_from([1, 1_000, 1_000_000]), st.booleans()
)
def test_every_unit_says_the_same_time(seconds: int, unit: int, is_gregorian: bool) -> None:
    number = (seconds + GREGORIAN_S * is_gregorian) * unit
    assert EPOCH + timedelta(seconds=seconds) == time_of(number)


@pytest.mark.parametrize(
    "number", [0, -1, 88, 99_999_999, 6_400_000_000, 10**14 - 1 - 10**13 * 3, 10**17]
)
def test_what_fits_no_unit_is_no_time(number: int) -> None:
    assert time_of(number) is None


def test_the_year_0_began_when_erlang_says() -> None:
    assert datetime(2026, 11, 4, 8, 26, 40, tzinfo=UTC) == time_of(63_961_000_000)
