"""
The modules that choose a child, or another flow, by what they know.

What they look at is in the call, in the account's documents, or in nobody's hands: then
the world says what came of it, and without a word of it the likeliest is assumed.

Source: contract/modules.md; traces 77, 82 to 85, 91, 92, 94, 95, 98, 106. What is not in a
trace was read in the modules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reception.simulator.lookup import look_up
from reception.simulator.process import Crash
from reception.simulator.steps import Branch, Continue, Gone, Next, Step, is_true
from reception.simulator.transcript import Kind
from reception.simulator.world import Doing

_FAX_DETECTED: Final = frozenset({"FAX_DETECTED", "CHANNEL_FAX_DETECTED"})
_FAX_GRACE_MS: Final = 2_000
_FAX_S: Final = 5


async def callflow(step: Step) -> Next:
    """Branch into a stored flow, where somebody described it, or into an inline one."""
    inline = step.data.get("flow") if step.settings.inline_flows else None
    if isinstance(inline, Mapping):
        return Branch(inline)
    flow_id = step.text("id")
    stored = step.world.stored_flow(flow_id)
    if stored is None and step.settings.inline_flows and step.text("doc_id"):
        stored = _by_path(step)
    if stored is None:
        step.say(
            Kind.UNKNOWN,
            f"callflow {flow_id!r}: what is stored on the platform is not known here:"
            " not simulated here: went on to `_`",
        )
        return Continue()
    return Branch(stored)


async def function(step: Step) -> Next:
    """Branch into the flow that a stored function gives; an error goes on to `_`."""
    document = step.world.document(step.text("id")) or {}
    flow = document.get("flow")
    if not isinstance(flow, Mapping):
        step.say(
            Kind.UNKNOWN,
            f"function {step.text('id')!r}: what it returns is not known here:"
            " not simulated here: went on to `_`",
        )
        return Continue()
    return Branch(flow)


async def branch_bnumber(step: Step) -> Next:
    """Choose a child, or with `hunt` a callflow, by what the number's pattern caught."""
    caught = step.call.capture_group
    if not caught:
        return Continue()
    if not is_true(step.data.get("hunt")):
        return Continue(caught)
    allow, deny = step.text("hunt_allow"), step.text("hunt_deny")
    if (allow and not _matches(allow, caught)) or (deny and _matches(deny, caught)):
        return Continue()
    found = look_up(step.world, caught)
    return Continue() if found is None or found.is_no_match else Branch(found.flow)


async def branch_variable(step: Step) -> Next:
    """Choose a child by a variable of the channel or a field of a document."""
    path = step.data.get("variable")
    keys = [path] if isinstance(path, str) else path if isinstance(path, list) else []
    keys = [str(key).replace("-", "_").lower() for key in keys if key]
    value: Any = _scope(step)
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None or value is False or isinstance(value, Mapping | list) or not keys:
        return Continue()
    text = "true" if value is True else str(value)
    return Continue(text) if text in step.child_keys else Continue()


async def check_cid(step: Step) -> Next:
    """Match the caller's number against a pattern; a child that is missing means `_`."""
    number = step.call.setup.caller_number or "anonymous"
    try:
        matches = re.search(step.text("regex", ".*"), number) is not None
    except re.error as error:
        raise Crash("badarg") from error
    if not matches:
        return Gone() if step.attempt("nomatch") else Continue()
    key = number if is_true(step.data.get("use_absolute_mode")) else "match"
    if not step.attempt(key):
        return Continue()
    _take_identity(step)
    return Gone()


def _take_identity(step: Step) -> None:
    """Be somebody else from now on, if the node says all of who; the child runs already."""
    given = step.data.get("caller_id")
    external = given.get("external") if isinstance(given, Mapping) else None
    external = external if isinstance(external, Mapping) else {}
    name, number, user = external.get("name"), external.get("number"), step.text("user_id")
    if not (isinstance(name, str) and name and isinstance(number, str) and number and user):
        return
    call = step.executor.call.copied()
    call.setup = replace(call.setup, caller_name=name, caller_number=number)
    step.executor.write_back(call)
    step.say(Kind.SETS, f"the caller is now {name} <{number}>, user {user}")


async def cidlistmatch(step: Step) -> Next:
    """Look the caller's number up in a list; a child that is missing means `_`."""
    number = step.call.setup.caller_number or ""
    document = step.world.document(step.text("id"))
    said = step.world.outcome(step.module, step.text("id"))
    if said is None and document is None:
        step.say(Kind.ASSUMES, "who is in the list is not known here: the caller is not")
    key = said or ("match" if _is_listed(document or {}, number) else "nomatch")
    return Gone() if step.attempt(key) else Continue()


async def nomorobo(step: Step) -> Next:
    """Ask for a score of the caller: the highest child not above it, else `_`."""
    said = step.world.outcome(step.module)
    if said is None or not said.isdecimal():
        step.say(Kind.ASSUMES, "what the robocall service says is not known here: no score")
        return Continue()
    below = [key for key in step.child_keys if key.isdecimal() and int(key) <= int(said)]
    return Continue(max(below, key=int)) if below else Continue()


async def fax_detect(step: Step) -> Next:
    """Listen for a fax machine: ON_FAX once it is heard, ON_VOICE after the time is over."""
    lasts_s = max(1, step.number("duration", _FAX_S))
    step.order("fax_detection", {"Duration": lasts_s, "Direction": "inbound", "Action": "start"})
    hears_fax = step.world.outcome(step.module) == "ON_FAX"
    for_ms = lasts_s * 1_000 if hears_fax else lasts_s * 1_000 + _FAX_GRACE_MS
    step.situate(Doing.SLEEP, for_ms, "listening for a fax machine")
    until_ms = step.now_ms + for_ms
    while True:
        event = await step.receive(until_ms)
        if event is None or event.ends_call or event.name in _FAX_DETECTED:
            break
        step.lose(event, "while a fax machine is listened for")
    step.order("fax_detection", {"Action": "stop"})
    if event is not None:
        hears_fax = not event.ends_call
    return Continue("ON_FAX" if hears_fax else "ON_VOICE")


async def acdc_wait_time(step: Step) -> Next:
    """Choose a child by how long callers of a queue wait: the highest threshold not above it."""
    said = step.world.outcome(step.module, step.text("id"))
    if said is None or not said.isdecimal():
        step.say(Kind.ASSUMES, "how long callers of the queue wait is not known here: no time")
        return Continue()
    below = [key for key in step.child_keys if key.isdecimal() and int(key) <= int(said)]
    return Continue(max(below, key=int)) if below else Continue()


def _scope(step: Step) -> Mapping[str, Any]:
    """What `branch_variable` looks into; application variables are in none of its scopes."""
    scope = step.text("scope", "custom_channel_vars")
    setup = step.call.setup
    if scope == "custom_channel_vars":
        return {"account_id": setup.account_id, "realm": setup.from_realm}
    owner = setup.user_ids[0] if setup.user_ids else ""
    documents = {
        "account": [setup.account_id],
        "user": [owner],
        "device": ["device"],
        "merged": [setup.account_id, owner, "device"],
        "doc": [step.text("id")],
    }.get(scope, [])
    found: dict[str, Any] = {}
    for document_id in documents:
        found.update(step.world.document(document_id) or {})
    return found


def _by_path(step: Step) -> Mapping[str, Any] | None:
    """Find a flow inside another document."""
    path = step.data.get("path")
    keys = [path] if isinstance(path, str) else path if isinstance(path, list) else []
    value: Any = step.world.document(step.text("doc_id"))
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else None


def _is_listed(document: Mapping[str, Any], number: str) -> bool:
    entries = document.get("entries")
    among = entries.values() if isinstance(entries, Mapping) else entries or ()
    for entry in among if isinstance(among, list | tuple) or isinstance(entries, Mapping) else ():
        if not isinstance(entry, Mapping):
            continue
        prefix, pattern = entry.get("number"), entry.get("regexp")
        if isinstance(prefix, str) and prefix and number.startswith(prefix):
            return True
        if isinstance(pattern, str) and _matches(pattern, number):
            return True
    return False


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False
