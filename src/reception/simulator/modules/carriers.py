"""
Calls out through carriers: `resources` and its old alias `offnet`.

The trap of the platform lives here: on failure only a child named after the failure is
run, never `_`. Where none matches, version 4 hangs up with the cause and version 5 stops
without telling anybody, so the caller is left in silence.

Source: contract/modules.md, rule 12; traces 130 to 139, 161.
"""

from __future__ import annotations

from typing import Any, Final

from reception.simulator.events import DTMF, OFFNET, CallEvent
from reception.simulator.modules.refusing import respond
from reception.simulator.modules.ringing import (
    CANCELLED,
    CLEARED,
    announce,
    attempt_failures,
    tell_failure,
)
from reception.simulator.responses import DEFAULT_RESPONSES
from reception.simulator.steps import HardStop, Next, Outcome, Step, Stop, Transferred
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing, Ring, Ringing

_TONE_HEARD: Final = "the tone of a failed call"
_SUCCESS: Final = "SUCCESS"
_TRANSFER: Final = "TRANSFER"


async def dial_out(step: Step) -> Next:
    """Dial a number through a carrier; without `to_did`, the number first called."""
    number = step.text("to_did") or step.call.setup.to_number
    limit_s = step.number("timeout", 0)
    ringing = Ringing("carrier", number, limit_s * 1_000 if limit_s > 0 else None)
    ring = await step.asked(ringing)
    variables = dict(step.call.application_vars)
    step.rows.write("offnet_request", to_did=number, custom_application_vars=variables)
    announce(step, ringing)
    ended = await _wait(step, number, ring)
    message, code = ended.application_response or ended.cause, ended.code
    if message == _SUCCESS or (message == CLEARED and code in (None, "sip:200")):
        return Stop(Outcome.BRIDGED)
    if message == _TRANSFER:
        return Transferred()
    after = attempt_failures(step, [key for key in (message, code) if key])
    return after if after is not None else await _lost(step, message or "")


async def _wait(step: Step, number: str, ring: Ring) -> Ring:
    """Wait for the carriers' answer, or for the caller to hang up."""
    if ring.after_ms is not None:
        _answer_later(step, ring, ring.after_ms + (ring.talk_ms if ring.answered else 0))
        if ring.answered and ring.talk_ms:
            step.timeline.after(ring.after_ms, lambda: _answered(step, number, ring))
    step.situate(Doing.RING, ring.after_ms, f"carrier {number}")
    while True:
        event = await step.receive()
        if event is None or event.ends_call:
            cause = CANCELLED if event is None else str(event.fields.get("hangup_cause"))
            return Ring(application_response=cause)
        if event.name == OFFNET:
            told = _told(event)
            if told.application_response == _SUCCESS:
                step.say(Kind.RINGS, f"{number} hangs up after {seconds(ring.talk_ms)} of talk")
            else:
                tell_failure(step, told)
            return told
        if event.name == DTMF and step.switch.is_answered and ring.answered:
            digit = event.fields["DTMF-Digit"]
            step.say(Kind.PRESSES, f"{digit}  (heard by {number})", key=digit)
        else:
            step.lose(event, "while it rings")


def _answer_later(step: Step, ring: Ring, after_ms: int) -> None:
    message = _SUCCESS if ring.answered else ring.application_response or ring.cause

    def answer() -> None:
        if step.executor.outcome is not None:
            return
        fields: dict[str, Any] = {"message": message, "code": ring.code}
        step.rows.write("offnet_response", **fields)
        step.executor.tell(CallEvent(OFFNET, fields=fields))

    step.timeline.after(after_ms, answer)


def _answered(step: Step, number: str, ring: Ring) -> None:
    if step.process.is_alive and not step.switch.is_gone:
        step.switch.is_answered = True
        step.say(Kind.RINGS, f"{number} answers", answered=True)
        step.situate(Doing.TALK, ring.talk_ms, number)


def _told(event: CallEvent) -> Ring:
    return Ring(application_response=event.fields["message"], code=event.fields["code"])


async def _lost(step: Step, cause: str) -> Next:
    step.say(Kind.WARNS, f"{step.module} never takes `_`, and no child is named after the failure")
    hangs_up = step.settings.unmatched_carrier_hangs_up
    if not step.has_child("_") and not step.switch.is_gone:
        await _default_response(step, cause)
    if hangs_up:
        return Stop(Outcome.NOT_REACHED, cause=cause or None)
    step.say(Kind.WARNS, "version 5 stops here without a hang-up: the caller hears nothing more")
    return HardStop(Outcome.NO_WAY_ON)


async def _default_response(step: Step, cause: str) -> None:
    """Let the caller hear that it failed, and answer the call with a SIP response."""
    response = DEFAULT_RESPONSES.get(cause)
    if response is not None:
        media = step.prompt_media(response.media) if response.is_prompt else response.media
        await respond(step, response.code, response.message, media, heard_as=_TONE_HEARD)
