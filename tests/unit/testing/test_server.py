"""Restarts, copies and chaos: what a server must survive, and apps that do not."""

from __future__ import annotations

import asyncio
import os

import pytest

from reception import App, Call, Flow, flow
from reception.testing import Phone, PhoneFailure
from reception.testing.chaos import SEED, Chaos
from reception.testing.database import SessionDatabase
from tests.unit.testing.apps import DESK, Hotel, app_of


@pytest.fixture
def hotel() -> Hotel:
    return Hotel()


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED, os.environ.get(SEED) or "4711")


def test_a_call_goes_on_after_a_restart_and_copies_get_the_same_bytes(hotel: Hotel) -> None:
    with Phone(hotel.app) as phone:
        phone.no_answer()
        phone.dial()
        phone.duplicate_last()
        phone.restart_server()
        phone.duplicate_last()
        phone.press("101")
        phone.duplicate_last(copies=5)
        phone.restart_server()
        phone.duplicate_last(copies=5)
        phone.hear("NO_ANSWER")
        phone.wait_for_end()
        phone.duplicate_last()
    assert ["101"] == hotel.booked
    assert ["bye"] == hotel.ended


def test_a_copy_that_is_answered_differently_fails() -> None:
    count = iter(range(100))
    with Phone(app_of(lambda _: flow.tts(f"Number {next(count)}"))) as phone:
        phone.dial()
        with pytest.raises(PhoneFailure, match="answered differently") as caught:
            phone.duplicate_last()
        assert "Number 0" in str(caught.value)
        assert "Number 1" in str(caught.value)


def test_nothing_of_an_app_that_is_made_anew_survives_a_restart() -> None:
    with Phone(forgetful) as phone:
        phone.dial()
        phone.press("1")
        phone.restart_server()
        with pytest.raises(PhoneFailure, match="KeyError"):
            phone.press("2")


def forgetful() -> App:
    """Keeps in memory what it should keep in the dialog."""
    memory: dict[str, str] = {}

    def remember(choice: str) -> None:
        memory["choice"] = choice

    async def answer(call: Call) -> Flow:
        await call.step(remember, await call.ask("First?"))
        await call.ask("Second?")
        return flow.tts(memory["choice"]).then(flow.hangup())

    return app_of(answer)


def test_a_deployment_lets_a_running_effect_come_to_its_end() -> None:
    ran = []

    async def slow() -> str:
        ran.append(1)
        await asyncio.sleep(1.5)
        return "ready"

    async def answer(call: Call) -> Flow:
        told = await call.step(slow, while_=flow.play("hold.wav"))
        return flow.tts(told).then(flow.hangup())

    with Phone(app_of(answer)) as phone:
        phone.dial()
        phone.hear("hold.wav")
        phone.restart_server()
        phone.hear("ready")
        assert "ready" == phone.ran(slow)
    assert [1] == ran


def test_a_database_that_is_away_fails_the_test_and_not_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(call: Call) -> Flow:
        await call.ask("Press")
        return flow.hangup()

    own = SessionDatabase()
    monkeypatch.setattr("reception.testing.trial.database", own)
    try:
        with Phone(app_of(answer)) as phone:
            phone.dial()
            own.server().stop(timeout_s=0.0)
            with pytest.raises(PhoneFailure, match="The database is away"):
                phone.press("1")
        with Phone(app_of(answer)) as phone:
            phone.dial()
            phone.press("1")
            assert "hangup" == phone.outcome
    finally:
        own.stop()


# --- chaos ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_sound_app_passes_with_chaos_and_its_effects_run_once(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv(SEED, str(seed))
    with Phone(lambda: hotel.app) as phone:
        phone.no_answer(DESK)
        phone.dial()
        phone.hear("Welcome")
        phone.say_nothing()
        phone.press("102")
        phone.ran(hotel.book, "102")
        phone.hear("NO_ANSWER")
        phone.wait_for_end()
        assert 1 == len(phone.jobs)
        assert 4 == len(phone.requests)
    assert ["102"] == hotel.booked
    assert ["bye"] == hotel.ended


@pytest.mark.usefixtures("chaos")
def test_chaos_finds_what_an_app_keeps_in_memory() -> None:
    with Phone(forgetful) as phone:
        phone.dial()
        phone.press("1")
        with pytest.raises(PhoneFailure, match="KeyError"):
            phone.press("2")


@pytest.mark.usefixtures("chaos")
def test_chaos_finds_a_handler_that_answers_a_copy_differently() -> None:
    count = iter(range(100))
    with Phone(app_of(lambda _: flow.tts(f"Number {next(count)}"))) as phone:
        with pytest.raises(PhoneFailure, match="answered differently") as caught:
            phone.dial()
        assert "--chaos --chaos-seed=" in str(caught.value)


@pytest.mark.usefixtures("chaos")
def test_chaos_makes_an_effect_beside_a_step_happen_twice() -> None:
    booked: list[str] = []

    async def answer(call: Call) -> Flow:
        room = await call.ask("Which room?")
        booked.append(room)  # belongs into call.step
        return flow.tts("Booked").then(flow.hangup())

    calls = 6
    with Phone(app_of(answer)) as phone:
        for _ in range(calls):
            phone.dial()
            phone.press("1")
            phone.wait_for_end()
    assert len(booked) > calls


def test_the_same_seed_is_the_same_chaos() -> None:
    one, other, third = Chaos("7", "a.py::t"), Chaos("7", "a.py::t"), Chaos("7", "a.py::u")
    plans = [one.plan() for _ in range(20)]
    assert plans == [other.plan() for _ in range(20)]
    assert plans != [third.plan() for _ in range(20)]


def test_the_command_that_repeats_it_can_be_pasted() -> None:
    command = Chaos("7", "a.py::t[x y]").command
    assert "pytest 'a.py::t[x y]' --chaos --chaos-seed=7" == command
