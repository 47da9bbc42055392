"""
The account's numbers: which stored callflow a dialled number leads to.

A number is looked up as it stands among the callflows' numbers, then against their
patterns, and last of all, where it is all digits, `no_match` is taken. A pattern's capture group is what several
modules dial on. The callflows themselves are the world's.

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
        capture_group: what the pattern caught; None for a number that is there as it stands.
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
    for callflow in callflows:
        for pattern in _texts(callflow, "patterns"):
            match = _match(pattern, number)
            if match is not None:
                groups = match.groups()
                return Found(callflow["flow"], (groups[0] or "") if groups else "")
    if not number.removeprefix("+").isdecimal():
        return None
    for callflow in callflows:
        if NO_MATCH in _texts(callflow, "numbers"):
            return Found(callflow["flow"], is_no_match=True)
    return None


def _match(pattern: str, number: str) -> re.Match[str] | None:
    try:
        return re.match(pattern, number)
    except re.error:
        return None


def _texts(callflow: Mapping[str, Any], key: str) -> list[str]:
    listed = callflow.get(key)
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
