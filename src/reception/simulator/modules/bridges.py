"""
Ringing phones inside the account: `user`, `device`, `ring_group`.

Answered, the call is connected and the flow ends with it. Not answered, the failure picks
a child by its keys, and `_` where none matches.

Source: contract/modules.md; traces 110 to 125.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from reception.simulator.modules.ringing import (
    failure_child,
    is_cancelled,
    ring,
    ring_out,
    talk,
)
from reception.simulator.steps import (
    Continue,
    Enter,
    HardStop,
    Next,
    Outcome,
    Step,
    Stop,
    whole_number,
)
from reception.simulator.transcript import Kind
from reception.simulator.world import Ring, Ringing

_RING_S: Final = 20
_MOST_REPEATS: Final = 100
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
    in_turn = step.text("strategy", "simultaneous") != "simultaneous"
    rounds = [[one] for one in endpoints] if in_turn else [endpoints]
    last: Ring | None = None
    for group in rounds * max(1, min(_MOST_REPEATS, step.number("repeats", 1))):
        together = await _together(step, group)
        if together is None:
            continue
        outcome = await ring_out(step, *together)
        if outcome is None:
            return HardStop(Outcome.CALLER_HUNG_UP)
        if outcome.answered:
            return await _connected(step, outcome, "the ring group")
        last = outcome
    return _nobody(step) if last is None else _failed(step, last)


def _nobody(step: Step) -> Next:
    step.say(Kind.WARNS, "the ring group has no endpoint that could ring")
    return Continue("NO_ENDPOINTS" if step.call.platform == _VERSION_5 else "_")


async def _together(
    step: Step, endpoints: Sequence[Mapping[str, object]]
) -> tuple[Ringing, Ring] | None:
    """
    Join what several phones do into one: the soonest answer wins, else the last failure.

    Which of several different failures the platform reports was not recorded.
    """
    limit_ms = step.number("timeout", _RING_S) * 1_000
    ids: list[str] = []
    best: Ring | None = None
    for endpoint in endpoints:
        delay_ms = whole_number(endpoint.get("delay"), 0) * 1_000
        own_ms = min(whole_number(endpoint.get("timeout"), _RING_S) * 1_000, limit_ms)
        kind, name = str(endpoint.get("endpoint_type", "user")), str(endpoint.get("id", ""))
        outcome = await step.world.ring(Ringing(kind, name, own_ms))
        if outcome.missing:
            step.say(Kind.RINGS, f"no {kind} {name!r}: nothing rings", missing=True)
            continue
        ids.append(name)
        after_ms = own_ms if outcome.after_ms is None else outcome.after_ms
        outcome = replace(outcome, after_ms=min(limit_ms, delay_ms + after_ms))
        if best is None or _is_better(outcome, best):
            best = outcome
    if best is None:
        return None
    return Ringing("group", " + ".join(ids), limit_ms), best


def _is_better(outcome: Ring, best: Ring) -> bool:
    """An answer beats a failure, the earlier of two answers and the later of two failures win."""
    if outcome.answered != best.answered:
        return outcome.answered
    sooner = (outcome.after_ms or 0) < (best.after_ms or 0)
    return sooner if outcome.answered else not sooner


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
