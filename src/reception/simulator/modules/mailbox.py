"""
`voicemail`: a message left in a box.

Whether the box exists, is full or greets for a minute is not known here; what the caller
does comes from the script or is assumed. Checking a box is a dialog of its own and is
not simulated.

Source: contract/modules.md (read there, not recorded: no trace shows a mailbox).
"""

from __future__ import annotations

from typing import Final

from reception.simulator.steps import Continue, HardStop, Next, Outcome, Step
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.world import Doing

_GREETING: Final = "the mailbox greeting and its tone"
_LONGEST_S: Final = 500


async def voicemail(step: Step) -> Next:
    """Let the caller leave a message; `_` after one that ended normally."""
    action, box = step.text("action", "compose"), step.text("id")
    if action != "compose":
        step.say(
            Kind.UNKNOWN,
            f"voicemail {printable(action)}: not simulated here: went on to `_`",
        )
        return Continue()
    step.answer()
    visit = await step.world.mailbox(box)
    if visit.assumed:
        step.say(Kind.ASSUMES, visit.assumed)
    greeting_ms = step.media_ms(_GREETING)
    step.hears(f"{_GREETING}, box {box}", greeting_ms, media=_GREETING, assumed=True)
    if not await step.wait(Doing.MAILBOX, greeting_ms):
        return HardStop(Outcome.CALLER_HUNG_UP)
    length_ms = max(0, min(visit.message_ms, step.number("max_message_length", _LONGEST_S) * 1_000))
    if length_ms and not await step.wait(Doing.MAILBOX, length_ms):
        return HardStop(Outcome.CALLER_HUNG_UP)
    if length_ms:
        step.say(Kind.SETS, f"a message of {seconds(length_ms)} is left", box=box, ms=length_ms)
    if visit.goes_on:
        return Continue()
    step.call.destroyed = True
    step.say(Kind.PRESSES, "the caller hung up", hangup=True)
    return HardStop(Outcome.CALLER_HUNG_UP)
