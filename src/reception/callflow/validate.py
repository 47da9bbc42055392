"""
The front door of checking: every finding about one flow, whatever form it comes in.

The rule this file keeps: it joins reading, verdict and lint and adds nothing of its own.
It raises nothing, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reception.callflow.facts import Platform
from reception.callflow.findings import Findings, Rejection
from reception.callflow.lint import lint
from reception.callflow.plain import NotJson, is_plain, plain
from reception.callflow.reading import Reading, read
from reception.callflow.value import Flow
from reception.callflow.verdict import judge


def verdict(
    flow: Flow | Mapping[str, Any] | bytes | str, platform: Platform = 5
) -> tuple[Rejection, ...]:
    """
    List everything for which one version of the platform rejects a flow; () when it accepts.

    Shape:
        flow: a `Flow`, a mapping, or JSON as bytes or text, read as the platform reads it.

    Source:
        contract observed §5.
    """
    if isinstance(flow, Flow) and not flow.is_local and platform in flow.platforms:
        return ()
    reading = _reading(flow)
    return (reading,) if isinstance(reading, Rejection) else judge(reading.root, platform)


def validate(flow: Flow | Mapping[str, Any] | bytes | str, *, platform: Platform = 5) -> Findings:
    """
    Say everything that there is to say about a flow.

    Shape:
        flow: a `Flow`, a mapping, or JSON as bytes or text, read as the platform reads it.
        platform: the version whose verdict counts, 4 or 5.
        returns: errors, for which the platform rejects the flow, and warnings about what it
            accepts and will not do as meant. Unreadable JSON has one error and no warnings.

    Source:
        contract observed §5, pitfalls, modules.

    >>> validate(b'{"module": "hangup", "data": []}').errors[0].path
    '$.data'
    """
    reading = _reading(flow)
    if isinstance(reading, Rejection):
        return Findings(errors=(reading,))
    return Findings(errors=judge(reading.root, platform), warnings=lint(reading, platform))


def _reading(flow: Flow | Mapping[str, Any] | bytes | str) -> Reading | Rejection:
    if isinstance(flow, Flow):
        return Reading(flow.to_dict())
    if isinstance(flow, bytes | str):
        return read(flow)
    if is_plain(flow):
        return Reading(flow)
    try:
        return Reading(plain(flow))
    except NotJson as problem:
        return problem.rejection
