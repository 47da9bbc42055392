"""The model of the platform's bucket: it never has more than the bucket itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reception import Call, flow
from reception.dialog.tokens import CAPACITY, RESERVE, Bucket, Cost, cost_of
from reception.errors import AppError
from reception.simulator.tokens import TokenBucket
from tests.unit.dialog.rig import Rig, app_of, modules, nodes

HANGUP = flow.hangup()


@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 30_000))),
)
def test_the_model_with_its_reserve_is_never_above_the_bucket(
    stored: int, rounds: list[tuple[int, int]]
) -> None:
    """Up to four nodes of the stored callflow ran at once before our pivot."""
    bucket, at_ms = TokenBucket(), 0
    for _ in range(stored + 1):
        assert bucket.take(at_ms)
    model = Bucket.opened(at_ms + 700)
    at_ms += 700
    for count, pause_ms in rounds:
        model = Bucket.decode(model.encode(), 0).at(at_ms)
        if 5 * count <= model.left - RESERVE:
            assert all(bucket.take(at_ms) for _ in range(count)), "the platform would hang up"
            model = model.spent(count)
        at_ms += pause_ms


def test_a_question_costs_four_nodes_and_its_fallback_is_room_kept() -> None:
    async def answer(call: Call) -> Any:
        await call.ask("x")
        return HANGUP

    rig = Rig(app_of(answer))
    assert Cost(at_most=6, until_pivot=4) == cost_of(flow.raw(json.loads(rig.arrive().reply)))
    assert 75 == Bucket.decode(rig.steps[0].bucket, 0).left


async def quick(call: Call) -> Any:
    while True:
        await call.ask("Again?")


def test_quick_questions_get_a_sleep_before_the_bucket_is_dry() -> None:
    """A caller who answers at once, against the simulator's own bucket."""
    rig, platform = Rig(app_of(quick)), TokenBucket()
    began, at_ms = rig.now, 0
    assert platform.take(at_ms)
    rig.arrive()
    for _ in range(12):
        for module, data in nodes(rig.steps[-1].reply):
            assert platform.take(at_ms), "the platform would hang up here"
            if module == "sleep":
                at_ms += 1000 * data["duration"]
        rig.now = began + timedelta(milliseconds=at_ms)
        rig.answer("1")
    assert any("sleep" in modules(step.reply) for step in rig.steps)


def test_a_reply_may_be_held_back_instead() -> None:
    bucket = Bucket(40, 0)
    assert 1 == bucket.room_for(Cost(6, 4), patience_s=1.5).hold_back_s
    assert 2 == bucket.room_for(Cost(6, 4), patience_s=0).sleep_s


def test_a_reply_that_can_never_fit_is_an_error_that_says_so() -> None:
    with pytest.raises(AppError, match="20 nodes in a burst"):
        Bucket(CAPACITY, 0).room_for(Cost(17, 17), patience_s=1)


def test_only_the_longest_way_through_branches_counts() -> None:
    async def answer(call: Call) -> Any:
        await call.run(flow.user("u"))
        return HANGUP

    rig = Rig(app_of(answer))
    assert 85 == Bucket.decode(rig.arrive().bucket, 0).left


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert 10 == Bucket(10, 100_000, 3).at(0).left
