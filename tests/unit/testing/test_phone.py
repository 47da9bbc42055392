"""What a caller does, finds and asserts; and that what is not so fails, with the transcript."""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from reception import Call, CallEnded, Flow, flow
from reception.simulator.call import Platform
from reception.testing import Phone, PhoneFailure
from tests.unit.testing.apps import ANN, DESK, FALLBACK, Hotel, app_of, remind


@pytest.fixture
def hotel() -> Hotel:
    return Hotel()


@pytest.fixture
def phone(hotel: Hotel) -> Iterator[Phone]:
    with Phone(hotel.app) as phone:
        yield phone


def failure(phone: Phone, act: Any, *args: Any, **named: Any) -> str:
    """What the act fails with; the transcript is always in it."""
    with pytest.raises(PhoneFailure) as caught:
        act(*args, **named)
    text = str(caught.value)
    assert phone.transcript in text
    return text


# --- a whole call ---------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", [4, 5])
def test_a_dialog_is_called_from_the_first_word_to_the_end(
    phone: Phone, hotel: Hotel, platform: Platform
) -> None:
    phone.no_answer(DESK)
    phone.dial(platform=platform)
    phone.hear("Welcome")
    phone.hear("Which room?")
    phone.press("101")
    phone.hear("101 is booked")
    assert "101 is booked." == phone.ran(hotel.book, "101")
    assert 60 == phone.enqueued(remind, "101").after_s
    assert 30 == phone.rings(DESK).timeout_s
    phone.hear("NO_ANSWER")
    phone.hear("bye.wav")
    assert [] == hotel.ended
    assert "hangup" == phone.wait_for_end()
    assert ["bye"] == hotel.ended
    assert [("user", DESK, False, "NO_ANSWER")] == [
        (one.kind, one.id, one.answered, one.why) for one in phone.rang
    ]


def test_a_handler_in_one_step_is_called_as_well() -> None:
    def answer(call: Call) -> Flow:
        assert "anonymous" == call.caller_number
        busy = flow.tts("The desk is busy").then(flow.hangup())
        return flow.user(DESK, timeout=30).on("USER_BUSY", busy)

    with Phone(app_of(answer)) as phone:
        phone.busy(DESK)
        phone.dial("2000", caller=None)
        assert "2000" == phone.requests[0].request.request
        assert (
            flow.user(DESK, timeout=30).on(
                "USER_BUSY", flow.tts("The desk is busy").then(flow.hangup())
            )
            == phone.flow
        )
        phone.rings(DESK)
        phone.hear("is busy")
        phone.wait_for_end()


def test_a_handler_that_asks_in_a_function_is_found_to_be_a_dialog() -> None:
    async def which(call: Call) -> str:
        return await call.ask("Which one?")

    async def answer(call: Call) -> Flow:
        return flow.tts(await which(call)).then(flow.hangup())

    with Phone(app_of(answer)) as phone:
        phone.dial()
        phone.press("7")
        phone.hear("7")


def test_a_handler_may_hand_the_call_over_to_another() -> None:
    async def answer(call: Call) -> Flow:
        return flow.tts("First").then(flow.pivot(next=second))

    app = app_of(answer)
    app.state(second)
    with Phone(app) as phone:
        phone.dial()
        phone.hear("First")
        phone.press("4")
        phone.hear("Second 4")


async def second(call: Call) -> Flow:
    return flow.tts("Second " + await call.ask("Press")).then(flow.hangup())


def test_one_phone_makes_one_call_after_another(phone: Phone, hotel: Hotel) -> None:
    for room in ("101", "102"):
        phone.dial()
        phone.press(room)
        phone.ran(hotel.book, room)
        phone.hang_up()
        assert "caller_hung_up" == phone.outcome
    assert ["101", "102"] == hotel.booked
    assert ["bye", "bye"] == hotel.ended


def test_a_phone_may_be_used_where_an_event_loop_runs(phone: Phone) -> None:
    async def test() -> None:
        phone.dial()
        phone.hear("Welcome")

    asyncio.run(test())


# --- hearing --------------------------------------------------------------------------------------


def test_hearing_goes_on_until_it_is_heard(phone: Phone) -> None:
    phone.busy(DESK)
    phone.dial()
    phone.press("101")
    assert "The desk said USER_BUSY" == phone.hear(re.compile("USER_.*"))
    assert phone.has_heard("Welcome")
    assert not phone.has_heard("bye.wav")


def test_what_was_heard_before_does_not_count(phone: Phone) -> None:
    phone.dial()
    phone.hear("Which room?")
    text = failure(phone, phone.hear, "Welcome")
    assert "does not hear 'Welcome'" in text
    assert "the caller is asked for a key" in text


def test_a_wrong_text_fails_with_what_was_heard_instead(phone: Phone) -> None:
    phone.dial()
    text = failure(phone, phone.hear, "Good bye")
    assert "'Welcome. Which room?'" in text


def test_a_question_that_passes_is_asked_again(phone: Phone) -> None:
    phone.dial()
    phone.say_nothing()
    phone.hear("Nothing heard")
    phone.say_nothing()
    assert "hangup" == phone.wait_for_end()


def test_a_key_pressed_at_once_interrupts_the_prompt() -> None:
    async def answer(call: Call) -> Flow:
        keys = await call.ask("Press a key. " * 20, valid="12")
        return flow.tts(f"Pressed {keys}").then(flow.hangup())

    with Phone(app_of(answer)) as phone:
        phone.dial()
        phone.hear("Press a key.")
        phone.wait(2)
        phone.press("2", at_once=True)
        phone.hear("Pressed 2")
        assert phone.heard[-1].at_s < 8


def test_a_key_that_nobody_asks_for_fails() -> None:
    with Phone(app_of(lambda _: FALLBACK)) as phone:
        phone.dial()
        assert "Nobody asks for a key" in failure(phone, phone.press, "1")


def test_a_key_that_no_phone_has_is_refused(phone: Phone) -> None:
    phone.dial()
    with pytest.raises(ValueError, match="cannot be typed"):
        phone.press("A")


# --- ringing --------------------------------------------------------------------------------------


def test_phones_do_what_they_are_told_one_call_after_another(phone: Phone) -> None:
    phone.busy(DESK)
    phone.answers(DESK, after_s=5, talk_s=60)
    began = phone.now
    for outcome in ("hangup", "bridged"):
        began = phone.now
        phone.dial()
        phone.press("101")
        phone.rings(DESK)
        assert outcome == phone.wait_for_end()
    assert phone.rang[-1].answered
    assert 65 < (phone.now - began).total_seconds() < 90


def test_what_does_not_ring_fails_with_what_rang(phone: Phone) -> None:
    phone.busy()
    phone.dial()
    phone.press("101")
    text = failure(phone, phone.rings, ANN)
    assert f"{ANN} does not ring" in text
    assert f"user {DESK}" in text


def test_users_devices_groups_and_numbers_ring() -> None:
    members = [{"id": who, "endpoint_type": "user"} for who in (ANN, DESK)]
    group = flow.ring_group(members, timeout=20)
    carrier = flow.resources(to_did="+15550009999").on("NO_ANSWER", flow.hangup())

    with Phone(app_of(lambda _: flow.device(DESK, timeout=20).then(group).then(carrier))) as phone:
        phone.no_answer()
        phone.dial()
        assert "device" == phone.rings(DESK).kind
        assert "group" == phone.rings(ANN).kind
        assert "carrier" == phone.rings("+15550009999").kind
        assert "hangup" == phone.wait_for_end()


def test_lines_of_a_script_are_understood(phone: Phone) -> None:
    phone.given(f"fail {DESK} NO_RESOURCES sip:503", "lasts bye.wav 2.5")
    phone.dial()
    phone.press("101")
    phone.hear("NO_RESOURCES")
    phone.hear("bye.wav")
    assert 2.5 == phone.heard[-1].lasts_s
    with pytest.raises(ValueError, match="method of the phone"):
        phone.given("press 1")


# --- effects and jobs -----------------------------------------------------------------------------


def test_what_did_not_run_fails(phone: Phone, hotel: Hotel) -> None:
    phone.dial()
    phone.did_not_run(hotel.book)
    assert "book did not run" in failure(phone, phone.ran, hotel.book)
    assert "was not enqueued once" in failure(phone, phone.enqueued, remind)
    phone.press("101")
    assert "book ran" in failure(phone, phone.did_not_run, "book")
    assert "other arguments: ('101',), not ('102',)" in failure(phone, phone.ran, hotel.book, "102")
    assert "remind('102') was not enqueued" in failure(phone, phone.enqueued, remind, "102")


def test_mocks_stand_in_for_functions() -> None:
    find, book = Mock(return_value="Ann"), AsyncMock(side_effect=LookupError("no room"))

    async def answer(call: Call) -> Flow:
        name = await call.step(find, call.caller_number)
        try:
            await call.step(book, name)
        except LookupError as error:
            await call.ask(f"{name}, {error}")
        return flow.hangup()

    with Phone(app_of(answer)) as phone:
        phone.dial(caller="+15550001111")
        phone.hear("Ann, no room")
        assert "Ann" == phone.ran(find, "+15550001111")
        phone.press("1")
    find.assert_called_once_with("+15550001111")
    book.assert_awaited_once_with("Ann")


def test_what_a_partial_holds_is_found() -> None:
    def note(room: str, *, guests: int) -> str:
        return f"{room}/{guests}"

    async def answer(call: Call) -> Flow:
        await call.step(partial(note, guests=2), "101")
        await call.enqueue(partial(remind, room="101"))
        return flow.hangup()

    with Phone(app_of(answer)) as phone:
        phone.dial()
        assert "101/2" == phone.ran(note, "101")
        assert "note" == phone.effects[0].name
        phone.enqueued(remind, room="101")
        assert "remind(room='102') was not" in failure(phone, phone.enqueued, remind, room="102")


def test_a_failing_effect_is_told_with_its_error() -> None:
    async def find(number: str) -> str:
        raise LookupError("nobody")

    async def answer(call: Call) -> Flow:
        try:
            await call.step(find, call.caller_number)
        except LookupError:
            await call.ask("Who are you?")
        return flow.hangup()

    with Phone(app_of(answer)) as phone:
        phone.dial(caller="+15550001111")
        phone.hear("Who are you?")
        (run,) = phone.effects
        assert ("find", ("+15550001111",), 1) == (run.name, run.args, run.attempt)
        assert isinstance(run.error, LookupError)
        assert "find raised LookupError" in failure(phone, phone.ran, find)


def test_a_dialog_hears_of_the_end_before_hanging_up_returns() -> None:
    told: list[str] = []

    def cancel(cause: str) -> None:
        told.append(cause)

    async def answer(call: Call) -> Flow:
        try:
            await call.ask("Press a key")
        except CallEnded as ended:
            await call.step(cancel, ended.cause)
            await call.enqueue(remind, "101")
        return flow.hangup()

    with Phone(app_of(answer)) as phone:
        phone.dial()
        phone.hang_up()
        phone.ran(cancel, "hangup")
        phone.enqueued(remind, "101")
    assert ["hangup"] == told


# --- failures of the app --------------------------------------------------------------------------


async def fails_at_once(call: Call) -> Flow:
    raise LookupError("nobody")


def fails_in_a_thread(call: Call) -> Flow:
    raise LookupError("nobody")


async def fails_later(call: Call) -> Flow:
    await call.say("Hello")
    raise LookupError("nobody")


@pytest.mark.parametrize("handler", [fails_at_once, fails_in_a_thread, fails_later])
def test_an_app_that_raises_fails_the_test_with_its_own_error(handler: Any) -> None:
    with Phone(app_of(handler)) as phone:
        with pytest.raises(PhoneFailure, match="LookupError: nobody") as caught:
            phone.dial()
        cause = caught.value.__cause__
        assert isinstance(cause, LookupError)
        frames = traceback.extract_tb(cause.__traceback__)
        assert {__file__} == {frame.filename for frame in frames}


@pytest.mark.parametrize("handler", [fails_at_once, fails_in_a_thread, fails_later])
def test_a_failure_that_is_expected_lets_the_fallback_be_heard(handler: Any) -> None:
    with Phone(app_of(handler)) as phone:
        with phone.expecting_failure() as failures:
            phone.dial()
        assert ["nobody"] == [str(one.error) for one in failures]
        phone.rings(ANN)


def test_a_failure_that_is_expected_must_happen(phone: Phone) -> None:
    with (
        pytest.raises(PhoneFailure, match="expected to fail, and did not"),
        phone.expecting_failure(),
    ):
        phone.dial()


def test_a_reply_that_is_no_flow_fails() -> None:
    def answer(call: Call) -> Any:
        return {"module": "user", "data": {"id": 3}, "children": {}}

    async def asks(call: Call) -> Any:
        await call.say("Hello")
        return "Hello"

    for handler in (answer, asks):
        with Phone(app_of(handler)) as phone, pytest.raises(PhoneFailure, match="AppError"):
            phone.dial()


def test_a_clock_read_in_a_dialog_fails_and_names_the_call_to_use() -> None:
    async def answer(call: Call) -> Flow:
        await call.say(f"It is {datetime.now(UTC)}")
        return flow.hangup()

    with Phone(app_of(answer)) as phone, pytest.raises(PhoneFailure, match=r"await call\.now\(\)"):
        phone.dial()


def test_an_app_that_is_late_fails() -> None:
    async def slow() -> None:
        await asyncio.sleep(5)

    async def answer(call: Call) -> Flow:
        await slow()
        return flow.hangup()

    with Phone(app_of(answer), deadline_s=0.2) as phone, pytest.raises(PhoneFailure, match="late"):
        phone.dial()


def test_clean_up_that_fails_after_the_end_is_told() -> None:
    async def answer(call: Call) -> Flow:
        call.on_end(fail)
        await call.ask("Press")
        return flow.hangup()

    def fail() -> None:
        raise LookupError("no broom")

    with Phone(app_of(answer)) as phone:
        phone.dial()
        with pytest.raises(PhoneFailure, match="no broom"):
            phone.hang_up()


def test_clean_up_that_fails_at_a_question_is_told_and_costs_no_reply() -> None:
    async def answer(call: Call) -> Flow:
        try:
            await call.ask("Press")
        finally:
            raise LookupError("no broom")

    with Phone(app_of(answer)) as phone:
        with pytest.raises(PhoneFailure, match=r"put away at a question.*no broom"):
            phone.dial()
        assert "Press" == phone.hear("Press")
        with phone.expecting_failure():
            phone.hang_up()


# --- mistakes in a test ---------------------------------------------------------------------------


def test_what_takes_a_call_says_so_without_one(phone: Phone) -> None:
    for act in (phone.hang_up, phone.say_nothing, phone.wait_for_end):
        with pytest.raises(PhoneFailure, match=r"was not dialled|Nobody asks"):
            act()
    phone.dial()
    with pytest.raises(PhoneFailure, match="hang up first"):
        phone.dial()
    phone.hang_up()
    with pytest.raises(PhoneFailure, match="has ended"):
        phone.hang_up()


def test_what_is_no_app_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a reception\.App"):
        Phone(lambda: "app")  # type: ignore[arg-type,return-value]  # that is the mistake


def test_a_phone_used_by_the_app_itself_is_refused() -> None:
    phones: list[Phone] = []

    async def answer(call: Call) -> Flow:
        phones[0].restart_server()
        return flow.hangup()

    with Phone(app_of(answer)) as phone:
        phones.append(phone)
        with pytest.raises(PhoneFailure, match="wait for itself"):
            phone.dial()
