"""
Dialogs made up by chance, recorded: what replays, what is redacted, what is noticed.

The programs are those of the engine's own test. Here each call is exported and run again; and
again by a program in which one operation is another.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reception.bootstrap.determinism import hidden_loop
from reception.dialog import Returned, Settled
from reception.rehearsal.comparing import Verdict, compared
from reception.rehearsal.pseudonyms import Pseudonyms
from reception.rehearsal.recording import RecordedCall, read_recordings, render_recordings
from reception.rehearsal.redacting import redacted
from tests.unit.dialog import test_random_dialogs as random_dialogs
from tests.unit.dialog.test_random_dialogs import ANSWERS, PROGRAMS, Program, interpreter
from tests.unit.rehearsal.calls import GUEST, Recorder

DAY = date(2026, 1, 2)


class Steady(Recorder, random_dialogs.SteadyRig):
    """A recorder whose chance depends on the step alone, as the engine's test needs it."""


def recorded(program: Program, answers: list[str], *, dies: bool = False) -> RecordedCall:
    recorder = Steady(interpreter(program))
    for answer in answers * 4:
        arrival = random_dialogs.arrival_of(recorder, answer)
        if dies:
            random_dialogs.die_behind_every_effect(recorder, arrival)
        stored = recorder.arrive(arrival.digits, arrival.outcome)
        recorder.now += timedelta(seconds=60)
        if isinstance(stored.outcome, Returned):
            return recorder.recorded()
    raise AssertionError("the program never ended")


def run(program: Program, call: RecordedCall) -> Verdict:
    before = list(random_dialogs.effects_run)
    verdict = compared(interpreter(program), call, sandbox=hidden_loop)
    assert before == random_dialogs.effects_run, "an effect ran"
    return verdict


@given(PROGRAMS, ANSWERS, st.booleans())
@settings(max_examples=40)
def test_every_recorded_call_agrees_with_the_code_that_made_it(
    program: Program, answers: list[str], dies: bool
) -> None:
    verdict = run(program, recorded(program, answers, dies=dies))
    assert ("agrees", None) == (verdict.fate, verdict.difference)


@given(PROGRAMS, ANSWERS)
@settings(max_examples=40)
def test_every_recorded_call_can_be_redacted_and_agrees_then(
    program: Program, answers: list[str]
) -> None:
    call = recorded(program, answers)
    made = redacted(
        interpreter(program),
        call,
        lambda: Pseudonyms(b"k" * 16, known=(), names=(), day=DAY),
        sandbox=hidden_loop,
    )
    (again,) = read_recordings(render_recordings([made]))
    assert ("agrees", None) == ((verdict := run(program, again)).fate, verdict.difference)
    told = render_recordings([again]).decode()
    assert str(GUEST.caller_id_name) not in told
    assert [step.step_no for step in call.steps] == [step.step_no for step in again.steps]


@given(PROGRAMS, ANSWERS, st.integers(0, 11), st.sampled_from(["drop", "say", "step", "ask"]))
@settings(max_examples=50)
def test_one_other_operation_is_noticed(
    program: Program, answers: list[str], at: int, change: str
) -> None:
    at %= len(program)
    # A guard and a clean-up are no operations of their own; the end would notice the latter.
    assume(program[at][0] not in ("changed", "on_end"))
    others: dict[str, list[tuple[str, Any]]] = {
        "drop": [],
        "say": [("say", "Something else.")],
        "step": [("step", 77)],
        "ask": [("ask", "5")],
    }
    changed = [*program[:at], *others[change], *program[at + 1 :]]
    verdict = run(changed, recorded(program, answers))
    assert "differs" == verdict.fate
    assert verdict.difference


@given(PROGRAMS, ANSWERS, st.integers(0, 11))
@settings(max_examples=25)
def test_calls_that_ended_early_agree_too(program: Program, answers: list[str], after: int) -> None:
    recorder = Steady(interpreter(program))
    for answer in answers[: after + 1]:
        arrival = random_dialogs.arrival_of(recorder, answer)
        recorder.arrive(arrival.digits, arrival.outcome)
        if "pivot" not in recorder.steps[-1].reply.decode():
            break
    settled = recorder.end()
    assert isinstance(settled, Settled)
    verdict = run(program, recorder.recorded(settled.entries, "hangup"))
    assert ("agrees", None) == (verdict.fate, verdict.difference)
