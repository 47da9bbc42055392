"""An `App` says at once what is wrong with it."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import pytest

from reception import App, Call, Flow, flow
from reception.errors import AppError

SAFE = flow.hangup()


def test_a_name_must_be_an_appid() -> None:
    for name in ("", "a b", "ä", "x" * 65, "a/b", "a\n"):
        with pytest.raises(AppError) as caught:
            App(name, fallback=SAFE)
        assert "app.name" == caught.value.code
    assert "A-z_9." == App("A-z_9.", fallback=SAFE).name


@pytest.mark.parametrize(
    "unsafe",
    [
        flow.pivot(url="https://voice.example.com/voice"),
        flow.callflow("0123456789abcdef0123456789abcdef"),
        flow.function("0123456789abcdef0123456789abcdef"),
        flow.play("a/b").then(flow.pivot(url="https://voice.example.com/voice")),
        flow.raw({"module": "tones", "data": {}}),
    ],
)
def test_a_fallback_must_be_safe_itself(unsafe: Flow) -> None:
    with pytest.raises(AppError) as caught:
        App("demo", fallback=unsafe)
    assert "app.fallback" == caught.value.code


def test_a_fallback_has_at_most_eight_nodes() -> None:
    eight = SAFE
    for _ in range(7):
        eight = flow.noop().then(eight)
    assert App("demo", fallback=eight)
    with pytest.raises(AppError):
        App("demo", fallback=flow.noop().then(eight))


def test_one_handler_and_a_clear_word_when_there_is_none() -> None:
    app = App("demo", fallback=SAFE)
    with pytest.raises(AppError, match=r"@app\.answer"):
        _ = app.handler

    @app.answer
    async def answer(_: Call) -> Flow:
        return SAFE

    assert answer is app.handler
    with pytest.raises(AppError):
        app.answer(answer)


async def answers(call: Call) -> Flow:
    return SAFE


@pytest.mark.parametrize(
    "handler", ["answers", None, SAFE, lambda: SAFE, lambda call, more: SAFE, int.__add__]
)
def test_what_cannot_answer_a_call_is_refused_where_it_is_marked(handler: Any) -> None:
    app = App("demo", fallback=SAFE)
    for method in (app.answer, app.state):
        with pytest.raises(AppError, match=r"async def .*\(call\)"):
            method(handler)


@pytest.mark.parametrize("handler", [answers, partial(lambda more, call: SAFE, 1), lambda _: SAFE])
def test_what_takes_a_call_may_answer_it(handler: Any) -> None:
    app = App("demo", fallback=SAFE)
    assert handler is app.answer(handler)


def test_what_an_app_is_made_of_is_looked_at() -> None:
    for fallback in (None, {"module": "hangup"}, "hangup"):
        wrong: Any = fallback
        with pytest.raises(AppError, match=r"flow\.user"):
            App("demo", fallback=wrong)
    number: Any = 3
    with pytest.raises(AppError, match="text"):
        App("demo", fallback=SAFE, version=number)


def test_a_flow_survives_pickling() -> None:
    assert SAFE == pickle.loads(pickle.dumps(SAFE))
