"""
What every call out has in common: ringing, talking, and the keys of a failure.

A failed bridge looks for a child named after what went wrong, in an order that differs by
version. Whether `_` follows is the module's own business: for phones it does, for
carriers it does not.

Source: contract/modules.md, engine rules 12 and 13; traces 110 to 137, 161.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reception.simulator.events import BRIDGED, DTMF
from reception.simulator.nexts import Continue, Gone, Next, Outcome, Stop
from reception.simulator.settings import Settings
from reception.simulator.steps import Step
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.world import Doing, Ring, Ringing

CANCELLED: Final = "ORIGINATOR_CANCEL"
CLEARED: Final = "NORMAL_CLEARING"

_CANCELLED: Final = frozenset({CANCELLED, "sip:487"})
_SUCCESS: Final = "SUCCESS"
# What the platform puts into the place of a field that is absent.
_UNSPECIFIED: Final = "UNSPECIFIED"
_NO_CODE: Final = "sip:600"


async def bridge(step: Step, ringing: Ringing, ring: Ring, data: Mapping[str, Any]) -> Ring | None:
    """
    Ring somebody until the two have talked, or nobody answers.

    None where nothing came of it at all: the module gives up some time after its timeout
    (trace 122). A caller who hangs up meanwhile makes it a failure of that name.
    """
    announce(step, ringing)
    step.bridge(data, ring)
    patience_ms = (ringing.timeout_ms or 0) + step.settings.bridge_grace_ms
    lasts_ms = patience_ms if ring.after_ms is None else ring.after_ms
    until_ms: int | None = step.now_ms + patience_ms
    step.situate(Doing.RING, lasts_ms, f"{ringing.kind} {ringing.id}")
    talks = False
    while True:
        event = await step.receive(until_ms)
        if event is None:
            step.say(Kind.RINGS, "not answered: nothing came back from the phone")
            return None
        if event.ends_call:
            return Ring(cause=str(event.fields.get("hangup_cause", CANCELLED)), answered=talks)
        if event.name == BRIDGED:
            talks, until_ms = True, None
            ring = _talking(step, ringing, ring)
        elif event.completes("bridge"):
            rung = event.fields.get("ring")
            ring = rung if isinstance(rung, Ring) else ring
            _told(step, ringing, ring, talked=talks)
            return ring
        elif event.fails("bridge"):
            return None
        elif event.name == DTMF and talks:
            digit = event.fields["DTMF-Digit"]
            step.say(Kind.PRESSES, f"{digit}  (heard by {_who(ringing)})", key=digit)
        else:
            step.lose(event, "while it rings")


def announce(step: Step, ringing: Ringing) -> None:
    """Write down that something rings."""
    limit = "" if ringing.timeout_ms is None else f"  (for {seconds(ringing.timeout_ms)})"
    step.say(
        Kind.RINGS,
        f"{ringing.kind} {printable(ringing.id)}{limit}",
        endpoint=ringing.kind,
        id=ringing.id,
        timeout_ms=ringing.timeout_ms,
    )


def after_bridge(step: Step, ring: Ring | None) -> Next:
    """Say what comes after a bridge to phones of the account: on failure a child, or `_`."""
    if ring is None:
        return Continue(otherwise=Outcome.FLOW_ENDED)
    if succeeded(ring):
        return Stop(Outcome.BRIDGED)
    return failed(step, ring) or Continue()


def failed(step: Step, ring: Ring) -> Next | None:
    """Look for the child of a failure; None where none of its keys has one."""
    return attempt_failures(step, failure_keys(step.settings, ring))


def attempt_failures(step: Step, keys: Iterable[str]) -> Next | None:
    """
    Look for a child by the names of a failure, one after another; None where none has one.

    On version 5 a call that was cancelled stops the flow there (trace 116), and one that was
    cleared is passed over (trace 118).
    """
    for key in keys:
        if step.settings.cancelled_bridge_stops:
            if key in _CANCELLED:
                return Stop()
            if key == CLEARED:
                continue
        if step.attempt(key):
            return Gone()
    return None


def succeeded(ring: Ring) -> bool:
    """Tell whether a bridge that is over was one, as the platform reads it."""
    named = ring.application_response or ring.cause
    return ring.answered or _SUCCESS in (ring.disposition, named) or ring.code == "sip:200"


def failure_keys(settings: Settings, ring: Ring) -> Iterator[str]:
    """
    Give the children that a failed bridge looks for, in the platform's order.

    >>> busy = Ring(application_response="USER_BUSY", code="sip:486")
    >>> list(failure_keys(Settings.of(4), busy)), list(failure_keys(Settings.of(5), busy))
    (['USER_BUSY', 'sip:486'], ['USER_BUSY', 'UNSPECIFIED', 'sip:486'])
    """
    if settings.each_failure_key:
        yield ring.application_response or _UNSPECIFIED
        yield ring.cause or _UNSPECIFIED
    else:
        yield ring.application_response or ring.cause or _UNSPECIFIED
    yield ring.code or _NO_CODE


def _talking(step: Step, ringing: Ringing, ring: Ring) -> Ring:
    who = _who(ringing)
    step.say(Kind.RINGS, f"{who} answers", answered=True)
    step.situate(Doing.TALK, ring.talk_ms, who)
    return ring


def _told(step: Step, ringing: Ringing, ring: Ring, *, talked: bool) -> None:
    if not succeeded(ring):
        step.say(Kind.RINGS, _failure(ring), **_failure_detail(ring))
        return
    who = _who(ringing)
    if not talked:
        step.say(Kind.RINGS, f"{who} answers", answered=True)
    step.say(Kind.RINGS, f"{who} hangs up after {seconds(ring.talk_ms)} of talk")


def tell_failure(step: Step, ring: Ring) -> None:
    """Write down why nobody was reached."""
    step.say(Kind.RINGS, _failure(ring), **_failure_detail(ring))


def _who(ringing: Ringing) -> str:
    return ringing.id if ringing.kind == "carrier" else f"{ringing.kind} {ringing.id}"


def _failure(ring: Ring) -> str:
    named = ring.application_response or ring.cause
    words = [word for word in (named, ring.code) if word]
    return "not answered: " + (", ".join(words) or "nothing came back from the phone")


def _failure_detail(ring: Ring) -> dict[str, str | None]:
    return {"response": ring.application_response, "cause": ring.cause, "code": ring.code}
