"""
The modules that need nobody: settings, pauses, orders to other parts of the platform.

They do what they do at once and go on to `_`. What such an order leads to elsewhere (a
notification, a recording, a lamp on a phone) is outside of a call's flow, so it is only
written down.

Source: contract/modules.md; traces 64, 65, 67, 70, 74, 164.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reception.simulator.process import Crash
from reception.simulator.steps import Continue, Next, Outcome, Step, Stop, is_true
from reception.simulator.transcript import Kind, printable, seconds
from reception.simulator.world import Doing

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_DTMF_MS: Final = 2_000


async def answer(step: Step) -> Next:
    """Answer the call."""
    step.answer()
    return Continue()


async def noop(step: Step) -> Next:
    """Wait until the media side has done what it was sent; a flow whose caller is gone stops."""
    number = step.switch.noop(step.call_id)
    step.situate(Doing.SLEEP, None, "the media side")
    return Continue() if await step.wait_for_noop(number) else Stop(Outcome.CALLER_HUNG_UP)


async def set_cid(step: Step) -> Next:
    """Set the caller id that later bridges show; the next request does not change."""
    name, number = step.text("caller_id_name"), step.text("caller_id_number")
    shown = f"{name or '(none)'} <{number or '(none)'}>"
    step.write_back()
    step.say(Kind.SETS, f"caller id for later calls out: {shown}", name=name, number=number)
    return Continue()


async def prepend_cid(step: Step) -> Next:
    """Put something before the caller id that later bridges show, or take it away again."""
    apply_to = step.data.get("apply_to", "current")
    if apply_to not in ("original", "current"):
        raise Crash(f"{{case_clause,{printable(apply_to)}}}")
    if step.text("action", "prepend") == "reset":
        step.say(Kind.SETS, "caller id for later calls out: what it was first")
    else:
        name, number = step.text("caller_id_name_prefix"), step.text("caller_id_number_prefix")
        text = f"caller id for later calls out: {name}(name) <{number}(number)>"
        step.say(Kind.SETS, text, name=name, number=number)
    step.write_back()
    return Continue()


async def language(step: Step) -> Next:
    """Set the prompt language; the next request carries it."""
    step.call.language = step.text("language", step.call.language)
    step.set_on_channel(channel={"default_language": step.call.language})
    step.write_back()
    step.say(Kind.SETS, f"language {step.call.language}", language=step.call.language)
    return Continue()


async def set_variables(step: Step) -> Next:
    """Merge application variables; an empty or null value is not sent any more."""
    given = step.data.get("custom_application_vars")
    given = given if isinstance(given, Mapping) else {}
    known = step.call.application_vars
    # The media side hears of what is new only.
    news = {key: value for key, value in given.items() if not _is_known(known, key, value)}
    if news:
        step.set_on_channel(export=is_true(step.data.get("export")), application=news)
    merged = {**known, **given}
    step.call.application_vars = {key: kept for key, kept in merged.items() if kept is not None}
    step.write_back()
    names = ", ".join(sorted(map(str, given)))
    step.say(Kind.SETS, f"application variables: {names}", variables=dict(given))
    return Continue()


def _is_known(known: Mapping[str, Any], key: str, value: object) -> bool:
    return key in known and known[key] == value and type(known[key]) is type(value)


async def set_variable(step: Step) -> Next:
    """Set one variable of the channel; the platform knows `call_priority` and no other."""
    name, value = step.text("variable"), step.text("value")
    if name == "call_priority":
        variable = {"Call-Priority": value}
        is_both = step.text("channel", "a") == "both"
        step.set_on_channel(
            channel=None if is_both else variable, call=variable if is_both else None
        )
        step.say(Kind.SETS, f"call priority {value}", variable=name)
    else:
        step.say(Kind.WARNS, f"set_variable knows call_priority only; {name!r} does nothing")
    step.write_back()
    return Continue()


async def set_alert_info(step: Step) -> Next:
    """Set how later phones ring."""
    info = step.text("alert_info")
    step.set_on_channel(channel={"Alert-Info": info})
    step.say(Kind.SETS, f"Alert-Info for later calls out: {info}", alert_info=info)
    return Continue()


async def send_dtmf(step: Step) -> Next:
    """Send tones to the caller; the flow does not wait for them."""
    digits, lasts = step.text("digits"), step.data.get("duration_ms", _DTMF_MS)
    step.order("send_dtmf", {"DTMFs": digits, "Duration": str(lasts)})
    step.say(Kind.HEARS, f"the tones of {digits}", digits=digits)
    return Continue()


async def sleep(step: Step) -> Next:
    """Wait in silence; a key pressed meanwhile is lost and starts the wait anew (trace 38)."""
    unit = _UNITS_MS.get(step.text("unit", "s"), _UNITS_MS["s"])
    for_ms = max(0, step.number("duration", 0)) * unit
    step.say(Kind.HEARS, f"silence  ({seconds(for_ms)})", ms=for_ms)
    if not await step.wait(Doing.SLEEP, for_ms, restarts=True):
        return Stop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def order(step: Step) -> Next:
    """Give another part of the platform something to do, and go on at once."""
    said = _ORDERS[step.module]
    shown = {key: printable(value, limit=60) for key, value in step.data.items()}
    step.say(Kind.SETS, said, module=step.module, data=shown)
    if step.module == "manual_presence":
        step.answer()
    return Continue()


async def feature(step: Step) -> Next:
    """Change a setting of the caller's phone or its owner; without one the flow stops."""
    if step.world.outcome(step.module, step.text("id")) == "unknown":
        step.say(Kind.WARNS, f"{step.module}: the platform does not know whose it is: stops")
        return Stop()
    action = step.text("action", "toggle")
    step.say(Kind.SETS, f"{step.module.replace('_', ' ')}: {action}", action=action)
    if step.module == "call_forward" and action in ("menu", "update"):
        step.answer()
    if not await step.prompt(f"{step.module}-{action}"):
        return Stop(Outcome.CALLER_HUNG_UP)
    return Continue()


async def ring_group_toggle(step: Step) -> Next:
    """Log this phone in or out of a ring group; a callflow that is not there is a crash."""
    if step.world.outcome(step.module, step.text("callflow_id")) == "unknown":
        raise Crash("{badmatch,{error,not_found}}")
    action = step.text("action", "login")
    step.say(Kind.SETS, f"ring group: {action}", action=action)
    await step.prompt("agent-logged_in" if action == "login" else "agent-logged_out")
    return Continue()


_ORDERS: Final = {
    "acdc_agent": "agent of a queue: the platform's queue application would take this",
    "acdc_queue": "agent of one queue: the platform's queue application would take this",
    "after_bridge": "what happens after a later bridge is set",
    "detect_speech": "speech recognition starts or stops; what is heard comes as an event",
    "edr": "an event data record is written",
    "lookupcidname": "the caller's name is looked up in lists; the next request may not show it",
    "manual_presence": "the lamp of a phone is set",
    "missed_call_alert": "an e-mail will be sent if nobody takes the call",
    "notification": "an e-mail or a message is sent",
    "record_call": "the recording of the call starts or stops",
    "set": "the agent's skills are kept",
    "skel": "the platform's template for modules: nothing",
    "webhook": "a webhook is sent: its body is a form",
}
