"""
What the operator counts, in Prometheus' words.

Label values come from configuration and from the closed set below, never from a request:
a stranger must not be able to make series. A request only adds to plain numbers; they go into the
registry in bulk, twice a second, because the registry costs ten times what a count does.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue, ValueClass

Outcome = Literal[
    "flow",  # the application's own reply
    "stored",  # what the step was answered before
    "deadline",  # fallback: the handler was late
    "error",  # fallback: the handler raised
    "invalid",  # fallback: the platform would have rejected the reply
    "no_store",  # fallback: a dialog, and the database is away
    "shed",  # 503: overloaded
    "unreadable",  # 4xx: the body is no pivot request
    "denied",  # 404: no such tenant, or not allowed
    "method",  # 405
    "slow_body",  # 408
]

ReportOutcome = Literal[
    "stored",  # on disk, or a copy of what is
    "denied",  # from nobody who may report
    "unreadable",  # no report, or one that cannot be stored
    "dropped",  # the database was away for too long, and the connection was ended
]

# Bounds where something changes: a quick reply, the slow-reply limit, the deadline, the
# platform's own patience.
_BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 3.5, 5.0)


_FLUSH_S: Final = 0.5


class _Seconds(Histogram):
    """A histogram that takes many observations at once."""

    def add(self, counts: list[int], total_s: float) -> None:
        """Add as many observations to each bucket, the last for whatever is above all bounds."""
        # The library has no public way; tests/unit/web/test_metrics.py sees to it that these
        # two names go on meaning this.
        self._sum.inc(total_s)
        for bucket, count in zip(self._buckets, counts, strict=True):
            if count:
                bucket.inc(count)


class _Tally:
    """What has been counted of one tenant and outcome since the last flush."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.total_s = 0.0


class Metrics:
    """The counters of one process; with a supervisor, `/metrics` adds those of its siblings."""

    def __init__(self) -> None:
        self._registry: Final = CollectorRegistry()
        self._replies: Final = Counter(
            "reception_voice_replies",
            "Voice requests by tenant and outcome.",
            ("tenant", "outcome"),
            registry=self._registry,
        )
        self._seconds: Final = _Seconds(
            "reception_voice_seconds",
            "Time from the arrival of a voice request to its answer.",
            ("tenant",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._reports: Final = Counter(
            "reception_reports",
            "Reports of the ends of calls by tenant and outcome.",
            ("tenant", "outcome"),
            registry=self._registry,
        )
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def count(self, tenant: str, outcome: Outcome, seconds: float) -> None:
        """Count one request, on the event loop; `tenant` is "" where none was admitted."""
        tally = self._tallies.get((tenant, outcome))
        if tally is None:
            if not self._tallies:
                asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)
            tally = self._tallies[tenant, outcome] = _Tally()
        tally.counts[bisect_left(_BUCKETS, seconds)] += 1
        tally.total_s += seconds

    def count_report(self, tenant: str, outcome: ReportOutcome) -> None:
        """Count one report; `tenant` is "" where none was admitted."""
        self._reports.labels(tenant, outcome).inc()

    def flush(self) -> None:
        """Put what was counted into the registry, where siblings see it too."""
        tallies, self._tallies = self._tallies, {}
        for (tenant, outcome), tally in tallies.items():
            self._replies.labels(tenant, outcome).inc(sum(tally.counts))
            self._seconds.labels(tenant).add(tally.counts, tally.total_s)

    def render(self) -> bytes:
        """Everything in Prometheus' text format, over all processes of this server."""
        self.flush()
        if ValueClass is MultiProcessValue or ValueClass.__name__ == "MmapedValue":
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
            return generate_latest(registry)
        return generate_latest(self._registry)
