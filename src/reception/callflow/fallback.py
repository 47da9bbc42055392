"""
What makes a flow safe enough to be a tenant's fallback.

The rule this file keeps: a fallback is what is left when our own code failed, so it must
not need our own code, nor another flow, to do its work.
"""

from __future__ import annotations

from typing import Any, Final

from reception.callflow.value import Flow

MAX_NODES: Final = 8
"""It is written into every reply under every pivot, and a call has 20 nodes in a burst."""

_UNSAFE: Final = frozenset({"pivot", "callflow", "function"})


def fallback_problems(fallback: Flow) -> tuple[str, ...]:
    """
    Say why a flow is not safe as a fallback; () when it is.

    Shape:
        returns: sentences without a full stop, in a fixed order.

    Source:
        contract dialogs §4.
    """
    problems: list[str] = []
    if len(fallback.platforms) < 2:
        only = min(fallback.platforms)
        problems.append(f"it is valid for version {only} of the platform only")
    if fallback.is_local:
        problems.append("a URL in it names this very machine, which the platform rejects")
    modules = _modules(fallback.to_dict())
    if len(modules) > MAX_NODES:
        problems.append(f"it has {len(modules)} nodes; at most {MAX_NODES} are allowed")
    unsafe = sorted(_UNSAFE.intersection(modules))
    if unsafe:
        problems.append(f"it must not contain {', '.join(unsafe)}, which can fail themselves")
    return tuple(problems)


def _modules(root: dict[str, Any]) -> list[str]:
    modules: list[str] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        modules.append(node["module"])
        waiting.extend(node["children"].values())
    return modules
