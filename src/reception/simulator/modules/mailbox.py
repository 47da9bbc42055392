"""
`voicemail`: a message left in a box, or a box listened to.

Whether the box exists, is full or greets for a minute is not known here; what the caller
does comes from the script or is assumed. Listening to a box is a dialog of its own: it is
let pass as one visit.

Source: contract/modules.md (read there, not recorded: no trace shows a mailbox).
"""

from __future__ import annotations

from typing import Any, Final

from reception.simulator.events import DTMF
from reception.simulator.lookup import look_up
from reception.simulator.steps import Branch, Continue, HardStop, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.world import Doing

_GREETING: Final = "the mailbox greeting and its tone"
_LONGEST_S: Final = 500
_OPERATOR_KEY: Final = "0"


async def voicemail(step: Step) -> Next:
    """Let the caller leave a message; `_` after one that ended normally."""
    action, box = step.text("action", "compose"), step.text("id")
    if action == "check":
        return await _listen(step, box)
    if action != "compose":
        step.say(Kind.UNKNOWN, f"voicemail {printable(action)}: no such action: went on to `_`")
        return Continue()
    step.answer()
    visit = await step.world.mailbox(box)
    if visit.assumed:
        step.say(Kind.ASSUMES, visit.assumed)
    greeting_ms = step.media_ms(_GREETING)
    step.hears(f"{_GREETING}, box {box}", greeting_ms, media=_GREETING, assumed=True)
    operator = await _greeting(step, box, greeting_ms)
    if operator is not None:
        return operator
    length_ms = max(0, min(visit.message_ms, step.number("max_message_length", _LONGEST_S) * 1_000))
    if length_ms and not await step.wait(Doing.MAILBOX, length_ms, restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    if length_ms:
        step.say(Kind.SETS, f"a message of {seconds(length_ms)} is left", box=box, ms=length_ms)
    if visit.goes_on:
        return Continue()
    step.say(Kind.PRESSES, "the caller hung up", hangup=True)
    step.switch.end("NORMAL_CLEARING", by="caller")
    return HardStop(Outcome.CALLER_HUNG_UP)


async def _greeting(step: Step, box: str, lasts_ms: int) -> Next | None:
    """Let the greeting play; the operator's key leads to the operator, if there is one."""
    step.situate(Doing.MAILBOX, lasts_ms, "the greeting")
    until_ms = step.now_ms + lasts_ms
    number = _operator(step.world.document(box))
    while True:
        event = await step.receive(until_ms)
        if event is None:
            return None
        if event.ends_call:
            return Stop(Outcome.CALLER_HUNG_UP)
        found = look_up(step.world, number) if number else None
        if event.name == DTMF and event.fields["DTMF-Digit"] == _OPERATOR_KEY and found:
            step.say(Kind.PRESSES, f"{_OPERATOR_KEY}  (to the operator)", key=_OPERATOR_KEY)
            return Branch(found.flow)
        step.lose(event, f"during the {Doing.MAILBOX.value}")


def _operator(document: Any) -> str:
    number = document.get("operator_number") if document else None
    return number if isinstance(number, str) else ""


async def _listen(step: Step, box: str) -> Next:
    step.answer()
    visit = await step.world.mailbox(box)
    if visit.assumed:
        step.say(Kind.ASSUMES, visit.assumed)
    for_ms = max(0, visit.message_ms)
    step.hears(f"the messages of box {box}", for_ms, media=box, assumed=True)
    if for_ms and not await step.wait(Doing.MAILBOX, for_ms, "the messages", restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    if not visit.goes_on:
        step.say(Kind.PRESSES, "the caller hung up", hangup=True)
        step.switch.end("NORMAL_CLEARING", by="caller")
        return HardStop(Outcome.CALLER_HUNG_UP)
    return Continue()
