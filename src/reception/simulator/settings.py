"""
What the platform's executor and its modules do differently by version, each with a name.

The public code of the platform is not the installed one: an operator may have changed any
of this. A rehearsal against such a platform changes the setting, not the simulator. The
habits of the platform's HTTP edge are in `quirks.py`.

Source: contract/observed.md, contract/dialogs.md, contract/modules.md; every difference
between the versions was seen in recorded calls or read in the modules' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from reception.errors import NeedsHuman
from reception.simulator.quirks import Platform

_VERSION_5: Final = 5


@dataclass(frozen=True, slots=True)
class Settings:
    """
    How the platform behaves where its versions, or installations, differ.

    Shape:
        max_branches: branches of one call; the next one ends it.
        answer_pause_ms: between answering and a `play`.
        media_repeats: the media side honours loops and endless playback; the one of the
            recordings played everything once.
        bridge_grace_ms: how much longer than its timeout a module waits for a bridge.
        hang_up_ms: from the command to the end of the channel.
        hard_stop_hangs_up: a hard stop hangs the caller up by itself.
        transferor_stops: a caller who transfers the call ends its executor.
        cancelled_bridge_stops: a cancelled bridge looks for no child.
        each_failure_key: of a failed bridge the response and the cause are tried, an
            absent one as UNSPECIFIED, and NORMAL_CLEARING is passed over; else the
            response alone, or the cause where there is none.
        unmatched_carrier_hangs_up: `resources` without a child for the failure hangs up with
            the cause; else it stops and leaves the caller in silence.
        missing_user_key: what `user` goes on to where the user is unknown.
        missing_ring_group_key: the same for a ring group without endpoints.
        ring_group_stops_hard: an answered ring group ends the call, whatever is stacked.
        flush_dtmf_works: whether `flush_dtmf` empties a collection.
        inline_flows: `callflow` takes a flow in its data.
        nameless_goes_on: a stored node without a module is skipped; else the flow stops.
        serverless_flows: `pivot` takes a flow that is kept on the platform.
        hunt_branches: a menu's hunt stacks the menu's `_`; else the found flow replaces it.
        pivot_hang_up_now: the hang-up after a bad reply jumps the queue.
    """

    max_branches: int = 50
    answer_pause_ms: int = 100
    media_repeats: bool = True
    bridge_grace_ms: int = 20_000
    hang_up_ms: int = 20
    hard_stop_hangs_up: bool = True
    transferor_stops: bool = False
    cancelled_bridge_stops: bool = False
    each_failure_key: bool = False
    unmatched_carrier_hangs_up: bool = True
    missing_user_key: str = "_"
    missing_ring_group_key: str = "_"
    ring_group_stops_hard: bool = False
    flush_dtmf_works: bool = False
    inline_flows: bool = False
    nameless_goes_on: bool = False
    serverless_flows: bool = False
    hunt_branches: bool = True
    pivot_hang_up_now: bool = True

    @classmethod
    def of(cls, platform: Platform) -> Settings:
        """Give the settings of a version."""
        return _OF_5 if platform == _VERSION_5 else _OF_4


_OF_4: Final = Settings()
_OF_5: Final = Settings(
    hard_stop_hangs_up=False,
    transferor_stops=True,
    cancelled_bridge_stops=True,
    each_failure_key=True,
    unmatched_carrier_hangs_up=False,
    missing_user_key="NOT_FOUND",
    missing_ring_group_key="NO_ENDPOINTS",
    ring_group_stops_hard=True,
    flush_dtmf_works=True,
    inline_flows=True,
    nameless_goes_on=True,
    serverless_flows=True,
    hunt_branches=False,
    pivot_hang_up_now=False,
)

NAMES: Final = frozenset(field.name for field in fields(Settings))
"""Every setting that can be changed by name."""

_TRUTH: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_LARGEST: Final = 1_000_000_000


def parse_settings(platform: Platform, changes: Mapping[str, str]) -> Settings:
    """
    Give a version's settings with some changed by name.

    Shape:
        changes: names of settings to texts that spell a value of their type.

    Errors:
        NeedsHuman("simulator.setting"): an unknown name, or a value that does not fit.

    >>> parse_settings(5, {"max_branches": "3", "inline_flows": "no"}).max_branches
    3
    """
    settings = Settings.of(platform)
    read: dict[str, Any] = {}
    for name, text in changes.items():
        if name not in NAMES:
            raise NeedsHuman("simulator.setting", f"{name!r} is no setting of the executor's.")
        read[name] = _as_typed(name, text.strip(), getattr(settings, name))
    return replace(settings, **read)


def _as_typed(name: str, text: str, example: object) -> object:
    if isinstance(example, str):
        return text
    if isinstance(example, bool):
        truth = _TRUTH.get(text.lower())
        if truth is not None:
            return truth
        raise NeedsHuman("simulator.setting", f"{name} takes yes or no, not {text!r}.")
    number = int(text) if text.isdecimal() and len(text) < len(str(_LARGEST)) else None
    if number is None:
        raise NeedsHuman("simulator.setting", f"{name} takes a whole number, not {text!r}.")
    return number
