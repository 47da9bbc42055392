"""A percentile is right to two hundredths, whatever was counted."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from reception.simulator.load.histogram import Histogram


@given(st.lists(st.floats(1e-5, 1e4), min_size=1, max_size=200), st.floats(0.1, 100))
def test_a_percentile_is_right_to_two_hundredths(values: list[float], percent: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    assert math.isclose(exact, histogram.percentile_s(percent), rel_tol=0.02)
    assert max(values) == histogram.longest_s
    assert len(values) == histogram.count


def test_nothing_has_no_percentile_but_zero() -> None:
    assert 0.0 == Histogram().percentile_s(99)
