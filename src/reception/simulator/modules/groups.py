"""
Ringing several phones: `ring_group`, `group`, `page_group`.

Together or one after another, as often as wanted; the soonest answer wins, else the last
failure. Which of several different failures the platform reports was not recorded.

Source: contract/modules.md (read there; no trace shows a group).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reception.simulator.modules.bridges import bridge_command
from reception.simulator.modules.ringing import after_bridge, bridge, succeeded
from reception.simulator.steps import Continue, HardStop, Next, Outcome, Step, Stop, whole_number
from reception.simulator.transcript import Kind
from reception.simulator.world import Ring, Ringing

_RING_S: Final = 20
_PAGE_S: Final = 5
_MOST_REPEATS: Final = 100


async def ring_group(step: Step) -> Next:
    """Ring a list of users and devices, together or one after another."""
    endpoints = _endpoints(step.data.get("endpoints"))
    if not endpoints and step.text("group_id"):
        endpoints = _of_document(step, step.text("group_id"))
    rung = await _rounds(step, endpoints, step.number("timeout", _RING_S), step.data)
    if rung is None:
        step.say(Kind.WARNS, "the ring group has no endpoint that could ring")
        return Continue(step.settings.missing_ring_group_key)
    stops_hard = step.data.get(
        "hard_stop_after_successful_group", step.settings.ring_group_stops_hard
    )
    if rung.ring is not None and succeeded(rung.ring) and stops_hard:
        if not step.switch.is_gone:
            step.hang_up()
        return HardStop(Outcome.BRIDGED)
    return after_bridge(step, rung.ring)


async def group(step: Step) -> Next:
    """Ring the members of a group document; the call is answered before anybody is rung."""
    if _endpoints(step.data.get("endpoints")):
        return await ring_group(step)
    step.answer()
    document = step.world.document(step.text("id")) or {}
    endpoints = _of_document(step, step.text("id"))
    # What the document says of strategy and timeout wins.
    settings = {
        **step.data,
        **{key: document[key] for key in ("strategy", "timeout") if key in document},
    }
    timeout_s = whole_number(settings.get("timeout"), _RING_S)
    rung = await _rounds(step, endpoints, timeout_s, settings)
    if rung is None:
        step.say(Kind.WARNS, "the group has no member that could ring")
        return Continue()
    return after_bridge(step, rung.ring)


async def page_group(step: Step) -> Next:
    """Speak through the phones of a group; they answer by themselves."""
    endpoints = _endpoints(step.data.get("endpoints"))
    timeout_s = step.number("timeout", _PAGE_S)
    rung = await _rounds(step, endpoints, timeout_s, {"repeats": 1})
    if rung is None or rung.ring is None or not succeeded(rung.ring):
        return Continue()
    return Stop(Outcome.BRIDGED)


class _Rung:
    """What came of it, where at least one phone could ring; None: nothing came back."""

    def __init__(self, ring: Ring | None) -> None:
        self.ring = ring


async def _rounds(
    step: Step, endpoints: Sequence[Mapping[str, Any]], timeout_s: int, settings: Mapping[str, Any]
) -> _Rung | None:
    """Ring in rounds until somebody answers; None where nothing could ring."""
    in_turn = settings.get("strategy", "simultaneous") != "simultaneous"
    rounds = [[one] for one in endpoints] if in_turn else [list(endpoints)]
    repeats = max(1, min(_MOST_REPEATS, whole_number(settings.get("repeats"), 1)))
    last: _Rung | None = None
    for together in rounds * repeats:
        outcome = await _together(step, together, max(0, timeout_s))
        if outcome is None:
            continue
        ringing, ring, ids = outcome
        data = bridge_command(step, timeout_s, str(settings.get("strategy", "simultaneous")), ids)
        last = _Rung(await bridge(step, ringing, ring, data))
        if step.switch.is_gone or (last.ring is not None and succeeded(last.ring)):
            return last
    return last


async def _together(
    step: Step, endpoints: Sequence[Mapping[str, object]], limit_s: int
) -> tuple[Ringing, Ring, list[Ringing]] | None:
    """Join what several phones do into one: the soonest answer, else the last failure."""
    limit_ms = limit_s * 1_000
    rung: list[Ringing] = []
    best: Ring | None = None
    for endpoint in endpoints:
        delay_ms = max(0, whole_number(endpoint.get("delay"), 0)) * 1_000
        own_ms = min(max(0, whole_number(endpoint.get("timeout"), _RING_S)) * 1_000, limit_ms)
        kind, name = str(endpoint.get("endpoint_type", "user")), str(endpoint.get("id", ""))
        ringing = Ringing(kind, name, own_ms)
        outcome = await step.asked(ringing)
        if outcome.missing:
            step.say(Kind.RINGS, f"no {kind} {name!r}: nothing rings", missing=True)
            continue
        rung.append(ringing)
        after_ms = own_ms if outcome.after_ms is None else outcome.after_ms
        outcome = replace(outcome, after_ms=min(limit_ms, delay_ms + after_ms))
        if best is None or _is_better(outcome, best):
            best = outcome
    if best is None:
        return None
    return Ringing("group", " + ".join(each.id for each in rung), limit_ms), best, rung


def _is_better(outcome: Ring, best: Ring) -> bool:
    """An answer beats a failure, the earlier of two answers and the later of two failures win."""
    if outcome.answered != best.answered:
        return outcome.answered
    sooner = (outcome.after_ms or 0) < (best.after_ms or 0)
    return sooner if outcome.answered else not sooner


def _endpoints(listed: object) -> list[Mapping[str, Any]]:
    among = listed if isinstance(listed, list | tuple) else ()
    return [one for one in among if isinstance(one, Mapping)]


def _of_document(step: Step, group_id: str) -> list[Mapping[str, Any]]:
    """Read who is in a group; one whose document nobody described is rung as one phone."""
    document = step.world.document(group_id)
    if document is None:
        step.say(Kind.ASSUMES, "who is in the group document is not known here: rung as one")
        return [{"id": group_id, "endpoint_type": "group"}]
    members = document.get("endpoints")
    if isinstance(members, Mapping):
        return [
            {
                "id": member_id,
                "endpoint_type": member.get("type", "device"),
                **{key: member[key] for key in ("delay", "timeout") if key in member},
            }
            for member_id, member in members.items()
            if isinstance(member, Mapping)
        ]
    return _endpoints(members)
