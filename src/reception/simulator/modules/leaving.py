"""
The modules after which no child of theirs runs: hang-ups, refusals, and hand-overs.

Handed over, the call belongs to another part of the platform; how long it stays there is
not the flow's business.

Source: contract/modules.md; traces 97, 100, 101. The hand-overs were read in their
modules, not recorded.
"""

from __future__ import annotations

from typing import Final

from reception.simulator.events import TRANSFEREE
from reception.simulator.modules.refusing import respond
from reception.simulator.steps import (
    Continue,
    Gone,
    HardStop,
    Next,
    Outcome,
    Step,
    Stop,
    Transferred,
)
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing

_STAYS_MS: Final = 30_000


async def hangup(step: Step) -> Next:
    """Hang up, whatever is stacked."""
    step.hang_up()
    return HardStop(Outcome.HANGUP)


async def response(step: Step) -> Next:
    """Refuse the call with a SIP response; a stacked flow still runs (trace 100)."""
    code = step.number("code", 486)
    message, media = step.text("message"), step.text("media")
    heard = f", with {media} first" if media else ""
    late = "; the call was answered before, so the code is not seen"
    late = late if step.switch.is_answered else ""
    step.say(Kind.HEARS, f"SIP response {code} {message}".rstrip() + heard + late, code=code)
    path = step.media_path(media) if media else ""
    await respond(step, str(code), message, path, heard_as=f"plays {media}")
    return Stop(Outcome.RESPONDED)


async def stay(step: Step) -> Next:
    """Keep the caller in silence until the caller hangs up."""
    if step.module == "dead_air":
        step.answer()
    step.say(Kind.HEARS, "silence, without end", ms=None)
    step.situate(Doing.SLEEP, None, step.module)
    while True:
        event = await step.receive()
        if event is None or event.ends_call:
            return Stop(Outcome.CALLER_HUNG_UP)
        step.lose(event, "in the silence")


async def hand_over(step: Step) -> Next:
    """Give the call to another part of the platform, or hang up where there is nothing."""
    said, nothing = _TAKERS[step.module]
    if step.world.outcome(step.module, step.text("id")) == "none":
        step.say(Kind.SETS, nothing, module=step.module)
        await step.prompt("fault-can_not_be_completed_at_this_time")
        return Stop(Outcome.NOT_REACHED)
    step.answer()
    step.say(Kind.SETS, f"{said}  (assumed)", module=step.module)
    if not await step.wait(Doing.TALK, _STAYS_MS, step.module.replace("_", " "), restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    step.say(Kind.RINGS, f"that is over after {seconds(_STAYS_MS)}  (assumed)")
    return Stop(Outcome.TAKEN_OVER)


async def take_control(step: Step) -> Next:
    """Give the call away for good: the executor ends without hanging it up."""
    said, _ = _TAKERS[step.module]
    step.answer()
    step.say(Kind.SETS, said, module=step.module)
    return Transferred()


async def transfer(step: Step) -> Next:
    """
    Transfer the call: the module ends without a word, and the network does the rest.

    A blind transfer takes the call away from this executor; where nothing comes of it the
    caller is left in silence.
    """
    target, kind = step.text("target"), step.text("transfer_type", "blind")
    step.order("transfer", {"Transfer-To": target, "Transfer-Type": kind})
    step.say(Kind.SETS, f"a {kind} transfer to {target}", target=target, transfer=kind)
    if step.world.outcome(step.module) == "nothing":
        return Gone(Outcome.NO_WAY_ON)
    switch = step.switch
    step.timeline.after(step.settings.hang_up_ms, lambda: switch.signal(TRANSFEREE, {}))
    return Gone(Outcome.TAKEN_OVER)


async def park(step: Step) -> Next:
    """
    Park the call, or fetch a parked one.

    Nobody fetches it for a while: the slot's child, if there is one, else `_`.
    """
    action, slot = step.text("action", "park"), step.text("slot")
    said = step.world.outcome(step.module, slot)
    step.answer()
    if said == "full":
        return Continue("MAX_SLOT_EXCEEDED")
    if action == "retrieve":
        if said in (None, "empty"):
            step.say(Kind.ASSUMES, "what is parked there is not known here: nothing")
            await step.prompt("park-no_caller")
            return Continue()
        return Stop(Outcome.BRIDGED)
    step.say(Kind.SETS, f"parked in slot {slot or '(the next free one)'}", slot=slot)
    if not await step.wait(Doing.TALK, _STAYS_MS, "parked", restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    if said == "fetched":
        return Transferred()
    step.say(Kind.ASSUMES, f"nobody fetches the call for {seconds(_STAYS_MS)}")
    return Continue(slot) if slot else Continue()


async def acdc_member(step: Step) -> Next:
    """Put the caller into a queue: an agent takes the call, or `_` after the wait."""
    said = step.world.outcome(step.module, step.text("id"))
    step.answer()
    step.say(Kind.SETS, f"waits in queue {step.text('id')}")
    if not await step.wait(Doing.TALK, _STAYS_MS, "the queue", restarts=False):
        return Stop(Outcome.CALLER_HUNG_UP)
    if said == "answered":
        return Stop(Outcome.BRIDGED)
    if said is None:
        step.say(Kind.ASSUMES, f"no agent takes the call within {seconds(_STAYS_MS)}")
    return Continue()


_TAKERS: Final = {
    "call_pickup": ("takes over the call it was told", "there is no such call"),
    "camping_feature": ("will be called back when the extension is free", "nobody to wait for"),
    "conference": ("the caller is in the conference", "there is no such conference"),
    "conference_feature": ("the caller is in the conference", "there is no such conference"),
    "eavesdrop": ("listens to another call", "there is no call to listen to"),
    "eavesdrop_feature": ("listens to another call", "there is no call to listen to"),
    "faxbox": ("the fax application has the call", "there is no such faxbox"),
    "group_pickup": ("picks up a ringing call of the group", "no call rings there"),
    "group_pickup_feature": ("picks up a ringing call of the group", "no call rings there"),
    "intercept": ("takes over a call that goes on", "no call goes on there"),
    "intercept_feature": ("takes over a call that goes on", "no call goes on there"),
    "move": ("the owner's other call moves here", "the owner has no other call"),
    "receive_fax": ("a fax is received", "no fax comes"),
}
