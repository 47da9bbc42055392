"""
Ringing phones inside the account: `user`, `device`, `ring_group`.

Answered, the call is connected and the flow ends with it. Not answered, the failure picks
a child by its keys, and `_` where none matches.

Source: contract/modules.md; traces 110 to 125.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reception.simulator.modules.ringing import failure_child, is_cancelled, ring, talk
from reception.simulator.steps import Continue, Enter, HardStop, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind
from reception.simulator.world import Ring, Ringing

_RING_S: Final = 20
_VERSION_5: Final = 5


async def ring_user(step: Step) -> Next:
    """Ring all devices of a user."""
    timeout_ms = step.number("timeout", _RING_S) * 1_000
    ringing = Ringing("user", step.text("id"), timeout_ms)
    # Version 5 names the reason; version 4 goes straight to `_` (trace 121).
    missing = "NOT_FOUND" if step.call.platform == _VERSION_5 else "_"
    return await _bridge(step, ringing, missing)


async def ring_device(step: Step) -> Next:
    """Ring one device."""
    timeout_s = step.number("timeout", _RING_S)
    if timeout_s == 0:
        step.say(
            Kind.WARNS,
            "device without a timeout: validation writes 0 into it, and what a phone does"
            f" with 0 s was not recorded. Assumed: {_RING_S} s. Always set a timeout",
        )
        timeout_s = _RING_S
    return await _bridge(step, Ringing("device", step.text("id"), timeout_s * 1_000), "_")


async def ring_group(step: Step) -> Next:
    """Ring a list of users and devices, together or one after another."""
    listed = step.data.get("endpoints")
    among = listed if isinstance(listed, list | tuple) else ()
    endpoints = [one for one in among if isinstance(one, Mapping)]
    if not endpoints and step.text("group_id"):
        step.say(Kind.ASSUMES, "who is in the group document is not known here: rung as one")
        endpoints = [{"id": step.text("group_id"), "endpoint_type": "group"}]
    if not endpoints:
        step.say(Kind.WARNS, "the ring group has no endpoints")
        return Continue("NO_ENDPOINTS" if step.call.platform == _VERSION_5 else "_")
    limit_ms = step.number("timeout", _RING_S) * 1_000
    repeats = max(1, step.number("repeats", 1))
    in_turn = step.text("strategy", "simultaneous") != "simultaneous"
    last = Ring(application_response="NO_ANSWER")
    for _ in range(repeats):
        for group in [[one] for one in endpoints] if in_turn else [endpoints]:
            outcome = await _ring_together(step, group, limit_ms)
            if outcome is None:
                return HardStop(Outcome.CALLER_HUNG_UP)
            if outcome.answered:
                return await _connected(step, outcome, "the ring group")
            last = outcome if not outcome.missing else last
    return _failed(step, last)


async def _ring_together(
    step: Step, endpoints: list[Mapping[str, object]], limit_ms: int
) -> Ring | None:
    """
    Ring several phones as one: the soonest answer wins, else the last failure counts.

    Which of several different failures the platform reports was not recorded.
    """
    ids: list[str] = []
    longest_ms = 0
    for endpoint in endpoints:
        delay, timeout = endpoint.get("delay"), endpoint.get("timeout")
        own_s = (delay if isinstance(delay, int) else 0) + (
            timeout if isinstance(timeout, int) else _RING_S
        )
        ids.append(str(endpoint.get("id", "")))
        longest_ms = max(longest_ms, own_s * 1_000)
    together = Ringing("group", " + ".join(ids), min(limit_ms, longest_ms))
    return await ring(step, together)


async def _bridge(step: Step, ringing: Ringing, missing_key: str) -> Next:
    outcome = await ring(step, ringing)
    if outcome is None:
        return HardStop(Outcome.CALLER_HUNG_UP)
    if outcome.missing:
        step.say(Kind.RINGS, f"no {ringing.kind} {ringing.id!r}: nothing rings", missing=True)
        return Continue(missing_key)
    if outcome.answered:
        return await _connected(step, outcome, f"{ringing.kind} {ringing.id}")
    return _failed(step, outcome)


async def _connected(step: Step, outcome: Ring, who: str) -> Next:
    await talk(step, who, outcome.talk_ms)
    if step.call.destroyed:
        return HardStop(Outcome.CALLER_HUNG_UP)
    return Stop(Outcome.BRIDGED)


def _failed(step: Step, outcome: Ring) -> Next:
    if is_cancelled(step.call.platform, outcome):
        return Stop()
    child = failure_child(step, outcome)
    return Continue() if child is None else Enter(child)
