"""
What the operator counts, in Prometheus' words.

Label values come from configuration and from the closed set below, never from a request:
a stranger must not be able to make series. Children are looked up once per tenant and
outcome, because the look-up costs more than the count.
"""

from __future__ import annotations

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MultiProcessValue, ValueClass

Outcome = Literal[
    "flow",  # the application's own reply
    "deadline",  # fallback: the handler was late
    "error",  # fallback: the handler raised
    "invalid",  # fallback: the platform would have rejected the reply
    "shed",  # 503: overloaded
    "unreadable",  # 4xx: the body is no pivot request
    "denied",  # 404: no such tenant, or not allowed
    "method",  # 405
    "slow_body",  # 408
]

# Bounds where something changes: a quick reply, the slow-reply limit, the deadline, the
# platform's own patience.
_BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 3.5, 5.0)


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
        self._seconds: Final = Histogram(
            "reception_voice_seconds",
            "Time from the arrival of a voice request to its answer.",
            ("tenant",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._counters: dict[tuple[str, str], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def count(self, tenant: str, outcome: Outcome, seconds: float | None = None) -> None:
        """Count one request; `tenant` is "" where none was admitted."""
        counter = self._counters.get((tenant, outcome))
        if counter is None:
            counter = self._replies.labels(tenant, outcome)
            self._counters[tenant, outcome] = counter
        counter.inc()
        if seconds is not None:
            timer = self._timers.get(tenant)
            if timer is None:
                timer = self._timers[tenant] = self._seconds.labels(tenant)
            timer.observe(seconds)

    def render(self) -> bytes:
        """Everything in Prometheus' text format, over all processes of this server."""
        if ValueClass is MultiProcessValue or ValueClass.__name__ == "MmapedValue":
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
            return generate_latest(registry)
        return generate_latest(self._registry)
