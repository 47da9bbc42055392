"""
Latencies by the million in a few hundred numbers.

Buckets grow by two hundredths, so that every percentile is right to two hundredths.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

_GROWTH: Final = math.log(1.02)
_LEAST_S: Final = 1e-6


class Histogram:
    """Counts of seconds."""

    __slots__ = ("_buckets", "count", "longest_s", "total_s")

    def __init__(self) -> None:
        self._buckets: Final[Counter[int]] = Counter()
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._buckets[round(math.log(max(seconds, _LEAST_S) / _LEAST_S) / _GROWTH)] += 1
        self.count += 1
        self.total_s += seconds
        self.longest_s = max(self.longest_s, seconds)

    def percentile_s(self, percent: float) -> float:
        """
        Give the seconds that so many percent did not pass; 0 where nothing was counted.

        >>> histogram = Histogram()
        >>> for ms in range(1, 101):
        ...     histogram.add(ms / 1000)
        >>> round(histogram.percentile_s(50), 2), histogram.percentile_s(100)
        (0.05, 0.1)
        """
        left = math.ceil(self.count * percent / 100)
        if left >= self.count:
            return self.longest_s
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(_LEAST_S * math.exp(bucket * _GROWTH), self.longest_s)
        return self.longest_s
