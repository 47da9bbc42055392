"""
Recorded calls of every release so far, run again by today's engine: equal, byte for byte.

When one of these fails, calls that are under way during a deploy would break: the engine or a
dialog of `apps` does something else than it did. The files are right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reception import Call, Flow, flow, prompt
from reception.bootstrap.determinism import watched
from reception.bootstrap.recordings import from_file
from reception.rehearsal.comparing import bytes_of, compared
from reception.rehearsal.recording import Done, RecordedCall
from reception.rehearsal.rerun import Rerun
from tests.replay import apps
from tests.replay.apps import APPS, app_of

FILES = sorted((Path(__file__).parent / "histories").glob("*.json"))
CALLS = [(path.stem, call) for path in FILES for call in from_file(path)]


@pytest.fixture(autouse=True)
def no_effect_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step would do fails here, and so does the test."""

    for name in ("find_stay", "find_weather", "verify", "slow_lookup", "clean_up", "remind"):
        function = getattr(apps, name)
        is_async = inspect.iscoroutinefunction(function)
        monkeypatch.setattr(function, "__code__", (_fail_later if is_async else _fail).__code__)


def _fail(*args: object) -> object:
    raise AssertionError("an effect ran")


async def _fail_later(*args: object) -> object:
    raise AssertionError("an effect ran")


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[f"{n}-{c.call_id}" for n, c in CALLS])
def test_every_recorded_call_agrees(name: str, call: RecordedCall) -> None:
    verdict = compared(APPS[call.app], call, sandbox=watched)
    assert ("agrees", None) == (verdict.fate, verdict.difference)
    assert len(call.steps) + (call.end is not None) == verdict.steps


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[f"{n}-{c.call_id}" for n, c in CALLS])
def test_replies_and_effects_are_equal(name: str, call: RecordedCall) -> None:
    """The same without the comparison: it must not be what makes them equal."""
    rerun = Rerun(APPS[call.app], call, sandbox=watched)
    for step in call.steps:
        happened = rerun.step(step)
        assert bytes_of(step.reply) == bytes_of(happened.reply)
        effects = {"step", "enqueue"}
        assert [
            (done.op, done.label, done.digest, done.state)
            for done in sorted(step.operations, key=lambda done: done.op)
            if done.kind in effects
        ] == [
            (entry.op, entry.label, entry.digest, entry.state)
            for entry in sorted(happened.entries, key=lambda entry: entry.op)
            if entry.kind in effects
        ]
        rerun.commit(step, [done.entry() for done in step.operations])


def test_every_dialog_and_every_kind_of_operation_has_a_history() -> None:
    assert set(APPS) == {call.app for _, call in CALLS}
    done = [
        each
        for _, call in CALLS
        for each in (*(op for step in call.steps for op in step.operations), *_at_end(call))
    ]
    assert {
        *("ask", "changed", "enqueue", "gather", "hold", "now", "play", "random", "run", "say"),
        *("sleep", "start", "step", "tag", "token"),
    } == {each.kind for each in done}
    assert {"done", "failed", "pending", "ended"} == {each.state for each in done}
    assert any(each.label == "try 3" for each in done)


def _at_end(call: RecordedCall) -> tuple[Done, ...]:
    return call.end.operations if call.end else ()


def recorded(app: str) -> RecordedCall:
    return next(call for _, call in CALLS if call.app == app)


def line_of(function: Callable[..., Any], words: str) -> str:
    lines, first = inspect.getsourcelines(function)
    place = next(number for number, line in enumerate(lines) if words in line)
    return f"replay/test_histories.py:{first + place}"


def test_a_changed_dialog_is_told_with_the_right_step_and_line() -> None:
    async def together(call: Call) -> Flow:
        stay, weather = await call.gather(
            call.step(apps.find_stay, "101"),
            call.step(apps.find_weather, "Paris", key="weather"),
        )
        await call.say(f"{stay.guest}: {weather}")
        return flow.hangup()

    verdict = compared(app_of("together", together), recorded("together"), sandbox=watched)
    found = verdict.difference
    assert found
    assert (0, "0.1") == (found.step_no, found.op)
    assert found.actual.endswith("with other arguments")
    assert line_of(together, '"Paris"') == found.line


def test_a_change_behind_the_second_answer_is_found_there() -> None:
    async def booking(call: Call) -> Flow:
        await call.say(prompt("welcome", name=call.caller_name or "guest"))
        await call.ask(prompt("menu.main"), valid="12", retries=2, not_valid=prompt("menu.again"))
        await call.ask("Which room?", max_digits=4, valid=lambda keys: len(keys) >= 3)
        await call.say("No step any more")
        return flow.hangup()

    app = app_of("booking", booking, prompts=apps.PROMPTS)
    found = compared(app, recorded("booking"), sandbox=watched).difference
    assert found
    assert (2, "call.step(tests.replay.apps:find_stay)", "call.say()") == (
        found.step_no,
        found.recorded,
        found.actual,
    )
    assert line_of(booking, "No step any more") == found.line
