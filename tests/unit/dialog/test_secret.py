"""A PIN: it works where it arrives, and is nowhere afterwards."""

from __future__ import annotations

import copy
import pickle
import traceback
from functools import partial
from typing import Any

import pytest

from reception import Call, Secret, flow
from reception.dialog import Arrival, Effects
from reception.errors import AppError
from tests.unit.dialog.rig import Rig, app_of, collection_in, modules, nodes

PIN = "471108"


def verify(pin: Secret) -> bool:
    return pin.reveal() == PIN


def reject(pin: Secret) -> bool:
    raise ValueError(f"{pin.reveal()} is wrong", {"pin": pin.reveal()})


async def door(call: Call) -> Any:
    pin = await call.ask("PIN?", max_digits=6, secret=True, retries=1)
    if not pin:
        return flow.tts("No PIN.")
    good = await call.step(verify, pin)
    room = await call.ask("Room?")
    return flow.tts(f"{good} {room} {bool(pin)}")


def everything(rig: Rig) -> bytes:
    kept = [part for s in rig.steps for part in (s.entries, s.reply, s.bucket, repr(s).encode())]
    return b"".join([*kept, *rig.claimed.values(), *rig.results.values()])


def test_a_secret_is_verified_where_it_arrives_and_is_nowhere_afterwards() -> None:
    rig = Rig(app_of(door))
    rig.arrive()
    rig.answer(PIN)
    last = rig.answer("1")
    assert b'"True 1 True"' in last.reply
    assert PIN.encode() not in everything(rig)
    assert 1 == len(rig.ran)


def test_the_next_reply_erases_the_collection_first() -> None:
    rig = Rig(app_of(door))
    pin_collection = collection_in(rig.arrive().reply)
    reply = rig.answer(PIN).reply
    assert ["collect_dtmf", "collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(reply)
    assert {
        "collection_name": pin_collection,
        "max_digits": 1,
        "terminator": "#",
        "timeout": 1,
    } == nodes(reply)[0][1]
    assert pin_collection not in str(nodes(rig.answer("1").reply))


def test_a_fallback_and_a_final_flow_erase_it_too() -> None:
    async def late(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        await call.step(verify, pin)
        return flow.hangup()

    for slow in ({"1"}, set[str]()):
        rig = Rig(app_of(late), slow=slow)
        name = collection_in(rig.arrive().reply)
        assert name == nodes(rig.answer(PIN).reply)[0][1]["collection_name"]


def test_silence_is_a_secret_that_is_false_and_nothing_is_erased() -> None:
    rig = Rig(app_of(door))
    rig.arrive()
    assert ["collect_dtmf", "tts", "collect_dtmf", "pivot"] == modules(rig.answer("").reply)
    assert b"No PIN." in rig.answer("").reply


def test_on_replay_a_secret_is_empty_and_says_why() -> None:
    caught: list[AppError] = []

    async def late(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        await call.ask("Room?")
        try:
            pin.reveal()
        except AppError as error:
            caught.append(error)
        return flow.hangup()

    rig = Rig(app_of(late))
    rig.arrive()
    rig.answer(PIN)
    rig.answer("1")
    assert "dialog.secret_gone" == caught[0].code


def test_an_error_that_quotes_the_secret_is_written_without_it() -> None:
    seen: list[Any] = []

    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        try:
            await call.step(reject, pin)
        except ValueError as error:
            seen.append(error.args)
        return flow.hangup()

    rig = Rig(app_of(answer))
    rig.arrive()
    rig.answer(PIN)
    assert [("*** is wrong", {"pin": "***"})] == seen
    assert PIN.encode() not in everything(rig)


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(PIN)
    assert PIN not in f"{secret} {secret!r} {[secret]}"
    for use in (copy.copy, pickle.dumps):
        with pytest.raises(AppError):
            use(secret)
    with pytest.raises(AppError):
        assert secret == PIN
    with pytest.raises(TypeError):
        hash(secret)


def test_a_secret_is_not_stored_with_a_job_nor_compared_on_replay() -> None:
    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        await call.enqueue("mail.send", pin)
        return flow.hangup()

    rig = Rig(app_of(answer))
    rig.arrive()
    with pytest.raises(AppError, match="Secret cannot be stored"):
        rig.answer(PIN)


def test_an_effect_with_a_secret_is_the_same_operation_for_another_secret() -> None:
    rig = Rig(app_of(door))
    name = collection_in(rig.arrive().reply)
    digests = set()
    for typed in ("111111", "222222"):
        out = rig.conversation(Arrival(1, {name: typed})).advance()
        assert isinstance(out, Effects)
        digests.add(out.effects[0].before)
        assert typed not in repr(out)
    assert 1 == len(digests)


def test_a_worker_that_dies_behind_the_secrets_claim_leaves_it_to_the_next_one() -> None:
    rig = Rig(app_of(door))
    name = collection_in(rig.arrive().reply)
    out = rig.conversation(Arrival(1, {name: PIN})).advance()
    assert isinstance(out, Effects)
    rig.claimed[out.effects[0].op] = out.effects[0].before
    # The same request again: the effect still gets the keys, and the platform forgets them.
    reply = rig.arrive({name: PIN}).reply
    assert name == nodes(reply)[0][1]["collection_name"]
    assert b'"True 1 True"' in rig.answer("1").reply
    assert PIN.encode() not in everything(rig)


class Verifier:
    def __init__(self, pin: Secret) -> None:
        self.pin = pin

    def reject(self) -> bool:
        return reject(self.pin)


@pytest.mark.parametrize(
    "step",
    [
        lambda call, pin: call.step(partial(reject, pin)),
        lambda call, pin: call.step(partial(reject, pin=pin)),
        lambda call, pin: call.step(lambda: reject(pin)),
        lambda call, pin: call.step(lambda pins: reject(pins[0]["pin"]), [{"pin": pin}]),
        lambda call, pin: call.step(Verifier(pin).reject),
    ],
)
def test_however_a_secret_reaches_a_step_its_errors_are_written_without_it(step: Any) -> None:
    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        try:
            await step(call, pin)
        except ValueError as error:
            await call.say(str(error))
        await call.ask("Room?")
        return flow.hangup()

    rig = Rig(app_of(answer))
    rig.arrive()
    assert b"*** is wrong" in rig.answer(PIN).reply
    assert PIN.encode() not in everything(rig)


def test_what_arrived_does_not_show_what_was_typed() -> None:
    assert PIN not in repr(Arrival(1, {"e1s1": PIN}))


def test_a_secret_is_told_to_steps_only() -> None:
    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        return flow.tts(pin.reveal())

    rig = Rig(app_of(answer))
    rig.arrive()
    with pytest.raises(AppError, match=r"inside a step only.*call\.step\(verify") as caught:
        rig.answer(PIN)
    assert "dialog.secret_outside" == caught.value.code
    # Of its own making a test may look at it.
    assert PIN == Secret(PIN).reveal()


async def verify_later(pin: Secret) -> bool:
    return verify(pin)


def test_a_step_that_goes_on_on_the_event_loop_is_told_the_secret() -> None:
    async def answer(call: Call) -> Any:
        pin = await call.ask("PIN?", max_digits=6, secret=True)
        good = [await call.step(verify_later, pin), await call.step(lambda: verify_later(pin))]
        return flow.tts(str(good)).then(flow.hangup())

    rig = Rig(app_of(answer))
    rig.arrive()
    assert b"[True,True]" in rig.answer(PIN).reply.replace(b" ", b"")


def test_a_function_that_judges_a_secret_does_not_quote_it() -> None:
    def judge(keys: str) -> bool:
        return {"1": True}[keys]

    async def answer(call: Call) -> Any:
        await call.ask("PIN?", max_digits=6, secret=True, valid=judge)
        return flow.hangup()

    rig = Rig(app_of(answer))
    rig.arrive()
    with pytest.raises(AppError, match="raised KeyError") as caught:
        rig.answer(PIN)
    told = "".join(traceback.format_exception(caught.value))
    assert PIN not in told
