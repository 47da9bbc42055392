"""
The account's numbers: which stored callflow a dialled number leads to.

A number is looked up as it stands among the callflows' numbers, then against their
patterns, and last of all, where it is all digits, `no_match` is taken. Of several patterns
that fit, the one counts that caught most; what it caught is what several modules dial on.
The callflows themselves are the world's.

Source: contract/modules.md (`branch_bnumber`, `menu`), contract/platform_api.md; the order
was read in the executor's lookup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reception.simulator.world import World

NO_MATCH: Final = "no_match"


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a number leads to.

    Shape:
        flow: the stored callflow's flow.
        capture_group: the longest group that the pattern caught, or all that it fits where it
            has no groups; None for a number that is there as it stands.
        is_no_match: only the callflow for all other numbers was left.
    """

    flow: Mapping[str, Any]
    capture_group: str | None = None
    is_no_match: bool = False


def look_up(world: World, number: str) -> Found | None:
    """Find the callflow of a number; None where there is none at all."""
    callflows = [each for each in world.callflows() if isinstance(each.get("flow"), Mapping)]
    for callflow in callflows:
        if number in _texts(callflow, "numbers"):
            return Found(callflow["flow"])
    fitting = [
        (caught, callflow["flow"])
        for callflow in callflows
        for pattern in _texts(callflow, "patterns")
        if (caught := _caught(pattern, number)) is not None
    ]
    if fitting:
        caught, flow = max(fitting, key=lambda fits: len(fits[0]))
        return Found(flow, caught)
    if not number.removeprefix("+").isdecimal():
        return None
    for callflow in callflows:
        if NO_MATCH in _texts(callflow, "numbers"):
            return Found(callflow["flow"], is_no_match=True)
    return None


def _caught(pattern: str, number: str) -> str | None:
    """Tell what a pattern catches of a number; one that is broken catches nothing."""
    try:
        match = re.search(pattern, number)
    except re.error:
        return None
    if match is None:
        return None
    return max(match.groups(default=""), key=len) if match.groups() else match[0]


def _texts(callflow: Mapping[str, Any], key: str) -> list[str]:
    listed = callflow.get(key)
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
