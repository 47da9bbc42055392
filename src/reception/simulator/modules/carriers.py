"""
Calls out through carriers: `resources` and its old alias `offnet`.

The trap of the platform lives here: on failure only a child named after the failure is
run, never `_`. Where none matches, version 4 hangs up with the cause and version 5 stops
without telling anybody, so the caller is left in silence.

Source: contract/modules.md, rule 12; traces 130 to 139, 161.
"""

from __future__ import annotations

from typing import Final

from reception.simulator.modules.ringing import CANCELLED, ring, talk
from reception.simulator.steps import Enter, HardStop, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing, Ringing

_TONE: Final = "the tone of a failed call"
_VERSION_4: Final = 4


async def dial_out(step: Step) -> Next:
    """Dial a number through a carrier; without `to_did`, the number first called."""
    number = step.text("to_did") or step.call.setup.to_number
    limit_s = step.number("timeout", 0)
    ringing = Ringing("carrier", number, limit_s * 1_000 if limit_s > 0 else None)
    outcome = await ring(step, ringing)
    if outcome is None:
        return _cancelled(step)
    if outcome.answered:
        await talk(step, number, outcome.talk_ms)
        return HardStop(Outcome.CALLER_HUNG_UP) if step.call.destroyed else Stop(Outcome.BRIDGED)
    for key in (outcome.application_response or outcome.cause, outcome.code):
        child = step.attempt(key) if key else None
        if child is not None:
            return Enter(child)
    return await _lost(step)


def _cancelled(step: Step) -> Next:
    """The caller hung up while it rang: version 4 still looks for a child (trace 161)."""
    child = step.attempt(CANCELLED)
    if step.call.platform == _VERSION_4 and child is not None:
        return Enter(child)
    return HardStop(Outcome.CALLER_HUNG_UP)


async def _lost(step: Step) -> Next:
    step.say(Kind.WARNS, f"{step.module} never takes `_`, and no child is named after the failure")
    is_4 = step.call.platform == _VERSION_4
    if not is_4 or step.attempt("_") is None:
        lasts_ms = step.media_ms(_TONE)
        step.hears(_TONE, lasts_ms, media=_TONE, assumed=step.world.media_ms(_TONE) is None)
        if not await step.wait(Doing.SLEEP, lasts_ms):
            return HardStop(Outcome.CALLER_HUNG_UP)
    if is_4:
        return Stop(Outcome.NOT_REACHED)
    step.say(Kind.WARNS, "version 5 stops here without a hang-up: the caller hears nothing more")
    return HardStop(Outcome.NO_WAY_ON)
