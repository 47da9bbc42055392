"""A fallback must not need what may be broken when it is needed."""

from __future__ import annotations

from reception.callflow import fallback_problems, flow


def test_a_plain_fallback_is_safe() -> None:
    assert () == fallback_problems(flow.user("u", timeout=20).then(flow.voicemail("b" * 32)))


def test_every_reason_against_a_fallback_is_told() -> None:
    made = flow.tones([]).then(flow.callflow("x")).then(flow.webhook("http://localhost/"))
    for _ in range(7):
        made = made.then(flow.noop())
    made = made.on("1", flow.pivot(url="https://a.example/").then(flow.function("f")))

    problems = " | ".join(fallback_problems(made))

    assert "version 5 of the platform only" in problems
    assert "this very machine" in problems
    assert "12 nodes" in problems
    assert "callflow, function, pivot" in problems
