"""
What every call out has in common: ringing, talking, and the keys of a failure.

A failed bridge looks for a child named after what went wrong, in an order that differs by
version. Whether `_` follows is the module's own business: for phones it does, for
carriers it does not.

Source: contract/modules.md, engine rules 12 and 13; traces 110 to 137, 161.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.simulator.call import Platform
from reception.simulator.steps import Node, Step
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.world import Decided, Doing, HungUp, Key, Ring, Ringing

_GIVE_UP_MS: Final = 20_000
_UNSPECIFIED: Final = "UNSPECIFIED"
CANCELLED: Final = "ORIGINATOR_CANCEL"
_VERSION_5: Final = 5


async def ring(step: Step, ringing: Ringing) -> Ring | None:
    """
    Let something ring until it is answered or fails; None when the caller hung up.

    A ring that ends in `after_ms` None is one about which the platform heard nothing at
    all: the module gives up 20 s after its own timeout (trace 122).
    """
    outcome = await step.world.ring(ringing)
    return outcome if outcome.missing else await ring_out(step, ringing, outcome)


async def ring_out(step: Step, ringing: Ringing, outcome: Ring) -> Ring | None:
    """Let it ring until what the world said comes to pass, or something else does first."""
    limit = "" if ringing.timeout_ms is None else f"  (for {seconds(ringing.timeout_ms)})"
    if outcome.assumed:
        step.say(Kind.ASSUMES, outcome.assumed)
    step.say(
        Kind.RINGS,
        f"{ringing.kind} {printable(ringing.id)}{limit}",
        endpoint=ringing.kind,
        id=ringing.id,
        timeout_ms=ringing.timeout_ms,
    )
    began_ms = step.clock.now_ms
    patience_ms = (ringing.timeout_ms or 0) + _GIVE_UP_MS
    lasts_ms = patience_ms if outcome.after_ms is None else outcome.after_ms
    situation = step.situation(Doing.RING, lasts_ms, f"{ringing.kind} {ringing.id}")
    while True:
        event = await step.event(began_ms + lasts_ms, situation)
        if event is None:
            break
        if isinstance(event, HungUp):
            return None
        if isinstance(event, Decided):
            outcome = event.ring
            break
        step.lose(event, "while it rings")
    if not outcome.answered:
        step.say(Kind.RINGS, _failure(outcome), **_failure_detail(outcome))
    return outcome


async def talk(step: Step, who: str, talk_ms: int) -> None:
    """Let two people talk; the bridge ends when either hangs up."""
    step.call.answered = True
    step.say(Kind.RINGS, f"{who} answers", answered=True)
    situation = step.situation(Doing.TALK, talk_ms, who)
    until_ms = step.clock.now_ms + talk_ms
    while True:
        event = await step.event(until_ms, situation)
        if event is None:
            step.say(Kind.RINGS, f"{who} hangs up after {seconds(talk_ms)} of talk")
            return
        if isinstance(event, HungUp):
            return
        if isinstance(event, Key):
            step.say(Kind.PRESSES, f"{event.digit}  (heard by {who})", key=event.digit)


def failure_keys(platform: Platform, ring: Ring) -> Iterator[str]:
    """
    Give the children that a failed bridge looks for, in the platform's order.

    None where nothing came back at all: the module goes straight to `_` (trace 122).

    >>> list(failure_keys(4, Ring(application_response="USER_BUSY", code="sip:486")))
    ['USER_BUSY', 'sip:486']
    >>> list(failure_keys(5, Ring(application_response="USER_BUSY", code="sip:486")))
    ['USER_BUSY', 'UNSPECIFIED', 'sip:486']
    """
    if ring.after_ms is None and not (ring.application_response or ring.cause or ring.code):
        return
    if platform == _VERSION_5:
        for name in (ring.application_response, ring.cause):
            # Version 5 fills an absent field and passes over NORMAL_CLEARING (trace 118).
            if name != "NORMAL_CLEARING":
                yield name or _UNSPECIFIED
    elif ring.application_response or ring.cause:
        yield ring.application_response or ring.cause or ""
    if ring.code:
        yield ring.code


def is_cancelled(platform: Platform, ring: Ring) -> bool:
    """Tell whether the failure stops the flow at once: version 5 only (trace 116)."""
    names = {ring.application_response, ring.cause, ring.code}
    return platform == _VERSION_5 and bool(names & {CANCELLED, "sip:487"})


def failure_child(step: Step, ring: Ring) -> Node | None:
    """Find the child for a failure, None where none of its keys has one."""
    for key in failure_keys(step.call.platform, ring):
        child = step.attempt(key)
        if child is not None:
            return child
    return None


def _failure(ring: Ring) -> str:
    named = ring.application_response or ring.cause
    words = [word for word in (named, ring.code) if word]
    return "not answered: " + (", ".join(words) or "nothing came back from the phone")


def _failure_detail(ring: Ring) -> dict[str, str | None]:
    return {"response": ring.application_response, "cause": ring.cause, "code": ring.code}
