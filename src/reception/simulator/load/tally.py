"""
What came of a load: counted as it happens, second by second, and summed up in the end.

A latency counts from the moment at which its request was due: a server that stalls makes every
call late that should have been placed meanwhile, and cannot hide it by being asked less.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from reception.simulator.load.histogram import Histogram
from reception.simulator.reading import NoReply, Reply
from reception.simulator.walk import Ending

_OK: Final = 200
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


@dataclass(slots=True)
class Second:
    """One second of the load."""

    calls: int = 0
    pivots: int = 0
    failed: int = 0
    latencies: Histogram = field(default_factory=Histogram)


class Tally:
    """
    The counts of one load.

    Attributes:
        calls: that were begun; ended: that have come to an end; dropped: that the platform
            would have lost.
        pivots: requests that were answered or given up; failed: not with a 200.
        errors: how often what went wrong.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.ended = 0
        self.dropped = 0
        self.pivots = 0
        self.failed = 0
        self.errors: Final[Counter[str]] = Counter()
        self.latencies: Final = Histogram()
        self.seconds: Final[list[Second]] = []

    def at(self, second: int) -> Second:
        """Give the counts of a second, from 0."""
        while len(self.seconds) <= second:
            self.seconds.append(Second())
        return self.seconds[second]

    def begun(self, second: int) -> None:
        """Count a call that was placed, or should have been."""
        self.calls += 1
        self.at(second).calls += 1

    def replied(self, second: int, seconds: float, reply: Reply) -> None:
        """Count a request with its reply."""
        self.pivots += 1
        self.latencies.add(seconds)
        now = self.at(second)
        now.pivots += 1
        now.latencies.add(seconds)
        if isinstance(reply, NoReply):
            self._failed(now, reply.trouble.value)
        elif reply.status != _OK:
            self._failed(now, f"answered {reply.status}")

    def over(self, second: int, ending: Ending) -> None:
        """Count a call that has ended."""
        self.ended += 1
        if not ending.outcome.ok:
            self.lost(second, f"call lost: {ending.outcome.value}")

    def lost(self, second: int, why: str) -> None:
        """Count a call that was lost, or could not be placed."""
        self.dropped += 1
        self.at(second).failed += 1
        self.errors[why] += 1

    def summary(self) -> dict[str, Any]:
        """Everything, as JSON has it; latencies in milliseconds."""
        return {
            "calls": self.calls,
            "ended": self.ended,
            "lost": self.dropped,
            "pivots": self.pivots,
            "failed": self.failed,
            "latency_ms": percentiles_ms(self.latencies),
            "errors": dict(self.errors.most_common()),
            "seconds": [
                {
                    "calls": each.calls,
                    "pivots": each.pivots,
                    "failed": each.failed,
                    "latency_ms": percentiles_ms(each.latencies),
                }
                for each in self.seconds
            ],
        }

    def _failed(self, now: Second, why: str) -> None:
        self.failed += 1
        now.failed += 1
        self.errors[why] += 1


def percentiles_ms(histogram: Histogram) -> dict[str, float]:
    """Give the usual percentiles by name: ``{"p50": 1.2, …, "max": 80.0}``."""
    return {
        "max" if percent == 100.0 else f"p{percent:g}": round(
            histogram.percentile_s(percent) * 1000, 3
        )
        for percent in PERCENTILES
    }
