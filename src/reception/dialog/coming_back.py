"""
Flows that come back: a continuation pivot at every place where the platform would run out.

The rule this file keeps: only what is open is closed. A branch that the developer wrote is
never replaced, and a key is given a way back only where the platform would otherwise have
nothing to go on with. What the platform can do after each module is in `callflow`'s specs.

Source: contract/dialogs.md §2; traces 110 to 139.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from reception.callflow import SPECS, Flow, ModuleSpec
from reception.callflow.closing import closed
from reception.callflow.node import FAILURES
from reception.errors import AppError

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
"""Why a call out fails, as the platform was seen to say it: the message first, then the code."""

DEFAULT: Final = "_"
_DEEPEST: Final = 64

WayBack = Callable[[str], Flow]


def with_ways_back(flow: Flow, way_back: WayBack, outcomes: Sequence[str] = ()) -> Flow:
    """
    Hang a pivot at every open leaf of a flow.

    Args:
        way_back: makes the pivot for an outcome: the branches taken on the way, joined by
            ``/``, or ``_`` where there were none.
        outcomes: further branches to come back from, such as the digits of a menu.

    Errors:
        AppError("dialog.no_way_back"): the flow ends the call, whatever happens.
        AppError("dialog.outcome"): no open module can take one of `outcomes`.
    """
    found: set[str] = set()

    def ends(
        module: str,
        data: Mapping[str, Any],
        keys: Collection[str],
        way: tuple[str, ...],
        depth: int,
    ) -> dict[str, Flow]:
        if depth > _DEEPEST:
            raise AppError("dialog.too_deep", f"call.run: more than {_DEEPEST} nodes in a row")
        hung = {}
        for key in _open_keys(module, data, keys, outcomes):
            found.add(key)
            taken = way if key == DEFAULT else (*way, key)
            hung[key] = way_back("/".join(taken) or DEFAULT)
        return hung

    made = closed(flow, ends)
    if not found:
        raise AppError(
            "dialog.no_way_back",
            f"call.run({flow!r}): this flow can never come back, because it always ends the call:"
            " return it from the dialog instead",
        )
    unused = set(outcomes) - found
    if unused:
        raise AppError(
            "dialog.outcome",
            f"call.run({flow!r}): nothing in this flow can continue to {min(unused)!r}: outcomes are"
            " keys of its open modules, such as the digits of a menu",
        )
    return made


def _open_keys(
    module: str, data: Mapping[str, Any], taken: Collection[str], outcomes: Sequence[str]
) -> list[str]:
    """The keys by which the platform can leave a node with nothing to go on with."""
    if data.get("skip_module") is True:
        return [] if DEFAULT in taken else [DEFAULT]
    spec = SPECS.get(module)
    if spec is None or data.get("endless_playback"):
        return []
    takes = spec.node.takes
    is_open = not takes.default or DEFAULT not in taken
    keys = [key for key in outcomes if key != DEFAULT and spec.takes(key) and key not in taken]
    if is_open:
        named = _named(spec, data)
        keys += [key for key in named if key not in taken and key not in keys]
        if takes.default:
            keys.append(DEFAULT)
    return keys


def _named(spec: ModuleSpec, data: Mapping[str, Any]) -> list[str]:
    """The branches of a module that can be told beforehand."""
    takes = spec.node.takes
    named = sorted(takes.names)
    if takes.pattern == FAILURES.pattern:
        named += FAILURE_KEYS
    elif spec.name == "check_cid":
        # It takes any number too, in a mode of its own.
        named += ("match", "nomatch")
    elif spec.name == "temporal_route":
        named += [*data.get("rules", ()), *(["rule_set"] if "rule_set" in data else [])]
    return named
