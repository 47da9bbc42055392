"""
Rules about children: which are never taken, and where one is missing.

The platform looks a branch up by its exact key, then under ``_``; where that is missing the
caller is hung up. `resources` and `offnet` are the exception that costs the most calls: they
never take ``_``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reception.callflow.excerpt import excerpt
from reception.callflow.node import FAILURES, FAILURES_WITHOUT_DEFAULT
from reception.callflow.rules.rule import Found, Subject, skipped, spec_of
from reception.callflow.spec import SPECS, ModuleSpec
from reception.callflow.tree import Place

CARRIER_MODULES: Final = frozenset({"offnet", "resources"})
FAILURE_KEYS: Final = (
    "NO_ANSWER",
    "USER_BUSY",
    "CALL_REJECTED",
    "UNALLOCATED_NUMBER",
    "NORMAL_TEMPORARY_FAILURE",
    "NO_RESOURCES",
    "sip:404",
    "sip:480",
    "sip:486",
    "sip:503",
)
_STOPS_ON_5: Final = frozenset({"ORIGINATOR_CANCEL", "sip:487", "NORMAL_CLEARING"})

# Modules that only prepare something for the node after them.
PREPARING_MODULES: Final = frozenset(
    {
        "after_bridge",
        "answer",
        "branch_variable",
        "check_cid",
        "cidlistmatch",
        "collect_dtmf",
        "flush_dtmf",
        "language",
        "lookupcidname",
        "prepend_cid",
        "record_call",
        "set",
        "set_alert_info",
        "set_cid",
        "set_variable",
        "set_variables",
    }
)


def unreachable(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a child under a key that its module never continues to."""
    spec = spec_of(place)
    if spec is None or spec.ends == "always":
        return
    for key in place.children:
        if key == "_" and place.module in CARRIER_MODULES:
            continue  # a rule of its own
        why = _why_never(place, key, subject)
        if why is None and not spec.takes(key):
            why = _why_unknown(spec, key)
        if why is None:
            continue
        hangs = ""
        if "_" not in place.children and spec.takes("_"):
            hangs = ", and without a _ child the caller is hung up"
        yield place.path("children", key), f"{why}{hangs}. {_mend(place)}"


def _returns(place: Place) -> bool:
    """Tell whether the node is in a flow inside ``data``, whose end is no end of the call."""
    chain = [place, *place.ancestors()]
    return any(above.key is None for above in chain[:-1])


def _why_never(place: Place, key: str, subject: Subject) -> str | None:
    module = place.module
    if skipped(place):
        return None if key == "_" else f"{module} is skipped, which takes _ alone"
    if subject.platform == 5 and key in _STOPS_ON_5 and _bridges(spec_of(place)):
        return "Version 5 ends the flow, or passes over the key, when a call ends like this"
    if module == "check_cid" and place.data.get("use_absolute_mode") is not True:
        if key not in {"_", "match", "nomatch"}:
            return "Without use_absolute_mode the keys are match and nomatch"
        if key == "nomatch" and place.data.get("regex", ".*") == ".*":
            return "The regex .* matches every caller"
    if key == "_" and module == "play" and place.data.get("endless_playback") is True:
        return "endless_playback never ends"
    return None


def _bridges(spec: ModuleSpec | None) -> bool:
    """Tell whether the children of a module are named after why a bridge failed."""
    return spec is not None and spec.node.takes in (FAILURES, FAILURES_WITHOUT_DEFAULT)


def _why_unknown(spec: ModuleSpec, key: str) -> str:
    if spec.name == "menu":
        return f"A caller cannot type {excerpt(key, 24)}"
    if spec.name == "nomorobo":
        return "Scores go from 0 to 10"
    if _bridges(spec):
        return f"{spec.name} knows no cause {excerpt(key, 24)}"
    return f"{spec.name} never continues to this key"


def _mend(place: Place) -> str:
    if place.module == "menu":
        return "Use the digits as typed, timeout, max_retries or _."
    if _bridges(spec_of(place)):
        return "Use keys such as NO_ANSWER, USER_BUSY or sip:486, in exactly this spelling."
    if place.module == "play" and place.data.get("endless_playback") is True:
        return "Use loop_count instead, or remove the child."
    return "Hang it under a key that is taken, most often _."


def after_the_end(place: Place, subject: Subject) -> Iterator[Found]:
    """Report children of a module that always ends the flow."""
    spec = spec_of(place)
    if spec is None or spec.ends != "always" or skipped(place):
        return
    for key in place.children:
        yield (
            place.path("children", key),
            f"{place.module} never hands the call back to the flow, so that this is never run. "
            f"Put it before {place.module}, or remove it.",
        )


def carrier_default(place: Place, subject: Subject) -> Iterator[Found]:
    """Report what hangs under ``_`` of `resources` or `offnet`."""
    if "_" in place.children and not skipped(place):
        next_module = place.children["_"].get("module")
        what = excerpt(next_module, 40) if isinstance(next_module, str) else "what follows"
        yield (
            place.path("children", "_"),
            f"{place.module} never takes _: {what} is not reached when the call out fails, and the "
            "caller is lost. Hang it under each of the failure keys "
            f"{', '.join(FAILURE_KEYS)}.",
        )


def carrier_failure_keys(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a call out on version 5 whose failure leaves the caller in silence."""
    if subject.platform != 5 or "_" in place.children or skipped(place):
        return
    spec = SPECS[place.module]
    if any(spec.takes(key) and key not in _STOPS_ON_5 for key in place.children):
        return
    yield (
        place.path(),
        f"When the call out fails, version 5 stops here without hanging up: the caller hears "
        "nothing more. Give children under the failure keys "
        f"{', '.join(FAILURE_KEYS)}, each at least a hangup.",
    )


def nothing_follows(place: Place, subject: Subject) -> Iterator[Found]:
    """Report a preparing node that nothing follows, so that the caller is hung up."""
    if place.module == "record_call" and place.text("action") == "stop":
        return
    if _returns(place):
        return
    branching = place.module in {"branch_variable", "check_cid", "cidlistmatch"}
    if "_" in place.children or (branching and place.children):
        return
    yield (
        place.path(),
        f"{place.module} only prepares what comes next, and nothing does: without a _ child the "
        "caller is hung up. Add the next node under children._, a hangup if that is meant.",
    )
