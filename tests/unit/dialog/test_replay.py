"""The rules of the engine, one by one."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from reception import Call, DialogDrift, StepInfo, current_step, flow, prompt
from reception.callflow.handing_over import handler_name
from reception.dialog import Arrival, Effects, Entries, Journal, Returned, Suspended
from reception.errors import AppError
from reception.wire import PivotRequest, parse_pivot
from tests.unit.dialog.rig import FALLBACK, Rig, app_of, collection_in, modules, nodes

HANGUP = flow.hangup()


def find(number: str) -> int:
    return 42


def remind(when: str, room: str = "") -> None:
    """Work for later."""


async def slow(number: str) -> str:
    return "done"


async def three(call: Call) -> Any:
    name = await call.ask("Room?", max_digits=4)
    again = await call.ask("Again?", max_digits=4)
    return flow.tts(f"{name}/{again}").then(HANGUP)


def test_a_dialog_goes_on_with_the_answers_of_all_steps() -> None:
    rig = Rig(app_of(three))
    rig.arrive()
    rig.answer("101")
    assert b'"101/202"' in rig.answer("202").reply


def test_silence_is_an_empty_answer() -> None:
    rig = Rig(app_of(three))
    rig.arrive()
    rig.answer("")
    assert b'"/2"' in rig.answer("2").reply


def test_every_answer_is_read_from_its_own_collection_only() -> None:
    rig = Rig(app_of(three))
    first = collection_in(rig.arrive().reply)
    second = collection_in(rig.arrive({first: "101", "rx": "9", "default": "8"}).reply)
    assert first != second
    # Collections live for the whole call: the old answer comes again beside the new silence.
    assert b'"101/"' in rig.arrive({first: "101", "rx": "9"}).reply


def test_what_the_platform_cannot_have_typed_is_no_answer() -> None:
    rig = Rig(app_of(three))
    name = collection_in(rig.arrive().reply)
    rig.arrive({name: "1\x00<2>345678"})
    assert b'"1234/"' in rig.arrive({}).reply


# --- rule 2 and 3: nothing but operations -------------------------------------------------------


async def work(done: list[str]) -> None:
    done.append("x")


@pytest.mark.parametrize(
    "use",
    [
        lambda done: asyncio.gather(work(done), work(done)),
        lambda done: asyncio.wait_for(work(done), 1),
        lambda done: asyncio.to_thread(done.append, "x"),
        lambda done: asyncio.get_event_loop().create_task(work(done)),
        lambda done: asyncio.run(work(done)),
    ],
)
def test_nothing_is_begun_on_the_servers_event_loop(use: Callable[[list[str]], Any]) -> None:
    done: list[str] = []

    async def answer(call: Call) -> Any:
        await call.say("x")
        await use(done)
        return HANGUP

    async def main() -> None:
        with pytest.raises(AppError, match=r"dialog/test_replay.py:\d+: .*call\.step"):
            Rig(app_of(answer)).arrive()
        await asyncio.sleep(0.01)

    with warnings.catch_warnings():
        # Of the coroutines that were handed to a loop which does not take them.
        warnings.simplefilter("ignore", RuntimeWarning)
        asyncio.run(main())
        gc.collect()
    assert [] == done


@pytest.mark.parametrize("use", ["sleep", "timeout", "create_task", "gather", "group", "zero"])
def test_the_event_loop_is_not_there(use: str) -> None:
    async def answer(call: Call) -> Any:
        await call.say("x")
        if use == "sleep":
            await asyncio.sleep(1)
        elif use == "zero":
            await asyncio.sleep(0)
        elif use == "timeout":
            async with asyncio.timeout(1):
                await call.now()
        elif use == "group":
            async with asyncio.TaskGroup():
                await call.now()
        elif use == "create_task":
            coroutine = slow("x")
            try:
                made = asyncio.create_task(coroutine)
                made.cancel()
            finally:
                coroutine.close()
        else:
            await asyncio.gather(asyncio.Future())
        return HANGUP

    async def main() -> None:
        rig = Rig(app_of(answer))
        with pytest.raises(AppError, match=r"dialog/test_replay.py:\d+: .*call\.step") as caught:
            rig.arrive()
        assert caught.value.code in {"dialog.no_loop", "dialog.foreign_await"}

    asyncio.run(main())


def test_a_foreign_awaitable_is_named_with_its_line_in_an_inner_function() -> None:
    class Foreign:
        def __await__(self) -> Any:
            yield "something"

    async def inner(call: Call) -> None:
        await call.say("x")
        await Foreign()

    async def answer(call: Call) -> Any:
        await inner(call)
        return HANGUP

    with pytest.raises(AppError) as caught:
        Rig(app_of(answer)).conversation(Arrival()).advance()
    line = inner.__code__.co_firstlineno + 2
    assert caught.value.message.startswith(f"dialog/test_replay.py:{line}: this awaits str")


# --- rule 4: drift --------------------------------------------------------------------------------


def test_another_operation_is_a_drift_that_names_everything() -> None:
    rig = Rig(app_of(three, version="1"))
    rig.arrive()

    async def changed(call: Call) -> Any:
        await call.step(find, "x")
        return HANGUP

    rig.app = app_of(changed, version="2")
    with pytest.raises(DialogDrift) as caught:
        rig.answer("1")
    drift = caught.value
    assert (1, "0", "call.ask()") == (drift.step_no, drift.op, drift.recorded)
    assert "call.step(tests.unit.dialog.test_replay:find)" == drift.actual
    assert drift.line == f"dialog/test_replay.py:{changed.__code__.co_firstlineno + 1}"
    assert "version '1', this is '2'" in drift.message
    assert "call.changed" in drift.message


@pytest.mark.parametrize(
    "other",
    [
        lambda call: call.ask("Room?", max_digits=5),
        lambda call: call.ask("Another text", max_digits=4),
        lambda call: call.ask("Room?", max_digits=4, secret=True),
        lambda call: call.sleep(1),
        lambda call: call.now(),
        lambda call: call.run(flow.user("u")),
    ],
)
def test_other_arguments_are_a_drift(other: Any) -> None:
    rig = Rig(app_of(three))
    rig.arrive()

    async def changed(call: Call) -> Any:
        await other(call)
        return HANGUP

    rig.app = app_of(changed)
    with pytest.raises(DialogDrift):
        rig.answer("1")


def test_to_return_before_the_journal_is_through_is_a_drift() -> None:
    rig = Rig(app_of(three))
    rig.arrive()

    async def changed(call: Call) -> Any:
        return HANGUP

    rig.app = app_of(changed)
    with pytest.raises(DialogDrift, match="does return"):
        rig.answer("1")


def test_waiting_times_and_the_wording_of_the_catalogue_are_no_drift() -> None:
    async def one(call: Call) -> Any:
        room = await call.ask(prompt("room"), max_digits=4, timeout_s=5)
        return flow.tts(room or "-")

    async def two(call: Call) -> Any:
        room = await call.ask(prompt("room"), max_digits=4, timeout_s=9)
        return flow.tts(room or "-")

    rig = Rig(app_of(one, prompts={"en": 'room = "Room?"'}))
    rig.arrive()
    rig.app = app_of(two, prompts={"en": 'room = "Your room, please?"'})
    assert b'"101"' in rig.answer("101").reply


def test_a_url_back_to_the_application_is_the_same_whenever_it_expires() -> None:
    async def answer(call: Call) -> Any:
        url = call.pivot_url(at="busy")
        await call.step(find, url)
        await call.run(flow.user("u").on("USER_BUSY", flow.pivot(url=url)))
        await call.ask("Go on?")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.arrive({}, "NO_ANSWER")
    assert ["hangup"] == modules(rig.answer("1").reply)


def test_a_url_back_to_the_application_with_other_parameters_is_a_drift() -> None:
    at = ["busy"]

    async def answer(call: Call) -> Any:
        url = call.pivot_url(at=at[0])
        await call.run(flow.user("u").on("USER_BUSY", flow.pivot(url=url)))
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    at[0] = "gone"
    with pytest.raises(DialogDrift):
        rig.arrive({}, "NO_ANSWER")


def test_restart_begins_anew_once_and_then_falls_back() -> None:
    rig = Rig(app_of(three))
    rig.arrive()

    async def changed(call: Call) -> Any:
        await call.say("Sorry, once more.")
        room = await call.ask("Which room?", max_digits=4)
        return flow.tts(f"new {room}")

    rig.app = app_of(changed, on_drift="restart")
    assert "Sorry, once more. Which room?" == nodes(rig.answer("1").reply)[1][1]["text"]
    assert 1 == len(rig.drifts)
    assert b'"new 7"' in rig.answer("7").reply

    rig.app = app_of(three, on_drift="restart")
    with pytest.raises(DialogDrift):
        rig.conversation(Arrival(len(rig.steps))).advance()


async def rescue(call: Call) -> Any:
    key = await call.ask("Something changed. Press 1 for the desk.", valid="1")
    return flow.tts(f"rescued {key}")


def test_a_handler_takes_over_after_a_drift_and_goes_on() -> None:
    rig = Rig(app_of(three))
    rig.arrive()

    async def changed(call: Call) -> Any:
        await call.now()
        return HANGUP

    rig.app = app_of(changed, on_drift=rescue)
    assert b"Something changed" in rig.answer("1").reply
    assert b'"rescued 1"' in rig.answer("1").reply


def test_changed_guards_an_intended_change() -> None:
    async def new(call: Call) -> Any:
        name = await call.ask("Room?", max_digits=4)
        if call.changed("greeting"):
            await call.say("Thank you.")
        again = await call.ask("Again?", max_digits=4)
        return flow.tts(f"{name}/{again}").then(HANGUP)

    # A call that has passed the place with the old code goes on as it began.
    old = Rig(app_of(three))
    old.arrive()
    old.answer("1")
    old.app = app_of(new)
    assert b'"1/2"' in old.answer("2").reply
    # One that has not gets the new code, for good.
    young = Rig(app_of(three))
    young.arrive()
    young.app = app_of(new)
    assert b"Thank you. Again?" in young.answer("1").reply
    assert b'"1/2"' in young.answer("2").reply


def test_a_guard_may_go_when_the_calls_from_before_the_change_have_ended() -> None:
    async def guarded(call: Call) -> Any:
        await call.ask("Room?", max_digits=4)
        if call.changed("greeting"):
            await call.say("Thank you.")
        if call.changed("both"):
            await call.gather(call.now(), call.now())
        await call.ask("Again?", max_digits=4)
        call.changed("end")
        return HANGUP

    async def later(call: Call) -> Any:
        await call.ask("Room?", max_digits=4)
        await call.say("Thank you.")
        if call.changed("both"):
            await call.gather(call.now(), call.now())
        await call.ask("Again?", max_digits=4)
        return HANGUP

    async def at_last(call: Call) -> Any:
        await call.ask("Room?", max_digits=4)
        await call.say("Thank you.")
        await call.gather(call.now(), call.now())
        await call.ask("Again?", max_digits=4)
        return HANGUP

    for without in (later, at_last):
        rig = Rig(app_of(guarded))
        rig.arrive()
        rig.answer("1")
        rig.app = app_of(without)
        assert ["hangup"] == modules(rig.answer("2").reply)
        assert rig.end().error is None


# --- rule 5: what answers at once -----------------------------------------------------------------


def test_time_and_chance_are_the_same_on_every_replay() -> None:
    seen: list[Any] = []

    async def answer(call: Call) -> Any:
        drawn = (await call.now(), await call.random(), await call.random(1, 6), await call.token())
        seen.append(drawn)
        await call.ask("x")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.now = datetime(2030, 1, 1, tzinfo=UTC)
    rig.answer("1")
    assert seen[0] == seen[1]
    moment, number, dice, token = seen[0]
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == moment
    assert 0 <= number < 1
    assert dice in range(1, 7)
    assert 32 == len(token)


def test_prompts_before_a_question_are_one_reply_and_sent_once() -> None:
    async def answer(call: Call) -> Any:
        await call.play("/m/welcome")
        await call.say("One.")
        await call.say("Two.")
        await call.ask("Three?")
        await call.ask("Four?")
        return HANGUP

    rig = Rig(app_of(answer))
    assert ["play", "collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(rig.arrive().reply)
    assert "One. Two. Three?" == nodes(rig.steps[0].reply)[2][1]["text"]
    assert ["collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(rig.answer("1").reply)


def note(text: str) -> None: ...


def test_jobs_are_committed_with_the_step_that_made_them_and_once() -> None:
    async def answer(call: Call) -> Any:
        await call.enqueue(note, "first")
        await call.ask("x")
        await call.enqueue(note, "second", after_s=60)
        return HANGUP

    rig = Rig(app_of(answer))
    (first,) = rig.arrive().jobs
    assert ("0", "tests.unit.dialog.test_replay:note", b'[["first"],{}]', 0.0) == first
    (second,) = rig.answer("1").jobs
    assert ("2", 60) == (second.op, second.after_s)


# --- rules 9 to 12: effects -----------------------------------------------------------------------


def test_a_step_runs_once_and_its_result_is_kept() -> None:
    async def answer(call: Call) -> Any:
        number = await call.step(find, "x")
        key = await call.ask("x")
        return flow.tts(f"{number}{key}")

    rig = Rig(app_of(answer))
    rig.arrive()
    assert b'"421"' in rig.answer("1").reply
    assert ["0"] == rig.ran


def test_what_was_flushed_with_a_claim_counts_when_the_worker_dies() -> None:
    async def answer(call: Call) -> Any:
        token = await call.token()
        await call.say("Welcome.")
        await call.enqueue(note, "x")
        await call.step(slow, token)
        await call.ask("Key?")
        return HANGUP

    rig = Rig(app_of(answer))
    out = rig.conversation(Arrival()).advance()
    assert isinstance(out, Effects)
    (effect,) = out.effects
    kinds = [(e.kind, e.state) for e in Entries.decode(effect.before).entries]
    assert [("token", "done"), ("say", "done"), ("enqueue", "done"), ("step", "pending")] == kinds
    # The worker dies; the step was never committed. Another one begins where it stood.
    rig.claimed[effect.op] = effect.before
    out = rig.conversation(Arrival()).advance()
    assert isinstance(out, Effects)
    assert effect.args == out.effects[0].args
    assert effect.key == out.effects[0].key
    rig.results[effect.op] = effect.succeeded("done")
    # What it queued was never heard, and so goes out now; the job too.
    stored = rig.arrive()
    assert "Welcome. Key?" == nodes(stored.reply)[1][1]["text"]
    assert ["x"] == [job.args.decode()[3:4] for job in stored.jobs]
    assert ["token", "say", "enqueue", "step", "ask"] == [e.kind for e in rig.entries(0)]
    assert [] == rig.ran


def test_a_holding_prompt_is_a_step_of_its_own_and_the_result_comes_after_it() -> None:
    async def answer(call: Call) -> Any:
        await call.say("One moment.")
        got = await call.step(slow, "x", while_=flow.play("/m/hold"), while_max_s=60)
        key = await call.ask(f"{got}?")
        return flow.tts(key or "nothing")

    rig = Rig(app_of(answer), slow={"1"})
    held = rig.arrive()
    assert isinstance(held.outcome, Suspended)
    assert held.outcome.is_holding
    assert ["tts", "play", "pivot"] == modules(held.reply)
    assert [] == nodes(held.reply)[1][1]["terminators"]
    # Again, and this time the prompt alone.
    assert ["play", "pivot"] == modules(rig.arrive().reply)
    rig.results["1"] = b'[true,"done"]'
    rig.slow.clear()
    assert "done?" == nodes(rig.arrive({"default": "5"}).reply)[1][1]["text"]
    assert b'"7"' in rig.answer("7").reply


def test_a_short_holding_prompt_gets_two_seconds_of_silence() -> None:
    async def answer(call: Call) -> Any:
        await call.step(slow, "x", while_="Hold on.")
        return HANGUP

    rig = Rig(app_of(answer), slow={"0"})
    rig.arrive()
    rig.now -= timedelta(seconds=4)
    assert ["tts", "sleep", "pivot"] == modules(rig.arrive().reply)


def test_a_hold_has_a_maximum_and_then_the_fallback() -> None:
    async def answer(call: Call) -> Any:
        await call.step(slow, "x", while_="Hold on.", while_max_s=12)
        return HANGUP

    rig = Rig(app_of(answer), slow={"0"})
    for _ in range(3):
        assert b"Hold on." in rig.arrive().reply
    last = rig.arrive()
    assert isinstance(last.outcome, Returned)
    assert last.outcome.is_fallback
    assert FALLBACK.render() == last.reply


def test_a_late_step_without_a_holding_prompt_is_the_fallback() -> None:
    async def answer(call: Call) -> Any:
        await call.step(slow, "x")
        return HANGUP

    rig = Rig(app_of(answer), slow={"0"})
    assert FALLBACK.render() == rig.arrive().reply


class Busy(Exception):
    def __init__(self, room: str, beds: int) -> None:
        super().__init__(room, beds)
        self.room = room


def refuse(room: str) -> None:
    raise Busy(room, 2)


def test_an_error_is_caught_by_its_own_class_now_and_on_replay() -> None:
    seen: list[Any] = []

    async def answer(call: Call) -> Any:
        try:
            await call.step(refuse, "0101")
        except Busy as error:
            seen.append((type(error), error.args, error.room))
        await call.ask("x")
        return HANGUP

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.answer("1")
    assert [(Busy, ("0101", 2), "0101")] * 2 == seen


def deep(number: str) -> int:
    return int(number)


def fails_deep(number: str) -> int:
    return deep(number)


def test_an_error_of_a_step_says_where_it_was_raised() -> None:
    async def answer(call: Call) -> Any:
        try:
            await call.step(fails_deep, "x")
        except ValueError as error:
            await call.ask(str(error.__notes__))
        return HANGUP

    rig = Rig(app_of(answer))
    line = deep.__code__.co_firstlineno + 1
    assert f"raised in dialog/test_replay.py:{line}".encode() in rig.arrive().reply
    assert ["hangup"] == modules(rig.answer("1").reply)


def test_what_a_partial_holds_is_compared_and_goes_with_a_job() -> None:
    rooms = ["101"]

    async def answer(call: Call) -> Any:
        await call.step(partial(find, rooms[0]))
        await call.enqueue(partial(remind, room=rooms[0]), "now")
        await call.ask("Go on?")
        return HANGUP

    rig = Rig(app_of(answer))
    (job,) = rig.arrive().jobs
    assert b'[["now"],{"room":"101"}]' == job.args
    assert job.task.endswith(":remind")
    rooms[0] = "102"
    with pytest.raises(DialogDrift, match="other arguments"):
        rig.answer("1")


def test_a_step_cannot_ask() -> None:
    async def asks(call: Call) -> str:
        return await call.ask("Room?")

    async def answer(call: Call) -> Any:
        return flow.tts(await call.step(asks, call))

    with pytest.raises(AppError, match=r"call\.ask cannot be used inside a step.*await book"):
        Rig(app_of(answer)).arrive()


def test_an_effect_has_one_key_for_ever_and_it_is_not_the_token() -> None:
    async def answer(call: Call) -> Any:
        await call.step(find, "a")
        await call.step(find, "b", key="booking-7")
        return HANGUP

    rig = Rig(app_of(answer))
    one = rig.conversation(Arrival()).advance()
    two = rig.conversation(Arrival()).advance()
    assert isinstance(one, Effects)
    assert isinstance(two, Effects)
    assert one.effects[0].key == two.effects[0].key
    assert "token" not in one.effects[0].key
    assert "x" not in repr(one.effects[0])


def test_a_step_knows_its_key_and_its_attempt() -> None:
    def who() -> StepInfo | None:
        return current_step()

    async def answer(call: Call) -> Any:
        await call.step(who, key="k")
        return HANGUP

    out = Rig(app_of(answer)).conversation(Arrival()).advance()
    assert isinstance(out, Effects)
    assert StepInfo("k", 3) == copy_context().run(out.effects[0].start, 3)
    assert current_step() is None


# --- rule 13: gather ------------------------------------------------------------------------------


def test_gather_gives_results_in_order_whatever_comes_first() -> None:
    async def answer(call: Call) -> Any:
        a, now, b = await call.gather(call.step(find, "a"), call.now(), call.step(slow, "b"))
        key = await call.ask("x")
        return flow.tts(f"{a} {now:%Y} {b} {key}")

    rig = Rig(app_of(answer))
    conversation = rig.conversation(Arrival())
    out = conversation.advance()
    assert isinstance(out, Effects)
    first, second = out.effects
    assert ("0.0", "0.2") == (first.op, second.op)
    assert first.before == second.before
    left = conversation.resume(second.op, second.succeeded("B"))
    assert isinstance(left, Effects)
    assert [first.op] == [effect.op for effect in left.effects]
    assert isinstance(conversation.resume(first.op, first.succeeded(1)), Suspended)
    conversation.park()

    rig.arrive()
    assert b'"42 2026 done 1"' in rig.answer("1").reply
    assert ["0.0", "0.2"] == rig.ran


def test_a_gather_of_nothing_gives_nothing() -> None:
    async def answer(call: Call) -> Any:
        found = await call.gather(*[call.step(find, number) for number in ""])
        await call.ask(f"{len(found)} found")
        return flow.tts(str(found))

    rig = Rig(app_of(answer))
    rig.arrive()
    assert b"()" in rig.answer("1").reply


def test_gather_waits_for_all_and_raises_the_first_error() -> None:
    async def answer(call: Call) -> Any:
        try:
            await call.gather(call.step(find, "a"), call.step(refuse, "1"), call.step(refuse, "2"))
        except Busy as error:
            return flow.tts(f"busy {error.room}")
        return HANGUP

    rig = Rig(app_of(answer))
    assert b'"busy 1"' in rig.arrive().reply
    assert 3 == len(rig.ran)


def test_a_question_in_a_gather_is_refused_where_it_stands() -> None:
    async def answer(call: Call) -> Any:
        await call.gather(call.step(find, "a"), call.ask("x"))
        return HANGUP

    with pytest.raises(AppError, match=r"call\.ask waits for the caller"):
        Rig(app_of(answer)).conversation(Arrival()).advance()


# --- await is missing -----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["dropped", "kept", "asked"])
def test_an_operation_without_await_is_an_error_with_its_line(how: str) -> None:
    async def answer(call: Call) -> Any:
        if how == "dropped":
            call.say("hello")  # type: ignore[unused-awaitable]  # that is what is tried
        elif how == "kept":
            kept = call.say("hello")  # noqa: F841  it is held, and never awaited
            return HANGUP
        elif call.random():
            return HANGUP
        await call.ask("x")
        return HANGUP

    with pytest.raises(AppError, match=r"test_replay.py:\d+: await is missing") as caught:
        Rig(app_of(answer)).conversation(Arrival()).advance()
    assert "dialog.await_missing" == caught.value.code


def test_an_operation_may_be_awaited_later() -> None:
    async def answer(call: Call) -> Any:
        later = call.step(find, "a")
        await call.now()
        return flow.tts(str(await later))

    assert b'"42"' in Rig(app_of(answer)).arrive().reply


def test_operations_may_be_awaited_in_another_order() -> None:
    async def answer(call: Call) -> Any:
        first, second, third = call.step(find, "a"), call.now(), call.ask("x")
        await second
        await third
        return flow.tts(str(await first))

    rig = Rig(app_of(answer))
    rig.arrive()
    assert b'"42"' in rig.answer("1").reply


# --- limits ---------------------------------------------------------------------------------------


def test_a_dialog_has_a_last_step() -> None:
    async def answer(call: Call) -> Any:
        while True:
            await call.ask("Again?")

    rig = Rig(app_of(answer), most_steps=3)
    rig.arrive()
    for _ in range(2):
        rig.answer("1")
    with pytest.raises(AppError, match="3 steps"):
        rig.answer("1")


async def round_and_round(call: Call) -> Any:
    return flow.pivot(next=round_and_round)


def test_a_call_that_is_handed_over_for_ever_comes_to_an_end() -> None:
    rig = Rig(app_of(round_and_round), most_steps=3)
    rig.arrive()
    rig.arrive({}, f"next:{handler_name(round_and_round)}")
    rig.arrive({}, f"next:{handler_name(round_and_round)}")
    with pytest.raises(AppError, match="3 steps"):
        rig.arrive({}, f"next:{handler_name(round_and_round)}")


def test_a_loop_that_asks_nobody_ends() -> None:
    async def answer(call: Call) -> Any:
        while True:
            await call.now()

    with pytest.raises(AppError, match="without asking the caller"):
        Rig(app_of(answer)).conversation(Arrival()).advance()


def test_a_journal_of_a_newer_release_is_left_alone() -> None:
    with pytest.raises(AppError, match="newer release"):
        Journal.load([b'2:[0,"",[]]'])


# --- one-step applications ------------------------------------------------------------------------


async def elsewhere(value: str) -> str:
    await asyncio.sleep(0)
    return value


def test_a_handler_that_awaits_nothing_of_its_call_runs_on_the_loop_and_needs_no_store() -> None:
    async def answer(call: Call) -> Any:
        return flow.tts(await elsewhere(call.caller_number)).then(HANGUP)

    rig = Rig(app_of(answer))
    conversation = rig.conversation(Arrival())
    assert "loop" == conversation.runs
    out = asyncio.run(conversation.open())
    assert isinstance(out, Returned)
    assert not out.needs_commit
    assert flow.tts("+15551234567").then(HANGUP) == out.reply


def test_a_plain_handler_runs_in_a_thread_and_needs_no_store() -> None:
    def answer(call: Call) -> Any:
        return HANGUP

    conversation = Rig(app_of(answer)).conversation(Arrival())
    assert "thread" == conversation.runs
    out = conversation.finish(conversation.call())
    assert isinstance(out, Returned)
    assert not out.needs_commit
    assert HANGUP is out.reply


def test_an_operation_in_a_plain_handler_says_what_to_write() -> None:
    def answer(call: Call) -> Any:
        call.say("x")  # type: ignore[unused-awaitable]  # that is what is tried
        return HANGUP

    conversation = Rig(app_of(answer)).conversation(Arrival())
    with pytest.raises(AppError, match="async def"):
        conversation.call()


async def menu(call: Call) -> str:
    return await call.ask("One or two?", valid="12")


def test_a_handler_that_hands_its_call_on_becomes_a_dialog_at_its_first_operation() -> None:
    async def answer(call: Call) -> Any:
        return flow.tts(await menu(call) or "nothing")

    rig = Rig(app_of(answer))
    assert "loop" == rig.conversation(Arrival()).runs
    assert ["collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(rig.arrive().reply)
    assert "dialog" == rig.conversation(Arrival(1)).runs
    assert b'"2"' in rig.answer("2").reply


def test_an_operation_after_the_loop_was_waited_for_is_an_error_with_both_lines() -> None:
    async def answer(call: Call) -> Any:
        await elsewhere("x")
        return flow.tts(await menu(call))

    conversation = Rig(app_of(answer)).conversation(Arrival())
    with pytest.raises(AppError, match=r"test_replay.py:\d+: call.ask\(\) comes after .*py:\d+"):
        asyncio.run(conversation.open())


def test_a_name_that_merely_looks_like_an_operation_makes_no_dialog() -> None:
    class Client:
        async def run(self, number: str) -> str:
            return await elsewhere(number)

    crm = Client()

    async def answer(call: Call) -> Any:
        return flow.tts(await crm.run(call.caller_number))

    assert "loop" == Rig(app_of(answer)).conversation(Arrival()).runs


def test_a_dialog_sees_the_request_that_it_began_with_at_every_step_and_at_its_end() -> None:
    seen: list[Any] = []

    async def answer(call: Call) -> Any:
        seen.append(
            (
                call.id,
                call.caller_number,
                call.language,
                dict(call.request.custom_sip_headers),
                dict(call.request.extra),
            )
        )
        await call.step(find, call.caller_number)
        await call.ask("x")
        return HANGUP

    first = parse_pivot(
        b'{"Call-ID":"c-1","Caller-ID-Number":"+1555","Language":"de-de","Digits":{"room":"7"},'
        b'"Custom-SIP-Headers":{"X-A":"b"},"Custom-Application-Vars":{},"loyalty":"gold"}',
        "application/json",
    )
    rig = Rig(app_of(answer))
    rig.arrive(request=first)
    rig.arrive(request=PivotRequest(call_id="renamed", caller_id_number="other"))
    rig.end()
    assert [("c-1", "+1555", "de-de", {"X-A": "b"}, {"loyalty": "gold"})] * 3 == seen
    assert "7" == rig.history().request.digits.get("room")  # type: ignore[union-attr]  # it is kept
