"""
Dialogs made up by chance: whatever they do, a replay does it again.

A program is a list of operations that one handler interprets; the caller answers by chance.
At every step: the reply that a replay from the stored bytes gives is the stored one, also
when a worker died behind every effect before, and in the end everything went out once.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reception import App, Call, CallEnded, flow
from reception.dialog import Arrival, Effects, Entries, Facts, Returned, Settled, Suspended
from tests.unit.dialog.rig import FALLBACK, Rig, collection_in

Program = list[tuple[str, Any]]

_LEAF = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from([None, "12", "123456789"])),
    st.tuples(st.just("secret"), st.none()),
    st.tuples(st.just("step"), st.integers(0, 9)),
    st.tuples(st.just("failing"), st.integers(0, 9)),
    st.tuples(st.just("gather"), st.integers(1, 3)),
    st.tuples(st.just("now"), st.none()),
    st.tuples(st.just("random"), st.none()),
    st.tuples(st.just("say"), st.sampled_from(["One.", "Two."])),
    st.tuples(st.just("enqueue"), st.integers(0, 9)),
    st.tuples(st.just("run"), st.none()),
    st.tuples(st.just("sleep"), st.none()),
    st.tuples(st.just("tag"), st.integers(0, 9)),
    st.tuples(st.just("changed"), st.sampled_from("ab")),
    st.tuples(st.just("on_end"), st.integers(0, 9)),
)
PROGRAMS = st.lists(_LEAF, min_size=1, max_size=12)
ANSWERS = st.lists(st.sampled_from(["", "1", "2", "7", "12"]), min_size=16, max_size=16)

effects_run: list[int] = []


def act(number: int) -> dict[str, int]:
    effects_run.append(number)
    return {"number": number}


def fail(number: int) -> None:
    effects_run.append(number)
    raise LookupError(number)


def task(number: int) -> None: ...


class SteadyRig(Rig):
    """
    Chance that depends on the step alone.

    A worker that takes over behind an effect draws anew what was not written down yet. That is
    right, and would make two runs differ here for a reason that is not tried.
    """

    def facts(self) -> Facts:
        return replace(super().facts(), entropy=lambda count: bytes([len(self.steps)]) * count)


def interpreter(program: Program) -> App:
    app = App("random", fallback=FALLBACK)

    @app.answer
    async def answer(call: Call) -> Any:
        seen: list[Any] = []
        for kind, value in program:
            seen.append(await operation(call, kind, value, seen))
        text = " ".join(str(each) for each in seen)[:900] or "nothing"
        return flow.tts(text).then(flow.hangup())

    return app


async def operation(call: Call, kind: str, value: Any, seen: list[Any]) -> Any:
    if kind == "ask":
        return await call.ask(f"So far {len(seen)}.", valid=value, max_digits=2, retries=1)
    if kind == "secret":
        pin = await call.ask("PIN?", max_digits=4, secret=True)
        return bool(pin)
    if kind == "step":
        return await call.step(act, value)
    if kind == "failing":
        try:
            await call.step(fail, value)
        except LookupError as error:
            return error.args
    if kind == "gather":
        return await call.gather(*(call.step(act, number) for number in range(value)))
    if kind == "now":
        return await call.now()
    if kind == "random":
        return await call.random()
    if kind == "run":
        return await call.run(flow.user("u", timeout=5))
    if kind == "changed":
        return call.changed(value)
    if kind == "on_end":
        return call.on_end(task, value)
    if kind == "say":
        await call.say(value)
    elif kind == "enqueue":
        await call.enqueue(task, value)
    elif kind == "tag":
        await call.tag(number=value)
    elif kind == "sleep":
        await call.sleep(1)
    return None


def arrival_of(rig: Rig, answer: str) -> Arrival:
    step = len(rig.steps)
    name = collection_in(rig.steps[-1].reply) if rig.steps else ""
    return Arrival(step, {name: answer} if answer and name else {}, "_" if step else "")


def play(rig: Rig, answers: list[str], *, dies: bool) -> None:
    """Let the call go through to its end."""
    for answer in answers * 4:
        arrival = arrival_of(rig, answer)
        now = rig.now
        if dies:
            die_behind_every_effect(rig, arrival)
            rig.now = now
        stored = rig.arrive(arrival.digits, arrival.outcome)
        again(rig, arrival, now)
        rig.now += timedelta(seconds=60)
        if isinstance(stored.outcome, Returned):
            return
        assert isinstance(stored.outcome, Suspended)
    raise AssertionError("the program never ended")


def die_behind_every_effect(rig: Rig, arrival: Arrival) -> None:
    """A worker claims, runs, stores the result, and is gone; the next one has another clock."""
    for _ in range(50):
        conversation = rig.conversation(arrival)
        out = conversation.advance()
        conversation.park()
        rig.now += timedelta(seconds=1)
        if not isinstance(out, Effects):
            return
        for effect in out.effects:
            rig.claimed.setdefault(effect.op, effect.before)
            rig.results.setdefault(effect.op, rig.run(effect))
    raise AssertionError("effects without end")


def again(rig: Rig, arrival: Arrival, now: datetime) -> None:
    """From what is stored, the step that was just answered is answered the same."""
    stored = rig.steps[-1]
    twin = SteadyRig(rig.app, rig.steps[:-1], dict(rig.claimed), dict(rig.results), now=now)
    ran = list(rig.ran)
    other = twin.arrive(arrival.digits, arrival.outcome)
    assert stored.reply == other.reply
    assert stored.entries == other.entries
    assert stored.jobs == other.jobs
    assert [] == twin.ran
    assert ran == rig.ran


@given(PROGRAMS, ANSWERS)
def test_a_replay_from_every_prefix_gives_the_same_reply(
    program: Program, answers: list[str]
) -> None:
    rig = SteadyRig(interpreter(program))
    play(rig, answers, dies=False)
    assert len(rig.ran) == len(set(rig.ran))
    ops = [e.op for s in rig.steps for e in Entries.decode(s.entries).entries if e.state == "done"]
    assert len(ops) == len(set(ops)), "an operation was journaled twice"


@given(PROGRAMS, ANSWERS)
def test_workers_that_die_behind_every_effect_change_nothing(
    program: Program, answers: list[str]
) -> None:
    calm, dying = SteadyRig(interpreter(program)), SteadyRig(interpreter(program))
    play(calm, answers, dies=False)
    play(dying, answers, dies=True)
    assert len(calm.steps) == len(dying.steps)
    assert calm.ran == dying.ran, "an effect ran twice, or not at all"
    for one, other in zip(calm.steps, dying.steps, strict=True):
        kinds = [[(e.op, e.kind) for e in Entries.decode(s.entries).entries] for s in (one, other)]
        assert sorted(kinds[0]) == sorted(kinds[1])
        assert one.jobs == other.jobs


@given(PROGRAMS, ANSWERS, st.integers(0, 11))
def test_a_call_may_end_at_any_question_and_settles_the_same_twice(
    program: Program, answers: list[str], after: int
) -> None:
    rig = SteadyRig(interpreter(program))
    for answer in answers[: after + 1]:
        arrival = arrival_of(rig, answer)
        rig.arrive(arrival.digits, arrival.outcome)
        if isinstance(rig.steps[-1].outcome, Returned):
            break
    twin = copy.deepcopy(rig.results)
    settled = rig.end()
    assert isinstance(settled, Settled)
    assert settled.error is None or isinstance(settled.error, CallEnded)
    rig.results |= twin
    before = list(rig.ran)
    assert settled == rig.end()
    assert before == rig.ran
