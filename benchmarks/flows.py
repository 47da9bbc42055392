"""What a callflow costs: building, validating and rendering, without a server."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from functools import reduce
from typing import Any

from benchmarks.apps import USER
from reception.callflow import Flow, flow, validate, verdict

_BOX = "0123456789abcdef0123456789abcdef"


def two_nodes() -> Flow:
    """The contract's first example."""
    return flow.set_cid(name="Support Line", number="+18005551212").then(
        flow.user(USER, timeout=30, strategy="simultaneous")
    )


def thirty_nodes() -> Flow:
    """Ten times prompt, collect and ring; a flow larger than any call can run."""
    parts = [
        part
        for number in range(10)
        for part in (
            flow.play("https://media.example.com/menu.wav", terminators=["1", "2"]),
            flow.collect_dtmf(collection_name=f"room{number}", max_digits=4, timeout=5000),
            flow.user(USER, timeout=20),
        )
    ]
    return reduce(Flow.then, parts)


def measure() -> dict[str, float]:
    """Microseconds for one of each; the best of seven series."""
    small, large = two_nodes().to_dict(), thirty_nodes().to_dict()

    def raw(tree: dict[str, Any]) -> Callable[[], bytes]:
        return lambda: flow.raw(tree).render()

    cases: dict[str, Callable[[], object]] = {
        "set_cid → user, typed: build, validate, render": lambda: two_nodes().render(),
        "set_cid → user, hand-made dict: validate, render": raw(small),
        "set_cid → user, hand-made dict: verdict only": lambda: verdict(small, 5),
        "30 nodes, typed: build, validate, render": lambda: thirty_nodes().render(),
        "30 nodes, hand-made dict: validate, render": raw(large),
        "30 nodes, hand-made dict: verdict only": lambda: verdict(large, 5),
        "30 nodes: verdict and lint, as `reception check`": lambda: validate(large),
    }
    return {name: _best_us(case) for name, case in cases.items()}


def _best_us(case: Callable[[], object]) -> float:
    timer = timeit.Timer(case)
    number, _ = timer.autorange()
    number = max(1, number // 2)
    return min(timer.repeat(7, number)) / number * 1e6
