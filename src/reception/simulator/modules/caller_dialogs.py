"""
The modules that talk with the caller by themselves: directory, disa, doorman and others.

Whom they find, whether a PIN is right and what is said to a door is the world's; without
a word of it the likeliest is assumed. Several dial on the part of the number that its
pattern caught: a flow that came in a Pivot reply has none of it, unless the number has.

Source: contract/modules.md, read there and in the modules (no trace shows one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reception.simulator.lookup import Found, look_up
from reception.simulator.modules.digits import collect
from reception.simulator.modules.ringing import bridge, succeeded
from reception.simulator.numbers import e164
from reception.simulator.process import Crash
from reception.simulator.steps import (
    Branch,
    Continue,
    HardStop,
    Next,
    Outcome,
    Step,
    Stop,
)
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing, Ringing

_TRIES: Final = 3
_LONGEST_NAME: Final = 20
_PIN_MS: Final = 10_000
_INTERDIGIT_MS: Final = 3_000
_RING_S: Final = 30
_RECORDED_MS: Final = 3_000


async def directory(step: Step) -> Next:
    """Let the caller spell a name: a match leads into that user's callflow."""
    document = step.world.document(step.text("id"))
    said = step.world.outcome(step.module, step.text("id"))
    if said == "unknown":
        raise Crash("{badmatch,{error,not_found}}")
    step.answer()
    if said == "empty":
        await step.prompt("dir-no_users")
        return Continue()
    for _ in range(_TRIES):
        keys = await _ask(step, "dir-enter_person", _LONGEST_NAME, "a name")
        if keys is None:
            return Stop(Outcome.CALLER_HUNG_UP)
        found = look_up(step.world, _extension(document, keys))
        if found is not None and not found.is_no_match:
            return Branch(found.flow)
        await step.prompt("dir-no_results_found")
    return Stop(Outcome.NOT_REACHED)


async def disa(step: Step) -> Next:
    """Ask for a PIN and a number, and go where the number leads; `_` after too many tries."""
    step.answer()
    retries = max(1, min(10, step.number("retries", _TRIES)))
    pin = step.text("pin")
    if not pin:
        step.say(Kind.WARNS, "disa without a PIN lets anybody dial out on the account")
    elif not await _right_pin(step, pin, retries):
        return Stop(Outcome.CALLER_HUNG_UP if step.switch.is_gone else Outcome.NOT_REACHED)
    for _ in range(retries):
        number = await _ask(
            step, "disa-dialtone", max(1, step.number("max_digits", 15)), "a number"
        )
        if number is None:
            return Stop(Outcome.CALLER_HUNG_UP)
        number = e164(number)
        found = look_up(step.world, number) if number else None
        if found is not None:
            step.call.setup = replace(step.call.setup, to_number=number)
            return _into(step, found)
        await step.prompt("disa-invalid_extension")
    return Continue()


async def dynamic_cid(step: Step) -> Next:
    """Choose the caller id for a call out, and go on; a number that is not allowed stops."""
    if step.text("action", "manual") == "manual":
        step.answer()
        longest = max(1, step.number("max_digits", 10))
        keys = await _ask(step, "dynamic-cid-enter_cid", longest, "a caller id")
        if keys is None:
            return Stop(Outcome.CALLER_HUNG_UP)
    if step.world.outcome(step.module, step.text("id")) == "invalid":
        await step.prompt("cf-unauthorized_call")
        return Stop(Outcome.NOT_REACHED)
    step.say(Kind.SETS, "another caller id for later calls out")
    step.write_back()
    return Continue()


async def privacy(step: Step) -> Next:
    """Hide the caller id, and go where the caught part of the number leads."""
    mode = step.text("mode", "full")
    step.order("privacy", {"Privacy-Mode": mode})
    step.say(Kind.SETS, f"the caller id is hidden: {mode}", mode=mode)
    caught = step.call.capture_group
    if not caught:
        return Continue()
    found = look_up(step.world, caught)
    return Stop(Outcome.NOT_REACHED) if found is None else Branch(found.flow)


async def intercom(step: Step) -> Next:
    """Call a phone that answers by itself: the callflow of the caught extension."""
    caught = step.call.capture_group
    if not caught:
        await step.prompt("fault-can_not_be_completed_as_dialed")
        return Stop(Outcome.NOT_REACHED)
    found = look_up(step.world, caught)
    if found is None or found.is_no_match:
        return Continue()
    return _into(step, found)


async def doorman(step: Step) -> Next:
    """Ask who calls, ring somebody, and let them decide: mostly the call ends here."""
    step.answer()
    if not await step.prompt("doorman-greeting"):
        return Stop(Outcome.CALLER_HUNG_UP)
    if not await step.wait(Doing.MAILBOX, _RECORDED_MS, "the caller's name", restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    ringing = Ringing("user", step.text("id"), max(1, step.number("call_timeout", _RING_S)) * 1_000)
    rung = await bridge(step, ringing, await step.asked(ringing), {})
    if rung is not None and succeeded(rung):
        return Stop(Outcome.BRIDGED)
    if step.switch.is_gone:
        return HardStop(Outcome.CALLER_HUNG_UP)
    if step.text("failover_strategy", "hangup") == "hangup":
        step.hang_up()
        return HardStop(Outcome.NOT_REACHED)
    return Continue()


async def record_caller(step: Step) -> Next:
    """Record the caller until a stop, or for as long as it may last."""
    step.answer()
    longest_s = max(1, step.number("time_limit", 3_600))
    said = step.world.media_ms("record_caller")
    for_ms = min(longest_s * 1_000 + 2_000, _RECORDED_MS if said is None else said)
    step.order("record_call", {"Record-Action": "start", "Time-Limit": longest_s})
    step.say(Kind.SETS, "records the caller", ms=for_ms)
    if not await step.wait(Doing.MAILBOX, for_ms, "the recording", restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    return Continue()


def _extension(document: Mapping[str, Any] | None, keys: str) -> str:
    """Read whose name it is that the keys spell; undescribed, the keys are an extension."""
    entries = (document or {}).get("entries")
    extension = entries.get(keys) if isinstance(entries, Mapping) else None
    return extension if isinstance(extension, str) else keys


def _into(step: Step, found: Found) -> Next:
    step.call.capture_group = found.capture_group
    step.write_back()
    return Branch(found.flow)


async def _right_pin(step: Step, pin: str, retries: int) -> bool:
    for _ in range(retries):
        keys = await _ask(step, "disa-enter_pin", max(len(pin), 1), "a PIN")
        if keys is None:
            return False
        if keys == pin:
            return True
        await step.prompt("disa-invalid_pin")
    step.hang_up()
    return False


async def _ask(step: Step, prompt: str, longest: int, what: str) -> str | None:
    """Play one of the platform's prompts and hear keys; None when the caller hung up."""
    lasts_ms = step.play(step.prompt_media(prompt), heard_as=f"the platform's prompt {prompt}")
    number = step.switch.noop()
    step.situate(Doing.MENU, (lasts_ms or 0) + _PIN_MS, what, longest)
    return await collect(step, longest, _PIN_MS, _INTERDIGIT_MS, number=number)
