"""
The modules that need nobody: settings, pauses and the ways to end a call.

Source: contract/modules.md; traces 64, 65, 67, 74, 94 to 101.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reception.simulator.steps import Branch, Continue, HardStop, Next, Outcome, Step, Stop
from reception.simulator.transcript import Kind, seconds
from reception.simulator.world import Doing

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_INLINE_FLOW_SINCE: Final = 5


async def answer(step: Step) -> Next:
    """Answer the call."""
    step.answer()
    return Continue()


async def noop(step: Step) -> Next:
    """Do nothing."""
    return Continue()


async def set_cid(step: Step) -> Next:
    """Set the caller id that later bridges show; the next request does not change."""
    name, number = step.text("caller_id_name"), step.text("caller_id_number")
    shown = f"{name or '(none)'} <{number or '(none)'}>"
    step.say(Kind.SETS, f"caller id for later calls out: {shown}", name=name, number=number)
    return Continue()


async def language(step: Step) -> Next:
    """Set the prompt language; the next request carries it."""
    step.call.language = step.text("language", step.call.language)
    step.say(Kind.SETS, f"language {step.call.language}", language=step.call.language)
    return Continue()


async def set_variables(step: Step) -> Next:
    """Merge application variables; an empty or null value is not sent any more."""
    given = step.data.get("custom_application_vars")
    if isinstance(given, Mapping):
        step.call.application_vars.update(given)
        names = ", ".join(sorted(map(str, given)))
        step.say(Kind.SETS, f"application variables: {names}", variables=dict(given))
    return Continue()


async def sleep(step: Step) -> Next:
    """Wait in silence; a key pressed meanwhile is lost and starts the wait anew (trace 38)."""
    unit = _UNITS_MS.get(step.text("unit", "s"), _UNITS_MS["s"])
    for_ms = max(0, step.number("duration", 0)) * unit
    step.say(Kind.HEARS, f"silence  ({seconds(for_ms)})", ms=for_ms)
    if not await step.wait(Doing.SLEEP, for_ms, keys_restart=True):
        return HardStop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def response(step: Step) -> Next:
    """Refuse the call with a SIP response; a stacked flow still runs (trace 100)."""
    code = step.number("code", 486)
    message, media = step.text("message"), step.text("media")
    heard = f", with {media} first" if media else ""
    late = "; the call was answered before, so the code is not seen" if step.call.answered else ""
    step.say(Kind.HEARS, f"SIP response {code} {message}".rstrip() + heard + late, code=code)
    return Stop(Outcome.RESPONDED)


async def hangup(step: Step) -> Next:
    """Hang up, whatever is stacked."""
    return HardStop(Outcome.HANGUP)


async def callflow(step: Step) -> Next:
    """Branch into a stored flow, where somebody described it, or into an inline one."""
    inline = step.data.get("flow") if step.call.platform >= _INLINE_FLOW_SINCE else None
    if isinstance(inline, Mapping):
        return Branch(inline)
    flow_id = step.text("id")
    stored = step.world.stored_flow(flow_id)
    if stored is None:
        step.say(
            Kind.UNKNOWN,
            f"callflow {flow_id!r}: what is stored on the platform is not known here:"
            " not simulated here: went on to `_`",
        )
        return Continue()
    return Branch(stored)
