"""
Ringing phones inside the account: `user`, `device`, `route_to_cid`, and `hotdesk`.

Answered, the call is connected and the flow ends with it. Not answered, the failure picks
a child by its keys, and `_` where none matches.

Source: contract/modules.md; traces 110 to 125. `route_to_cid` and `hotdesk` were read in
their modules, not recorded.
"""

from __future__ import annotations

from typing import Any, Final

from reception.simulator.modules.digits import collect
from reception.simulator.modules.ringing import after_bridge, bridge, succeeded
from reception.simulator.steps import Continue, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing, Ringing

_RING_S: Final = 20
_EXTENSION_LENGTH: Final = 10


async def ring_user(step: Step) -> Next:
    """Ring all devices of a user."""
    strategy = step.text("strategy", "simultaneous")
    return await _ring(step, "user", step.settings.missing_user_key, strategy)


async def ring_device(step: Step) -> Next:
    """Ring one device."""
    return await _ring(step, "device", "_", "simultaneous")


async def route_to_cid(step: Step) -> Next:
    """Ring the phones whose caller id is the number that was dialled."""
    number = step.call.setup.to_number
    ringing = Ringing("group", number, _timeout_s(step) * 1_000)
    ring = await step.asked(ringing)
    if ring.missing:
        step.say(Kind.RINGS, f"no phone has the caller id {number!r}: nothing rings", missing=True)
        return Continue()
    return after_bridge(step, await bridge(step, ringing, ring, {}))


async def hotdesk(step: Step) -> Next:
    """Log a user in or out at this phone, or ring the phones where a user is logged in."""
    action, user = step.text("action", "toggle"), step.text("id")
    if action == "bridge":
        ringing = Ringing("user", user, _RING_S * 1_000)
        ring = await step.asked(ringing)
        if ring.missing:
            return Continue()
        rung = await bridge(step, ringing, ring, {})
        # The one bridge after which the flow goes on.
        if rung is not None and succeeded(rung):
            return Continue(otherwise=Outcome.BRIDGED)
        return after_bridge(step, rung)
    step.answer()
    if not user:
        await step.prompt("hotdesk-enter_id")
        step.situate(Doing.MENU, None, "the number of the hot desk", _EXTENSION_LENGTH)
        number = step.switch.noop()
        interdigit_ms = max(1, step.number("interdigit_timeout", 2_000))
        user = (await collect(step, _EXTENSION_LENGTH, 5_000, interdigit_ms, number=number)) or ""
    known = step.world.outcome("hotdesk", user) or "ok"
    if known == "ok":
        said = "hotdesk-logged_out" if action == "logout" else "hotdesk-logged_in"
        step.say(Kind.SETS, f"hot desk {action}: {user or '(nobody)'}", action=action, id=user)
        await step.prompt(said)
    else:
        await step.prompt("hotdesk-invalid_entry")
    if step.switch.is_gone:
        return Stop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def _ring(step: Step, kind: str, missing_key: str, strategy: str) -> Next:
    timeout_s = _timeout_s(step)
    ringing = Ringing(kind, step.text("id"), timeout_s * 1_000)
    ring = await step.asked(ringing)
    if ring.missing:
        step.say(Kind.RINGS, f"no {kind} {ringing.id!r}: nothing rings", missing=True)
        return Continue(missing_key)
    data = bridge_command(step, timeout_s, strategy, [ringing])
    return after_bridge(step, await bridge(step, ringing, ring, data))


def _timeout_s(step: Step) -> int:
    timeout_s = step.number("timeout", _RING_S)
    if timeout_s < 1:
        step.say(
            Kind.WARNS,
            "device without a timeout: validation writes 0 into it, and what a phone does"
            f" with 0 s was not recorded. Assumed: {_RING_S} s. Always set a timeout",
        )
        return _RING_S
    return timeout_s


def bridge_command(
    step: Step, timeout_s: int, strategy: str, endpoints: list[Ringing]
) -> dict[str, Any]:
    """Write the command as the platform sends it, as far as the recordings show it."""
    number = step.call.setup.to_number
    forms = ("e164", "npan", "1npan", "strip_plus", "route")
    return {
        "Timeout": timeout_s,
        "Ignore-Forward": "false",
        **({"Ignore-Early-Media": True} if step.module != "device" else {}),
        "Dial-Endpoint-Method": strategy,
        "Call-Context": {
            "Inception": "onnet",
            "Flags": ["direct_call"],
            "request": dict.fromkeys(forms, number),
        },
        "Endpoints": [
            {
                "To-User": each.id,
                "To-Realm": step.call.setup.to_realm,
                "Custom-Channel-Vars": {},
                "Invite-Format": "username",
            }
            for each in endpoints
        ],
    }
