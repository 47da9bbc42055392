"""How a dialog is put away, and how it ends."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from typing import Any

import pytest

from reception import Call, CallEnded, DialogDrift, flow
from reception.dialog import Arrival, Effects, Opening, Settled, Stage
from reception.errors import AppError
from reception.wire import PivotRequest
from tests.unit.dialog.rig import FALLBACK, Rig, Stored, app_of

HANGUP = flow.hangup()


def release(room: str) -> str:
    return f"released {room}"


def test_operations_in_a_finally_are_silent_at_every_question() -> None:
    reached: list[str] = []

    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        finally:
            await call.step(release, "1")
            reached.append("behind the step")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    assert [] == rig.ran
    assert [] == reached
    assert [None] == rig.parked
    rig.answer("1")
    assert ["1"] == rig.ran
    assert ["behind the step"] == reached


def test_plain_code_in_a_finally_runs_at_every_question_unless_it_asks() -> None:
    plain: list[str] = []
    guarded: list[str] = []

    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        finally:
            plain.append("ran")
            if call.ending:
                guarded.append("ran")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    assert (["ran"], []) == (plain, guarded)
    rig.end()
    assert ["ran"] == guarded


def test_what_clean_up_raises_costs_no_reply() -> None:
    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        finally:
            raise ValueError("clean-up")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert isinstance(rig.parked[0], ValueError)


def test_a_dialog_that_began_and_went_no_further_is_put_away_in_silence() -> None:
    reached: list[str] = []

    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        finally:
            await call.step(release, "1")
            reached.append("behind the step")
        return HANGUP

    async def main() -> None:
        stage = Stage()
        call = Call(PivotRequest(), params={}, pivot_url=lambda params: "", stage=stage)
        began = await Opening(answer(call))
        assert stage is began.stage
        began.put_away()
        began.put_away()

    asyncio.run(main())
    assert [] == reached


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_dialog_that_swallows_everything_is_put_away_all_the_same() -> None:
    async def answer(call: Call) -> Any:
        while True:
            with suppress(BaseException):
                await call.ask("x")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert isinstance(rig.parked[0], RuntimeError)
    del rig
    gc.collect()


def test_the_end_is_raised_where_the_dialog_waited_and_it_may_settle() -> None:
    seen: list[str] = []

    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        except CallEnded as end:
            seen.append(end.cause)
            await call.step(release, "7")
            await call.enqueue(release, "8")
            await call.ask("Still there?")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    settled = rig.end("hangup")
    assert ["hangup"] == seen
    assert ["1"] == rig.ran
    assert [b'[["8"],{}]'] == [job.args for job in settled.jobs]
    kinds = [(e.kind, e.state) for e in settled.entries.entries]
    assert [("ask", "ended"), ("step", "done"), ("enqueue", "done"), ("ask", "ended")] == kinds
    assert settled.error is None


@pytest.mark.parametrize("method", ["ask", "play", "say", "run", "sleep"])
def test_after_the_end_nothing_reaches_the_caller(method: str) -> None:
    async def answer(call: Call) -> Any:
        with suppress(CallEnded):
            await call.ask("x")
        if method == "ask":
            await call.ask("y")
        elif method == "play":
            await call.play("/m/x")
        elif method == "say":
            await call.say("y")
        elif method == "run":
            await call.run(flow.user("u"))
        else:
            await call.sleep(1)
        raise AssertionError("it went on")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert rig.end().error is None


def test_the_end_is_journaled_once_and_settles_the_same_again() -> None:
    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        except CallEnded:
            await call.step(release, "7")
            raise

    rig = Rig(app_of(answer))
    rig.arrive()
    # The worker dies behind the claim, and another one finds the end in what was flushed.
    first = rig.conversation(Arrival(1, {}, "", "hangup")).advance()
    assert isinstance(first, Effects)
    rig.claimed[first.effects[0].op] = first.effects[0].before
    rig.results[first.effects[0].op] = first.effects[0].succeeded("released 7")
    assert [("ask", "ended"), ("step", "done")] == [
        (e.kind, e.state) for e in rig.end("another cause").entries.entries
    ]
    assert [] == rig.ran


def test_what_on_end_registered_runs_last_first_also_after_a_return() -> None:
    async def answer(call: Call) -> Any:
        call.on_end(release, "first")
        call.on_end(release, "second")
        await call.ask("x")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.answer("1")
    settled = rig.end()
    assert [b'"released second"', b'"released first"'] == [
        bytes(e.value) for e in settled.entries.entries
    ]
    # And on a call that ended at the question.
    rig = Rig(app_of(answer))
    rig.arrive()
    assert ["ask", "step", "step"] == [e.kind for e in rig.end().entries.entries]


def fails() -> None:
    raise ValueError("clean-up")


def test_a_failing_clean_up_does_not_keep_the_others_from_running() -> None:
    async def answer(call: Call) -> Any:
        call.on_end(release, "x")
        call.on_end(fails)
        await call.ask("x")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    settled = rig.end()
    assert isinstance(settled.error, ValueError)
    assert 2 == len(rig.ran)


def test_what_the_dialog_raises_at_its_end_is_told() -> None:
    async def answer(call: Call) -> Any:
        try:
            await call.ask("x")
        except CallEnded:
            raise KeyError("room") from None

    rig = Rig(app_of(answer))
    rig.arrive()
    assert isinstance(rig.end().error, KeyError)


def test_the_end_waits_for_an_effect_that_is_out() -> None:
    async def answer(call: Call) -> Any:
        got = await call.step(release, "1", while_="Hold on.")
        await call.ask(got)
        return HANGUP

    rig = Rig(app_of(answer), slow={"0"})
    rig.arrive()
    conversation = rig.conversation(Arrival(1, {}, "", "hangup"))
    out = conversation.advance()
    assert isinstance(out, Effects)
    out = conversation.resume("0", out.effects[0].succeeded("released 1"))
    assert isinstance(out, Settled)
    assert [("step", "done"), ("ask", "ended")] == [(e.kind, e.state) for e in out.entries.entries]


def test_a_dialog_that_keeps_asking_the_dead_is_stopped() -> None:
    async def answer(call: Call) -> Any:
        while True:
            try:
                await call.ask("x")
            except CallEnded:
                continue

    rig = Rig(app_of(answer))
    rig.arrive()
    with pytest.raises(AppError, match="CallEnded"):
        rig.end()


def test_what_a_failed_step_did_stands_and_its_end_is_settled() -> None:
    async def answer(call: Call) -> Any:
        call.on_end(release, "lock")
        await call.ask("x")
        await call.step(release, "7")
        await call.enqueue(release, "8")
        raise KeyError("a mistake")

    rig = Rig(app_of(answer))
    rig.arrive()
    conversation = rig.conversation(Arrival(1))
    out = conversation.advance()
    assert isinstance(out, Effects)
    rig.claimed["1"] = out.effects[0].before
    rig.results["1"] = out.effects[0].succeeded("released 7")
    with pytest.raises(KeyError):
        conversation.resume("1", rig.results["1"])
    failed = conversation.failed()
    assert failed.is_fallback
    assert FALLBACK == failed.reply
    assert ["ask", "step", "enqueue"] == [e.kind for e in failed.entries.entries]
    assert 1 == len(failed.jobs)
    rig.steps.append(
        Stored(failed.reply.render(), failed.entries.encode(), failed.bucket, failed.jobs, failed)
    )
    settled = rig.end()
    assert isinstance(settled.error, KeyError)
    assert [b'"released lock"'] == [bytes(e.value) for e in settled.entries.entries]


def test_a_drift_at_the_end_settles_nothing_and_says_so() -> None:
    async def answer(call: Call) -> Any:
        await call.ask("x")
        return HANGUP

    async def other(call: Call) -> Any:
        await call.step(release, "7")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.app = app_of(other, on_drift="restart")
    settled = rig.end()
    assert isinstance(settled.error, DialogDrift)
    assert not settled.entries
    assert [] == rig.ran
