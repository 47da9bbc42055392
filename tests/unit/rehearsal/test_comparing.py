"""Recorded calls against today's code: what agrees, and what is told of the first difference."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reception import App, Call, Flow, flow
from reception.bootstrap.determinism import hidden_loop, watched
from reception.rehearsal.comparing import Verdict, compared
from tests.unit.dialog.rig import app_of
from tests.unit.rehearsal.calls import Recorder, replayed

RAN: list[str] = []


def find(room: str) -> str:
    RAN.append(room)
    return f"guest of {room}"


def other(room: str) -> str:
    RAN.append(room)
    return room


async def told(call: Call) -> Flow:
    room = await call.ask("Room?", max_digits=3)
    guest = await call.step(find, room)
    await call.say(f"Hello {guest}")
    await call.ask("More?", valid="1")
    return flow.tts("Bye").then(flow.hangup())


def line_of(function: Callable[..., Any], words: str) -> str:
    lines, first = inspect.getsourcelines(function)
    place = next(number for number, line in enumerate(lines) if words in line)
    return f"rehearsal/test_comparing.py:{first + place}"


def against(handler: Callable[[Call], Awaitable[Flow]], **options: Any) -> Verdict:
    """Record `told`, and run it by `handler`."""
    call = Recorder(app_of(told)).call("101", "1").recorded()
    RAN.clear()
    verdict = replayed(app_of(handler, **options), call)
    assert [] == RAN, "an effect ran"
    return verdict


def test_the_same_code_agrees_and_runs_no_effect() -> None:
    verdict = against(told)
    assert ("agrees", 3, None) == (verdict.fate, verdict.steps, verdict.difference)


def test_another_operation_is_told_with_step_words_and_line() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        await call.now()
        return flow.tts(room).then(flow.hangup())

    found = against(changed).difference
    assert found
    assert (1, "1") == (found.step_no, found.op)
    assert ("call.step(test_comparing:find)", "call.now()") == (
        found.recorded.replace("tests.unit.rehearsal.", ""),
        found.actual,
    )
    assert line_of(changed, "call.now") == found.line
    assert found.reply_differs


def test_other_arguments_are_a_difference() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        await call.step(find, room + "0")
        return flow.hangup()

    found = against(changed).difference
    assert found
    assert found.actual.endswith("with other arguments")


def test_a_question_with_other_words_is_found_at_the_first_step() -> None:
    async def changed(call: Call) -> Flow:
        await call.ask("Which room?", max_digits=3)
        return flow.hangup()

    found = against(changed).difference
    assert found
    assert (0, "0", line_of(changed, "Which room")) == (found.step_no, found.op, found.line)


def test_an_effect_that_was_not_recorded_is_told_and_not_run() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        guest = await call.step(find, room)
        await call.say(f"Hello {guest}")
        await call.ask("More?", valid="1")
        await call.step(other, room)
        return flow.tts("Bye").then(flow.hangup())

    found = against(changed).difference
    assert found
    assert (2, "nothing more") == (found.step_no, found.recorded)
    assert found.actual.endswith("other)")
    assert line_of(changed, "call.step(other") == found.line


def test_what_the_code_does_not_do_any_more_is_told() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        await call.step(find, room)
        return flow.hangup()

    found = against(changed).difference
    assert found
    assert (1, "call.say()", "return") == (found.step_no, found.recorded, found.actual)


def test_one_more_prompt_before_the_end_is_told_with_its_line() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        guest = await call.step(find, room)
        await call.say(f"Hello {guest}")
        await call.ask("More?", valid="1")
        await call.say("One more")
        return flow.tts("Bye").then(flow.hangup())

    found = against(changed).difference
    assert found
    assert ("nothing more", "call.say()") == (found.recorded, found.actual)
    assert line_of(changed, "One more") == found.line


def test_only_the_reply_differs_where_the_dialog_does_the_same() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        guest = await call.step(find, room)
        await call.say(f"Hello {guest}")
        await call.ask("More?", valid="1")
        return flow.tts("Good bye").then(flow.hangup())

    found = against(changed).difference
    assert found
    assert (2, "", True) == (found.step_no, found.op, found.reply_differs)


def test_code_that_fails_now_is_told_with_the_line_and_without_its_text() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        raise ValueError(room)

    found = against(changed).difference
    assert found
    assert (1, line_of(changed, "raise ValueError")) == (found.step_no, found.line)
    assert "ValueError" in found.actual
    assert "101" not in found.actual


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_watched", [True, False])
def test_a_dialog_that_rolls_its_own_dice_is_caught(seed: int, is_watched: bool) -> None:
    dice = random.Random(seed)

    async def gambling(call: Call) -> Flow:
        await call.say(f"Your number is {dice.randrange(10**9)}")
        await call.ask("Again?")
        return flow.hangup()

    app = app_of(gambling)
    call = Recorder(app).call().recorded()
    found = compared(app, call, sandbox=watched if is_watched else hidden_loop).difference
    assert found
    assert 0 == found.step_no
    assert line_of(gambling, "dice.randrange") == found.line
    assert ("not_deterministic" if is_watched else "other arguments") in found.actual


def test_a_dialog_that_reads_the_clock_itself_is_caught() -> None:
    async def watching(call: Call) -> Flow:
        from datetime import datetime

        room = await call.ask("Room?", max_digits=3)
        await call.step(find, room)
        datetime.now()  # noqa: DTZ005  that is the mistake
        return flow.hangup()

    found = against(watching).difference
    assert found
    assert "dialog.not_deterministic" in found.actual


def test_a_guarded_change_agrees() -> None:
    async def changed(call: Call) -> Flow:
        room = await call.ask("Room?", max_digits=3)
        guest = await call.step(find, room)
        if call.changed("louder"):
            await call.say(f"HELLO {guest}")
        else:
            await call.say(f"Hello {guest}")
        await call.ask("More?", valid="1")
        if call.changed("longer"):
            await call.say("It was nice")
        return flow.tts("Bye").then(flow.hangup())

    assert ("changed", None) == ((verdict := against(changed)).fate, verdict.difference)


def test_a_drift_that_the_app_recovers_from_is_a_difference_all_the_same() -> None:
    async def changed(call: Call) -> Flow:
        await call.ask("Which room?", max_digits=3)
        return flow.hangup()

    assert "differs" == against(changed, on_drift="restart").fate


async def takes_over(call: Call) -> Flow:
    guest = await call.step(find, "7")
    await call.ask(f"We have changed, {guest}. Go on?")
    return flow.hangup()


@pytest.mark.parametrize("on_drift", ["restart", takes_over])
def test_a_call_that_was_begun_anew_is_compared_from_there_on(on_drift: Any) -> None:
    async def newer(call: Call) -> Flow:
        await call.say("Welcome")
        await call.ask("Your number?", max_digits=3)
        await call.ask("More?", valid="1")
        return flow.hangup()

    app = app_of(newer, on_drift=on_drift)

    def deploy(recorder: Recorder) -> None:
        recorder.app = app
        recorder.answer("101")

    answers = ("7", "1") if on_drift == "restart" else ("7",)
    call = Recorder(app_of(told)).call(deploy, *answers).recorded()
    verdict = replayed(app, call)
    assert ("agrees", 1, None) == (verdict.fate, verdict.since, verdict.difference)
    assert len(call.steps) - 1 == verdict.steps
    assert "differs" == replayed(app_of(told), call).fate


def test_the_end_of_a_call_is_run_too() -> None:
    async def tidy(call: Call) -> Flow:
        call.on_end(find, "end")
        await call.ask("Room?", max_digits=3)
        return flow.hangup()

    async def untidy(call: Call) -> Flow:
        await call.ask("Room?", max_digits=3)
        return flow.hangup()

    recorder = Recorder(app_of(tidy)).call()
    call = recorder.recorded(recorder.end("hangup").entries, "hangup")
    RAN.clear()
    assert "agrees" == replayed(app_of(tidy), call).fate
    found = replayed(app_of(untidy), call).difference
    assert found
    assert (1, "nothing more", None) == (found.step_no, found.actual, found.reply_differs)
    assert [] == RAN


def test_a_url_of_the_applications_own_agrees() -> None:
    async def asks(call: Call) -> Flow:
        back = flow.pivot(url=call.pivot_url(at="busy"))
        await call.run(flow.user("u").on("USER_BUSY", back))
        return flow.hangup()

    call = Recorder(app_of(asks)).call(lambda rig: rig.arrive({}, "NO_ANSWER")).recorded()
    assert "agrees" == replayed(app_of(asks), call).fate


def test_an_app_with_another_name_is_judged_by_its_dialog_alone() -> None:
    app = App("elsewhere", fallback=flow.hangup())
    app.answer(told)
    call = Recorder(app_of(told)).call("101", "1").recorded()
    assert "agrees" == replayed(app, call).fate
