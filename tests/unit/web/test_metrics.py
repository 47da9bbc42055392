"""What is counted arrives in the registry, in bulk and exactly once."""

from __future__ import annotations

import asyncio

from reception.web.metrics import Metrics


def counted(*seconds: float) -> str:
    metrics = Metrics()

    async def count() -> None:
        for one in seconds:
            metrics.count("acme", "flow", one)

    asyncio.run(count())
    metrics.flush()
    return metrics.render().decode()


def test_every_request_is_in_the_bucket_of_its_time() -> None:
    text = counted(0.001, 0.0011, 0.3, 7.0)
    assert 'reception_voice_replies_total{outcome="flow",tenant="acme"} 4.0' in text
    for bound, count in (("0.001", 1), ("0.005", 2), ("0.25", 2), ("0.5", 3), ("5.0", 3)):
        assert f'reception_voice_seconds_bucket{{le="{bound}",tenant="acme"}} {count}.0' in text
    assert 'reception_voice_seconds_bucket{le="+Inf",tenant="acme"} 4.0' in text
    assert 'reception_voice_seconds_count{tenant="acme"} 4.0' in text
    assert 'reception_voice_seconds_sum{tenant="acme"} 7.3021' in text


def test_counts_reach_the_registry_without_being_asked_for() -> None:
    metrics = Metrics()

    async def wait() -> None:
        metrics.count("acme", "flow", 0.1)
        await asyncio.sleep(0.6)

    asyncio.run(wait())
    assert not metrics._tallies
