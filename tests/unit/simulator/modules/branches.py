"""One node with a child for every key: which of them runs, or how the call ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from reception.simulator.call import CallSetup, Platform
from reception.simulator.nexts import Outcome
from reception.simulator.transcript import Kind
from tests.unit.simulator.calls import Told, node, ring_up

ID: Final = "0123456789abcdef0123456789abcdef"
# A callflow of the account that runs and stops; what is stacked runs after it.
ELSEWHERE: Final = '{"numbers": ["100"], "flow": {"module": "edr", "data": {}}}'
NORMALISED: Final = ELSEWHERE.replace("100", "+15559876543")


def told_by(
    module: str,
    data: Mapping[str, Any] | None = None,
    keys: Iterable[str] = ("_",),
    *,
    script: str = "",
    platform: Platform = 4,
    caught: str | None = None,
    number: str | None = None,
) -> Told:
    """Run the node as a stored flow; each child sets an Alert-Info of its key."""
    children = {key: node("set_alert_info", {"alert_info": key}) for key in keys}
    flow = {"module": module, "data": dict(data or {}), "children": children}
    setup = CallSetup(call_id="c-1", capture_group=caught)
    if number is not None:
        setup = CallSetup(call_id="c-1", capture_group=caught, caller_number=number)
    return ring_up(stored=flow, script=script, platform=platform, setup=setup)


def ran(told: Told) -> list[str]:
    """The keys of the children that ran, and the modules of other flows."""
    nodes = [entry.detail for entry in told.entries if entry.kind is Kind.NODE][1:]
    return [detail["data"].get("alert_info") or detail["module"] for detail in nodes]


def taken(*arguments: Any, **options: Any) -> list[str]:
    return ran(told_by(*arguments, **options))


def ended(*arguments: Any, **options: Any) -> tuple[list[str], Outcome]:
    told = told_by(*arguments, **options)
    return ran(told), told.outcome
