"""
The platform's defaults, written into a flow as its validation does.

What runs after a Pivot reply is not what the app sent: each node's data is completed with
the defaults of its module's schema, at every depth. A missing `data` stays missing. That
is why a returned pivot node without a method is a GET, and a device without a timeout
rings for 0 seconds.

Source: contract/observed.md section 5, engine rule 9, `flow_after_validation` of the traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from reception.callflow.spec import SPECS
from reception.simulator.call import Platform


def with_defaults(flow: Mapping[str, Any], platform: Platform) -> dict[str, Any]:
    """
    Give a copy of a flow that the platform accepted, with its defaults written in.

    Works through the nodes with a list of its own, because flows may be hundreds deep.
    """
    whole = dict(flow)
    open_nodes = [whole]
    while open_nodes:
        node = open_nodes.pop()
        data = node.get("data")
        if isinstance(data, Mapping):
            node["data"] = _completed(data, _defaults_of(node.get("module"), platform))
        children = node.get("children")
        if isinstance(children, Mapping):
            copies = {
                key: dict(child) if isinstance(child, Mapping) else child
                for key, child in children.items()
            }
            node["children"] = copies
            open_nodes += [child for child in copies.values() if isinstance(child, dict)]
    return whole


def _defaults_of(module: object, platform: Platform) -> Mapping[str, Any]:
    known = isinstance(module, str) and module in SPECS
    return _defaults(str(module), platform) if known else {}


@cache
def _defaults(module: str, platform: Platform) -> Mapping[str, Any]:
    """A module's defaults, made once; what is in them is copied before it is given away."""
    return SPECS[module].defaults(platform)


def _completed(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    missing = {
        key: deepcopy(value) if isinstance(value, dict | list) else value
        for key, value in defaults.items()
        if key not in data
    }
    return {**data, **missing}
